/*
 * sim: engines in virtual time, joined by links.
 *
 * One server and up to SIM_CLIENTS clients, the very object code of the daemon.
 * A link is a client's; each direction has a rate, a delay, jitter, a queue and
 * random loss, and may be cut.  Nothing waits and nothing reads a clock: a
 * minute of traffic takes milliseconds, and the same seed gives the same run.
 *
 * Flows send numbered UDP packets inside and note what comes out.  Models of
 * something livelier (model_tcp.h, model_call.h, model_ping.h, model_udp.h) attach themselves, and send
 * through the tunnel, or over a bare link, where no engine stands between.
 */
#ifndef TTT_SIM_SIM_H
#define TTT_SIM_SIM_H

#include "base/buf.h"
#include "base/units.h"
#include "core/engine.h"
#include "core/flow/codel.h"

#define SIM_CLIENTS	4
#define SIM_LINKS	8	/* per client */
#define SIM_FLOWS	8
#define SIM_MODELS	16
#define SIM_EVENTS	256

/* From `at` on, counted from the beginning of the trace. */
struct sim_rate {
	nsec_t at;
	uint64_t rate;		/* bits per second; 0: an outage */
};

enum sim_ecn {
	SIM_ECN_KEEPS,		/* as a router should */
	SIM_ECN_MARKS,		/* sets CE on whatever is ECN-capable */
	SIM_ECN_CLEARS,
	SIM_ECN_DROPS,		/* whatever is ECN-capable */
};

struct sim_way {
	uint64_t rate;		/* bits per second; 0: no limit */
	nsec_t delay;		/* one way */
	nsec_t jitter;		/* uniform, up to so much more; normal: the standard deviation */
	bool normal;		/* jitter goes to both sides, as netem's `distribution normal` */
	bool reorders;		/* jitter may change the order; else it only delays */
	/*
	 * As sch_netem does it: the delay first, then the rate, so that one late
	 * packet holds all behind it; without a rate, jitter reorders.
	 */
	bool netem;
	uint32_t loss_ppm;
	size_t queue;		/* packets, those under way included; 0: 1000 */
	size_t framing;		/* bytes per packet that the rate counts beyond IP (Ethernet: 14) */
	size_t mtu;		/* larger IP packets vanish, silently; 0: none does */
	/*
	 * Its router runs CoDel (RFC 8289, 5 and 100 ms) over what waits: marks what
	 * is ECN-capable, drops the rest.
	 */
	bool codel;
	enum sim_ecn ecn;	/* what it does to that field besides */
	bool cut;		/* everything vanishes, silently */
	/* instead of rate, when there are any: see sim_way_follow */
	const struct sim_rate *rates;
	size_t rate_count;
	nsec_t rates_from, rates_period;
};

/* What a direction is occupied with; way.c's and links.c's own. */
struct sim_wire {
	nsec_t free_at, last_at;	/* when its wire is free; when its last packet arrives */
	size_t queued;			/* packets in it, those under way included */
	uint64_t marked;		/* packets that its router set CE of */
	struct codel codel;
	uint64_t carried, lost;		/* packets that came out of it; that vanished, but for a full queue */
	uint64_t carried_bytes;		/* of whole IP packets */
};

struct sim_link {
	struct sim_way up, down;	/* from the client, and to it */
	struct engine_link wish;
	bool bare;			/* no path of the tunnel: models send over it as they are */
	uint16_t port;			/* the client's, as the server sees it: change it to roam */
	/* what it carried */
	uint64_t up_packets, down_packets;	/* sent into it */
	uint64_t up_bytes, down_bytes;
	uint64_t up_dropped, down_dropped;	/* its queue was full */
	struct sim_wire up_wire, down_wire;
};

enum sim_direction { SIM_UP, SIM_DOWN };

struct sim_flow_stats {
	uint64_t sent, received, duplicates, reordered;
	uint64_t deepest;		/* how far behind the newest the latest one came */
	nsec_t longest_gap;		/* between two that came, since the first */
	nsec_t latency_max, latency_sum;
	nsec_t first_at, last_at;	/* when packets came; 0: none has */
};

struct sim;

/* A server for `clients` clients that follow `strategy`; every random choice follows seed. */
struct sim *sim_new(uint64_t seed, unsigned clients, const char *strategy);
/* The same for who asks for figures: nothing is encrypted, all else is alike, and it takes half the time. */
struct sim *sim_new_clear(uint64_t seed, unsigned clients, const char *strategy);
/* Aborts when buffers are missing: something kept or lost one (must.h). */
void sim_free(struct sim *s);

nsec_t sim_now(const struct sim *s);
struct engine *sim_client(struct sim *s, unsigned client);
struct engine *sim_server(struct sim *s);
struct sim_link *sim_link(struct sim *s, unsigned client, unsigned link);

/* A link of equal ways; its number is the socket's. */
unsigned sim_add_link(struct sim *s, unsigned client, uint64_t rate, nsec_t rtt, uint32_t loss_ppm);
unsigned sim_add_ways(struct sim *s, unsigned client, const struct sim_way *up,
		      const struct sim_way *down);
unsigned sim_add_bare(struct sim *s, unsigned client, const struct sim_way *up,
		      const struct sim_way *down);
