/*
 * path: one way to the peer: where it goes, whether it works, how long it takes.
 *
 * A path's id has its packet numbers, replay window and log for as long as the
 * session lives; the path on it opens and closes as its link comes and goes.
 *
 *               answer                 overdue             2 s
 *   VALIDATING --------> OK <-------> SUSPECT ------> DEAD
 *        ^                  answer       ^--- answer --'
 *        '--- another remote address (roaming)
 *
 * Whether answers are overdue is judged on the oldest datagram without an ACK,
 * whatever was sent since: RFC 9002's timer restarts on every send and would
 * never fire under steady traffic.
 *
 * The path decides what it needs said (challenge, ping); sending is the peer's.
 */
#ifndef TTT_CORE_PATH_PATH_H
#define TTT_CORE_PATH_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/endpoint.h"
#include "base/units.h"
#include "core/crypto/replay.h"
#include "core/engine.h"
#include "core/path/ack.h"
#include "core/path/congestion.h"
#include "core/path/fitness.h"
#include "core/path/loss.h"
#include "core/path/marking.h"
#include "core/path/meter.h"
#include "core/path/pmtu.h"
#include "core/path/rtt.h"

/* How much is to be known of a path, and said for that. */
enum path_care {
	PATH_CARE_NONE,		/* it is not to be used: not a word */
	PATH_CARE_SLEEP,	/* nobody waits, and others would carry it: nothing unless an answer is overdue */
	PATH_CARE_LISTEN,	/* nobody waits, and the peer keeps it alive: likewise */
	PATH_CARE_QUIET,	/* somebody waits, but others carry it: one probe in half a minute */
	PATH_CARE_IDLE,		/* nobody waits, but the peer may have something to say: keepalives */
	PATH_CARE_SPARING,	/* it carries data, and every byte counts */
	PATH_CARE_BUSY,		/* it carries data, or may any moment */
	PATH_CARE_CLOSE,	/* likewise, and has a limit to keep */
};

#define PATH_PINGS	8

struct path {
	uint8_t id;
	bool open;

	/* the id's, as long as the session's numbers go on */
	struct loss loss;		/* what we sent */
	struct replay replay;		/* what came */
	struct ack ack;
	struct marking marking;

	/* the path's, from open to close */
	struct endpoint endpoint;
	struct engine_link link;
	enum engine_path_state state;
	nsec_t state_since;
	bool asked;		/* a PING that was sent since it works again has been answered, or it was silent only briefly */
	struct rtt rtt;			/* by PING and PONG: its own, both ways */
	struct transit transit;		/* likewise */
	nsec_t latency;			/* newest round trip of its own, by PONG or ACK; 0: none yet */
	struct fitness fitness;
	struct pmtu pmtu;
	uint64_t credit;		/* bytes it may get before its address is proven */
	uint8_t challenge[8];
	nsec_t challenge_at;		/* when it is due; NSEC_NEVER: address is proven */
	nsec_t challenged_since, challenge_sent_at;
	nsec_t ping_sent_at;		/* last PING of ours */
	nsec_t ping_out[PATH_PINGS];	/* those that neither they nor later ones were answered, oldest first; */
	unsigned pings_out;		/* of more than so many the first */
	nsec_t ponged_at, ponged_sent_at;	/* the last PONG came then, of a PING of that time; 0: none yet */
	uint64_t ping_in_flight;	/* bytes, when the last PING was sent */
	unsigned pings;			/* of the first ones, that were sent */
	bool probe_now;			/* somebody wants to know at once */
	nsec_t sent_at;			/* last datagram of ours */
	nsec_t heard_at;		/* last datagram that came */
	nsec_t data_at;			/* last DATA that came; 0: none */
	nsec_t carried_at;		/* last DATA of ours; 0: none */
	bool announced;			/* the owner has said that it is up */
	struct endpoint former;		/* where it was before it roamed, */
	uint8_t former_challenge[8];
	nsec_t former_until;		/* and until when that address may claim it back; 0: no */
	const struct congestion_ops *congestion;
	_Alignas(16) uint8_t congestion_state[CONGESTION_STATE];
	struct meter tx_meter, rx_meter;
	uint64_t tx_packets, tx_bytes, rx_packets, rx_bytes;
};

