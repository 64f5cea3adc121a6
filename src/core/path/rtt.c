/* rtt: see rtt.h. */
#include "core/path/rtt.h"

#define GRANULARITY	MSEC(5)

static nsec_t distance(nsec_t a, nsec_t b)
{
	return a > b ? a - b : b - a;
}

void rtt_sample(struct rtt *r, nsec_t sample, nsec_t delay)
{
	sample = nsec_max(sample, 1);
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