/*
 * From now on the way's rate is that of the steps, which must stay; the first
 * is at 0.  They begin anew every `period`; 0: the last one stays for ever.
 */
void sim_way_follow(struct sim *s, struct sim_way *way, const struct sim_rate *rates, size_t count,
		    nsec_t period);
/* The link goes, or comes back, and the client is told. */
void sim_link_down(struct sim *s, unsigned client, unsigned link);
void sim_link_up(struct sim *s, unsigned client, unsigned link);
void sim_cut(struct sim *s, unsigned client, unsigned link, bool cut);	/* silently */
/* How the client's user wants it to be used from now on. */
void sim_wish(struct sim *s, unsigned client, unsigned link, const struct engine_link *wish);
/* Bits that a way could carry in that time, were it not cut; UINT64_MAX: no limit. */
uint64_t sim_way_bits(const struct sim_way *way, nsec_t from, nsec_t to);

/* len: of the inner packet.  Runs until stopped.  spoof: with the source of another client. */
unsigned sim_flow(struct sim *s, unsigned client, enum sim_direction direction, size_t len,
		  nsec_t interval);
void sim_flow_stop(struct sim *s, unsigned flow);
struct sim_flow_stats sim_flow_stats(const struct sim *s, unsigned flow);
void sim_flow_forget(struct sim *s, unsigned flow);	/* gap and order begin anew */

/* Where a model's packets travel: through the client's tunnel, or over a bare link of its. */
struct sim_via {
	unsigned client;
	bool bare;
	unsigned link;		/* bare: which */
};

/* What lives at both ends of a via. */
struct sim_model {
	/* A packet came out at the end that `direction` leads to; false: not one of its own. */
	bool (*take)(void *ctx, enum sim_direction direction, const uint8_t *packet, size_t len);
	nsec_t (*due)(const void *ctx);
	void (*tick)(void *ctx);
};

/* Returns a number that no other model of this simulation has had. */
unsigned sim_attach(struct sim *s, const struct sim_model *model, void *ctx);
void sim_detach(struct sim *s, void *ctx);
/* May be called from take and tick.  An end without a buffer loses it, as a TUN's queue does. */
void sim_send(struct sim *s, const struct sim_via *via, enum sim_direction direction,
	      const uint8_t *packet, size_t len);
/* The inner addresses of the ends. */
void sim_addresses(const struct sim_via *via, uint8_t ret_client[4], uint8_t ret_server[4]);

/* At that time, once: a link is cut, a rate changes, whatever the test wants. */
typedef void sim_action(void *ctx, struct sim *s);
void sim_at(struct sim *s, nsec_t at, sim_action *action, void *ctx);

void sim_run(struct sim *s, nsec_t duration);
/* Until an event of that type came from that end (client number, or -1: server); false: not in time. */
bool sim_run_until(struct sim *s, int end, enum engine_event_type type, nsec_t within);
unsigned sim_events(const struct sim *s, int end, enum engine_event_type type);

/*
 * The client's machine sleeps for that time: nothing is done there, and its clock goes
 * on.  What came in its last moment awake waits in its sockets.
 */
void sim_sleep(struct sim *s, unsigned client, nsec_t time);
/* Either end dies without a word and a new one takes its place. */
void sim_restart_server(struct sim *s);
/* As engine_config's: the share of bytes that copies may take, of clients that are restarted from now on. */
void sim_set_copies(struct sim *s, uint32_t copies_ppm);
/* As engine_config's, of ends that are restarted from now on. */
void sim_set_hands(struct sim *s, const struct hands *hands);
void sim_restart_client(struct sim *s, unsigned client);
/* As engine_config's: no datagram carries several inner packets.  All ends are restarted. */
void sim_set_alone(struct sim *s, bool alone);
/* The same of checksums, which else are left to the end that a packet comes out of. */
void sim_set_own_checksums(struct sim *s, bool own);

/* Called for every datagram that enters a link; may change it.  False: it vanishes. */
typedef bool sim_tap(void *ctx, struct sim *s, unsigned client, unsigned link,
		     enum sim_direction direction, uint8_t *datagram, size_t *len);
void sim_set_tap(struct sim *s, sim_tap *tap, void *ctx);
/* A datagram from nowhere arrives at the server (SIM_UP) or the client. */
void sim_inject(struct sim *s, unsigned client, unsigned link, enum sim_direction direction,
		const uint8_t *datagram, size_t len);
/* An inner packet of the caller's making goes into an end's TUN (client number, or -1). */
void sim_tun_in(struct sim *s, int end, const uint8_t *packet, size_t len);

/* Takes all but `leave` buffers of an end away (client number, or -1), or gives them back. */
void sim_starve(struct sim *s, int end, size_t leave);
void sim_feed(struct sim *s, int end);

/* The client sends on that link whatever comes, faster than it ever carries. */
void sim_overfill(struct sim *s, unsigned client, unsigned link);
/* Bytes of datagrams that the server got from the first client's first path, IP and UDP included. */
uint64_t sim_arrived(const struct sim *s);

/* A number that two runs share only if everything happened alike. */
uint64_t sim_trace(const struct sim *s);
uint64_t sim_drops(const struct sim *s, int end, enum engine_drop drop);

#endif
