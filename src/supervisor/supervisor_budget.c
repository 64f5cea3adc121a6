/*
 * supervisor_budget: the links' budgets: asks the worker what the paths have
 * carried, counts it, closes a link whose budget is spent, opens it again when
 * a new month begins, and keeps the count on disk.
 *
 * It asks every five seconds, sooner when little is left; it writes when a
 * hundredth of a budget is new, or after a minute, or when a link closes or
 * opens: a crash forgets no more than that.  Without a budget it does nothing.
 */
#include <stdio.h>
#include <string.h>
#include <sys/timex.h>
#include <time.h>

#include "base/log.h"
#include "config/quantity.h"
#include "supervisor/budget_file.h"
#include "supervisor/supervisor_state.h"

#define ASK_EVERY	5.0	/* seconds */
#define ASK_SOON	0.5
#define SAVE_AFTER	SEC(60)
#define SAVE_GAP	SEC(5)	/* at least, between two that are not due otherwise */
#define SAVE_SHARE	100	/* of a budget */

static uint64_t budget_of(const struct supervisor *s, const char *link)
{
	return preferences_of(&s->preferences, link).budget;
}

/* --- keeping -------------------------------------------------------------- */

static void save(struct supervisor *s)
{
	char error[BUDGET_FILE_ERROR];
	int err = budget_file_save(s->budget.path, &s->budgets, error);

	if (err < 0 && !s->budget.unkept)
		log_warning("what is left of budgets will be forgotten when the tunnel goes down: %s", error);
	s->budget.unkept = err < 0;
	s->budget.unsaved = 0;
	s->budget.saved_at = supervisor_now();
}

static bool is_worth_saving(const struct supervisor *s)
{
	nsec_t age = nsec_since(s->budget.saved_at, supervisor_now());
	uint64_t least = UINT64_MAX;

	for (size_t i = 0; i < s->budgets.count; i++) {
		uint64_t budget = budget_of(s, s->budgets.row[i].link);

		if (budget != 0 && budget < least)
			least = budget;
	}
	return (s->budget.unsaved > 0 && age >= SAVE_AFTER) ||
	       (s->budget.unsaved > least / SAVE_SHARE && age >= SAVE_GAP);
}

/* --- months --------------------------------------------------------------- */

/* A month begins for one link, or its budget is spent; true: one of the two. */
static bool turn(struct supervisor *s, struct budget *row, const struct budget_time *now)
{
	struct config_link link = preferences_of(&s->preferences, row->link);
	bool changed = budget_turn(row, link.budget_reset, now), spent = budgets_spent(&s->budgets, &link);
	char amount[QUANTITY_TEXT], end[BUDGET_TEXT];

	if (spent == row->was_spent)
		return changed;
	row->was_spent = spent;
	if (spent)
		log_warning("%s: its budget of %s is spent, so it carries nothing until %s", row->link,
			    quantity_print(link.budget, quantity_sizes, amount), budget_end(row->month, end));
	else
		log_info("%s: there is budget again", row->link);
	return true;
}

/* As the kernel knows it from whoever sets it by a time server. */
static bool clock_is_kept(void)
{
	struct timex t = { 0 };

	return adjtimex(&t) >= 0 && !(t.status & STA_UNSYNC);
}

static bool turn_all(struct supervisor *s)
{
	const struct budget_time now = { .wall = time(NULL), .boot = supervisor_now(), .kept = clock_is_kept() };
	bool changed = false;

	for (size_t i = 0; i < ENDPOINT_SOCKETS; i++)
		if (s->uplinks.socket[i].open && budget_of(s, s->uplinks.socket[i].ifname) != 0)
			budgets_get(&s->budgets, s->uplinks.socket[i].ifname);
	for (size_t i = 0; i < s->budgets.count; i++)
		if (s->budgets.row[i].was_spent || budget_of(s, s->budgets.row[i].link) != 0)
			changed |= turn(s, &s->budgets.row[i], &now);
	return changed;
}

/* --- asking --------------------------------------------------------------- */

