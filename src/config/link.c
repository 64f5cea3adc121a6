/* link: see link.h. */
#include "config/link.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "config/parser.h"
#include "config/quantity.h"
#include "config/value.h"

#define PRIORITY	100
#define LATENCY_MAX	60000				/* ms */
#define LOSS_MIN	100				/* ppm: 0.01 % */
#define LOSS_MAX	1000000
#define RATE_MIN	8000				/* bit/s */
#define RATE_MAX	UINT64_C(100000000000)
#define BUDGET_MIN	1000
#define BUDGET_MAX	UINT64_C(1000000000000000)
#define RESET_MAX	28				/* every month has it */

static const char *const tier_name[] = {
	[CONFIG_TIER_PRIMARY] = "primary", [CONFIG_TIER_OVERFLOW] = "overflow",
	[CONFIG_TIER_BACKUP] = "backup", [CONFIG_TIER_NEVER] = "never",
};

const char *config_tier_name(enum config_tier tier)
{
	return tier_name[tier];
}

/* --- reading -------------------------------------------------------------- */

void link_tier(struct parser *p, const char *value)
{
	for (size_t i = 0; i < ARRAY_SIZE(tier_name); i++)
		if (strcmp(value, tier_name[i]) == 0) {
			parser_link(p)->tier = (enum config_tier)i;
			return;
		}
	parser_fail(p, "tier: there is no %.40s; there are primary, overflow, backup, never", value);
}

void link_priority(struct parser *p, const char *value)
{
	parser_link(p)->priority = (uint8_t)value_ranged(p, value, 0, 255);
}

void link_weight(struct parser *p, const char *value)
{
	parser_link(p)->weight = (uint16_t)value_ranged(p, value, 1, 1000);
}

void link_max_latency(struct parser *p, const char *value)
{
	uint64_t ms;

	if (value_limit(p, value, quantity_times, 1, LATENCY_MAX, "150ms or 2s", &ms))
		parser_link(p)->max_latency = MSEC(ms);
}

void link_max_loss(struct parser *p, const char *value)
{
	uint64_t ppm;

	if (value_limit(p, value, quantity_shares, LOSS_MIN, LOSS_MAX, "3%", &ppm))
		parser_link(p)->max_loss_ppm = (uint32_t)ppm;
}

void link_rate(struct parser *p, const char *value)
{
	uint64_t bits;

	if (value_limit(p, value, quantity_rates, RATE_MIN, RATE_MAX, "20mbit", &bits))
		parser_link(p)->rate = bits / 8;
}

void link_congestion(struct parser *p, const char *value)
{
	bool fixed = strcmp(value, "fixed") == 0;

	if (!fixed && strcmp(value, "auto") != 0)
		parser_fail(p, "congestion: %.40s is neither auto nor fixed", value);
	else
		parser_link(p)->fixed = fixed;
}

void link_metered(struct parser *p, const char *value)
{
	parser_link(p)->metered = value_yes_or_no(p, value) == 1;
}

void link_budget(struct parser *p, const char *value)
{
	uint64_t bytes;

	if (value_limit(p, value, quantity_sizes, BUDGET_MIN, BUDGET_MAX, "20GB", &bytes))
		parser_link(p)->budget = bytes;
}

void link_budget_reset(struct parser *p, const char *value)
{
	parser_link(p)->budget_reset = (uint8_t)value_ranged(p, value, 1, RESET_MAX);
}

bool config_link_is_pattern(const char *name)
{
	return strpbrk(name, "*?[") != NULL;
}

void link_gateway(struct parser *p, const char *value)
{
	struct config_link *link = parser_link(p);
	struct addr gateway;

	if (config_link_is_pattern(link->name)) {
		parser_fail(p, "gateway: one router cannot be all of [link %s]'s; name the interface", link->name);
		return;
	}
	if (!value_host(p, value, &gateway))
		return;
	for (size_t i = 0; i < link->gateway_count; i++)
		if (link->gateway[i].family == gateway.family) {
			parser_fail(p, "gateway: two of one family; a link has one for IPv4 and one for IPv6");
			return;
		}
	link->gateway[link->gateway_count++] = gateway;
}

void link_check(struct parser *p, const struct config_link *link)
{
	if (link->fixed && link->rate == 0)
		parser_fail(p, "congestion: fixed needs to know the link's rate; write rate = 20mbit, too");
}

/* --- finding -------------------------------------------------------------- */

const struct config_link *config_link(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->link_count; i++)
		if (strcmp(config->link[i].name, name) == 0)
			return &config->link[i];
	for (size_t i = 0; i < config->link_count; i++)
		if (fnmatch(config->link[i].name, name, 0) == 0)
			return &config->link[i];
	return NULL;
}

struct config_link config_link_default(const char *name)
{
	struct config_link link = { .priority = PRIORITY, .weight = 1, .budget_reset = 1 };

	strncpy(link.name, name, sizeof(link.name) - 1);
	return link;
}

/* --- printing ------------------------------------------------------------- */

static const char *limit_text(uint64_t value, const struct quantity_unit *unit, char buf[QUANTITY_TEXT])
{
	return value == 0 ? "none" : quantity_print(value, unit, buf);
}

struct words {
	char *buf;
	size_t len;
};

static void add(struct words *w, const char *key, const char *value)
{
	w->len += (size_t)snprintf(w->buf + w->len, CONFIG_LINK_TEXT - w->len, "%s%s=%s",
				   w->len > 0 ? " " : "", key, value);
}

static void add_number(struct words *w, const char *key, unsigned value)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", value);
	add(w, key, text);
}

#define is_told(field)	(but == NULL || link->field != but->field)

const char *config_link_print(const struct config_link *link, const struct config_link *but,
			      char buf[CONFIG_LINK_TEXT])
{
	struct words w = { .buf = buf };
	char q[QUANTITY_TEXT];

	buf[0] = '\0';
	if (is_told(tier))
		add(&w, "tier", tier_name[link->tier]);
	if (is_told(priority))
		add_number(&w, "priority", link->priority);
	if (is_told(weight))
		add_number(&w, "weight", link->weight);
	if (is_told(max_latency))
		add(&w, "max-latency", limit_text(link->max_latency / NSEC_PER_MSEC, quantity_times, q));
	if (is_told(max_loss_ppm))
		add(&w, "max-loss", limit_text(link->max_loss_ppm, quantity_shares, q));
	if (is_told(rate))
		add(&w, "rate", limit_text(link->rate * 8, quantity_rates, q));
	if (is_told(fixed))
		add(&w, "congestion", link->fixed ? "fixed" : "auto");
	if (is_told(metered))
		add(&w, "metered", link->metered ? "yes" : "no");
	if (is_told(budget))
		add(&w, "budget", limit_text(link->budget, quantity_sizes, q));
	if (is_told(budget_reset))
		add_number(&w, "budget-reset", link->budget_reset);
	return buf;
}
