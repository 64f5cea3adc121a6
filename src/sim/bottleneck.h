/*
 * bottleneck: senders with a controller each over one emulated link, in virtual time.
 *
 * Drives `struct loss`, `struct ack` and a controller directly, without engines:
 * what is measured is the controller.  The link does what netem with a rate
 * does: every packet draws a delay, order is kept, so that a late packet delays
 * those behind it, and packets under way count into the queue's limit.
 */
#ifndef TTT_SIM_BOTTLENECK_H
#define TTT_SIM_BOTTLENECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/units.h"
#include "core/path/congestion.h"

#define BOTTLENECK_FLOWS	4
#define BOTTLENECK_PACKET	1476	/* bytes of a full datagram with its headers */

struct bottleneck_link {
	uint64_t rate;		/* bits per second */
	nsec_t delay;		/* one way, both ways */
	nsec_t jitter;		/* standard deviation, normal, both ways */
	uint32_t loss_ppm;	/* both ways */
	size_t queue;		/* packets in the link, those under way included; 0: 1000 */
	size_t buffer;		/* packets that wait for the wire; 0: no limit of its own */
	bool codel;		/* its router marks what CoDel (RFC 8289, 5 and 100 ms) would drop */
	uint64_t policer;	/* bytes of bucket: what exceeds the rate is dropped, nothing waits; 0: none */
	bool mute;		/* no ACK comes back */
};

struct bottleneck;

struct bottleneck *bottleneck_new(const struct bottleneck_link *link, uint64_t seed);
void bottleneck_free(struct bottleneck *b);
/* A sender; ops NULL: it sends at exactly `offered`, whatever happens, and wants no ACKs. */
unsigned bottleneck_flow(struct bottleneck *b, const struct congestion_ops *ops,
			 const struct congestion_config *config);
/* It sees how long PINGs take on the link as long as nothing is on it: 24, as a path does. */
void bottleneck_greet(struct bottleneck *b, unsigned flow);
/* An outage is over: a PING has been answered. */
void bottleneck_resume(struct bottleneck *b, unsigned flow);
/* What its application offers, bits per second; 0: nothing; UINT64_MAX: always more. */
void bottleneck_offer(struct bottleneck *b, unsigned flow, uint64_t offered);
void bottleneck_change(struct bottleneck *b, const struct bottleneck_link *link);
void bottleneck_run(struct bottleneck *b, nsec_t duration);
nsec_t bottleneck_now(const struct bottleneck *b);	/* since the start */
/* The controller's own bytes; for people who tune it. */
const void *bottleneck_state(const struct bottleneck *b, unsigned flow);
/* Bytes that are neither acknowledged nor lost, as the sender knows. */
uint64_t bottleneck_in_flight(const struct bottleneck *b, unsigned flow);
/* When its controller lets the next packet go; NSEC_NEVER: not before an ACK. */
nsec_t bottleneck_send_at(const struct bottleneck *b, unsigned flow);

/* Packets that the router has marked. */
uint64_t bottleneck_marked(const struct bottleneck *b, unsigned flow);
/* Bits per second that arrived between two times since the start (whole 10 ms). */
uint64_t bottleneck_rate(const struct bottleneck *b, unsigned flow, nsec_t from, nsec_t to);
/* Bits per second that were sent between these times, whatever became of them. */
uint64_t bottleneck_sent(const struct bottleneck *b, unsigned flow, nsec_t from, nsec_t to);
/* Share of the packets sent between these times that the link did not carry. */
double bottleneck_loss(const struct bottleneck *b, unsigned flow, nsec_t from, nsec_t to);
/*
 * The 95th percentile of the time in the link of packets that left it in
 * between, without its delay: serialisation, jitter and queue.
 */
nsec_t bottleneck_p95(const struct bottleneck *b, unsigned flow, nsec_t from, nsec_t to);
uint64_t bottleneck_believed(const struct bottleneck *b, unsigned flow);	/* the controller's, bytes/s */

#endif
