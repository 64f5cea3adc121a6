/* lock: see lock.h. */
#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER_MS	2000
#define AGAIN_MS	10

/* Whether the file that we locked is still the one of that name: its last owner may have removed it. */
static bool is_file(int fd, const char *path)
{
	struct stat ours, now;

	return fstat(fd, &ours) == 0 && stat(path, &now) == 0 && ours.st_dev == now.st_dev &&
	       ours.st_ino == now.st_ino;
}

static int try_to_take(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), err = -EWOULDBLOCK;

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		err = -errno;
	else if (is_file(fd, path))
		return fd;
	close(fd);
	return err;
}

int lock_take(const char *path, unsigned ms)
{
	int fd = try_to_take(path);

	for (unsigned waited = 0; fd == -EWOULDBLOCK && waited < ms; waited += AGAIN_MS) {
		usleep(AGAIN_MS * 1000);
		fd = try_to_take(path);
	}
	return fd;
}

int lock_folder(const char *folder, char ret[LOCK_PATH])
{
	int fd;

	if (snprintf(ret, LOCK_PATH, "%s/lock", folder) >= LOCK_PATH)
		return -ENAMETOOLONG;
	fd = lock_take(ret, FOLDER_MS);
	return fd == -EWOULDBLOCK ? -ENOLCK : fd;
}

void lock_release(const char *path, int fd)
{
	if (fd < 0)
		return;
	unlink(path);
	close(fd);
}
