/* text: copying into fields of a fixed size, cut where it does not fit, always ended. */
#ifndef TTT_BASE_TEXT_H
#define TTT_BASE_TEXT_H

#include <stddef.h>
#include <string.h>

static inline void text_copy(char *to, size_t size, const char *from)
{
	size_t len = strnlen(from, size - 1);

	memcpy(to, from, len);
	memset(to + len, 0, size - len);
}

#endif
