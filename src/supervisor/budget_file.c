/* budget_file: see budget_file.h. */
#include "supervisor/budget_file.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

#define VERSION		1
#define SIZE_MAX_READ	(64 * 1024)	/* BUDGETS rows are a tenth of it */

__attribute__((format(printf, 3, 4)))
static int fail(int err, char error[BUDGET_FILE_ERROR], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, BUDGET_FILE_ERROR, format, args);
	va_end(args);
	return err;
}

/* --- reading -------------------------------------------------------------- */

/* "2025-12-01"; 0: it is no date. */
static uint32_t parse_month(const char *text)
{
	unsigned year, month, day;
	char end;

	if (strlen(text) != 10 || sscanf(text, "%4u-%2u-%2u%c", &year, &month, &day, &end) != 3 ||
	    month < 1 || month > 12 || day < 1 || day > 28)
		return 0;
	return year * 10000 + month * 100 + day;
}

static bool take_row(const char *link, const json_t *value, struct budgets *b)
{
	const char *month = json_string_value(json_object_get(value, "month"));
	const json_t *used = json_object_get(value, "used");
	struct budget *row;

	if (!config_ifname_is_valid(link) || month == NULL || parse_month(month) == 0 ||
	    !json_is_integer(used) || json_integer_value(used) < 0 || b->count == BUDGETS)
		return false;
	row = budgets_get(b, link);
	row->month = parse_month(month);
	row->used = (uint64_t)json_integer_value(used);
	return true;
}

static bool take_all(const json_t *json, struct budgets *b)
{
	const json_t *links = json_object_get(json, "links");
	const char *link;
	json_t *value;

	if (json_integer_value(json_object_get(json, "version")) != VERSION || !json_is_object(links))
		return false;
	json_object_foreach((json_t *)(uintptr_t)links, link, value)
		if (!take_row(link, value, b))
			return false;
	return true;
}

/* -EFBIG: nothing of ours is that large. */
static ssize_t read_file(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t n, len = 0;

	if (fd < 0)
		return -errno;
	while ((n = read(fd, buf + len, size - (size_t)len)) > 0)
		len += n;
	if (n < 0)
		len = -errno;
	close(fd);
	return len == (ssize_t)size ? -EFBIG : len;
}

static int put_aside(const char *path, const char *why, char error[BUDGET_FILE_ERROR])
{
	char aside[CONFIG_PATH + 8];

	snprintf(aside, sizeof(aside), "%s.bad", path);
	if (rename(path, aside) < 0)
		return fail(-EBADMSG, error, "%s: %s: budgets are counted from zero", path, why);
	return fail(-EBADMSG, error, "%s: %s: budgets are counted from zero; what was there is kept as %s",
		    path, why, aside);
}

int budget_file_load(const char *path, struct budgets *ret, char error[BUDGET_FILE_ERROR])
{
	char *text = malloc(SIZE_MAX_READ);
	json_t *json = NULL;
	ssize_t len;
	bool good;

	*ret = (struct budgets){ 0 };
	if (text == NULL)
		return fail(-ENOMEM, error, "%s: out of memory", path);
	len = read_file(path, text, SIZE_MAX_READ);
	if (len >= 0)
		json = json_loadb(text, (size_t)len, JSON_REJECT_DUPLICATES, NULL);
	free(text);
	if (len == -ENOENT)
		return 0;
	if (len < 0 && len != -EFBIG)
		return fail((int)len, error, "%s: %s: budgets are counted from zero", path, strerror((int)-len));
	good = json != NULL && take_all(json, ret);
	json_decref(json);
	if (good)
		return 0;
	*ret = (struct budgets){ 0 };
	return put_aside(path, "is not what ttt has written", error);
}

/* --- writing -------------------------------------------------------------- */

static json_t *row_to_json(const struct budget *row)
{
	char month[32];

	snprintf(month, sizeof(month), "%04u-%02u-%02u", row->month / 10000, row->month / 100 % 100,
		 row->month % 100);
	return json_pack("{s:s,s:I}", "month", month, "used", (json_int_t)row->used);
}

/* To be freed; NULL: memory. */
static char *text_of(const struct budgets *b)
{
	json_t *links = json_object(), *all;
	char *text;

	for (size_t i = 0; i < b->count; i++)
		if (b->row[i].month != 0)
			json_object_set_new(links, b->row[i].link, row_to_json(&b->row[i]));
	all = json_pack("{s:i,s:o}", "version", VERSION, "links", links);
	text = json_dumps(all, JSON_INDENT(1));
	json_decref(all);
	return text;
}

static int write_all(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len > 0) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
	return fsync(fd) < 0 ? -errno : 0;
}

/* A new file of that name; what an interrupted save left is replaced. */
static int write_new(int dir, const char *name, const char *text)
{
	int fd, err;

	unlinkat(dir, name, 0);
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	err = write_all(fd, text);
	if (close(fd) < 0 && err == 0)
		err = -errno;
	if (err < 0)
		unlinkat(dir, name, 0);
	return err;
}

/* The folder is written, too, or the new name may be lost with the power. */
static int replace(int dir, const char *name, const char *text)
{
	char fresh[CONFIG_PATH + 8];
	int err;

	snprintf(fresh, sizeof(fresh), "%s.new", name);
	err = write_new(dir, fresh, text);
	if (err < 0)
		return err;
	if (renameat(dir, fresh, dir, name) < 0) {
		err = -errno;
		unlinkat(dir, fresh, 0);
		return err;
	}
	return fsync(dir) < 0 && errno != EINVAL ? -errno : 0;
}

int budget_file_save(const char *path, const struct budgets *b, char error[BUDGET_FILE_ERROR])
{
	const char *name = strrchr(path, '/') + 1;
	char folder[CONFIG_PATH], *text;
	int dir, err;

	text_copy(folder, sizeof(folder), path);
	folder[name - path - 1] = '\0';
	if (mkdir(folder, 0755) < 0 && errno != EEXIST)
		return fail(-errno, error, "%s: %s", folder, strerror(errno));
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dir < 0)
		return fail(-errno, error, "%s: %s", folder, strerror(errno));
	text = text_of(b);
	err = text != NULL ? replace(dir, name, text) : -ENOMEM;
	free(text);
	close(dir);
	return err < 0 ? fail(err, error, "%s: %s", path, strerror(-err)) : 0;
}
