/*
 * engine: the protocol, without I/O: packets and time in, packets and events out.
 *
 * The engine makes no system call, reads no clock, writes no log and has no
 * file-scope state: randomness and time come in as arguments, so that the
 * object code in the daemon is the object code in the simulator, and two
 * engines fit in one process.  One engine serves one TUN device: a client has
 * one peer, a server up to ENGINE_PEERS.
 *
 * After every call that takes `now`, or a batch of calls with the same one, take
 * out what there is (engine_net_out, engine_tun_out, then engine_event_out, each
 * until it says there is no more), then sleep until engine_deadline.  A batch
 * is answered once, when that begins.
 */
#ifndef TTT_CORE_ENGINE_H
#define TTT_CORE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/endpoint.h"
#include "base/hands.h"
#include "base/random.h"
#include "base/units.h"

struct buf;
struct buf_pool;
struct engine;
struct suite;

#define ENGINE_PEERS		256
#define ENGINE_PEER_PREFIXES	16
#define ENGINE_NAME		32	/* bytes of a peer's or strategy's name, with its NUL */
#define ENGINE_DNS		4
#define ENGINE_ADDRESSES	4
#define ENGINE_TOGETHER		64	/* inner packets in a datagram, at most */
#define ENGINE_OVERHEAD_IPV4	56	/* bytes on the wire beyond an inner packet, IP and UDP included */
#define ENGINE_OVERHEAD_IPV6	76
#define ENGINE_BUFS_MIN		4096	/* buffers that a pool given to an engine should have at least */

/*
 * Memory.  What waits in the engine, for a path, for an ACK, for order, for its
 * other pieces or for a newer inner ACK, takes at most what the pool has beyond ENGINE_BUFS_RESERVE
 * buffers (half of a small pool), and never more than ENGINE_STOCK bytes; of
 * one peer at most what ENGINE_BUFS_PEER buffers take.  The reserve is for what
 * passes through.  When all together are at the limit, the peer with most gives
 * something up, so one that has less than an equal part is never refused.
 */
#define ENGINE_BUFS_RESERVE	8192
#define ENGINE_BUFS_PEER	22912	/* 6144 queued, 8192 copies, 16 MiB held, 256 in pieces, 256 inner ACKs */
#define ENGINE_STOCK		(256u << 20)

/* Buffers of a pool with which that many peers find all of the room they may take. */
size_t engine_bufs(size_t peers);

enum engine_role { ENGINE_CLIENT, ENGINE_SERVER };

struct engine_peer_config {
	char name[ENGINE_NAME];
	uint8_t public_key[32];
	uint8_t preshared_key[32];	/* zeros: none */
	/*
	 * Server: the inner addresses and prefixes that are this peer's; the first
	 * of each family is handed to it as its address.  Client: not used; what the
	 * server may send is whatever is addressed to us.
	 */
	struct prefix prefix[ENGINE_PEER_PREFIXES];
	size_t prefix_count;
	uint64_t rate;			/* bytes per second of inner packets, each way, at most; 0: no limit */
};

struct engine_config {
	enum engine_role role;
	uint8_t private_key[32];
	char strategy[ENGINE_NAME];	/* a name of strategy_find() */
	uint32_t copies_ppm;		/* share of all bytes that copies may take, up to 1000000; 0: 5 %, */
#define ENGINE_NO_COPIES UINT32_MAX	/* or this; both directions follow the client's */
	bool alone;			/* every inner packet in a datagram of its own: for who wants to compare */
	bool own_checksums;		/* client: neither end leaves checksums to the other: for who wants to compare */
	uint16_t mtu;			/* server: the inner MTU it hands out, 1280..1900 */
	struct prefix address[ENGINE_ADDRESSES];	/* server: its own inner addresses */
	size_t address_count;
	struct addr dns[ENGINE_DNS];	/* server: resolvers it hands out */
	size_t dns_count;
	const struct engine_peer_config *peer;	/* a client has exactly one; copied */
	size_t peer_count;
	struct random_source random;	/* must stay valid */
	struct hands hands;		/* who helps to seal and open; zeros: nobody */
	const struct suite *suite;	/* ciphers (core/crypto/suite.h), copied; NULL: libsodium's */
	struct buf_pool *pool;		/* must outlive the engine */
};

/* When a link is used at all, under every strategy. */
enum engine_tier {
	ENGINE_TIER_PRIMARY,
	ENGINE_TIER_OVERFLOW,		/* while the primary ones are full */
	ENGINE_TIER_BACKUP,		/* while neither a primary nor an overflow one works */
	ENGINE_TIER_NEVER,
};

#define ENGINE_LINK_WEIGHT_MAX		1000
#define ENGINE_INTERFACES		16
#define ENGINE_LINK_MAX_LOSS_MAX	1000000

/*
 * How the user wants one link to be used; both directions follow the client's,
 * but for fixed, which is about this end's own sending.
 */
