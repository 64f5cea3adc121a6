/* path: see path.h. */
#include "core/path/path.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "core/frame.h"
#include "core/packet.h"

#define MTU_DEFAULT	1500
#define RTT_UNKNOWN	SEC(1)
#define LATE		MSEC(250)	/* and twice the least round trip: no answer takes so long */
#define DEAD_AFTER	SEC(2)
#define KEEPALIVE	SEC(22)		/* most NATs forget UDP after 30 s */
#define PING_CLOSE_MIN	MSEC(20)
#define CALM_BYTES	4500		/* that are under way on a path without load, or a quarter round trip's */
#define CALM_RATE	60000		/* bytes per second that come */
#define PINGS_FIRST	24		/* a new path shows how steady it is */
#define PING_FIRST	MSEC(25)
#define CHALLENGE_BUSY	MSEC(250)
#define CHALLENGE_IDLE	SEC(2)
#define CHALLENGE_EAGER	SEC(5)		/* so long after it opened, as if busy */
#define AMPLIFICATION	3		/* times the bytes that came from an unproven address */
#define CREDIT_FOR_PROBE 2		/* times its size must be left there for an MTU probe: others need it, too */
#define OUTAGE		SEC(1)		/* silence for so long */
#define STOOD_STILL	MSEC(100)	/* PINGs so far apart come one after the other where a link only jitters */
#define PONG_TOO_OLD	SEC(60)

struct path *path_new(uint8_t id)
{
	struct path *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	if (loss_init(&p->loss) != 0) {
		free(p);
		return NULL;
	}
	ack_init(&p->ack);
	p->id = id;
	path_set_congestion(p, &congestion_steer, 0);
	p->challenge_at = NSEC_NEVER;
	return p;
}

void path_free(struct path *p)
{
	if (p == NULL)
		return;
	loss_done(&p->loss);
	free(p);
}

size_t path_outer(const struct path *p)
{
	return p->endpoint.remote.family == ADDR_IPV6 ? PACKET_IP_UDP_IPV6 : PACKET_IP_UDP_IPV4;
}

static uint16_t mtu_of(const struct path *p)
{
	return p->link.mtu != 0 ? p->link.mtu : MTU_DEFAULT;
}

size_t path_room(const struct path *p)
{
	return p->pmtu.size - path_outer(p);
}

size_t path_safe_room(const struct path *p)
{
	return pmtu_safe(&p->pmtu) - path_outer(p);
}

static void set_state(struct path *p, enum engine_path_state state, nsec_t now)
{
	if (state == ENGINE_PATH_DEAD)
		loss_silence(&p->loss);
	else if (p->state == ENGINE_PATH_DEAD)
		loss_silence_ends(&p->loss, now);
	p->state = state;
	p->state_since = now;
}

static struct congestion_config congestion_config_of(const struct path *p)
{
	return (struct congestion_config){ .rate = p->link.rate, .mtu = mtu_of(p) };
}

static const struct congestion_ops *congestion_of(const struct engine_link *link)
{
	return link->fixed ? &congestion_fixed : &congestion_steer;
}

static void challenge_anew(struct path *p, const uint8_t random[8], nsec_t now)
{
	memcpy(p->challenge, random, 8);
	p->challenge_at = now;
	p->challenged_since = now;
	p->challenge_sent_at = 0;
	set_state(p, ENGINE_PATH_VALIDATING, now);
}

/* Nothing is known of what lies on the way to there. */
static void forget_mtu(struct path *p)
{
	pmtu_init(&p->pmtu, p->endpoint.remote.family == ADDR_IPV6, mtu_of(p));
}

