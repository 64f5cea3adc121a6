/*
 * message: everything that supervisor and worker say to each other.
 *
 * Plain structs of base types and their encoding; no descriptor and no socket
 * is touched here (channel.h carries them).  Each message is one datagram:
 *
 *   0      1      2             4
 *   +------+------+-------------+------------------
 *   | type |  0   | length (le) |  fields …
 *   +------+------+-------------+------------------
 *
 * The length counts the whole message.  Numbers are little-endian, times are
 * CLOCK_BOOTTIME in nanoseconds, text is a length byte and that many bytes
 * without control characters.  There is exactly one encoding of a message:
 * decode refuses what encode would not have written (unknown types, wrong
 * sizes, numbers out of range, text that is not closed, stray bits), because
 * neither end trusts the other.
 *
 * Order: SETUP, PEER once per peer, START, which READY answers.  Everything
 * else follows START; it need not wait for READY.
 */
#ifndef TTT_CONTROL_MESSAGE_H
#define TTT_CONTROL_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/endpoint.h"
#include "base/units.h"

#define MESSAGE_MAX		2048	/* bytes that any encoded message fits in */
#define MESSAGE_NAME		32	/* bytes of a peer's, link's, strategy's or counter's name, with its NUL */
#define MESSAGE_PEERS		256
#define MESSAGE_PREFIXES	16	/* of a peer */
#define MESSAGE_ADDRESSES	4	/* inner addresses of one end */
#define MESSAGE_DNS		4
#define MESSAGE_DROPS		40	/* rows of a drop table */
#define MESSAGE_PATHS		16	/* path ids are below */
#define MESSAGE_MTU_MIN		1280	/* of the tunnel */
#define MESSAGE_MTU_MAX		1900
#define MESSAGE_POOL_MIN	4096	/* packet buffers */
#define MESSAGE_POOL_MAX	262144
#define MESSAGE_ERRNO_MAX	4095

enum message_type {
	/* supervisor to worker */
	MESSAGE_SETUP = 1,
	MESSAGE_PEER,
	MESSAGE_START,
	MESSAGE_TUN,		/* with its descriptor */
	MESSAGE_SOCKET_ADD,	/* with its descriptor */
	MESSAGE_SOCKET_REMOVE,
	MESSAGE_LINK_SET,
	MESSAGE_PATH_PROBE,
	MESSAGE_STRATEGY,	/* answered with ACK */
	MESSAGE_BARRIER,	/* answered with ACK: what was said before it is done */
	MESSAGE_STATUS_REQUEST,	/* answered with STATUS, its parts, STATUS_END; a new one ends an unfinished one */
	MESSAGE_STOP,		/* say goodbye to the peers, then exit 0 */
	/* worker to supervisor */
	MESSAGE_READY = 64,	/* in its sandbox, engine running */
	MESSAGE_EVENT,
	MESSAGE_SOCKET_ERROR,
	MESSAGE_TUN_ERROR,
	MESSAGE_ACK,
	MESSAGE_STATUS,
	MESSAGE_STATUS_PEER,
	MESSAGE_STATUS_PATH,
	MESSAGE_STATUS_DROPS,
	MESSAGE_STATUS_END,
};

enum message_role { MESSAGE_CLIENT, MESSAGE_SERVER };

struct message_setup {
	enum message_role role;
	uint8_t private_key[32];
	char strategy[MESSAGE_NAME];
	uint32_t copies_ppm;		/* 0..1000000 */
	bool coalesce;			/* small packets that wait share a datagram */
	uint16_t mtu;			/* server: what it hands out, MESSAGE_MTU_MIN..MAX; client: 0 */
	struct prefix address[MESSAGE_ADDRESSES];	/* server: its own inner addresses */
	size_t address_count;
	struct addr dns[MESSAGE_DNS];	/* server: resolvers it hands out */
	size_t dns_count;
	uint32_t pool;			/* packet buffers, MESSAGE_POOL_MIN..MAX */
	uint8_t log_level;		/* enum log_level, 3..7 */
	uint16_t peer_count;		/* PEER messages that follow, up to MESSAGE_PEERS; a client's is 1 */
};

/* What comes with the descriptor of the TUN device: how its packets look. */
struct message_tun {
	bool header;			/* a virtio header is before each, in this machine's byte order; and then */
	bool tso;			/* checksums may be left to who reads, TCP segments come and go in one piece, */
	bool uso;			/* and then datagrams, too */
};

