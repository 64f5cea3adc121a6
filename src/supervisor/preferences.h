/*
 * preferences: how each link is to be used: what the configuration says, what
 * `ttt link` has changed since, and what is left of its budget.
 */
#ifndef TTT_PREFERENCES_H
#define TTT_PREFERENCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "control/message.h"

struct budgets;

#define PREFERENCES	CONFIG_LINKS	/* links that can be changed at run time */

struct preferences {
	const struct config *config;
	const struct budgets *budgets;
	struct config_link changed[PREFERENCES];	/* each whole, under its interface's name */
	size_t changed_count;
};

/* What holds for that interface, whether it is there or not. */
struct config_link preferences_of(const struct preferences *p, const char *link);
/* The words have the last say for that link: see config_link_change.  -ENOSPC: too many are changed. */
int preferences_change(struct preferences *p, const char *link, const char *const *word, size_t count,
		       char error[CONFIG_ERROR]);
/* `ttt link` has changed it. */
bool preferences_are_changed(const struct preferences *p, const char *link);
/* Some link may have a budget. */
bool preferences_have_budgets(const struct preferences *p);
/* The same for the worker; a link whose budget is spent carries nothing. */
struct message_link preferences_message(const struct preferences *p, const char *link, uint32_t mtu);

#endif
