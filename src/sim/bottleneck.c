/* bottleneck: see bottleneck.h. */
#include "sim/bottleneck.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/path/ack.h"
#include "core/path/loss.h"
#include "core/flow/codel.h"
#include "sim/must.h"

#define START		SEC(1000)
#define GREETINGS	24
#define BIN		MSEC(10)
#define QUEUE		1000
#define RTT_UNKNOWN	MSEC(20)
#define ACK_BYTES	90

static const struct codel_params codel_params = { .target = MSEC(5), .interval = MSEC(100) };

struct parcel {
	nsec_t at;		/* arrives */
	nsec_t entered;
	unsigned flow;
	uint64_t number;
	uint32_t len;
	bool marked;
	/* an ACK */
	uint64_t marks;		/* that came, in all */
	struct frame_run run[FRAME_ACK_RUNS];
	size_t runs;
	struct frame_came came;
};

/* One direction: parcels in order of arrival. */
struct way {
	struct parcel *parcel;
	size_t first, count, room;
	nsec_t last_at;		/* when the last one leaves */
	struct codel codel;
	double tokens;
	nsec_t filled_at;
};

struct passage {
	nsec_t at;
	uint32_t usec;
};

struct bins {
	uint32_t *bytes, *sent, *dropped;
	size_t count;
};

struct flow {
	const struct congestion_ops *ops;
	_Alignas(16) uint8_t state[CONGESTION_STATE];
	struct loss loss;
	struct ack ack;
	struct loss_observer to;
	struct bottleneck *b;
	uint64_t offered;
	uint64_t news, told;	/* marks that ACKs tell of, and that the controller knows of */
	nsec_t next_at;		/* the application's next packet */
	struct bins bins;
	struct passage *transit;
	size_t transits, room;
};

struct bottleneck {
	struct bottleneck_link link;
	nsec_t now;
	uint64_t random;
	struct way forth, back;
	struct flow *flow[BOTTLENECK_FLOWS];
	unsigned flows;
};

