/*
 * peer: everything the engine knows of one other end.
 *
 * Owns the session's keys, the paths, the lanes out and the resequencer in.
 * What is done to a peer is in files of their own: negotiate (handshakes and
 * keys), transmit (inner packets towards the network), duties (probes, ACKs,
 * news), datagram (sealing) and receive (from the network).  A struct context
 * is what all peers of an engine share.
 */
#ifndef TTT_CORE_PEER_H
#define TTT_CORE_PEER_H

#include "base/buf.h"
#include "core/backlog.h"
#include "core/crypto/initiator.h"
#include "core/crypto/responder.h"
#include "core/copies.h"
#include "core/eligible.h"
#include "core/engine.h"
#include "core/events.h"
#include "core/flow/contexts.h"
#include "core/flow/fq_codel.h"
#include "core/flow/habit.h"
#include "core/flow/lane.h"
#include "core/flow/reassembly.h"
#include "core/flow/repair.h"
#include "core/flow/resequencer.h"
#include "core/flow/spacer.h"
#include "core/flow/thinner.h"
#include "core/inner.h"
#include "core/outbox.h"
#include "core/overflow.h"
#include "core/path/path.h"
#include "core/route.h"
#include "core/session.h"
#include "core/stock.h"
#include "core/toll.h"
#include "strategy/strategy.h"

struct context {
	enum engine_role role;
	bool alone;			/* no datagram carries several inner packets */
	struct random_source random;
	struct suite suite;
	struct hands hands;
	struct buf_pool *pool;
	struct outbox outbox;		/* datagrams for the network */
	struct buf_queue tun;		/* inner packets for the TUN */
	struct key_table keys;
	struct events events;
	struct responder *responder;	/* server */
	struct route_table *routes;	/* server: inner address -> peer */
	uint8_t flow_key[INNER_KEY];
	uint64_t drops[ENGINE_DROPS];
	struct peer *peers;		/* all of the engine's */
	struct stock stock;		/* what waits of theirs */
	struct peer *touched;		/* peers that something happened to since deadlines were read, */
	unsigned unsettled;		/* and how many of them wait for that to be settled */
};

/* What must reach the peer however often it is lost: bits of peer.wanted and of a loss_record's content. */
#define STANDS_MIN		MSEC(800)	/* for so long a bulk flow's queue may always stand: decision 009 */
#define CONTENT_PATH_STATUS(id)	(1u << (id))
#define CONTENT_TICKET		(1u << 16)
#define CONTENT_CONFIG		(1u << 17)
#define CONTENT_REKEY		(1u << 18)
#define CONTENT_SKIP		(1u << 19)
/* Of a loss_record only: which SKIPs. */
#define CONTENT_SKIPS_OF(batch)	((uint32_t)(batch) << 20)

/* A peer's paths as its strategy sees them, for packets of one length. */
struct outlook {
	struct strategy_path path[PATHS_MAX];
	size_t count, len;		/* count 0: not looked yet, or something has happened since */
	nsec_t full_until;		/* all are occupied until then, 0: that is not known, */
	const struct buf *head;		/* as long as that is the queue's first packet; not to be followed */
};

struct peer {
	struct context *ctx;
	uint16_t index;
	struct peer *next_touched;
	bool is_touched, unsettled, unticked;
	bool leaves;			/* CLOSE is to be said */
	struct engine_peer_config config;
	struct handshake_config handed;	/* server: what it hands to this peer; client: what it got */

	struct session session;
	struct initiator *initiator;	/* client */
	uint8_t ticket[HANDSHAKE_TICKET];	/* for the next handshake: given (server) or got (client) */
	bool has_ticket;
	bool up;			/* SESSION_UP was said */
	nsec_t up_since, handshake_at;
	nsec_t ended_at;		/* when there was no session any more; 0: what waited then is not there now */

	struct path *path[PATHS_MAX];	/* by id; NULL: the id was never used */
	path_set known;			/* those that are not NULL */
	struct engine_link link[PATHS_MAX];	/* server: how the client wants each id used */
	struct eligible eligible;	/* which may carry data now, */
	struct overflow overflow;
	path_set spill;			/* overflow ones that carry data at this moment */
	nsec_t refresh_at;		/* and when that has to be asked again; NSEC_NEVER: not by time */
	uint32_t wanted;		/* CONTENT bits that are still to be said */
	/* of the client's news: how often they changed (client), or what came last (server) */
	uint8_t link_serial[PATHS_MAX], strategy_serial;
	path_set link_known;		/* server: those that came since the session began, */
	bool strategy_known;		/* and whether that did */
	bool strategy_followed;		/* server: it is its client's, not its own */
	nsec_t heard_at;		/* last authentic datagram */