void path_open(struct path *p, const struct endpoint *to, const struct engine_link *link,
	       bool trusted, const uint8_t random[8], nsec_t now)
{
	p->open = true;
	p->endpoint = *to;
	p->link = *link;
	p->rtt = (struct rtt){ 0 };
	p->loss.rtt = (struct rtt){ 0 };
	p->latency = 0;
	p->transit = p->loss.transit = (struct transit){ 0 };
	p->ponged_at = 0;
	loss_forget_order(&p->loss, now);
	loss_trust(&p->loss, 0);
	loss_silence_ends(&p->loss, now);
	fitness_init(&p->fitness);
	forget_mtu(p);
	p->credit = trusted ? UINT64_MAX / 2 : 0;
	p->ping_sent_at = 0;
	p->pings_out = 0;
	p->pings = 0;
	p->probe_now = false;
	p->sent_at = now;
	p->heard_at = now;
	p->data_at = 0;
	p->carried_at = 0;
	p->former_until = 0;
	marking_test(&p->marking);
	challenge_anew(p, random, now);
	path_set_congestion(p, congestion_of(link), now);
}

void path_close(struct path *p)
{
	p->open = false;
	p->challenge_at = NSEC_NEVER;
}

void path_set_link(struct path *p, const struct engine_link *link, nsec_t now)
{
	struct congestion_config config;

	if (p->link.tier == ENGINE_TIER_NEVER && link->tier != ENGINE_TIER_NEVER) {
		p->challenged_since = now;	/* what was known of it is old */
		p->probe_now = true;
	}
	p->link = *link;
	pmtu_set_limit(&p->pmtu, mtu_of(p));
	if (p->congestion != congestion_of(link)) {
		path_set_congestion(p, congestion_of(link), now);
		return;
	}
	config = congestion_config_of(p);
	p->congestion->set_config(p->congestion_state, &config, now);
}

void path_set_congestion(struct path *p, const struct congestion_ops *ops, nsec_t now)
{
	struct congestion_config config = congestion_config_of(p);

	p->congestion = ops;
	memset(p->congestion_state, 0, sizeof(p->congestion_state));
	ops->init(p->congestion_state, &config, now);
}

void path_revalidate(struct path *p, const uint8_t random[8], nsec_t now)
{
	challenge_anew(p, random, now);
}

void path_roam(struct path *p, const struct endpoint *to, const uint8_t random[16], nsec_t now)
{
	if (p->state != ENGINE_PATH_VALIDATING) {
		p->former = p->endpoint;
		memcpy(p->former_challenge, random + 8, 8);
		p->former_until = now + 3 * (rtt_bound(&p->loss.rtt, RTT_UNKNOWN) + ACK_DELAY_MAX);
	}
	p->endpoint = *to;
	p->credit = 0;
	loss_forget_order(&p->loss, now);
	forget_mtu(p);
	marking_test(&p->marking);
	challenge_anew(p, random, now);
}

bool path_claim_back(struct path *p, const struct endpoint *from, const uint8_t token[8],
		     nsec_t now)
{
	if (now >= p->former_until || !endpoint_equal(from, &p->former) ||
	    memcmp(token, p->former_challenge, 8) != 0)
		return false;
	p->endpoint = p->former;
	loss_forget_order(&p->loss, now);
	forget_mtu(p);
	p->former_until = 0;
	p->challenge_at = NSEC_NEVER;
	marking_test(&p->marking);
	set_state(p, ENGINE_PATH_OK, now);
	return true;
}

bool path_proven(struct path *p, const uint8_t token[8], nsec_t now)
{
	if (p->challenge_at == NSEC_NEVER || memcmp(token, p->challenge, 8) != 0)
		return false;
	p->challenge_at = NSEC_NEVER;
	if (p->state == ENGINE_PATH_OK)
		return false;
	set_state(p, ENGINE_PATH_OK, now);
	p->probe_now = true;	/* no round trip is known yet */
	return true;
}

/*
 * What an answer takes at the most, by one of the path's two round trips.  A quarter
 * of one more is given to queues that come by faster than the variation follows.
 */
static nsec_t answer_time(const struct rtt *rtt, nsec_t unknown)
{
	return nsec_max(rtt_bound(rtt, unknown), rtt->srtt + rtt->srtt / 4);
}

