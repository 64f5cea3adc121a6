/*
 * cgroup: groups of processes (cgroups(7), version 2), wherever they are
 * mounted, or are not: `ip netns exec` hides them.
 */
#ifndef TTT_IO_CGROUP_H
#define TTT_IO_CGROUP_H

#include <stdint.h>

/* The root of the hierarchy, close-on-exec, or a negative errno. */
int cgroup_open(void);
/* The number by which the firewall knows a group, path as below the root; or 0: there is none. */
uint64_t cgroup_id(int root, const char *path);

#endif
