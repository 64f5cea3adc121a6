/* text: copying into fields of a fixed size, cut where it does not fit, always ended; and where to cut. */
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

/* Of a text that may be cut: how many bytes of max, so that no character of UTF-8 is halved; for "%.*s". */
static inline int text_whole(const char *text, size_t max)
{
	size_t len = strnlen(text, max + 1);

	if (len <= max)
		return (int)len;
	for (len = max; len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80;)
		len--;
	return (int)len;
}

#endif