/* A fresh id, nothing open; NULL: memory.  Its link chooses its controller. */
struct path *path_new(uint8_t id);
void path_free(struct path *p);

/* Bytes of IP and UDP headers around a datagram of this path. */
size_t path_outer(const struct path *p);
/* Bytes of a datagram's payload that the path's MTU allows, as far as it is known. */
size_t path_room(const struct path *p);
/* The same for what was lost already, while it is in doubt whether so much passes. */
size_t path_safe_room(const struct path *p);

/*
 * Open towards an endpoint whose address is to be proven; random: 8 bytes for
 * the challenge.  A client believes in its own links: credit is unlimited there.
 */
void path_open(struct path *p, const struct endpoint *to, const struct engine_link *link,
	       bool trusted, const uint8_t random[8], nsec_t now);
void path_close(struct path *p);
void path_set_link(struct path *p, const struct engine_link *link, nsec_t now);
/* Another controller, which knows nothing yet. */
void path_set_congestion(struct path *p, const struct congestion_ops *ops, nsec_t now);
/* The address has to be proven anew: the peer knows nothing of us any more. */
void path_revalidate(struct path *p, const uint8_t random[8], nsec_t now);
/* The peer speaks from elsewhere now; random: 16 bytes. */
void path_roam(struct path *p, const struct endpoint *to, const uint8_t random[16], nsec_t now);
/* The old address answered in time: it was no move.  False: too late, or another token. */
bool path_claim_back(struct path *p, const struct endpoint *from, const uint8_t token[8],
		     nsec_t now);

/* What came.  Each returns true when the state changed. */
bool path_proven(struct path *p, const uint8_t token[8], nsec_t now);	/* PATH_RESPONSE */
bool path_answered(struct path *p, nsec_t took, nsec_t now);	/* an ACK with news, and how long it took */
bool path_pong(struct path *p, const struct frame_pong *pong, nsec_t now);

/* An ACK came back on the path itself, after that time. */
void path_measured(struct path *p, nsec_t latency);
/* When that would be too late an answer for its link's limit; NSEC_NEVER: it waits for none, or has no limit. */
nsec_t path_late_at(const struct path *p);
/* Does it still keep its link's limits?  max_loss_ppm: where the link has no limit of its own; 0: none. */
void path_look(struct path *p, uint32_t max_loss_ppm, nsec_t now);

/* Time passes.  True when the state changed. */
bool path_tick(struct path *p, nsec_t now);
/* When path_tick or a probe wants attention. */
nsec_t path_deadline(const struct path *p, enum path_care care, nsec_t now);

/* An ACK has told of something; path_answered's caller knows more of the state. */
void path_acked(struct path *p);
/* The search for the path's MTU goes on; then the bytes of the payload of a probe that is due; 0: none. */
void path_tick_mtu(struct path *p, enum path_care care, nsec_t now);
size_t path_mtu_probe(const struct path *p, enum path_care care, nsec_t now);

/* Append the probes that are due now (at most 2 tokens); 0: none. */
size_t path_write_probes(struct path *p, enum path_care care, uint8_t *at, nsec_t now);

/* May data go here?  Address proven and answering. */
bool path_is_usable(const struct path *p);

/* Account for a datagram; len: its payload, without outer headers. */
void path_count_tx(struct path *p, size_t len, nsec_t now);
/* The same for an MTU probe: one a round trip at most, it takes nothing from what data may send. */
void path_count_probe(struct path *p, size_t len, nsec_t now);
/* from: where it came from; an address that is not proven gets nothing for what others send. */
void path_count_rx(struct path *p, const struct endpoint *from, size_t len, nsec_t now);

nsec_t path_send_at(const struct path *p, size_t len, nsec_t now);

#endif