/*
 * An answer that takes longer than this is none: a link that is nearly gone
 * still lets a packet through now and then, and what waits for the others on it
 * has to be sent elsewhere.
 */
static nsec_t longest_answer(const struct path *p)
{
	return p->rtt.min != 0 ? 2 * p->rtt.min + LATE : NSEC_NEVER;
}

static nsec_t usual_answer(const struct path *p)
{
	return nsec_min(nsec_max(answer_time(&p->loss.rtt, RTT_UNKNOWN), answer_time(&p->rtt, 0)),
			longest_answer(p));
}

/* Who has answered late for so long that he was given up has become a longer path. */
bool path_answered(struct path *p, nsec_t took, nsec_t now)
{
	if (p->state != ENGINE_PATH_SUSPECT && p->state != ENGINE_PATH_DEAD)
		return false;
	if (took > longest_answer(p)) {
		if (p->state == ENGINE_PATH_SUSPECT)
			return false;
		rtt_restart(&p->rtt, took);
	}
	/* what was brief was no outage: that an answer may take so long is worth remembering */
	p->asked = p->state == ENGINE_PATH_SUSPECT && nsec_since(p->state_since, now) < OUTAGE;
	set_state(p, ENGINE_PATH_OK, now);
	return true;
}

/*
 * A PING that was sent while the path was in doubt may have stood for seconds before a
 * link that carried nothing.  The first that was sent since tells whether the path takes
 * so long, or did only then: at a few PINGs a second their mean would take as many
 * seconds to come down, and meanwhile the path has nothing to carry.
 */
static bool note_round_trip(struct path *p, nsec_t sent_at, nsec_t took, nsec_t now)
{
	bool works = p->state == ENGINE_PATH_OK && sent_at >= p->state_since;
	bool anew = works && !p->asked && took < p->rtt.srtt / 2;
	nsec_t min = p->rtt.min;

	if (anew) {
		rtt_restart(&p->rtt, took);
		p->rtt.min = nsec_min(min, p->rtt.min);		/* that it was once so short stays true */
	} else {
		rtt_sample(&p->rtt, took, 0);
	}
	rtt_age(&p->rtt, now);
	p->asked |= works;
	return anew;
}

/* The link stood still: it answers at once what it was asked at quite different times. */
static bool came_along(const struct path *p, nsec_t sent_at, nsec_t now)
{
	nsec_t apart = nsec_since(p->ponged_sent_at, sent_at);

	return p->ponged_at != 0 && apart >= STOOD_STILL && nsec_since(p->ponged_at, now) < apart / 4;
}

/*
 * Neither end had anything to speak of on the path while the last PING was on its way.
 * One that was sent while the path was in doubt waited with others for it to go on.
 */
static bool was_calm(const struct path *p, nsec_t sent_at, nsec_t now)
{
	uint64_t rate = p->congestion->rate(p->congestion_state);
	uint64_t little = nsec_max(CALM_BYTES, rate / 4 * (p->rtt.srtt / NSEC_PER_USEC) / 1000000);

	return p->state == ENGINE_PATH_OK && sent_at >= p->state_since && !came_along(p, sent_at, now) &&
	       p->ping_in_flight <= little && p->loss.in_flight <= little &&
	       meter_rate(&p->rx_meter, now) <= nsec_max(CALM_RATE, rate / 8);
}

/* Those before it are answered by it, too, or lost. */
static void note_answered(struct path *p, nsec_t sent_at)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < p->pings_out; i++)
		if (p->ping_out[i] > sent_at)
			p->ping_out[kept++] = p->ping_out[i];
	p->pings_out = kept;
}

