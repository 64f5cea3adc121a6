/*
 * complaint: what is wrong with an argument, and what would be right: one line for a person.
 */
#ifndef TTT_SIM_TOOL_COMPLAINT_H
#define TTT_SIM_TOOL_COMPLAINT_H

#include <stdbool.h>

#define COMPLAINT_TEXT	2048

struct complaint {
	char text[COMPLAINT_TEXT];	/* empty: none */
};

/* Always false, so that a reader can end with it; the first one stays. */
bool complain(struct complaint *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
