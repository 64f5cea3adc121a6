/* rtt: see rtt.h. */
#include "core/path/rtt.h"

#define GRANULARITY	MSEC(5)
#define LIFE		SEC(10)	/* of the least */
#define SAMPLES		16	/* who is asked now and then is known by more than one answer */
#define STEP		MSEC(10)

static nsec_t distance(nsec_t a, nsec_t b)
{
	return a > b ? a - b : b - a;
}

void rtt_sample(struct rtt *r, nsec_t sample, nsec_t delay)
{
	sample = nsec_max(sample, 1);
	r->recent = r->samples == 0 ? sample : nsec_min(r->recent, sample);
	r->samples++;
	if (r->srtt == 0) {
		r->srtt = r->min = r->latest = sample;
		r->var = sample / 2;
		return;
	}
	r->min = nsec_min(r->min, sample);
	/* the peer's word counts only as far as physics allows it */
	if (sample >= r->min + delay)
		sample -= delay;
	r->latest = sample;
	r->var = (3 * r->var + distance(r->srtt, sample)) / 4;
	r->srtt = (7 * r->srtt + sample) / 8;
}

void rtt_age(struct rtt *r, nsec_t now)
{
	if (r->aged_at == 0)
		r->aged_at = now;
	if (r->samples < SAMPLES || nsec_since(r->aged_at, now) < LIFE)
		return;
	if (r->recent > r->min + nsec_max(r->min / 4, STEP))
		r->min = r->recent;
	r->aged_at = now;
	r->samples = 0;
}

void rtt_restart(struct rtt *r, nsec_t sample)
{
	*r = (struct rtt){ 0 };
	rtt_sample(r, sample, 0);
}

nsec_t rtt_or(const struct rtt *r, nsec_t unknown)
{
	return r->srtt != 0 ? r->srtt : unknown;
}

nsec_t rtt_bound(const struct rtt *r, nsec_t unknown)
{
	if (r->srtt == 0)
		return unknown;
	return r->srtt + nsec_max(4 * r->var, GRANULARITY);
}
