/* pmtu: see pmtu.h. */
#include "core/path/pmtu.h"

#define ABOUT		64	/* bytes: packets of one flow may differ so much */
#define ETHERNET	1500
#define LOSS_STEP	20000	/* ppm of loss, with which one more may be lost by chance */
#define PROBES_MAX	10

/* What links and tunnels usually leave (RFC 8899 §5.3.2): what is found is one of these, mostly. */
static const uint16_t likely[] = {
	576, 708, 840, 972, 1100, 1200, 1240, 1280, 1320, 1358, 1380, 1400, 1420, 1440, 1460, 1472, 1480,
	1492, 1500, 1600, 1700, 1800, 1900,
};

/* --- which size is next ------------------------------------------------------ */

/* The one in the middle of the likely ones in between; 0: there is none. */
static uint16_t middle(const struct pmtu *p)
{
	size_t first = 0, end = 0;

	for (size_t i = 0; i < ARRAY_SIZE(likely); i++) {
		first += likely[i] <= p->good;
		end += likely[i] < p->bad;
	}
	return first < end ? likely[(first + end) / 2] : 0;
}

static bool is_untried(const struct pmtu *p)
{
	return p->bad > p->limit && (p->good < p->limit || !p->base_known);
}

static uint16_t next_size(const struct pmtu *p)
{
	if (p->doubted)
		return p->good;
	if (p->hint > p->good && p->hint < p->bad)
		return p->hint;
	if (is_untried(p))	/* jumbo frames seldom go farther than the first link */
		return p->limit > ETHERNET && p->good < ETHERNET ? ETHERNET : p->limit;
	if (!p->base_known)
		return p->base;
	return middle(p);
}

static void choose(struct pmtu *p)
{
	uint16_t next = next_size(p);

	if (next != p->probe) {
		p->lost = 0;
		p->out = false;
	}
	p->probe = next;
}

void pmtu_init(struct pmtu *p, bool ipv6, unsigned limit)
{
	*p = (struct pmtu){
		.floor = ipv6 ? PMTU_IPV6 : PMTU_FLOOR,
		.lost_at = NSEC_NEVER,
		.raise_at = NSEC_NEVER,
		.chance = PMTU_PROBES,
	};
	pmtu_set_limit(p, limit);
}

void pmtu_set_limit(struct pmtu *p, unsigned limit)
{
	uint16_t base = p->floor > PMTU_BASE ? p->floor : PMTU_BASE;

	limit = limit < p->floor ? p->floor : limit > PMTU_MAX ? PMTU_MAX : limit;
	if (limit == p->limit)
		return;
	p->limit = (uint16_t)limit;
	p->base = base < limit ? base : (uint16_t)limit;
	if (p->good == 0) {
		p->good = p->size = p->base;
		p->base_known = p->base == p->floor;
	}
	if (p->good > limit)
		p->good = (uint16_t)limit;
	if (p->size > limit)
		p->size = (uint16_t)limit;
	p->bad = (uint16_t)(limit + 1);
	p->hint = 0;
	p->raise_at = NSEC_NEVER;
	choose(p);
}

void pmtu_forget_probe(struct pmtu *p)
{
	p->out = false;
}

/* --- probes ------------------------------------------------------------------ */

unsigned pmtu_wanted(const struct pmtu *p)
{
	return p->out ? 0 : p->probe;
}

void pmtu_sent(struct pmtu *p, uint64_t number, nsec_t now)
{
	p->out = true;
	p->number = number;
	p->sent_at = now;
	p->lost_at = NSEC_NEVER;
	p->raise_at = NSEC_NEVER;
}

void pmtu_confirmed(struct pmtu *p, unsigned size, nsec_t sent_at)
{
	pmtu_arrived(p, size, sent_at);
	if (size > p->limit)
		return;
	if (size >= p->base)
		p->base_known = true;
	if (size < p->good)
		return;
	p->good = p->size = (uint16_t)size;
	p->doubted = false;
	if (p->bad <= size)	/* it was given up, and was only late */
		p->bad = (uint16_t)(p->limit + 1);
	choose(p);
}

/* Where a size that does not pass leaves us. */
static uint16_t below(const struct pmtu *p, uint16_t size)
{
	return size > p->base ? p->base : p->floor;
}

/* The size asked for does not pass. */
static void refute(struct pmtu *p)
{
	uint16_t size = p->probe;

	p->bad = size;
	if (p->doubted || (size == p->base && !p->base_known)) {
		p->good = below(p, size);
		p->base_known = p->good != p->base || p->base == p->floor;
	}
	if (p->size > p->good)
		p->size = p->good;
	p->doubted = false;
	p->odd_lost = 0;
	p->out = false;
	choose(p);
}

