/* idle: see idle.h. */
#include "supervisor/idle.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config/quantity.h"

#define LOSES_TOO_MUCH	100000	/* ppm; no strategy's own limit is below */

/* The paths of one link, and what there is beside them. */
struct lookout {
	const struct status_path *own;		/* the best of its own; NULL: none */
	const struct status_path *other;	/* of those of other links that may carry data, the first by priority, */
	const struct status_path *fastest;	/* and by round trip; NULL: there is none */
	bool primary;				/* one of those is of a primary link */
};

static unsigned rank(const struct status_path *p)
{
	return p->eligible ? 0 : strcmp(p->state, "up") == 0 ? 1 : strcmp(p->state, "validating") == 0 ? 2 : 3;
}

static void look(const struct status_peer *peer, const char *link, struct lookout *ret)
{
	*ret = (struct lookout){ 0 };
	for (size_t i = 0; i < peer->path_count; i++) {
		const struct status_path *p = &peer->path[i];

		if (strcmp(p->link, link) == 0) {
			if (ret->own == NULL || rank(p) < rank(ret->own))
				ret->own = p;
		} else if (p->eligible) {
			if (ret->other == NULL || p->priority < ret->other->priority)
				ret->other = p;
			if (p->srtt != 0 && (ret->fastest == NULL || p->srtt < ret->fastest->srtt))
				ret->fastest = p;
			ret->primary |= strcmp(p->tier, "primary") == 0;
		}
	}
}

__attribute__((format(printf, 2, 3)))
static void say(struct status_link *l, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(l->reason, sizeof(l->reason), format, args);
	va_end(args);
}

/* Back within its limits, or without them, it has to show that it keeps them. */
static void say_limit(struct status_link *l, const struct status_path *own)
{
	char text[QUANTITY_TEXT];

	if (l->max_latency != 0 && own->srtt > l->max_latency)
		say(l, "slower than its max-latency of %s",
		    quantity_print(l->max_latency / NSEC_PER_MSEC, quantity_times, text));
	else if (l->max_loss_ppm != 0 && own->loss_ppm > l->max_loss_ppm)
		say(l, "loses more than its max-loss of %s", quantity_print(l->max_loss_ppm, quantity_shares, text));
	else if (l->max_loss_ppm == 0 && own->loss_ppm > LOSES_TOO_MUCH)
		say(l, "loses too much");
	else
		say(l, "was beyond a limit a moment ago");
}

/* It may carry data, but the strategy prefers another. */
static void say_who_goes_first(struct status_link *l, const struct lookout *at, const char *strategy)
{
	const struct status_path *own = at->own;

	if (strcmp(strategy, "failover") == 0 && at->other != NULL && at->other->priority < own->priority)
		say(l, "failover: %s goes first", at->other->link);
	if (strcmp(strategy, "lowest-latency") == 0 && at->fastest != NULL && at->fastest->srtt < own->srtt &&
	    at->fastest->share_ppm > own->share_ppm)
		say(l, "lowest-latency: %s answers sooner", at->fastest->link);
}

void idle_say_why(struct status_link *l, const struct status *status, const char *no_path)
{
	struct lookout at = { 0 };

	if (status->peer_count > 0)
		look(&status->peer[0], l->name, &at);
	if (l->budget != 0 && l->budget_left == 0)
		say(l, "budget spent until %s", l->budget_until);
	else if (strcmp(l->tier, "never") == 0)
		say(l, "never: it is not to be used");
	else if (at.own == NULL)
		say(l, "%s", no_path != NULL ? no_path : "it has no path to the server");
	else if (at.own->eligible)
		say_who_goes_first(l, &at, status->strategy);
	else if (strcmp(at.own->state, "up") != 0)
		say(l, "%s", strcmp(at.own->state, "validating") == 0 ? "not yet proven" : "does not answer");
	else if (at.own->unfit)
		say_limit(l, at.own);
	else if (strcmp(l->tier, "overflow") == 0)
		say(l, "overflow: the primary links have room");
	else if (strcmp(l->tier, "backup") == 0)
		say(l, "backup: the %s links work", at.primary ? "primary" : "overflow");
}
