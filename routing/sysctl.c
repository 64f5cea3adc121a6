/*
 * sysctl: see sysctl.h.  The file has a line per row: name, wanted, was, index of
 * the interface (0: it is none's).  A follower's wanted is "4" or "6" behind an
 * "=": it goes with that family's forwarding.
 */
#include "routing/sysctl.h"

#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/lock.h"
#include "routing/snapshot.h"

#define PATH	512
#define ROWS_MAX	65536	/* two for each interface of a crowded host */

static const char leader4[] = "net/ipv4/ip_forward", leader6[] = "net/ipv6/conf/all/forwarding";
static const char with4[] = "=4", with6[] = "=6";

struct row {
	struct sysctl_row row;
	char was[SYSCTL_VALUE];
	unsigned index;		/* of its interface; 0: none's */
};

struct sysctl_store {
	char root[PATH / 2], file[PATH / 2];
	struct row *row;
	size_t count, size;
	char failed[LOCK_PATH];	/* a setting's name, or the path of the lock */
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
		good = fprintf(f, "%s %s %s %u\n", s->row[i].row.name, s->row[i].row.wanted, s->row[i].was,
			       s->row[i].index) > 0;
	good = fclose(f) == 0 && good;
	return good && rename(temporary, s->file) == 0 ? 0 : -EIO;
}

/* "net/ipv4/conf/NAME/setting": where NAME begins, and its length; NULL: it is no interface's. */
static const char *name_in(const char *row, size_t *ret_len)
{
	bool is_any = strncmp(row, "net/ipv4/conf/", 14) == 0 || strncmp(row, "net/ipv6/conf/", 14) == 0;
	const char *end = is_any ? strrchr(row + 14, '/') : NULL;

	if (end == NULL || end - (row + 14) >= SNAPSHOT_NAME)
		return NULL;
	*ret_len = (size_t)(end - (row + 14));
	return row + 14;
}

static unsigned index_of(const char *row)
{
	char name[SNAPSHOT_NAME];
	size_t len;
	const char *at = name_in(row, &len);

	if (at == NULL)
		return 0;
	memcpy(name, at, len);
	name[len] = '\0';
	return if_nametoindex(name);	/* "all" and "default" are none */
}

/* False: its interface is gone. */
static bool follow(struct row *r, bool *changed)
{
	char name[IF_NAMESIZE], row[SYSCTL_NAME];
	size_t len;
	const char *at = name_in(r->row.name, &len);

	if (r->index == 0 || at == NULL)
		return true;
	if (if_indextoname(r->index, name) == NULL)
		return false;
	if (strlen(name) == len && strncmp(name, at, len) == 0)
		return true;
	snprintf(row, sizeof(row), "%.14s%s%s", r->row.name, name, at + len);
	memcpy(r->row.name, row, sizeof(row));
	*changed = true;
	return true;
}

/* Interfaces may have been renamed, or be gone. */
static bool follow_all(struct sysctl_store *s)
{
	bool changed = false;

	for (size_t i = s->count; i-- > 0;) {
		if (follow(&s->row[i], &changed))
			continue;
		s->row[i] = s->row[--s->count];
		changed = true;
	}
	return changed;
}

static int append(struct sysctl_store *s, const struct row *r)
{
	if (s->count == s->size) {
		size_t size = s->size == 0 ? 64 : 2 * s->size;
		struct row *more = size <= ROWS_MAX ? realloc(s->row, size * sizeof(*more)) : NULL;

		if (more == NULL)
			return -ENOMEM;
		s->row = more;
		s->size = size;
	}
	s->row[s->count++] = *r;
	return 0;
}