struct engine_link {
	uint16_t mtu;			/* of the link, outer headers included; 0: 1500 */
	uint16_t weight;		/* 1..1000, for `weighted`; 0 means 1 */
	uint8_t priority;		/* 0..255, lower goes first, for `failover` */
	enum engine_tier tier;
	bool metered;			/* kept quiet: no second copies, no probes beyond need */
	uint32_t max_latency_ms;	/* of a round trip: slower, it is left; 0: no limit */
	uint32_t max_loss_ppm;		/* 0..1000000: lossier, it is left; 0: no limit */
	uint64_t rate;			/* bytes per second that it may carry at most; 0: no limit */
	bool fixed;			/* paced to that rate, or not at all, whatever the link makes of it */
	uint8_t interface;		/* 1..ENGINE_INTERFACES: of its paths, which share what it carries, one
					 * is used; 0: the path is alone */
};

/*
 * A new engine, or NULL: memory, an unknown strategy, or a configuration that
 * breaks the ranges above.  Allocates everything but the state of paths and
 * sessions, which is bounded by the numbers above.
 */
struct engine *engine_new(const struct engine_config *config, nsec_t now);
/* Puts all buffers back into the pool; NULL is nothing. */
void engine_free(struct engine *e);

/*
 * Client only: a link and one address of the server become a path (it is
 * probed at once, and joins when it answers), or the path is gone now, with
 * its link; the peer is told over the others.  -ENOSPC: 16 paths exist.
 * -EEXIST: that socket has a path.  The socket's number names the path.
 */
int engine_path_add(struct engine *e, const struct endpoint *to, const struct engine_link *link,
		    nsec_t now);
void engine_path_remove(struct engine *e, unsigned socket, nsec_t now);
/* Changed preferences or MTU of a path; no path there is nothing. */
void engine_path_set_link(struct engine *e, unsigned socket, const struct engine_link *link,
			  nsec_t now);
/* Something says that the path may work again (or not): ask it now. */
void engine_path_probe(struct engine *e, unsigned socket, nsec_t now);

/*
 * Change the strategy at run time; both directions follow the client's, so a server's
 * is for peers that have said none that it knows. -ENOENT: no such name.
 */
int engine_set_strategy(struct engine *e, const char *name, nsec_t now);
/* Say goodbye to every peer (CLOSE); take the datagrams out, then free. */
void engine_close(struct engine *e, nsec_t now);

/*
 * In: a packet from the TUN, a datagram from the network, the deadline.  The buffer is
 * the engine's.  A packet that ip_read knows may have its checksum still to be made
 * (needs_checksum), and so may what comes out to the TUN.
 */
void engine_tun_in(struct engine *e, struct buf *packet, nsec_t now);
void engine_net_in(struct engine *e, const struct endpoint *from, struct buf *datagram, nsec_t now);
/* The same for many, in their order; hands can only help with those that come so. */
struct engine_arrival {
	struct endpoint from;
	struct buf *datagram;
};
void engine_net_in_all(struct engine *e, const struct engine_arrival *arrival, size_t count, nsec_t now);
void engine_tick(struct engine *e, nsec_t now);
/*
 * Somebody says (ICMP) that what was sent there, from to->socket, was larger than
 * mtu bytes with its IP header, and that is what passes; 0: not said.  Not proven.
 * to->remote's port is 0 when it is not known.
 */
void engine_too_big(struct engine *e, const struct endpoint *to, unsigned mtu, nsec_t now);

/* Out: each call gives the next one, or NULL or false when there is no more.  The buffer is the caller's. */
struct buf *engine_net_out(struct engine *e, nsec_t now, struct endpoint *ret_to);
struct buf *engine_tun_out(struct engine *e, nsec_t now);

enum engine_event_type {
	ENGINE_SESSION_UP,	/* keys are agreed and a packet has come back; config is valid (client); said
				 * again when the other end has begun anew */
	ENGINE_SESSION_DOWN,	/* no keys any more: the peer closed, or they expired */
	ENGINE_PATH_UP,		/* the path carries data (again) */
	ENGINE_PATH_DOWN,	/* it does not answer, or was removed */
	ENGINE_PATH_ROAMED,	/* the peer speaks from another address now, and it is proven */
};

/* What the server hands to a client. */
struct engine_tunnel_config {
	struct prefix address[ENGINE_ADDRESSES];	/* ours, with the tunnel's prefix length */
	size_t address_count;
	struct addr dns[ENGINE_DNS];
	size_t dns_count;
	uint16_t mtu;
};

struct engine_event {
	enum engine_event_type type;
	uint16_t peer;			/* index into the configuration's peers */
	uint8_t path;			/* path id, for the PATH events */
	struct endpoint endpoint;	/* of that path */
	struct engine_tunnel_config config;	/* SESSION_UP on a client */
};

/* Events that nobody takes out are dropped, oldest first, beyond 256. */
bool engine_event_out(struct engine *e, struct engine_event *ret);

