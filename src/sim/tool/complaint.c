/* complaint: see complaint.h. */
#include "sim/tool/complaint.h"

#include <stdarg.h>
#include <stdio.h>

bool complain(struct complaint *c, const char *format, ...)
{
	va_list args;

	if (c->text[0] != '\0')
		return false;
	va_start(args, format);
	vsnprintf(c->text, sizeof(c->text), format, args);
	va_end(args);
	return false;
}
