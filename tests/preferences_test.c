/* preferences: the file, what has been changed since, and budgets, as one answer per link. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "supervisor/budget.h"
#include "supervisor/preferences.h"
#include "tap.h"

#define K1 "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="

static struct config *config;
static struct budgets budgets;

static struct preferences fresh(const char *links)
{
	char text[1024], error[CONFIG_ERROR] = "";

	config_free(config);
	snprintf(text, sizeof(text), "[tunnel]\nprivate-key-file=k\n[peer vps]\npublic-key=" K1 "\nendpoint=a\n%s", links);
	if (config_parse(text, strlen(text), "f", NULL, &config, error) < 0)
		fail_msg("%s", error);
	budgets = (struct budgets){ 0 };
	return (struct preferences){ .config = config, .budgets = &budgets };
}

static int change(struct preferences *p, const char *link, const char *word, char error[CONFIG_ERROR])
{
	return preferences_change(p, link, &word, 1, error);
}

static void a_change_holds_for_its_link_alone(void **state)
{
	struct preferences p = fresh("[link ww*]\nweight = 5\ntier = backup\n");
	char error[CONFIG_ERROR];

	(void)state;
	assert_int_equal(change(&p, "wwan0", "weight=9", error), 0);
	assert_int_equal(preferences_of(&p, "wwan0").weight, 9);
	assert_int_equal(preferences_of(&p, "wwan0").tier, CONFIG_TIER_BACKUP);	/* the file's */
	assert_string_equal(preferences_of(&p, "wwan1").name, "wwan1");		/* not the pattern */
	assert_int_equal(preferences_of(&p, "wwan1").weight, 5);
	assert_int_equal(preferences_of(&p, "eth0").weight, 1);
	assert_true(preferences_are_changed(&p, "wwan0"));
	assert_false(preferences_are_changed(&p, "wwan1"));
	assert_int_equal(change(&p, "wwan0", "priority=1", error), 0);
	assert_int_equal(preferences_of(&p, "wwan0").weight, 9);
	assert_int_equal(p.changed_count, 1);
}

static void a_wrong_change_changes_nothing(void **state)
{
	struct preferences p = fresh("");
	char error[CONFIG_ERROR];

	(void)state;
	assert_int_equal(change(&p, "eth0", "weight=none", error), -EINVAL);
	assert_string_equal(error, "eth0: weight: none is not a number from 1 to 1000");
	assert_int_equal(p.changed_count, 0);
	for (int i = 0; i < PREFERENCES; i++) {
		char name[CONFIG_IFNAME];

		snprintf(name, sizeof(name), "eth%d", i);
		assert_int_equal(change(&p, name, "weight=2", error), 0);
	}
	assert_int_equal(change(&p, "usb0", "weight=2", error), -ENOSPC);
	assert_int_equal(change(&p, "eth3", "weight=3", error), 0);
}

static void the_worker_is_told_all_of_it(void **state)
{
	struct preferences p = fresh("[link usb0]\ntier=overflow\npriority=3\nweight=4\nmax-latency=150ms\nmax-loss=3%\n"
				     "rate=20mbit\ncongestion=fixed\nmetered=yes\n");
	struct message_link m = preferences_message(&p, "usb0", 70000);

	(void)state;
	assert_int_equal(m.tier, MESSAGE_TIER_OVERFLOW);
	assert_int_equal(m.priority, 3);
	assert_int_equal(m.weight, 4);
	assert_int_equal(m.max_latency_ms, 150);
	assert_int_equal(m.max_loss_ppm, 30000);
	assert_int_equal(m.rate, 2500000);
	assert_true(m.fixed && m.metered);
	assert_int_equal(m.mtu, UINT16_MAX);
}

static void a_link_whose_budget_is_spent_is_not_used(void **state)
{
	struct preferences p = fresh("[link usb0]\nbudget=1MB\n");
	char error[CONFIG_ERROR];

	(void)state;
	assert_true(preferences_have_budgets(&p));
	budgets_get(&budgets, "usb0")->used = 999999;
	assert_int_equal(preferences_message(&p, "usb0", 1500).tier, MESSAGE_TIER_PRIMARY);
	budgets_get(&budgets, "usb0")->used = 1000000;
	assert_int_equal(preferences_message(&p, "usb0", 1500).tier, MESSAGE_TIER_NEVER);
	assert_int_equal(preferences_of(&p, "usb0").tier, CONFIG_TIER_PRIMARY);	/* what the user wants stays */
	assert_int_equal(change(&p, "usb0", "budget=2MB", error), 0);
	assert_int_equal(preferences_message(&p, "usb0", 1500).tier, MESSAGE_TIER_PRIMARY);
	p = fresh("");
	assert_false(preferences_have_budgets(&p));
	assert_int_equal(change(&p, "usb0", "budget=2MB", error), 0);
	assert_true(preferences_have_budgets(&p));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a change holds for its link alone", a_change_holds_for_its_link_alone),
		TEST("a wrong change changes nothing", a_wrong_change_changes_nothing),
		TEST("the worker is told all of it", the_worker_is_told_all_of_it),
		TEST("a link whose budget is spent is not used", a_link_whose_budget_is_spent_is_not_used),
	};
	int failed = RUN_TESTS(tests);

	config_free(config);
	return failed;
}
