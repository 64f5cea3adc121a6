/* fitness: see fitness.h. */
#include "core/path/fitness.h"

#define WAIT_MIN	SEC(2)
#define WAIT_MAX	SEC(32)
#define BLINK		MSEC(250)
#define TRIAL		8	/* answers, and nothing lost, that earn another trial */

void fitness_init(struct fitness *f)
{
	*f = (struct fitness){ .good_since = NSEC_NEVER, .wait = WAIT_MIN };
}

static bool is_late(const struct fitness_limits *limits, const struct fitness_news *news)
{
	return limits->latency != 0 && news->latency > limits->latency;
}

/* While nothing but probes is sent, every one that is lost is too much. */
static bool is_lossy(const struct fitness *f, const struct fitness_limits *limits,
		     const struct fitness_news *news)
{
	if (limits->loss_ppm == 0)
		return false;
	if (f->unfit && f->too_lossy)
		return news->lost != f->lost;
	return news->loss_ppm > limits->loss_ppm;
}

/* Not working is a break once it lasts. */
static bool is_broken(struct fitness *f, const struct fitness_news *news, nsec_t now)
{
	if (news->works) {
		f->silent_since = 0;
		return false;
	}
	if (f->silent_since == 0)
		f->silent_since = now;
	return f->good_since == NSEC_NEVER || nsec_since(f->silent_since, now) >= BLINK;
}

static void leave(struct fitness *f, nsec_t now)
{
	bool relapse = f->back_at != 0 && nsec_since(f->back_at, now) < f->wait;

	f->wait = relapse ? nsec_min(2 * f->wait, WAIT_MAX) : WAIT_MIN;
	f->unfit = true;
	f->too_lossy = false;
}

static bool is_forgiven(const struct fitness *f, const struct fitness_news *news, nsec_t now)
{
	return f->unfit && f->good_since != NSEC_NEVER && nsec_since(f->good_since, now) >= f->wait &&
	       (!f->too_lossy || news->answered - f->answered >= TRIAL);
}

bool fitness_look(struct fitness *f, const struct fitness_limits *limits,
		  const struct fitness_news *news, nsec_t now)
{
	bool late = is_late(limits, news), lossy = is_lossy(f, limits, news);
	bool was_lossy = f->too_lossy;

	if (limits->latency == 0 && limits->loss_ppm == 0)
		f->unfit = f->too_lossy = false;
	if ((late || lossy) && !f->unfit)
		leave(f, now);
	if (lossy)
		f->too_lossy = true;
	if (is_broken(f, news, now) || late || lossy) {
		f->good_since = NSEC_NEVER;
		f->lost = news->lost;
		return false;
	}
	if (f->good_since == NSEC_NEVER) {
		f->good_since = now;
		f->lost = news->lost;
		f->answered = news->answered;
	}
	if (!is_forgiven(f, news, now))
		return false;
	f->unfit = f->too_lossy = false;
	f->back_at = now;
	return was_lossy;
}