static void ask_after(struct supervisor *s, double seconds)
{
	ev_timer_stop(s->loop, &s->budget.ask);
	ev_timer_set(&s->budget.ask, seconds, 0.0);
	ev_timer_start(s->loop, &s->budget.ask);
}

/* Half of the time in which the rest of some budget goes, at the rate since the last time. */
static double half_of_rest(struct supervisor *s)
{
	nsec_t now = supervisor_now();
	double since = (double)nsec_since(s->budget.asked_at, now) / NSEC_PER_SEC, least = ASK_EVERY;

	for (size_t i = 0; i < s->budgets.count; i++) {
		struct budget *row = &s->budgets.row[i];
		uint64_t budget = budget_of(s, row->link);
		double grown = row->used > row->used_then ? (double)(row->used - row->used_then) : 0;
		double rest = budget > row->used ? (double)(budget - row->used) : 0;

		row->used_then = row->used;
		if (grown > 0 && rest > 0 && rest / grown * since / 2 < least)
			least = rest / grown * since / 2;
	}
	s->budget.asked_at = now;
	return least > ASK_SOON ? least : ASK_SOON;
}

static void on_ask(struct ev_loop *loop, ev_timer *t, int events)
{
	struct supervisor *s = t->data;

	(void)loop;
	(void)events;
	ask_after(s, ASK_EVERY);	/* unless the answer says something else */
	if (supervisor_ask_worker(s) == 0)
		supervisor_settle_budgets(s, 0);
}

/* --- what the others tell ------------------------------------------------- */

void supervisor_count(struct supervisor *s, const struct message_status_path *m)
{
	uint64_t grown = budgets_grown(&s->budgets, m->path, m->tx_bytes + m->rx_bytes);
	struct budget *row;

	if (s->config->role != CONFIG_CLIENT || budget_of(s, m->link) == 0)
		return;
	row = budgets_get(&s->budgets, m->link);
	if (row->begins_with != 0)
		return;
	row->used += grown;
	s->budget.unsaved += grown;
}

void supervisor_settle_budgets(struct supervisor *s, uint32_t id)
{
	for (size_t i = 0; i < s->budgets.count; i++)
		if (s->budgets.row[i].begins_with <= id)
			s->budgets.row[i].begins_with = 0;
	if (!preferences_have_budgets(&s->preferences))
		return;
	if (turn_all(s)) {
		supervisor_sync(s);
		save(s);
	} else if (is_worth_saving(s)) {
		save(s);
	}
	ask_after(s, half_of_rest(s));
}

void supervisor_forget_paths(struct supervisor *s)
{
	budgets_forget_paths(&s->budgets);
	for (size_t i = 0; i < s->budgets.count; i++)
		s->budgets.row[i].begins_with = 0;
}

/* One that is new counts from now on: what its paths have carried so far is nobody's. */
void supervisor_change_budget(struct supervisor *s, const char *link, bool had_one)
{
	if (budget_of(s, link) != 0 && !had_one)
		budgets_get(&s->budgets, link)->begins_with = supervisor_ask_worker(s);
	if (turn_all(s))
		save(s);
	if (preferences_have_budgets(&s->preferences))
		ask_after(s, ASK_SOON);
}

void supervisor_begin_budgets(struct supervisor *s)
{
	char error[BUDGET_FILE_ERROR];

	ev_timer_init(&s->budget.ask, on_ask, ASK_EVERY, 0.0);
	s->budget.ask.data = s;
	s->budget.saved_at = s->budget.asked_at = supervisor_now();
	snprintf(s->budget.path, sizeof(s->budget.path), "%s/%s.budget", s->options->state_dir,
		 s->config->interface);
	if (s->config->role != CONFIG_CLIENT)
		return;
	if (budget_file_load(s->budget.path, &s->budgets, error) < 0)
		log_warning("%s", error);
	supervisor_settle_budgets(s, 0);
}

void supervisor_end_budgets(struct supervisor *s)
{
	ev_timer_stop(s->loop, &s->budget.ask);
	if (s->budget.unsaved > 0)
		save(s);
}
