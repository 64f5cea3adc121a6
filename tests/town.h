/*
 * town: one server and many clients, joined by nothing that takes time.
 *
 * For what hundreds of peers do to one engine; what links do to traffic is the
 * simulator's (sim/sim.h).  Datagrams arrive at once, in order; a client that is
 * mute, or deaf, or whose datagrams a test keeps, is one whose owner is hostile.
 */
#ifndef TTT_TESTS_TOWN_H
#define TTT_TESTS_TOWN_H

#include "base/buf.h"
#include "core/engine.h"

#define TOWN_NUMBERS	1024	/* packets of an inner flow that can be told apart */

struct town;

/* A server with so many buffers.  All clients are up when it comes back. */
struct town *town_new(unsigned clients, size_t buffers);
void town_free(struct town *t);		/* every buffer must have come back */

struct engine *town_server(struct town *t);
/* What a client sends vanishes; what is sent to it does (it then repairs nothing). */
void town_mute(struct town *t, unsigned client, bool mute);
void town_deafen(struct town *t, unsigned client, bool deaf);
/* The next datagram that a client sends, or that goes to it, waits until town_give; it must have arrived then. */
void town_keep_next(struct town *t, unsigned client, bool up);
void town_give(struct town *t);

/* A full inner packet, numbered from 0 in each direction of a client, in lane `flow` of its flows. */
void town_send_up(struct town *t, unsigned client, unsigned flow);
void town_send_down(struct town *t, unsigned client, unsigned flow);
/* The same of a TCP connection from there to the client: data, and an acknowledgement from the client. */
void town_tcp_down(struct town *t, unsigned client, unsigned flow, uint32_t seq, uint16_t len);
void town_ack_up(struct town *t, unsigned client, unsigned flow, uint32_t ack);
void town_pass(struct town *t, nsec_t time);

struct town_arrivals {
	unsigned count;			/* inner packets that came */
	unsigned backward;		/* behind one that was sent later */
};

struct town_arrivals town_up(const struct town *t, unsigned client);
struct town_arrivals town_down(const struct town *t, unsigned client);
size_t town_least_left(const struct town *t);	/* of the server's buffers, ever since the clients are up */

#endif
