/* rarely: see rarely.h. */
#include "base/rarely.h"

#include <limits.h>

bool rarely_say(struct rarely *r, nsec_t every, nsec_t now, unsigned *ret_unsaid)
{
	if (r->said_at != 0 && nsec_since(r->said_at, now) < every) {
		r->unsaid += r->unsaid < UINT_MAX;
		return false;
	}
	*ret_unsaid = r->unsaid;
	*r = (struct rarely){ .said_at = nsec_max(now, 1) };
	return true;
}
