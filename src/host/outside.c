/* outside: see outside.h. */
#include "host/outside.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/cgroup.h"

/* "1000", "1000-1999", or a name. */
static bool find_user(const char *text, struct uids *ret)
{
	const struct passwd *user;
	char *end;

	ret->low = ret->high = (uint32_t)strtoul(text, &end, 10);
	if (end != text && *end == '-')
		ret->high = (uint32_t)strtoul(end + 1, &end, 10);
	if (end != text && *end == '\0')
		return true;
	user = getpwnam(text);
	if (user != NULL)
		ret->low = ret->high = user->pw_uid;
	return user != NULL;
}

static uint32_t depth(const char *path)
{
	uint32_t n = 1;

	while ((path = strchr(path, '/')) != NULL) {
		path++;
		n++;
	}
	return n;
}

int outside_begin(struct outside *o, const struct config *config, const char **ret_who)
{
	*o = (struct outside){ .root = -1 };
	*ret_who = NULL;
	for (size_t i = 0; i < config->outside_user_count; i++)
		if (!find_user(config->outside_user[i], &o->uids[o->uids_count++])) {
			*ret_who = config->outside_user[i];
			return -ENOENT;
		}
	if (config->outside_cgroup_count == 0)
		return 0;
	o->root = cgroup_open();
	if (o->root < 0)
		return o->root;
	outside_look(o, config);
	return 0;
}

bool outside_look(struct outside *o, const struct config *config)
{
	struct ruleset_cgroup now[CONFIG_PATTERNS];
	size_t n = 0;
	bool same;

	memset(now, 0, sizeof(now));
	for (size_t i = 0; i < config->outside_cgroup_count; i++) {
		now[n].id = cgroup_id(o->root, config->outside_cgroup[i]);
		now[n].level = depth(config->outside_cgroup[i]);
		if (now[n].id != 0)
			n++;
	}
	same = n == o->cgroup_count && memcmp(now, o->cgroup, n * sizeof(now[0])) == 0;
	memcpy(o->cgroup, now, sizeof(now));
	o->cgroup_count = n;
	return !same;
}

void outside_end(struct outside *o)
{
	if (o->root >= 0)
		close(o->root);
	o->root = -1;
}
