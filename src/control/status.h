/*
 * status: everything `ttt status` shows, as plain data.  The supervisor fills
 * it; status_json.h carries it over the control socket, status_text.h makes
 * it readable.  Zeroed is empty.
 */
#ifndef TTT_CONTROL_STATUS_H
#define TTT_CONTROL_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/units.h"

#define STATUS_NAME		32	/* bytes of a name, with its NUL */
#define STATUS_REASON		96
#define STATUS_KEY		45	/* base64 */
#define STATUS_PATHS		16	/* of a peer */
#define STATUS_PEERS		256
#define STATUS_ADDRESSES	16
#define STATUS_DROPS		48
#define STATUS_UNUSED		64
#define STATUS_LINKS		80
#define STATUS_SETTINGS		320
#define STATUS_NOTES		8
#define STATUS_NOTE		256
#define STATUS_NEVER		UINT64_MAX	/* an age of what has not happened */

/*
 * The words of a state.  A tunnel or peer: "up", "connecting" (no session yet,
 * or lost), "direct" (lost, and traffic goes past the tunnel meanwhile),
 * "restarting" (the worker died; the host stays closed);
 * a server's tunnel without a peer in session: "waiting".  A path: "up",
 * "validating", "suspect", "down".
 */
struct status_path {
	char link[STATUS_NAME];	/* interface; on a server what the listener is called */
	uint8_t id;
	struct addr local, remote;	/* ADDR_NONE: not known */
	char state[STATUS_NAME];
	nsec_t state_age;
	nsec_t srtt, min_rtt;	/* 0: no sample yet */
	uint32_t loss_ppm;
	uint64_t tx_packets, tx_bytes, rx_packets, rx_bytes;	/* outer headers included */
	uint64_t lost_packets;
	uint64_t tx_rate, rx_rate;	/* bytes per second */
	uint32_t share_ppm;	/* of the peer's traffic now, both ways; 0 while there is none */
	uint64_t in_flight;	/* bytes */
	uint16_t mtu;		/* bytes of the largest IP packet that is sent there now; 0: not said */
	bool eligible;		/* it may carry data now: it works, and tier and limits let it */
	bool unfit;		/* beyond a limit, or was a moment ago */
	char ecn[STATUS_NAME];	/* whether marks of congestion get through: "testing", "yes", "no" */
	uint64_t marked;	/* datagrams of ours that a router marked */
	char tier[STATUS_NAME];	/* in force: "never" once its link's budget is spent */
	uint16_t weight;
	uint8_t priority;
	nsec_t max_latency;	/* 0: no limit */
	uint32_t max_loss_ppm;	/* 0: no limit */
};

/* A client's link, there or not, and how it is to be used. */
struct status_link {
	char name[STATUS_NAME];
	bool present;
	bool changed;		/* by `ttt link`, until the tunnel goes down */
	char tier[STATUS_NAME];	/* as the user wants it */
	uint8_t priority;
	uint16_t weight;
	nsec_t max_latency;	/* 0: no limit */
	uint32_t max_loss_ppm;	/* 0: no limit */
	uint64_t rate;		/* bytes per second; 0: no limit */
	char congestion[STATUS_NAME];	/* "auto", "fixed" */
	bool metered;
	uint64_t budget, budget_used, budget_left;	/* bytes a month; 0, 0, 0: none */
	uint8_t budget_reset;
	char budget_until[STATUS_NAME];	/* the day on which it begins anew, "1 December" */
	char settings[STATUS_SETTINGS];	/* what differs from the defaults, as `ttt link` takes it */
	char reason[STATUS_REASON];	/* why it carries nothing now, in words; empty: it may */
};

struct status_peer {
	char name[STATUS_NAME];
	char public_key[STATUS_KEY];
	char state[STATUS_NAME];
	char strategy[STATUS_NAME];
	nsec_t session_age;	/* STATUS_NEVER: no session */
	nsec_t handshake_age;	/* since the last completed handshake; STATUS_NEVER */
	struct prefix address[STATUS_ADDRESSES];	/* inner: the peer's (server), ours (client) */
	size_t address_count;
	uint64_t tx_packets, tx_bytes, rx_packets, rx_bytes;	/* inner packets */
	uint64_t held, holes;	/* waiting for order now; places given up */
	struct status_path path[STATUS_PATHS];
	size_t path_count;
};

/* An interface that carries nothing, and why, in words. */
struct status_unused {
	char link[STATUS_NAME];
	char reason[STATUS_REASON];
};

struct status_drop {
	char name[STATUS_NAME];
	uint64_t count;
};

struct status {
	char interface[STATUS_NAME];
	char role[STATUS_NAME];		/* "client", "server" */
	char state[STATUS_NAME];
	char reason[STATUS_REASON];	/* why it is not up, in words; empty: nothing to say */
	char strategy[STATUS_NAME];
	nsec_t state_age;
	nsec_t uptime;			/* of the daemon */
	uint16_t mtu;			/* of the tunnel; 0: not known yet */
	uint16_t listen;		/* server: its port; client: 0 */
	bool full_tunnel, kill_switch;
	char offload_tun[STATUS_REASON];	/* what goes in one piece there, in words: "tso uso", "none (…)" */
	struct prefix address[STATUS_ADDRESSES];	/* of the TUN */
	size_t address_count;
	struct addr dns[STATUS_ADDRESSES];
	size_t dns_count;
	int32_t supervisor_pid, worker_pid;	/* worker 0: none right now */
	uint32_t worker_restarts;
	uint32_t pool, pool_left;	/* packet buffers */
	char offload_udp[STATUS_REASON];	/* what goes as one message there, in words: "segment gro", "none" */
	uint64_t udp_tx_datagrams, udp_tx_messages, udp_rx_datagrams, udp_rx_messages;
	uint8_t threads;		/* that help the worker */
	struct status_peer *peer;	/* status_add_peer */
	size_t peer_count;
	struct status_unused unused[STATUS_UNUSED];
	size_t unused_count;
	struct status_link link[STATUS_LINKS];
	size_t link_count;
	struct status_drop drop[STATUS_DROPS];	/* only those above 0 are printed */
	size_t drop_count;
	char note[STATUS_NOTES][STATUS_NOTE];	/* what is worth knowing, e.g. a missing kernel feature */
	size_t note_count;
};

/* Room for one more peer, zeroed, or NULL: memory, or STATUS_PEERS.  Earlier
 * pointers into status->peer are void then. */
struct status_peer *status_add_peer(struct status *status);
/* Fill every path's share of its peer's present rate. */
void status_share(struct status_peer *peer);
/* Gives the peers back; the struct is empty then. */
void status_done(struct status *status);

#endif
