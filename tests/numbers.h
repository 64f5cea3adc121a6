/* numbers: a tunnel's usual numbers, as the configuration gives them, for tests of routing. */
#ifndef TTT_TESTS_NUMBERS_H
#define TTT_TESTS_NUMBERS_H

#include "config/config.h"
#include "routing/marks.h"

static inline struct route_marks usual_marks(void)
{
	const struct config_marks m = config_marks_default("ttt0");

	return (struct route_marks){
		.protocol = m.protocol, .fwmark = m.fwmark, .fwmask = 0xffff,
		.reply_mark = m.reply_mark, .table = m.table, .priority = m.priority,
	};
}

#endif