struct message_peer {
	uint16_t index;			/* 0, 1, 2, … in this order */
	char name[MESSAGE_NAME];
	uint8_t public_key[32];
	uint8_t preshared_key[32];	/* zeros: none */
	struct prefix prefix[MESSAGE_PREFIXES];	/* server: what is this peer's */
	size_t prefix_count;
	uint64_t rate;			/* server: bytes per second, each way; 0: no limit */
};

enum message_tier { MESSAGE_TIER_PRIMARY, MESSAGE_TIER_OVERFLOW, MESSAGE_TIER_BACKUP, MESSAGE_TIER_NEVER };

#define MESSAGE_INTERFACES	16

/* How the user wants a link to be used. */
struct message_link {
	uint16_t mtu;			/* of the link, outer headers included; 0: 1500 */
	uint16_t weight;		/* 0..1000; 0 means 1 */
	uint8_t priority;		/* lower goes first */
	enum message_tier tier;
	uint32_t max_latency_ms;	/* 0: no limit */
	uint32_t max_loss_ppm;		/* 0..1000000; 0: no limit */
	uint64_t rate;			/* bytes per second; 0: no limit */
	bool fixed;			/* sent at just that rate */
	bool metered;
	uint8_t interface;		/* 0..16: of the paths with the same, but 0, one is used */
};

enum message_socket_kind {
	MESSAGE_SOCKET_PATH,	/* client: a link's socket, towards one address of the server */
	MESSAGE_SOCKET_LISTEN,	/* server: any peer may come in here */
};

struct message_socket_add {
	uint8_t socket;			/* its number from now on, below ENDPOINT_SOCKETS and not in use */
	enum message_socket_kind kind;
	char link[MESSAGE_NAME];	/* name of the link, for status; a listener's may be empty */
	struct addr local;		/* PATH: as it is bound; ADDR_NONE: not known */
	struct addr remote;		/* PATH: with its port; LISTEN: ADDR_NONE */
	struct message_link preferences;	/* PATH */
};

struct message_socket_remove {
	uint8_t socket;
};

struct message_link_set {
	uint8_t socket;
	char link[MESSAGE_NAME];	/* its name now; empty: as before */
	struct message_link preferences;
};

struct message_path_probe {
	uint8_t socket;
};

struct message_strategy {
	uint32_t id;			/* the ACK carries it */
	char name[MESSAGE_NAME];
};

struct message_barrier {
	uint32_t id;			/* the ACK carries it */
};

struct message_status_request {
	uint32_t id;			/* every part carries it; 0 is for what comes unasked */
};

struct message_ack {
	uint32_t id;
	int error;			/* 0, or a negative errno */
};

/* What the server handed to this client. */
struct message_tunnel {
	struct prefix address[MESSAGE_ADDRESSES];
	size_t address_count;
	struct addr dns[MESSAGE_DNS];
	size_t dns_count;
	uint16_t mtu;			/* MESSAGE_MTU_MIN..MAX; 0 on a server */
};

enum message_event_type {
	MESSAGE_SESSION_UP,
	MESSAGE_SESSION_DOWN,
	MESSAGE_PATH_UP,		/* this and what follows: of a client's paths */
	MESSAGE_PATH_DOWN,
	MESSAGE_PATH_ROAMED,
};

struct message_event {
	enum message_event_type type;
	uint16_t peer;			/* index of its PEER message */
	uint8_t path;			/* path id, for the PATH events */
	struct endpoint endpoint;	/* of that path: socket, local, remote */
	struct message_tunnel tunnel;	/* SESSION_UP on a client */
};

enum message_operation {
	MESSAGE_ON_ADD,			/* SOCKET_ADD itself: the socket is not in use */
	MESSAGE_ON_SEND,		/* sending failed here */
	MESSAGE_ON_RECEIVE,		/* receiving failed here */
	MESSAGE_ON_PATH,		/* the network answered (ICMP): refused, unreachable */
};

/* Rate-limited per socket; the socket stays until SOCKET_REMOVE. */
struct message_socket_error {
	uint8_t socket;
	enum message_operation operation;
	int error;			/* positive errno: ECONNREFUSED, ENETUNREACH, ENETDOWN, … */
	uint32_t count;			/* errors since the last report, this one included; at least 1 */
	struct addr remote;		/* to whom the datagram went; ADDR_NONE: not known */
};

/*
 * Reading failed: the device is not read any more until another TUN message
 * comes (EBADFD: it is gone).  Or writing did: packets are dropped, counted,
 * and tried further (EIO: it is down); told at most once a second.
 */