	const struct strategy_ops *strategy;
	_Alignas(16) uint8_t strategy_state[STRATEGY_STATE];
	struct lane_table lanes;
	struct habit_table habits;	/* of the flows that we send */
	uint32_t unanswered;		/* large inner packets that came, less small ones that may answer them */
	struct fq_codel *queue;		/* inner packets that wait for a path; each has its number */
	struct gate gate;		/* that they leave through, */
	struct toll toll;		/* and what comes from the peer on its way to the TUN */
	const struct buf *picked_for;	/* the strategy has chosen for that one, */
	path_set picked;		/* these paths, which are occupied */
	struct outlook outlook;
	size_t unseen;			/* bytes of frames that came into the queue since it was last looked at */
	struct copies copies;
	uint8_t spoke_on;		/* path that the last ACKs took */
	nsec_t pump_at;			/* when the queue's first may leave; NSEC_NEVER: not by time */
	nsec_t duties_at;		/* there was no buffer for probes and ACKs: not before this */
	struct repair *repair;
	int passing;			/* bytes that flows without repairs may send while there are some */
	nsec_t patience;		/* how long a packet is tried to be brought over */
	struct contexts_given *given;	/* headers of inner packets that the other end has, */
	struct contexts_got *got;	/* and that we have from there */
	struct reassembly *pieces;
	struct resequencer *order;
	struct thinner *acks;		/* inner ones, that came, */
	struct spacer *answers;		/* and that are to go */
	struct backlog backlog;		/* whether it came in better times */
	nsec_t bulk_target;		/* that any bulk flow may queue, because the paths differ */
	nsec_t tuned_at;		/* when order's wait was last set */
	nsec_t burst_at;		/* when data began to come after a pause */
	nsec_t data_at;			/* last DATA that came; 0: none */
	nsec_t inner_at;		/* last inner packet, either way; 0: none */
	bool cut_off;			/* no path works: time stands still for what is kept, */
	nsec_t contact_at;		/* and goes on since then */

	uint64_t tx_packets, tx_bytes, rx_packets, rx_bytes;
};

/* False: memory, or no such strategy.  peer_done also of a zeroed peer. */
bool peer_init(struct peer *p, struct context *ctx, uint16_t index,
	       const struct engine_peer_config *config, const struct strategy_ops *strategy);
void peer_done(struct peer *p);

void peer_drop(struct peer *p, enum engine_drop drop, struct buf *b);	/* counts, and puts b back */

/* The path of an id, made when it was never used, ready to send; NULL: memory. */
struct path *peer_path(struct peer *p, unsigned id);
/* The open path of a socket (client), or NULL. */
struct path *peer_path_of_socket(struct peer *p, unsigned socket);
/* Forget numbers, lanes and held packets: a session begins that does not resume another. */
void peer_reset(struct peer *p, nsec_t now);
void peer_close_path(struct peer *p, struct path *path, nsec_t now);

bool peer_is_busy(const struct peer *p, nsec_t now);	/* inner packets flow, or did lately */
bool peer_may_send(const struct peer *p, nsec_t now);
bool peer_has_open_path(const struct peer *p);	/* one that may ever be used */
bool peer_has_usable_path(const struct peer *p);
/* It is one of those that carry data now. */
bool peer_carries(const struct peer *p, const struct path *path);
bool peer_has_one_path(const struct peer *p);	/* that carries data now, and no other */
/* Its link is a backup or metered, or it stands by for another path of its interface: others do without it. */
bool peer_spares(const struct peer *p, const struct path *path);

void peer_set_strategy(struct peer *p, const struct strategy_ops *strategy);
/* What a datagram that does not arrive was to say, is to be said again. */
void peer_say_again(struct peer *p, uint32_t content);
/* Client: the server is to know what is wanted of a path now, or that it is gone. */
void peer_tell_link(struct peer *p, unsigned id);
void peer_event(struct peer *p, enum engine_event_type type, const struct path *path);
/* Say PATH_UP or PATH_DOWN where a path's state asks for it. */
void peer_announce(struct peer *p, struct path *path);

/* For loss_* calls on a path of this peer. */
struct peer_observer {
	struct peer *peer;
	struct path *path;
	/* of the ACK that is read: */
	bool own_way;			/* it came on that very path */
	bool is_newest;			/* it goes beyond all before it */
	const struct ecn_counts *counts;	/* that it has; NULL: none */
	uint64_t acked[4];		/* what it is news of, by enum ecn */
	struct loss_observer to;
};
const struct loss_observer *peer_observe(struct peer_observer *o, struct peer *p, struct path *path);

/* Inner data has come on a path. */
void peer_note_data(struct peer *p, struct path *path, nsec_t now);
/* Tell the resequencer, now and then, what it may expect of the paths. */
void peer_tune(struct peer *p, nsec_t now);
/* Packets that are in order go to the TUN. */
void peer_release(struct peer *p, nsec_t now);

void peer_tick(struct peer *p, nsec_t now);
/* Something happened to it: its deadline may be another; */
void peer_touch(struct peer *p);
/* so may its paths, and it wants a tick before its output is taken. */
void peer_wake(struct peer *p);
nsec_t peer_deadline(const struct peer *p, nsec_t now);

#endif
