/*
 * budget: what each link has carried of the bytes that it may carry a month.
 *
 * A month begins at midnight, local time, of the link's reset day.  The clock
 * is given, and not trusted much: when it goes back over the beginning of a
 * month, the month that was counted goes on; only when it has said so for a
 * day without a break, or a time server keeps it right, is it believed, and what is
 * counted stays counted.  So
 * neither a clock that is wrong at boot nor one that was wrong for a while
 * gives a budget twice.
 *
 * No I/O: budget_file.h keeps it on disk.
 */
#ifndef TTT_BUDGET_H
#define TTT_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/units.h"
#include "config/config.h"

#define BUDGETS		CONFIG_LINKS
#define BUDGET_TEXT	96	/* bytes that any of its sentences fits in */

struct budget {
	char link[CONFIG_IFNAME];
	uint32_t month;		/* when it began, local time: 20251201; 0: not yet */
	uint64_t used;		/* bytes since */
	/* The rest is not kept: */
	nsec_t behind_since;	/* from when on the clock has said an earlier month; 0: it does not */
	uint32_t begins_with;	/* status request whose figures it counts from; 0: it counts */
	uint64_t used_then;	/* when the worker was last asked */
	bool was_spent;		/* said so */
};

struct budgets {
	struct budget row[BUDGETS];
	size_t count;
	uint64_t seen[PATHS_MAX];	/* bytes of each path id so far */
};

/* Both clocks at one moment. */
struct budget_time {
	time_t wall;
	nsec_t boot;		/* CLOCK_BOOTTIME */
	bool kept;		/* the first of them is kept right by a time server */
};

/* The row of that link, made when it is not there; where there is no room, the one whose month is oldest goes. */
struct budget *budgets_get(struct budgets *b, const char *link);

/* The worker is a new one, whose figures begin at 0. */
void budgets_forget_paths(struct budgets *b);
/* A path id has carried that many bytes in all: how many of them are new. */
uint64_t budgets_grown(struct budgets *b, unsigned path, uint64_t bytes);

/* A new month begins where it is time to; true: something has changed. */
bool budget_turn(struct budget *row, unsigned reset_day, const struct budget_time *now);
/* Nothing is left of it; never, for a link without a budget. */
bool budgets_spent(const struct budgets *b, const struct config_link *link);
uint64_t budgets_used(const struct budgets *b, const char *link);
/* When that link's month began; 0: nothing of it was counted yet. */
uint32_t budgets_month(const struct budgets *b, const char *link);

/* The day on which a month ends that began then: "1 December". */
const char *budget_end(uint32_t month, char buf[BUDGET_TEXT]);
/* The month that holds that moment; 20251201. */
uint32_t budget_month(time_t wall, unsigned reset_day);

#endif
