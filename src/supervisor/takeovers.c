/* takeovers: see takeovers.h. */
#include "supervisor/takeovers.h"

#define MINUTE	SEC(60)

bool takeovers_note(struct takeovers *t, nsec_t now)
{
	if (nsec_since(t->since, now) >= MINUTE) {
		t->since = now;
		t->count = 0;
	}
	if (++t->count < TAKEOVERS_MANY)
		return false;
	t->many_at = nsec_max(now, 1);
	return true;
}

bool takeovers_are_many(const struct takeovers *t, nsec_t now)
{
	return t->many_at != 0 && nsec_since(t->many_at, now) < MINUTE;
}