bool path_pong(struct path *p, const struct frame_pong *pong, nsec_t now)
{
	nsec_t sent_at = get_le64(pong->token), clean;
	bool anew;

	/* the token is our own clock: what cannot be is no answer to us */
	if (sent_at > now || now - sent_at > PONG_TOO_OLD)
		return false;
	anew = note_round_trip(p, sent_at, now - sent_at, now);
	path_measured(p, now - sent_at);
	note_answered(p, sent_at);
	clean = transit_rtt(&p->transit, sent_at, pong->clock, now - sent_at, now);
	if (anew && p->congestion->resumed != NULL)
		p->congestion->resumed(p->congestion_state, clean, now);
	if (p->congestion->probed != NULL)
		p->congestion->probed(p->congestion_state, clean, was_calm(p, sent_at, now), now);
	p->ponged_at = now;
	p->ponged_sent_at = sent_at;
	return path_answered(p, now - sent_at, now);
}

void path_measured(struct path *p, nsec_t latency)
{
	p->latency = nsec_max(latency, 1);
}

/*
 * Silence tells of a long way before the answer does, which may be an ACK by a
 * faster one.  One PING of a path that works may be lost, two hardly.
 */
static nsec_t waits_since(const struct path *p)
{
	unsigned first = path_is_usable(p) ? 1 : 0;

	return p->pings_out > first ? p->ping_out[first] : NSEC_NEVER;
}

nsec_t path_late_at(const struct path *p)
{
	nsec_t since = waits_since(p);

	return since == NSEC_NEVER || p->link.max_latency_ms == 0 ? NSEC_NEVER
								  : since + MSEC(p->link.max_latency_ms) + 1;
}

static nsec_t latency_of(const struct path *p, nsec_t now)
{
	nsec_t since = waits_since(p);

	return since == NSEC_NEVER ? p->latency : nsec_max(p->latency, nsec_since(since, now));
}

void path_look(struct path *p, uint32_t max_loss_ppm, nsec_t now)
{
	const struct fitness_limits limits = {
		.latency = MSEC(p->link.max_latency_ms),
		.loss_ppm = p->link.max_loss_ppm != 0 ? p->link.max_loss_ppm : max_loss_ppm,
	};
	const struct fitness_news news = {
		.works = path_is_usable(p),
		.latency = latency_of(p, now),
		.loss_ppm = p->loss.loss_ppm,
		.lost = p->loss.lost,
		.answered = p->loss.answered,
	};

	if (fitness_look(&p->fitness, &limits, &news, now))
		loss_trust(&p->loss, limits.loss_ppm / 2);
}

/*
 * When the oldest datagram's answer is overdue.  ACKs come back on whatever
 * path is fastest, and when that one dies, on this one: its own round trip
 * has to fit in, too.  What was out when the path answered again has that long
 * from then on.
 */
static nsec_t overdue_at(const struct path *p)
{
	nsec_t sent_at = loss_oldest_sent_at(&p->loss);

	if (p->state != ENGINE_PATH_OK || sent_at == NSEC_NEVER)
		return NSEC_NEVER;
	return nsec_max(sent_at, p->state_since) + ACK_DELAY_MAX + usual_answer(p);
}

void path_acked(struct path *p)
{
	pmtu_heard(&p->pmtu, p->loss.largest_acked, ACK_DELAY_MAX + usual_answer(p), p->loss.loss_ppm);
}

bool path_tick(struct path *p, nsec_t now)
{
	if (now >= overdue_at(p)) {
		set_state(p, ENGINE_PATH_SUSPECT, now);
		p->probe_now = true;
		return true;
	}
	if (p->state == ENGINE_PATH_SUSPECT && nsec_since(p->state_since, now) >= DEAD_AFTER) {
		set_state(p, ENGINE_PATH_DEAD, now);
		return true;
	}
	return false;
}

/* Twice in a round trip. */
static nsec_t close_interval(const struct path *p, nsec_t most)
{
	return nsec_clamp(p->rtt.srtt / 2, PING_CLOSE_MIN, most);
}

/*
 * Time between PINGs, by what is known and how much has to be; NSEC_NEVER:
 * none.  What is overdue is asked for, without backoff while somebody waits.
 */
