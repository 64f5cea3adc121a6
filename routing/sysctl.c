/*
 * sysctl: see sysctl.h.  The file has a line per row: name, wanted, was.
 */
#include "routing/sysctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "routing/snapshot.h"

#define PATH	512

struct row {
	struct sysctl_row row;
	char was[SYSCTL_VALUE];
};

struct sysctl_store {
	char root[PATH / 2], file[PATH / 2];
	struct row row[PLAN_SYSCTLS];
	size_t count;
	char failed[SYSCTL_NAME];
};

static int read_setting(const char *root, const char *name, char ret[SYSCTL_VALUE])
{
	char path[PATH];
	FILE *f;
	int err = 0;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	f = fopen(path, "re");
	if (f == NULL)
		return -errno;
	if (fgets(ret, SYSCTL_VALUE, f) == NULL)
		err = -EIO;
	else
		ret[strcspn(ret, "\n")] = '\0';
	fclose(f);
	return err;
}

static int write_setting(const char *root, const char *name, const char *value)
{
	char path[PATH];
	FILE *f;
	bool good;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	f = fopen(path, "we");
	if (f == NULL)
		return -errno;
	good = fputs(value, f) >= 0;
	good = fclose(f) == 0 && good;
	return good ? 0 : -EIO;
}

int sysctl_number(const char *root, const char *name)
{
	char value[SYSCTL_VALUE];

	return read_setting(root, name, value) == 0 ? atoi(value) : SNAPSHOT_UNKNOWN;
}

/* On disk before anything is touched: whoever comes after a crash finds it. */
static int save(const struct sysctl_store *s)
{
	char temporary[PATH];
	FILE *f;
	bool good = true;

	if (s->count == 0)
		return remove(s->file) == 0 || errno == ENOENT ? 0 : -errno;
	snprintf(temporary, sizeof(temporary), "%s.new", s->file);
	f = fopen(temporary, "we");
	if (f == NULL)
		return -errno;
	for (size_t i = 0; i < s->count && good; i++)
		good = fprintf(f, "%s %s %s\n", s->row[i].row.name, s->row[i].row.wanted, s->row[i].was) > 0;
	good = fclose(f) == 0 && good;
	return good && rename(temporary, s->file) == 0 ? 0 : -EIO;
}

static int load(struct sysctl_store *s)
{
	FILE *f = fopen(s->file, "re");
	char line[SYSCTL_NAME + 2 * SYSCTL_VALUE + 8];
	int err = 0;

	if (f == NULL)
		return errno == ENOENT ? 0 : -errno;
	while (err == 0 && fgets(line, sizeof(line), f) != NULL) {
		struct row *r = &s->row[s->count];

		/* 95 and 15: SYSCTL_NAME and SYSCTL_VALUE without the NUL; no way out of /proc/sys/net */
		if (s->count == PLAN_SYSCTLS ||
		    sscanf(line, "%95s %15s %15s", r->row.name, r->row.wanted, r->was) != 3 ||
		    strncmp(r->row.name, "net/", 4) != 0 || strstr(r->row.name, "..") != NULL)
			err = -EBADMSG;
		else
			s->count++;
	}
	fclose(f);
	return err;
}

int sysctl_store_new(const char *root, const char *file, struct sysctl_store **ret)
{
	struct sysctl_store *s = calloc(1, sizeof(*s));
	int err;

	if (s == NULL)
		return -ENOMEM;
	snprintf(s->root, sizeof(s->root), "%s", root);
	snprintf(s->file, sizeof(s->file), "%s", file);
	err = load(s);
	if (err < 0)
		free(s);
	else
		*ret = s;
	return err;
}

void sysctl_store_free(struct sysctl_store *s)
{
	free(s);
}

static struct row *find(struct sysctl_store *s, const char *name)
{
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->row[i].row.name, name) == 0)
			return &s->row[i];
	return NULL;
}

static bool holds(const struct sysctl_row *row, const char *value)
{
	return row->at_least ? atoi(value) >= atoi(row->wanted) : strcmp(row->wanted, value) == 0;
}

static int failure(struct sysctl_store *s, const char *name, int err)
{
	snprintf(s->failed, sizeof(s->failed), "%s", name);
	return err;
}

static int apply_row(struct sysctl_store *s, const struct sysctl_row *row)
{
	char value[SYSCTL_VALUE];
	int err = read_setting(s->root, row->name, value);

	if (err == -ENOENT || (err == 0 && holds(row, value)))
		return 0;
	if (err == 0 && find(s, row->name) == NULL) {
		if (s->count == PLAN_SYSCTLS)
			return failure(s, row->name, -E2BIG);
		s->row[s->count].row = *row;
		memcpy(s->row[s->count++].was, value, sizeof(value));
		err = save(s);
	}
	if (err == 0)
		err = write_setting(s->root, row->name, row->wanted);
	return err < 0 ? failure(s, row->name, err) : 1;
}

/* What somebody else set meanwhile is his. */
static int restore_row(struct sysctl_store *s, const struct row *r)
{
	char value[SYSCTL_VALUE];
	int err = read_setting(s->root, r->row.name, value);

	if (err == -ENOENT || (err == 0 && strcmp(value, r->row.wanted) != 0))
		return 0;
	if (err == 0)
		err = write_setting(s->root, r->row.name, r->was);
	return err < 0 ? failure(s, r->row.name, err) : 1;
}

static bool among(const char *name, const struct sysctl_row *row, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(row[i].name, name) == 0)
			return true;
	return false;
}

int sysctl_apply(struct sysctl_store *s, const struct sysctl_row *row, size_t count)
{
	int changed = 0, first = 0;

	for (size_t i = s->count; i-- > 0;) {
		int n;

		if (among(s->row[i].row.name, row, count))
			continue;
		n = restore_row(s, &s->row[i]);
		s->row[i] = s->row[--s->count];
		changed += n > 0;
		first = first == 0 && n < 0 ? n : first;
	}
	for (size_t i = 0; i < count; i++) {
		int n = apply_row(s, &row[i]);

		changed += n > 0;
		first = first == 0 && n < 0 ? n : first;
	}
	if (first == 0)
		first = save(s);
	return first < 0 ? first : changed;
}

int sysctl_restore(struct sysctl_store *s)
{
	return sysctl_apply(s, NULL, 0);
}

const char *sysctl_failed(const struct sysctl_store *s)
{
	return s->failed;
}

size_t sysctl_count(const struct sysctl_store *s)
{
	return s->count;
}
