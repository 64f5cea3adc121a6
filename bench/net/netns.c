/* netns: see netns.h. */
#include "netns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static int enter(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), error;

	if (fd < 0)
		return -errno;
	error = setns(fd, CLONE_NEWNET) < 0 ? -errno : 0;
	close(fd);
	return error;
}

int netns_socket(const char *name, int domain, int type, int protocol)
{
	char path[128], here[64];
	int error, fd;

	snprintf(path, sizeof(path), "/run/netns/%s", name);
	snprintf(here, sizeof(here), "/proc/%d/ns/net", (int)getpid());
	int back = open(here, O_RDONLY | O_CLOEXEC);
	if (back < 0)
		return -errno;
	error = enter(path);
	if (error == 0) {
		fd = socket(domain, type | SOCK_CLOEXEC, protocol);
		error = fd < 0 ? -errno : fd;
		if (setns(back, CLONE_NEWNET) < 0)
			error = -errno;
	}
	close(back);
	return error;
}