static void probe_lost(struct pmtu *p)
{
	p->out = false;
	p->lost++;
	if (p->doubted && p->lost >= PMTU_LOWER)
		p->size = below(p, p->good);
	if (p->lost >= p->chance || p->lost >= PROBES_MAX)
		refute(p);
}

void pmtu_heard(struct pmtu *p, uint64_t largest, nsec_t bound, uint32_t loss_ppm)
{
	p->chance = (uint8_t)(PMTU_PROBES + loss_ppm / LOSS_STEP);
	if (p->out && largest > p->number)
		p->lost_at = p->sent_at + bound;
}

/* --- doubt ------------------------------------------------------------------- */

static unsigned class_of(unsigned size)
{
	unsigned class = size / PMTU_CLASS;

	return class < PMTU_CLASSES ? class : PMTU_CLASSES - 1;
}

void pmtu_arrived(struct pmtu *p, unsigned size, nsec_t sent_at)
{
	unsigned class = class_of(size);

	p->came[class] = nsec_max(p->came[class], sent_at);
	if (size >= p->odd && sent_at >= p->odd_since)
		p->odd_lost = 0;
	if (p->doubted && size >= p->missing && sent_at >= p->missing_since) {
		p->doubted = false;
		p->size = p->good;
		choose(p);
	}
}

/* One at least as large, that was sent then or later. */
static bool has_come(const struct pmtu *p, unsigned size, nsec_t since)
{
	for (unsigned i = class_of(size); i < PMTU_CLASSES; i++)
		if (p->came[i] >= since)
			return true;
	return false;
}

static void doubt(struct pmtu *p, unsigned size, nsec_t since)
{
	if (!p->doubted)
		p->missing = p->cautious = 0;
	p->missing = (uint16_t)(size > p->missing ? size : p->missing);
	p->missing_since = since;
	p->doubted = true;
	p->hint = 0;
	choose(p);
}

/* True: that was so too often for chance. */
static bool count_odd(struct pmtu *p, unsigned size, nsec_t sent_at)
{
	if (p->odd_lost == 0 || size < p->odd)
		p->odd = (uint16_t)size;
	p->odd_since = sent_at;
	p->odd_lost += p->odd_lost < UINT8_MAX;
	return p->odd_lost >= p->chance;
}

unsigned pmtu_safe(const struct pmtu *p)
{
	uint16_t safe = below(p, p->good);

	return p->doubted && safe < p->size && p->cautious < PMTU_CAUTIOUS ? safe : p->size;
}

void pmtu_was_cautious(struct pmtu *p)
{
	if (p->cautious < PMTU_CAUTIOUS)
		p->cautious++;
}

void pmtu_vanished(struct pmtu *p, unsigned size, nsec_t sent_at)
{
	unsigned about = size / ABOUT * ABOUT;

	if (size <= p->floor || size > p->size || has_come(p, size, sent_at))
		return;
	if (count_odd(p, size, sent_at))
		doubt(p, p->odd, sent_at);
	else if (!has_come(p, about, sent_at))
		doubt(p, about, sent_at);
}

void pmtu_too_big(struct pmtu *p, unsigned mtu, nsec_t now)
{
	if (mtu != 0 && mtu < p->floor)
		return;
	if (p->out && mtu < p->probe) {
		if (mtu == 0 || (mtu < p->base && p->probe > p->base)) {
			probe_lost(p);
			return;
		}
		p->hint = (uint16_t)mtu;
		refute(p);
	} else if (mtu >= p->base && mtu < p->size && !p->doubted &&
		   (p->hinted_at == 0 || nsec_since(p->hinted_at, now) >= PMTU_RETRY)) {
		p->hinted_at = now;
		doubt(p, mtu + 1, now);
	}
}

/* --- time -------------------------------------------------------------------- */

void pmtu_tick(struct pmtu *p, bool busy, nsec_t now)
{
	if (p->out && now >= p->lost_at)
		probe_lost(p);
	else if (p->out && now >= p->sent_at + PMTU_RETRY)
		p->out = false;
	if (p->probe != 0 || p->good == p->limit)
		return;
	if (p->raise_at == NSEC_NEVER)
		p->raise_at = now + PMTU_RAISE;
	if (!busy || now < p->raise_at)
		return;
	p->raise_at = NSEC_NEVER;
	p->bad = (uint16_t)(p->limit + 1);
	choose(p);
}

nsec_t pmtu_deadline(const struct pmtu *p, bool busy)
{
	if (p->out)
		return nsec_min(p->lost_at, p->sent_at + PMTU_RETRY);
	if (p->probe != 0)
		return 0;
	return busy ? p->raise_at : NSEC_NEVER;
}
