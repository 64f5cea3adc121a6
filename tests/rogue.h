/*
 * rogue: one engine, and ends that have keys for it and say what no engine would.
 *
 * An end seals what frames a test likes, with any path id and number, from any
 * address.  It answers challenges only where it is at home, so that a path may be
 * proven there and nowhere else.  Nothing takes time but rogue_pass.
 */
#ifndef TTT_TESTS_ROGUE_H
#define TTT_TESTS_ROGUE_H

#include "base/buf.h"
#include "core/engine.h"

#define ROGUE_FRAMES	1900	/* bytes of frames that a datagram may have at most */

struct rogue;

/* A server with so many clients, all of whom are rogues; path 0 of each is proven when it comes back. */
struct rogue *rogue_clients(unsigned count);
/* A client with so many links, ids from 0 on; its server, end 0, is the rogue. */
struct rogue *rogue_server(unsigned links);
/* The same, but for the handshake: the client has said its first message on each link. */
struct rogue *rogue_asked(unsigned links);
void rogue_free(struct rogue *r);	/* every buffer must have come back */

struct engine *rogue_engine(struct rogue *r);
const uint8_t *rogue_public_key(const struct rogue *r, unsigned end);
nsec_t rogue_now(const struct rogue *r);
/* Where an end is: a server is there for all links of its client's. */
struct endpoint rogue_home(const struct rogue *r, unsigned end);
/* Somewhere else. */
struct endpoint rogue_elsewhere(const struct rogue *r, unsigned n);

/* The number after the highest that an end has used on a path. */
uint64_t rogue_next(const struct rogue *r, unsigned end, unsigned path);
/* A sealed datagram in the engine's pool. */
struct buf *rogue_seal(struct rogue *r, unsigned end, unsigned path, uint64_t number, const uint8_t *frames,
		       size_t len);
/* The same, from there into the engine. */
void rogue_say(struct rogue *r, unsigned end, unsigned path, uint64_t number, const struct endpoint *from,
	       const uint8_t *frames, size_t len);

/* A client's handshake message that asks for other keys. */
struct buf *rogue_init(struct rogue *r, unsigned end);
/* An inner packet of that length to an end, for the engine to send. */
struct buf *rogue_inner(struct rogue *r, unsigned end, size_t len);

/* Take out what the engine says, and what is due in this time. */
void rogue_take(struct rogue *r);
void rogue_pass(struct rogue *r, nsec_t time);
/* What has been taken out for that address since rogue_forget: datagrams, and bytes with their outer headers. */
unsigned rogue_datagrams(const struct rogue *r, const struct endpoint *to);
size_t rogue_bytes(const struct rogue *r, const struct endpoint *to);
void rogue_forget(struct rogue *r);

uint64_t rogue_drops(const struct rogue *r, enum engine_drop drop);

#endif
