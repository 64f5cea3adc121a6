/*
 * marks: the numbers of a tunnel that the file does not give.  Tunnels side by
 * side must not share tables and priorities, or one would take the other's
 * rules for its own.
 */
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

#define INSTANCES	50	/* after which priorities would reach the main table's rule */

/* What stands at the end of the name: ttt3 is 3, vpn is 0. */
static unsigned instance(const char *interface)
{
	size_t len = strlen(interface), digits = 0;
	unsigned long n;

	while (digits < len && interface[len - digits - 1] >= '0' && interface[len - digits - 1] <= '9')
		digits++;
	n = strtoul(interface + len - digits, NULL, 10);
	return n <= INSTANCES ? (unsigned)n : 0;
}

struct config_marks config_marks_default(const char *interface)
{
	unsigned n = instance(interface);

	return (struct config_marks){
		.protocol = 84,
		.fwmark = 0x7474,
		.reply_mark = 0x7501 + 16 * n,
		.table = 7400 + 100 * n,
		.priority = 7400 + 100 * n,
	};
}

void config_set_interface(struct config *config, const char *name)
{
	const struct config_marks *given = &config->given;
	struct config_marks m = config_marks_default(name);

	memmove(config->interface, name, strnlen(name, CONFIG_IFNAME - 1) + 1);
	config->interface[CONFIG_IFNAME - 1] = '\0';
	if (given->protocol != 0)
		m.protocol = given->protocol;
	if (given->fwmark != 0)
		m.fwmark = given->fwmark;
	if (given->reply_mark != 0)
		m.reply_mark = given->reply_mark;
	if (given->table != 0)
		m.table = given->table;
	if (given->priority != 0)
		m.priority = given->priority;
	config->marks = m;
}