static nsec_t ping_interval(const struct path *p, enum path_care care)
{
	static const struct {
		nsec_t ok, suspect, dead;
	} interval[] = {
		[PATH_CARE_NONE] = { NSEC_NEVER, NSEC_NEVER, NSEC_NEVER },
		[PATH_CARE_SLEEP] = { NSEC_NEVER, MSEC(100), NSEC_NEVER },
		[PATH_CARE_LISTEN] = { NSEC_NEVER, MSEC(100), NSEC_NEVER },
		[PATH_CARE_QUIET] = { KEEPALIVE, MSEC(100), KEEPALIVE },
		[PATH_CARE_IDLE] = { KEEPALIVE, MSEC(100), SEC(2) },
		[PATH_CARE_SPARING] = { SEC(1), MSEC(100), SEC(1) },
		[PATH_CARE_BUSY] = { MSEC(250), MSEC(100), MSEC(250) },
		[PATH_CARE_CLOSE] = { MSEC(250), MSEC(100), MSEC(250) },
	};

	switch (p->state) {
	case ENGINE_PATH_VALIDATING:
		return NSEC_NEVER;
	case ENGINE_PATH_OK:
		return care == PATH_CARE_CLOSE ? close_interval(p, interval[care].ok) : interval[care].ok;
	case ENGINE_PATH_SUSPECT:
		return care == PATH_CARE_CLOSE ? close_interval(p, interval[care].suspect) : interval[care].suspect;
	case ENGINE_PATH_DEAD:
		return interval[care].dead;
	}
	return NSEC_NEVER;
}

/* When the next PING is due by itself. */
static nsec_t ping_at(const struct path *p, enum path_care care)
{
	nsec_t interval = ping_interval(p, care);

	if (p->state == ENGINE_PATH_OK && p->pings < PINGS_FIRST && care >= PATH_CARE_LISTEN && care != PATH_CARE_QUIET)
		return p->ping_sent_at + PING_FIRST;
	if (p->probe_now && p->state != ENGINE_PATH_VALIDATING && care != PATH_CARE_NONE)
		return 0;
	if (interval == NSEC_NEVER)
		return NSEC_NEVER;
	/* to keep a NAT's memory alive any datagram will do */
	return (care == PATH_CARE_IDLE && p->state == ENGINE_PATH_OK ? p->sent_at : p->ping_sent_at) + interval;
}

static nsec_t challenge_interval(const struct path *p, enum path_care care, nsec_t now)
{
	if (care >= PATH_CARE_SPARING || nsec_since(p->challenged_since, now) < CHALLENGE_EAGER)
		return CHALLENGE_BUSY;
	return care == PATH_CARE_SLEEP || care == PATH_CARE_QUIET ? KEEPALIVE : CHALLENGE_IDLE;
}

static nsec_t challenge_due(const struct path *p, enum path_care care, nsec_t now)
{
	if (care == PATH_CARE_NONE || p->challenge_at == NSEC_NEVER)
		return NSEC_NEVER;
	/* the care may have grown since the last one */
	return nsec_min(p->challenge_at, p->challenge_sent_at + challenge_interval(p, care, now));
}

/* A path that works is asked for its MTU when it is new, and when it is used. */
static bool searches_mtu(const struct path *p, enum path_care care, nsec_t now)
{
	return p->state == ENGINE_PATH_OK && care != PATH_CARE_NONE &&
	       (care >= PATH_CARE_SPARING || nsec_since(p->challenged_since, now) < CHALLENGE_EAGER);
}

/*
 * One that is not proven yet is asked once, together with the challenge, so that
 * both answers come at the same time.
 */
static bool may_ask_first(const struct path *p, enum path_care care)
{
	return p->state == ENGINE_PATH_VALIDATING && care != PATH_CARE_NONE &&
	       p->pmtu.sent_at < p->challenged_since &&
	       p->credit >= CREDIT_FOR_PROBE * (uint64_t)pmtu_wanted(&p->pmtu);
}

