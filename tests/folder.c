/* folder: see folder.h. */
#include "folder.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/ttt-test.XXXXXX";

static void check(int good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(1);
}

void folder_make(void)
{
	check(mkdtemp(folder) != NULL, folder);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

void folder_remove(void)
{
	check(nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0, folder);
}

const char *folder_path(const char *name)
{
	static char path[4][FOLDER_PATH];
	static unsigned turn;
	char *ret = path[turn++ % 4];

	snprintf(ret, FOLDER_PATH, "%s/%s", folder, name);
	return ret;
}

const char *folder_write(const char *name, mode_t mode, const char *bytes, size_t len)
{
	const char *path = folder_path(name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	check(fd >= 0, path);
	check(write(fd, bytes, len) == (ssize_t)len, path);
	check(fchmod(fd, mode) == 0, path);
	close(fd);
	return path;
}

const char *folder_text(const char *name, mode_t mode, const char *text)
{
	return folder_write(name, mode, text, strlen(text));
}