static int load(struct sysctl_store *s)
{
	FILE *f = fopen(s->file, "re");
	char line[SYSCTL_NAME + 2 * SYSCTL_VALUE + 24];
	struct row r = { 0 };
	int err = 0;

	if (f == NULL)
		return errno == ENOENT ? 0 : -errno;
	while (err == 0 && fgets(line, sizeof(line), f) != NULL) {
		/* 95 and 15: SYSCTL_NAME and SYSCTL_VALUE without the NUL; no way out of /proc/sys/net */
		r.index = 0;	/* an older one has none */
		if (sscanf(line, "%95s %15s %15s %u", r.row.name, r.row.wanted, r.was, &r.index) < 3 ||
		    strncmp(r.row.name, "net/", 4) != 0 || strstr(r.row.name, "..") != NULL)
			err = -EBADMSG;
		else
			err = append(s, &r);
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
		sysctl_store_free(s);
	else
		*ret = s;
	return err;
}

void sysctl_store_free(struct sysctl_store *s)
{
	if (s != NULL)
		free(s->row);
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

/* --- followers ------------------------------------------------------------- */

static int note(struct sysctl_store *s, const char *with, const char *name)
{
	struct row r = { .index = index_of(name) };

	snprintf(r.row.name, sizeof(r.row.name), "%s", name);
	snprintf(r.row.wanted, sizeof(r.row.wanted), "%s", with);
	if (find(s, name) != NULL || read_setting(s->root, name, r.was) < 0)
		return 0;
	return append(s, &r);
}

/* net/ipvN/conf/IF/forwarding for every interface there is, and for those to come. */
static int note_interfaces(struct sysctl_store *s, const char *with, const char *folder)
{
	char path[PATH], name[PATH];
	const struct dirent *d;
	DIR *dir;
	int err = 0;

	snprintf(path, sizeof(path), "%s/%s", s->root, folder);
	dir = opendir(path);
	while (dir != NULL && err == 0 && (d = readdir(dir)) != NULL) {
		if (d->d_name[0] == '.' || strcmp(d->d_name, "all") == 0)
			continue;
		snprintf(name, sizeof(name), "%s/%s/forwarding", folder, d->d_name);
		err = note(s, with, name);
	}
	if (dir != NULL)
		closedir(dir);
	return err;
}

static int note_followers(struct sysctl_store *s, const char *leader)
{
	int err = 0;

	if (strcmp(leader, leader4) == 0) {
		err = note(s, with4, "net/ipv4/conf/all/accept_redirects");
		return err == 0 ? note_interfaces(s, with4, "net/ipv4/conf") : err;
	}
	return strcmp(leader, leader6) == 0 ? note_interfaces(s, with6, "net/ipv6/conf") : 0;
}

static bool is_follower(const struct row *r)
{
	return r->row.wanted[0] == '=';
}

static const char *leader_of(const struct row *r)
{
	return strcmp(r->row.wanted, with4) == 0 ? leader4 : leader6;
}

/* --- other tunnels of this host ------------------------------------------------ */

#define SUFFIX	".sysctl"

struct folder {
	char path[PATH / 2];
	const char *own;	/* the name of our file in it */
	char lock_path[LOCK_PATH];
	int lock;
};

/* Nobody else reads or writes rows there meanwhile.  Where the folder is gone, nobody has rows. */
static int enter_folder(struct sysctl_store *s, struct folder *ret)
{
	const char *slash = strrchr(s->file, '/');
	struct folder *f = ret;

	f->own = slash != NULL ? slash + 1 : s->file;
	snprintf(f->path, sizeof(f->path), "%.*s", slash != NULL ? (int)(slash - s->file) : 1,
		 slash != NULL ? s->file : ".");
	f->lock = lock_folder(f->path, f->lock_path);
	return f->lock < 0 && f->lock != -ENOENT ? failure(s, f->lock_path, f->lock) : 0;
}

static void leave_folder(const struct folder *f)
{
	lock_release(f->lock_path, f->lock);
}

static bool is_other(const struct folder *f, const char *name)
{
	size_t len = strlen(name);

	return len > sizeof(SUFFIX) - 1 && strcmp(name + len - (sizeof(SUFFIX) - 1), SUFFIX) == 0 &&
	       strcmp(name, f->own) != 0;
}

/* The rows of the first other store that has one of that name; false: none has. */
static bool find_other(const struct folder *f, const char *name, struct sysctl_store *ret)
{
	DIR *dir = opendir(f->path);
	const struct dirent *d;
	bool found = false;

	while (dir != NULL && !found && (d = readdir(dir)) != NULL) {
		struct sysctl_store other = { 0 };

		if (!is_other(f, d->d_name))
			continue;
		snprintf(other.file, sizeof(other.file), "%.120s/%.120s", f->path, d->d_name);
		if (load(&other) == 0) {
			follow_all(&other);
			found = find(&other, name) != NULL;
		}
		if (found)
			*ret = other;
		else
			free(other.row);
	}
	if (dir != NULL)
		closedir(dir);
	return found;
}

static bool others_have(const struct folder *f, const char *name)
{
	struct sysctl_store other;
	bool found = find_other(f, name, &other);

	if (found)
		free(other.row);
	return found;
}

/* It holds, because another tunnel has seen to it: it is to hold for us, too, and so are its followers. */
static int join_other(struct sysctl_store *s, const struct folder *f, const char *name)
{
	struct sysctl_store other;
	int err = 0;

	if (!find_other(f, name, &other))
		return 0;
	for (size_t i = 0; i < other.count && err == 0; i++) {
		const struct row *r = &other.row[i];

		if (find(s, r->row.name) == NULL &&
		    (strcmp(r->row.name, name) == 0 || (is_follower(r) && strcmp(leader_of(r), name) == 0)))
			err = append(s, r);
	}
	free(other.row);
	return err == 0 ? save(s) : err;
}

/* Those whose leader is back as it was follow it. */
static void restore_followers(struct sysctl_store *s, const struct folder *f)
{
	char value[SYSCTL_VALUE];

	for (size_t i = s->count; i-- > 0;) {
		const struct row *r = &s->row[i];

		if (!is_follower(r) || find(s, leader_of(r)) != NULL)
			continue;
		if (read_setting(s->root, r->row.name, value) == 0 && strcmp(value, r->was) != 0 &&
		    !others_have(f, r->row.name))
			write_setting(s->root, r->row.name, r->was);
		s->row[i] = s->row[--s->count];
	}
}

/* --- rows -------------------------------------------------------------------- */

static int change_row(struct sysctl_store *s, const struct sysctl_row *row, const char was[SYSCTL_VALUE])
{
	int err = 0;

	if (find(s, row->name) == NULL) {
		struct row new = { .row = *row, .index = index_of(row->name) };

		memcpy(new.was, was, SYSCTL_VALUE);
		err = append(s, &new);
		if (err == 0)
			err = note_followers(s, row->name);
		if (err == 0)
			err = save(s);
	}
	if (err == 0)
		err = write_setting(s->root, row->name, row->wanted);
	return err < 0 ? failure(s, row->name, err) : 1;
}

static int apply_row(struct sysctl_store *s, const struct folder *f, const struct sysctl_row *row)
{
	char value[SYSCTL_VALUE];
	int err = read_setting(s->root, row->name, value);

	if (err == 0 && holds(row, value))
		err = find(s, row->name) == NULL ? join_other(s, f, row->name) : 0;
	else if (err == 0)
		return change_row(s, row, value);
	return err < 0 && err != -ENOENT ? failure(s, row->name, err) : 0;
}

/* What somebody else set meanwhile is his. */
static int restore_row(struct sysctl_store *s, const struct folder *f, const struct row *r)
{
	char value[SYSCTL_VALUE];
	int err = read_setting(s->root, r->row.name, value);

	if (err == -ENOENT || (err == 0 && (strcmp(value, r->row.wanted) != 0 || others_have(f, r->row.name))))
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

static int make_hold(struct sysctl_store *s, const struct folder *f, const struct sysctl_row *row, size_t count)
{
	int changed = 0, first = follow_all(s) ? save(s) : 0;

	for (size_t i = s->count; i-- > 0;) {
		int n;

		if (is_follower(&s->row[i]) || among(s->row[i].row.name, row, count))
			continue;
		n = restore_row(s, f, &s->row[i]);
		s->row[i] = s->row[--s->count];
		changed += n > 0;
		first = first == 0 && n < 0 ? n : first;
	}
	restore_followers(s, f);
	for (size_t i = 0; i < count; i++) {
		int n = apply_row(s, f, &row[i]);

		changed += n > 0;
		first = first == 0 && n < 0 ? n : first;
	}
	if (first == 0)
		first = save(s);
	return first < 0 ? first : changed;
}

int sysctl_apply(struct sysctl_store *s, const struct sysctl_row *row, size_t count)
{
	struct folder f;
	int result = enter_folder(s, &f);

	if (result == 0)
		result = make_hold(s, &f, row, count);
	leave_folder(&f);
	return result;
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
