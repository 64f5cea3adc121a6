/* worker_user: see worker_user.h. */
#include "supervisor/worker_user.h"

#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>

#define USUAL		"ttt"
#define NUMBER		64774	/* so that nobody else's processes are its own */
#define NOBODY		65534

static bool find(const char *text, uid_t *uid, gid_t *gid)
{
	const struct passwd *p = getpwnam(text);
	unsigned long n;
	char *end;

	if (p != NULL) {
		*uid = p->pw_uid;
		*gid = p->pw_gid;
		return *uid != 0 && *gid != 0;
	}
	n = strtoul(text, &end, 10);
	*uid = (uid_t)n;
	*gid = (gid_t)n;
	return *end == '\0' && n > 0 && n < UINT32_MAX;
}

bool worker_user(const char *wanted, uid_t *ret_uid, gid_t *ret_gid)
{
	if (wanted[0] != '\0' || find(USUAL, ret_uid, ret_gid))
		return wanted[0] == '\0' || find(wanted, ret_uid, ret_gid);
	*ret_uid = getpwuid(NUMBER) == NULL ? NUMBER : NOBODY;
	*ret_gid = *ret_uid;
	return true;
}