void path_tick_mtu(struct path *p, enum path_care care, nsec_t now)
{
	if (searches_mtu(p, care, now))
		pmtu_tick(&p->pmtu, care >= PATH_CARE_SPARING, now);
}

size_t path_mtu_probe(const struct path *p, enum path_care care, nsec_t now)
{
	unsigned size = pmtu_wanted(&p->pmtu);

	if (size == 0 || !p->open || !(searches_mtu(p, care, now) || may_ask_first(p, care)))
		return 0;
	return size - path_outer(p);
}

/* When there is something to do about the MTU. */
static nsec_t mtu_at(const struct path *p, enum path_care care, nsec_t now)
{
	if (path_mtu_probe(p, care, now) != 0)
		return 0;
	return searches_mtu(p, care, now) ? pmtu_deadline(&p->pmtu, care >= PATH_CARE_SPARING) : NSEC_NEVER;
}

nsec_t path_deadline(const struct path *p, enum path_care care, nsec_t now)
{
	nsec_t at;

	if (!p->open)
		return NSEC_NEVER;
	at = nsec_min(challenge_due(p, care, now), ping_at(p, care));
	at = nsec_min(at, mtu_at(p, care, now));
	at = nsec_min(at, overdue_at(p));
	if (p->state == ENGINE_PATH_SUSPECT)
		at = nsec_min(at, p->state_since + DEAD_AFTER);
	return nsec_min(at, p->loss.loss_at);
}

size_t path_write_probes(struct path *p, enum path_care care, uint8_t *at, nsec_t now)
{
	size_t len = 0;

	if (now >= challenge_due(p, care, now)) {
		len += frame_write_token(at + len, FRAME_PATH_CHALLENGE, p->challenge);
		p->challenge_sent_at = now;
		p->challenge_at = now + challenge_interval(p, care, now);
	}
	if (now >= ping_at(p, care)) {
		uint8_t token[8];

		put_le64(token, now);
		len += frame_write_token(at + len, FRAME_PING, token);
		p->ping_sent_at = now;
		if (p->pings_out < PATH_PINGS)
			p->ping_out[p->pings_out++] = now;
		p->ping_in_flight = p->loss.in_flight;
		p->pings += p->pings < PINGS_FIRST;
		p->probe_now = false;
	}
	return len;
}

bool path_is_usable(const struct path *p)
{
	return p->open && p->state == ENGINE_PATH_OK;
}

void path_count_probe(struct path *p, size_t len, nsec_t now)
{
	size_t bytes = len + path_outer(p);

	p->tx_packets++;
	p->tx_bytes += bytes;
	p->sent_at = now;
	meter_add(&p->tx_meter, bytes, now);
	if (p->state == ENGINE_PATH_VALIDATING)
		p->credit -= p->credit < bytes ? p->credit : bytes;
}

void path_count_tx(struct path *p, size_t len, nsec_t now)
{
	path_count_probe(p, len, now);
	p->congestion->sent(p->congestion_state, (uint32_t)(len + path_outer(p)), p->loss.in_flight, now);
}

void path_count_rx(struct path *p, const struct endpoint *from, size_t len, nsec_t now)
{
	size_t bytes = len + path_outer(p);

	p->heard_at = now;
	p->rx_packets++;
	p->rx_bytes += bytes;
	meter_add(&p->rx_meter, bytes, now);
	if (p->state == ENGINE_PATH_VALIDATING && p->credit < UINT64_MAX / 2 && endpoint_equal(from, &p->endpoint))
		p->credit += AMPLIFICATION * bytes;
}

nsec_t path_send_at(const struct path *p, size_t len, nsec_t now)
{
	/* one more, and the oldest would count as lost, and be sent again, in the place of the next */
	if (loss_is_full(&p->loss))
		return NSEC_NEVER;
	return p->congestion->send_at(p->congestion_state, (uint32_t)(len + path_outer(p)),
				      p->loss.in_flight, now);
}