static uint64_t draw(struct bottleneck *b)
{
	uint64_t z = b->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static double uniform(struct bottleneck *b)
{
	return ((double)(draw(b) >> 11) + 0.5) / 9007199254740992.0;
}

/* netem's table ends at four standard deviations. */
static double normal(struct bottleneck *b)
{
	double x;

	do
		x = sqrt(-2 * log(uniform(b))) * cos(2 * M_PI * uniform(b));
	while (fabs(x) > 4);
	return x;
}

static nsec_t drawn_delay(struct bottleneck *b)
{
	double delay = (double)b->link.delay;

	if (b->link.jitter != 0)
		delay += normal(b) * (double)b->link.jitter;
	return delay > 0 ? (nsec_t)delay : 0;
}

static void way_push(struct way *w, const struct parcel *p)
{
	if (w->count == w->room) {
		size_t room = w->room != 0 ? 2 * w->room : 1024;
		struct parcel *grown = calloc(room, sizeof(*grown));

		must_have(grown);
		for (size_t i = 0; i < w->count; i++)
			grown[i] = w->parcel[(w->first + i) % w->room];
		free(w->parcel);
		w->parcel = grown;
		w->first = 0;
		w->room = room;
	}
	w->parcel[(w->first + w->count++) % w->room] = *p;
}

static struct parcel way_pop(struct way *w)
{
	struct parcel p = w->parcel[w->first];

	w->first = (w->first + 1) % w->room;
	w->count--;
	return p;
}

static nsec_t way_next(const struct way *w)
{
	return w->count > 0 ? w->parcel[w->first].at : NSEC_NEVER;
}

static bool polices_away(struct bottleneck *b, struct way *w, uint32_t len)
{
	w->tokens += (double)(b->now - w->filled_at) * (double)b->link.rate / 8e9;
	w->filled_at = b->now;
	if (w->tokens > (double)b->link.policer)
		w->tokens = (double)b->link.policer;
	if (w->tokens < len)
		return true;
	w->tokens -= len;
	return false;
}

static bool marks(struct way *w, nsec_t wait, nsec_t now)
{
	if (wait >= codel_params.target)
		codel_above(&w->codel, &codel_params, now + wait);
	else
		codel_below(&w->codel);
	return codel_strike(&w->codel, &codel_params, now + wait);
}

/* False: dropped. */
static bool enter(struct bottleneck *b, struct way *w, struct parcel *p)
{
	const struct bottleneck_link *l = &b->link;
	nsec_t wire = p->len * 8 * NSEC_PER_SEC / l->rate;
	nsec_t at = b->now + drawn_delay(b);
	nsec_t wait = nsec_since(at, w->last_at);

	if (uniform(b) * 1e6 < l->loss_ppm || w->count >= (l->queue != 0 ? l->queue : QUEUE))
		return false;
	if (w == &b->forth && l->policer != 0) {
		if (polices_away(b, w, p->len))
			return false;
		wire = 0;
	}
	if (w->count > 0 && w->last_at > at) {
		if (l->buffer != 0 && w->last_at - at > l->buffer * wire)
			return false;
		at = w->last_at;
	}
	p->marked = l->codel && w == &b->forth && marks(w, wait, b->now);
	p->at = w->last_at = at + wire;
	p->entered = b->now;
	way_push(w, p);
	return true;
}

struct bottleneck *bottleneck_new(const struct bottleneck_link *link, uint64_t seed)
{
	struct bottleneck *b = calloc(1, sizeof(*b));

	must_have(b);
	b->link = *link;
	b->random = seed;
	b->now = START;
	return b;
}

void bottleneck_free(struct bottleneck *b)
{
	for (unsigned i = 0; i < b->flows; i++) {
		struct flow *f = b->flow[i];

		loss_done(&f->loss);
		free(f->bins.bytes);
		free(f->bins.sent);
		free(f->bins.dropped);
		free(f->transit);
		free(f);
	}
	free(b->forth.parcel);
	free(b->back.parcel);
	free(b);
}

static void packet_lost(void *ctx, const struct loss_record *r, nsec_t now)
{
	struct flow *f = ctx;

	f->ops->lost(f->state, r->len, r->sent_at, f->loss.in_flight, now);
}

static void ack_read(void *ctx, const struct delivery_sample *sample, nsec_t now)
{
	struct flow *f = ctx;
	const struct congestion_ack ack = {
		.now = now, .in_flight = f->loss.in_flight, .sample = *sample,
		.marked = (uint32_t)(f->news - f->told),
	};

	f->told = f->news;

	f->ops->acked(f->state, &ack);
}

unsigned bottleneck_flow(struct bottleneck *b, const struct congestion_ops *ops,
			 const struct congestion_config *config)
{
	struct flow *f = calloc(1, sizeof(*f));

	must_have(f);
	must(b->flows < BOTTLENECK_FLOWS, "too many flows");
	f->b = b;
	f->ops = ops;
	must(loss_init(&f->loss) == 0, "out of memory");
	ack_init(&f->ack);
	f->to = (struct loss_observer){ .lost = packet_lost, .progress = ack_read, .ctx = f };
	f->next_at = NSEC_NEVER;
	if (ops != NULL) {
		must(ops->state_size <= sizeof(f->state), "a controller whose state is too large");
		ops->init(f->state, config, b->now);
	}
	b->flow[b->flows] = f;
	return b->flows++;
}

void bottleneck_greet(struct bottleneck *b, unsigned flow)
{
	struct flow *f = b->flow[flow];

	for (unsigned i = 0; i < GREETINGS && f->ops->probed != NULL; i++)
		f->ops->probed(f->state, drawn_delay(b) + b->link.delay, true, b->now);
}

void bottleneck_resume(struct bottleneck *b, unsigned flow)
{
	struct flow *f = b->flow[flow];

	if (f->ops->resumed != NULL)
		f->ops->resumed(f->state, drawn_delay(b) + b->link.delay, b->now);
}

void bottleneck_offer(struct bottleneck *b, unsigned flow, uint64_t offered)
{
	struct flow *f = b->flow[flow];

	f->offered = offered;
	f->next_at = offered != 0 ? b->now : NSEC_NEVER;
}

void bottleneck_change(struct bottleneck *b, const struct bottleneck_link *link)
{
	b->link = *link;
}

static size_t bin_of(struct bins *bins, nsec_t at)
{
	size_t bin = (at - START) / BIN;

	if (bin >= bins->count) {
		size_t count = 2 * bin + 1024;

		bins->bytes = realloc(bins->bytes, count * sizeof(uint32_t));
		bins->sent = realloc(bins->sent, count * sizeof(uint32_t));
		bins->dropped = realloc(bins->dropped, count * sizeof(uint32_t));
		must(bins->bytes != NULL && bins->sent != NULL && bins->dropped != NULL,
		     "out of memory");
		for (size_t i = bins->count; i < count; i++)
			bins->bytes[i] = bins->sent[i] = bins->dropped[i] = 0;
		bins->count = count;
	}
	return bin;
}

static nsec_t send_at(const struct flow *f, nsec_t now)
{
	if (f->next_at == NSEC_NEVER || f->ops == NULL)
		return f->next_at;
	return nsec_max(f->next_at, f->ops->send_at(f->state, BOTTLENECK_PACKET, f->loss.in_flight,
						    now));
}

static void send_one(struct bottleneck *b, unsigned flow)
{
	struct flow *f = b->flow[flow];
	struct parcel p = { .flow = flow, .len = BOTTLENECK_PACKET };
	size_t bin = bin_of(&f->bins, b->now);

	if (f->ops != NULL) {
		p.number = loss_sent(&f->loss, p.len, 0, true, b->now, &f->to);
		f->ops->sent(f->state, p.len, f->loss.in_flight, b->now);
	}
	f->bins.sent[bin]++;
	if (!enter(b, &b->forth, &p))
		f->bins.dropped[bin]++;
	if (f->offered != UINT64_MAX)
		f->next_at = nsec_max(f->next_at + p.len * 8 * NSEC_PER_SEC / f->offered,
				      b->now > MSEC(20) ? b->now - MSEC(20) : 0);
}

/* The receiver's: three days ahead, and 40 parts in a million too slow. */
static nsec_t its_clock(nsec_t now)
{
	return SEC(3 * 86400) + now - now / 25000;
}

static void send_ack(struct bottleneck *b, unsigned flow)
{
	struct flow *f = b->flow[flow];
	struct parcel p = { .flow = flow, .len = ACK_BYTES, .runs = f->ack.count, .marks = f->ack.counts.ce };

	memcpy(p.run, f->ack.run, sizeof(p.run));
	p.came.delay = nsec_since(f->ack.largest_at, b->now) / FRAME_ACK_DELAY_UNIT * FRAME_ACK_DELAY_UNIT;
	p.came.clock = transit_clock(its_clock(f->ack.largest_at));
	f->ack.due = NSEC_NEVER;
	f->ack.waiting = 0;
	f->ack.written_at = b->now;
	if (!b->link.mute)
		enter(b, &b->back, &p);
}

static void arrive(struct bottleneck *b, const struct parcel *p)
{
	struct flow *f = b->flow[p->flow];
	size_t bin = bin_of(&f->bins, b->now);

	f->bins.bytes[bin] += p->len;
	if (f->transits == f->room) {
		f->room = f->room != 0 ? 2 * f->room : 65536;
		f->transit = realloc(f->transit, f->room * sizeof(*f->transit));
		must_have(f->transit);
	}
	f->transit[f->transits++] = (struct passage){
		b->now, (uint32_t)((b->now - p->entered) / NSEC_PER_USEC)
	};
	if (f->ops != NULL)
		ack_received(&f->ack, p->number, p->marked ? ECN_CE : ECN_ECT0, true, rtt_or(&f->loss.rtt, RTT_UNKNOWN) / 4, b->now);
}

static nsec_t next_event(const struct bottleneck *b)
{
	nsec_t at = nsec_min(way_next(&b->forth), way_next(&b->back));

	for (unsigned i = 0; i < b->flows; i++) {
		const struct flow *f = b->flow[i];

		at = nsec_min(at, send_at(f, b->now));
		at = nsec_min(at, nsec_min(f->ack.due, f->loss.loss_at));
	}
	return at;
}

static void serve(struct bottleneck *b)
{
	while (way_next(&b->forth) <= b->now) {
		struct parcel p = way_pop(&b->forth);

		arrive(b, &p);
	}
	while (way_next(&b->back) <= b->now) {
		struct parcel p = way_pop(&b->back);
		struct flow *f = b->flow[p.flow];
		bool news;

		f->news = p.marks > f->news ? p.marks : f->news;
		must(loss_ack(&f->loss, p.run, p.runs, &p.came, b->now, &f->to, &news),
		     "an ACK that does not parse");
	}
	for (unsigned i = 0; i < b->flows; i++) {
		struct flow *f = b->flow[i];

		loss_tick(&f->loss, b->now, &f->to);
		if (f->ack.due <= b->now)
			send_ack(b, i);
	}
	for (unsigned turn = 0, idle = 0; idle < b->flows; turn = (turn + 1) % b->flows) {
		if (send_at(b->flow[turn], b->now) <= b->now) {
			send_one(b, turn);
			idle = 0;
		} else {
			idle++;
		}
	}
}

void bottleneck_run(struct bottleneck *b, nsec_t duration)
{
	nsec_t end = b->now + duration;

	for (;;) {
		nsec_t at = next_event(b);

		if (at > end)
			break;
		b->now = nsec_max(b->now, at);
		serve(b);
	}
	b->now = end;
}

nsec_t bottleneck_now(const struct bottleneck *b)
{
	return b->now - START;
}

const void *bottleneck_state(const struct bottleneck *b, unsigned flow)
{
	return b->flow[flow]->state;
}

uint64_t bottleneck_in_flight(const struct bottleneck *b, unsigned flow)
{
	return b->flow[flow]->loss.in_flight;
}

nsec_t bottleneck_send_at(const struct bottleneck *b, unsigned flow)
{
	const struct flow *f = b->flow[flow];

	return f->ops->send_at(f->state, BOTTLENECK_PACKET, f->loss.in_flight, b->now);
}

static uint64_t sum(const uint32_t *bin, size_t count, nsec_t from, nsec_t to)
{
	uint64_t n = 0;

	for (size_t i = from / BIN; i < to / BIN && i < count; i++)
		n += bin[i];
	return n;
}

uint64_t bottleneck_rate(const struct bottleneck *b, unsigned flow, nsec_t from, nsec_t to)
{
	const struct bins *bins = &b->flow[flow]->bins;

	return sum(bins->bytes, bins->count, from, to) * 8 * NSEC_PER_SEC / (to - from);
}

uint64_t bottleneck_sent(const struct bottleneck *b, unsigned flow, nsec_t from, nsec_t to)
{
	const struct bins *bins = &b->flow[flow]->bins;
	uint64_t packets = sum(bins->sent, bins->count, from, to);

	return packets * BOTTLENECK_PACKET * 8 * NSEC_PER_SEC / (to - from);
}

double bottleneck_loss(const struct bottleneck *b, unsigned flow, nsec_t from, nsec_t to)
{
	const struct bins *bins = &b->flow[flow]->bins;
	uint64_t sent = sum(bins->sent, bins->count, from, to);

	return sent != 0 ? (double)sum(bins->dropped, bins->count, from, to) / (double)sent : 0;
}

static int by_time(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

nsec_t bottleneck_p95(const struct bottleneck *b, unsigned flow, nsec_t from, nsec_t to)
{
	const struct flow *f = b->flow[flow];
	uint32_t *usec = calloc(f->transits + 1, sizeof(*usec));
	size_t count = 0;
	nsec_t p95;

	must_have(usec);
	for (size_t i = 0; i < f->transits; i++)
		if (f->transit[i].at >= START + from && f->transit[i].at < START + to)
			usec[count++] = f->transit[i].usec;
	qsort(usec, count, sizeof(*usec), by_time);
	p95 = count != 0 ? usec[count * 95 / 100] * NSEC_PER_USEC : 0;
	free(usec);
	return nsec_since(b->link.delay, p95);
}

uint64_t bottleneck_marked(const struct bottleneck *b, unsigned flow)
{
	return b->flow[flow]->ack.counts.ce;
}

uint64_t bottleneck_believed(const struct bottleneck *b, unsigned flow)
{
	return b->flow[flow]->ops->rate(b->flow[flow]->state);
}