struct message_tun_error {
	enum message_operation operation;	/* MESSAGE_ON_SEND, MESSAGE_ON_RECEIVE; ON_ADD: no device */
	int error;			/* positive errno */
};

struct message_status {
	uint32_t id;
	nsec_t now;			/* what the times below are to be compared with */
	enum message_role role;
	uint16_t peer_count;
	uint32_t pool, pool_left;	/* packet buffers, and those free now */
	bool gro;			/* several datagrams may come as one message */
	uint8_t sockets, segmenting;	/* and go as one message in so many of them */
	uint64_t tx_datagrams, tx_messages, rx_datagrams, rx_messages;	/* all that went and came so */
	uint8_t threads;		/* that help to seal and open */
};

struct message_status_peer {
	uint32_t id;
	uint16_t peer;
	char name[MESSAGE_NAME];
	uint8_t public_key[32];
	bool session, handshaking;
	nsec_t session_since, handshake_at;	/* 0: never */
	char strategy[MESSAGE_NAME];
	struct prefix address[MESSAGE_ADDRESSES];	/* the peer's (server), ours (client) */
	size_t address_count;
	uint64_t tx_packets, tx_bytes, rx_packets, rx_bytes;	/* inner packets */
	uint64_t held, holes;
};

enum message_path_state {
	MESSAGE_PATH_VALIDATING,
	MESSAGE_PATH_OK,
	MESSAGE_PATH_SUSPECT,
	MESSAGE_PATH_DEAD,
};

enum message_ecn { MESSAGE_ECN_TESTING, MESSAGE_ECN_CAPABLE, MESSAGE_ECN_INCAPABLE };

struct message_status_path {
	uint32_t id;			/* 0: unasked, the last figures of a path that is closed now */
	uint16_t peer;
	uint8_t path;			/* path id */
	char link[MESSAGE_NAME];	/* as its SOCKET_ADD said */
	struct endpoint endpoint;
	enum message_path_state state;
	nsec_t state_since;
	struct message_link preferences;
	nsec_t srtt, rttvar, min_rtt, latest_rtt;	/* 0: no sample yet */
	uint32_t loss_ppm;
	/* datagrams, IP and UDP included; of the path id: they go on when another link gets it */
	uint64_t tx_packets, tx_bytes, rx_packets, rx_bytes;
	uint64_t lost_packets;
	uint64_t tx_rate, rx_rate;	/* bytes per second */
	uint64_t in_flight;		/* bytes */
	uint16_t mtu;			/* bytes of the largest IP packet that is sent there now */
	bool eligible;			/* it may carry data now */
	bool unfit;			/* beyond a limit, or was a moment ago */
	enum message_ecn ecn;		/* whether marks of congestion get through */
	uint64_t marked;		/* datagrams that were */
};

struct message_drop {
	char name[MESSAGE_NAME];	/* "replay", "no-route", "send-failed", … */
	uint64_t count;
};

struct message_status_drops {
	uint32_t id;
	struct message_drop drop[MESSAGE_DROPS];
	size_t drop_count;
};

struct message_status_end {
	uint32_t id;
};

struct message {
	enum message_type type;
	union {
		struct message_setup setup;
		struct message_peer peer;
		struct message_tun tun;
		struct message_socket_add socket_add;
		struct message_socket_remove socket_remove;
		struct message_link_set link_set;
		struct message_path_probe path_probe;
		struct message_strategy strategy;
		struct message_barrier barrier;
		struct message_status_request status_request;
		struct message_event event;
		struct message_socket_error socket_error;
		struct message_tun_error tun_error;
		struct message_ack ack;
		struct message_status status;
		struct message_status_peer status_peer;
		struct message_status_path status_path;
		struct message_status_drops status_drops;
		struct message_status_end status_end;
	};
};

/* Who may send a type, and how many descriptors come with it (0 or 1). */
bool message_is_from_supervisor(enum message_type type);
unsigned message_fds(enum message_type type);

/*
 * Write m to buf.  Gives its length; -EINVAL: something in m is out of its
 * range.  What was written may hold keys: wipe it (message_wipe) after use.
 */
int message_encode(const struct message *m, uint8_t buf[MESSAGE_MAX]);

/* Read a message.  -EPROTO: it is not one; *ret is zeroed before anything is read into it
 * and on failure, so that nothing of a secret stays. */
int message_decode(const uint8_t *data, size_t len, struct message *ret);

/* Overwrite memory that may hold keys; the compiler cannot leave it out. */
void message_wipe(void *at, size_t len);

/* "validating", "up", "suspect", "down", as status prints them. */
const char *message_path_state_name(enum message_path_state state);

#endif
