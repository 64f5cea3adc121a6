/* budget: see budget.h. */
#include "supervisor/budget.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define BELIEVED_AFTER	SEC(24 * 3600)	/* of a clock that says an earlier month */

static const struct budget *find(const struct budgets *b, const char *link)
{
	for (size_t i = 0; i < b->count; i++)
		if (strcmp(b->row[i].link, link) == 0)
			return &b->row[i];
	return NULL;
}

static struct budget *oldest(struct budgets *b)
{
	struct budget *found = &b->row[0];

	for (size_t i = 1; i < b->count; i++)
		if (b->row[i].month < found->month)
			found = &b->row[i];
	return found;
}

struct budget *budgets_get(struct budgets *b, const char *link)
{
	const struct budget *known = find(b, link);
	struct budget *row;

	if (known != NULL)
		return &b->row[known - b->row];
	row = b->count < BUDGETS ? &b->row[b->count++] : oldest(b);
	*row = (struct budget){ 0 };
	text_copy(row->link, sizeof(row->link), link);
	return row;
}

void budgets_forget_paths(struct budgets *b)
{
	memset(b->seen, 0, sizeof(b->seen));
}

uint64_t budgets_grown(struct budgets *b, unsigned path, uint64_t bytes)
{
	uint64_t before = b->seen[path] <= bytes ? b->seen[path] : 0;

	b->seen[path] = bytes;
	return bytes - before;
}

uint32_t budget_month(time_t wall, unsigned reset_day)
{
	struct tm t = { 0 };
	int year, month;

	localtime_r(&wall, &t);
	year = t.tm_year + 1900;
	month = t.tm_mon + 1;
	if (t.tm_mday < (int)reset_day && --month == 0) {
		month = 12;
		year--;
	}
	year = year < 1 ? 1 : year > 9999 ? 9999 : year;
	return (uint32_t)year * 10000 + (uint32_t)month * 100 + reset_day;
}

/* The month that is counted is not over yet: only its day is another one. */
static bool is_moved(const struct budget *row, unsigned reset_day, time_t wall)
{
	unsigned day = row->month % 100;

	return day != 0 && day != reset_day && budget_month(wall, day) == row->month;
}

bool budget_turn(struct budget *row, unsigned reset_day, const struct budget_time *now)
{
	uint32_t month = budget_month(now->wall, reset_day);

	if (is_moved(row, reset_day, now->wall)) {
		row->month = month;
		row->behind_since = 0;
		return true;
	}
	if (month > row->month) {
		row->month = month;
		row->used = 0;
		row->behind_since = 0;
		return true;
	}
	if (month == row->month) {
		row->behind_since = 0;
		return false;
	}
	if (row->behind_since == 0)
		row->behind_since = now->boot;
	if (!now->kept && nsec_since(row->behind_since, now->boot) < BELIEVED_AFTER)
		return false;
	row->month = month;
	row->behind_since = 0;
	return true;
}

uint64_t budgets_used(const struct budgets *b, const char *link)
{
	const struct budget *row = find(b, link);

	return row != NULL ? row->used : 0;
}

uint32_t budgets_month(const struct budgets *b, const char *link)
{
	const struct budget *row = find(b, link);

	return row != NULL ? row->month : 0;
}

bool budgets_spent(const struct budgets *b, const struct config_link *link)
{
	return link->budget != 0 && budgets_used(b, link->name) >= link->budget;
}

const char *budget_end(uint32_t month, char buf[BUDGET_TEXT])
{
	static const char *const name[] = {
		"January", "February", "March", "April", "May", "June", "July", "August", "September",
		"October", "November", "December",
	};

	/* behind the month that begins in month 11 of 1 to 12 comes name[11] */
	snprintf(buf, BUDGET_TEXT, "%u %s", month % 100, name[month / 100 % 100 % 12]);
	return buf;
}
