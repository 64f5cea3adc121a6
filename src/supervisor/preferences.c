/* preferences: see preferences.h. */
#include "supervisor/preferences.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "supervisor/budget.h"

static const struct config_link *find_changed(const struct preferences *p, const char *link)
{
	for (size_t i = 0; i < p->changed_count; i++)
		if (strcmp(p->changed[i].name, link) == 0)
			return &p->changed[i];
	return NULL;
}

/* A pattern's section, under the name of the interface that it is asked for. */
struct config_link preferences_of(const struct preferences *p, const char *link)
{
	const struct config_link *changed = find_changed(p, link), *section = config_link(p->config, link);
	struct config_link found = changed != NULL ? *changed : section != NULL ? *section :
				   config_link_default(link);

	text_copy(found.name, sizeof(found.name), link);
	return found;
}

int preferences_change(struct preferences *p, const char *link, const char *const *word, size_t count,
		       char error[CONFIG_ERROR])
{
	struct config_link next = preferences_of(p, link);
	const struct config_link *was = find_changed(p, link);
	int err = config_link_change(&next, word, count, error);

	if (err < 0)
		return err;
	if (was == NULL && p->changed_count == PREFERENCES) {
		snprintf(error, CONFIG_ERROR, "%s: more than %d links are changed already", link, PREFERENCES);
		return -ENOSPC;
	}
	p->changed[was != NULL ? (size_t)(was - p->changed) : p->changed_count++] = next;
	return 0;
}

bool preferences_are_changed(const struct preferences *p, const char *link)
{
	return find_changed(p, link) != NULL;
}

bool preferences_have_budgets(const struct preferences *p)
{
	for (size_t i = 0; i < p->config->link_count; i++)
		if (p->config->link[i].budget != 0)
			return true;
	for (size_t i = 0; i < p->changed_count; i++)
		if (p->changed[i].budget != 0)
			return true;
	return false;
}

static_assert((int)MESSAGE_TIER_PRIMARY == (int)CONFIG_TIER_PRIMARY &&
	      (int)MESSAGE_TIER_OVERFLOW == (int)CONFIG_TIER_OVERFLOW &&
	      (int)MESSAGE_TIER_BACKUP == (int)CONFIG_TIER_BACKUP &&
	      (int)MESSAGE_TIER_NEVER == (int)CONFIG_TIER_NEVER, "tiers have the same order");

struct message_link preferences_message(const struct preferences *p, const char *link, uint32_t mtu)
{
	struct config_link l = preferences_of(p, link);

	return (struct message_link){
		.mtu = mtu > UINT16_MAX ? UINT16_MAX : (uint16_t)mtu,
		.weight = l.weight,
		.priority = l.priority,
		.tier = budgets_spent(p->budgets, &l) ? MESSAGE_TIER_NEVER : (enum message_tier)l.tier,
		.max_latency_ms = (uint32_t)(l.max_latency / NSEC_PER_MSEC),
		.max_loss_ppm = l.max_loss_ppm,
		.rate = l.rate,
		.fixed = l.fixed,
		.metered = l.metered,
	};
}