/* When engine_tick wants to be called; NSEC_NEVER: nothing is due. */
nsec_t engine_deadline(struct engine *e, nsec_t now);

/* Observation.  Counters count from the engine's start and only grow. */
enum engine_drop {
	DROP_MALFORMED,		/* too short, unknown type, a frame that does not parse */
	DROP_NO_KEY,		/* receiver index that we never gave, or whose key is gone */
	DROP_AUTH,		/* tag does not match */
	DROP_REPLAY,		/* seen before, or older than the window */
	DROP_HANDSHAKE,		/* handshake message that is wrong, unasked for, or over budget */
	DROP_INNER_INVALID,	/* inner packet that is not whole IP */
	DROP_INNER_SOURCE,	/* inner source that is not the peer's */
	DROP_NO_ROUTE,		/* inner destination that no peer has */
	DROP_NO_SESSION,	/* nowhere to send it, and the waiting room is full */
	DROP_NO_PATH,		/* a session, but no path that could carry it, or that it could have come on */
	DROP_TOO_BIG,		/* larger than the path carries, even in pieces */
	DROP_FRAGMENT,		/* packets of which some pieces came, but never all, or not such as fit each other */
	DROP_QUEUE_FULL,	/* its flow holds too much of the room where packets wait for a path */
	DROP_CONGESTION,	/* its flow stood in the queue too long (RFC 8290), or would since the paths carry
				 * much less (backlog.h), or a router says so of it (RFC 6040): its sender is told so */
	DROP_NO_BUFFER,
	DROP_DUPLICATE,		/* redundant copy whose first is there already: expected, not a fault */
	DROP_LATE,		/* came after its place was given up */
	DROP_NO_CONTEXT,	/* its header was left out, and what it is to be like is not there */
	DROP_UNVALIDATED,	/* address not yet proven: more than three times what it sent */
	ENGINE_DROPS
};

/* "malformed", "no-key", …: for status. */
const char *engine_drop_name(enum engine_drop drop);
void engine_drops(const struct engine *e, uint64_t ret[ENGINE_DROPS]);

enum engine_path_state {
	ENGINE_PATH_VALIDATING,	/* asked, no answer yet */
	ENGINE_PATH_OK,
	ENGINE_PATH_SUSPECT,	/* answers are overdue: nothing is sent there but probes */
	ENGINE_PATH_DEAD,	/* suspect for long: still probed */
};

const char *engine_path_state_name(enum engine_path_state state);	/* "validating", "up", "suspect", "down" */

/* Whether marks of congestion get through. */
enum engine_ecn {
	ENGINE_ECN_TESTING,
	ENGINE_ECN_CAPABLE,
	ENGINE_ECN_INCAPABLE,	/* the network drops, clears or invents them */
};

struct engine_path_status {
	uint8_t id;
	struct endpoint endpoint;
	enum engine_path_state state;
	nsec_t state_since;
	struct engine_link link;
	nsec_t srtt, rttvar, min_rtt, latest_rtt;	/* 0: no sample yet */
	uint32_t loss_ppm;		/* of our datagrams, lately */
	uint64_t tx_packets, tx_bytes, rx_packets, rx_bytes;	/* datagrams with their IP and UDP headers */
	uint64_t lost_packets;		/* of ours */
	uint64_t tx_rate, rx_rate;	/* bytes per second, over about a second */
	uint64_t in_flight;		/* bytes */
	uint64_t capacity;		/* bytes per second that it is believed to carry */
	bool eligible;			/* it may carry data now: it works, and tier and limits let it */
	enum engine_ecn ecn;
	uint64_t marked;		/* datagrams of ours that a router marked */
	bool unfit;			/* beyond a limit of its link's or the strategy's, or was a moment ago */
	uint16_t mtu;			/* bytes of the largest IP packet that is sent there now */
};

struct engine_peer_status {
	char name[ENGINE_NAME];
	uint8_t public_key[32];
	bool session;			/* has keys that carry data */
	bool handshaking;
	nsec_t session_since;		/* when it became up; 0: never */
	nsec_t handshake_at;		/* last completed handshake; 0: never */
	char strategy[ENGINE_NAME];
	struct prefix address[ENGINE_ADDRESSES];	/* the peer's inner addresses (server), ours (client) */
	size_t address_count;
	uint64_t tx_packets, tx_bytes, rx_packets, rx_bytes;	/* inner packets */
	uint64_t held;			/* inner packets waiting for order now */
	uint64_t holes;			/* places given up: inner packets that never came */
	uint64_t queued;		/* bytes of inner packets that wait for a path now */
	uint64_t repaired;		/* inner packets sent again */
};

size_t engine_peer_count(const struct engine *e);
/* peer below engine_peer_count. */
void engine_peer_status(const struct engine *e, size_t peer, nsec_t now,
			struct engine_peer_status *ret);
/* Fills at most max rows and returns how many. */
size_t engine_path_status(const struct engine *e, size_t peer, nsec_t now,
			  struct engine_path_status *ret, size_t max);

#endif
