/*
 * dns: see dns.h.
 *
 * RUNDIR/IFNAME.dns tells who keeps the resolvers: "resolvectl", "resolvconf",
 * or "file".  It is written before anything is changed.  /etc/resolv.conf
 * itself keeps what stood there, as comments: it outlives a power cut, which
 * the runtime directory does not.  It is changed in place: it may be a mount
 * of its own, or a link.
 *
 *	# by ttt for ttt0, until `ttt down`
 *	nameserver 10.84.0.1
 *	#| nameserver 192.168.1.1
 */
#include "dns.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define RESOLV_CONF	"/etc/resolv.conf"
#define TEXT		(64 * 1024)	/* bytes of a resolv.conf that is looked at */
#define NAME		256
#define SERVERS		4

static const char by_resolvectl[] = "resolvectl\n", by_resolvconf[] = "resolvconf\n", by_file[] = "file\n";
static const char was[] = "#| ", was_none[] = "#! there was no file\n";

/* --- files ---------------------------------------------------------------------- */

static void note_name(const char *ifname, const char *runtime_dir, char buf[NAME])
{
	snprintf(buf, NAME, "%s/%s.dns", runtime_dir, ifname);
}

/* Bytes read, or a negative errno; -EFBIG: more than fits. */
static ssize_t read_file(const char *name, char *buf, size_t size)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t got = 1;

	if (fd < 0)
		return -errno;
	while (len < size && (got = read(fd, buf + len, size - len)) > 0)
		len += (size_t)got;
	close(fd);
	if (got < 0)
		return -errno;
	return len < size ? (ssize_t)len : -EFBIG;
}

static int write_file(const char *name, mode_t mode, const char *text, size_t len)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, len) != (ssize_t)len || fsync(fd) < 0)
		err = errno != 0 ? -errno : -EIO;
	close(fd);
	return err;
}

/* --- other programs ---------------------------------------------------------------- */

static bool is_program(const char *const *where)
{
	for (; *where != NULL; where++)
		if (access(*where, X_OK) == 0)
			return true;
	return false;
}

/* Runs a program of the path with `text` on its standard input: 0, or -EIO when it says no. */
static int run(const char *const argv[], const char *text)
{
	extern char **environ;
	posix_spawn_file_actions_t files;
	int in[2], status = -1, err;
	pid_t pid;

	if (pipe2(in, O_CLOEXEC) < 0)
		return -errno;
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, in[0], STDIN_FILENO);
	err = -posix_spawnp(&pid, argv[0], &files, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&files);
	close(in[0]);
	if (err == 0 && text[0] != '\0' && write(in[1], text, strlen(text)) < 0)
		status = -1;	/* it does not listen: its own verdict counts */
	close(in[1]);
	if (err == 0 && waitpid(pid, &status, 0) == pid)
		err = status == 0 ? 0 : -EIO;
	return err;
}

static bool has_resolved(void)
{
	static const char *const where[] = { "/usr/bin/resolvectl", "/bin/resolvectl", NULL };

	return access("/run/systemd/resolve/io.systemd.Resolve", F_OK) == 0 && is_program(where);
}

static bool has_resolvconf(void)
{
	static const char *const where[] = { "/sbin/resolvconf", "/usr/sbin/resolvconf", NULL };

	return is_program(where);
}

/* --- the three ways ------------------------------------------------------------------ */

static int set_by_resolvectl(const char *ifname, const struct addr *server, size_t count)
{
	char text[SERVERS][ADDR_TEXT];
	const char *dns[4 + SERVERS] = { "resolvectl", "dns", ifname };
	const char *domain[] = { "resolvectl", "domain", ifname, "~.", NULL };
	int err;

	for (size_t i = 0; i < count; i++)
		dns[3 + i] = addr_print(&server[i], text[i]);
	err = run(dns, "");
	return err == 0 ? run(domain, "") : err;
}

/*
 * Debian's resolvconf orders the resolvers by the names of their records, and asks
 * those of "tun*" first; openresolv is told so, and to ask no others, by options,
 * which Debian's passes over.
 */
static void record_name(const char *ifname, char buf[NAME])
{
	snprintf(buf, NAME, "%s%s", access("/etc/resolvconf/interface-order", F_OK) == 0 ? "tun." : "", ifname);
}

static int set_by_resolvconf(const char *ifname, const char *text)
{
	char record[NAME];
	const char *const add[] = { "resolvconf", "-a", record, "-m", "0", "-x", NULL };

	record_name(ifname, record);
	return run(add, text);
}

static void head_line(const char *ifname, char buf[NAME])
{
	snprintf(buf, NAME, "# by ttt for %s, until `ttt down`\n", ifname);
}

/* Every line of a text behind a mark. */
static void keep(FILE *out, const char *text)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		fprintf(out, "%s%.*s\n", was, (int)len, text);
		text += len + (text[len] == '\n');
	}
}

/* The text whose lines were kept; to be freed, NULL: there was no file, or memory. */
static char *kept(const char *text)
{
	char *former = NULL;
	size_t size;
	FILE *out = strstr(text, was_none) == NULL ? open_memstream(&former, &size) : NULL;

	if (out == NULL)
		return NULL;
	for (const char *at = text; *at != '\0'; at += strcspn(at, "\n"), at += *at == '\n')
		if (strncmp(at, was, sizeof(was) - 1) == 0)
			fprintf(out, "%.*s\n", (int)strcspn(at, "\n") - (int)sizeof(was) + 1, at + sizeof(was) - 1);
	fclose(out);
	return former;
}

/* The whole file as a string, to be freed; *ret_err: why not. */
static char *read_text(const char *name, int *ret_err)
{
	char *text = malloc(TEXT + 1);
	ssize_t len = text != NULL ? read_file(name, text, TEXT) : -ENOMEM;

	*ret_err = len < 0 ? (int)len : 0;
	if (len < 0) {
		free(text);
		return NULL;
	}
	text[len] = '\0';
	return text;
}

static int set_by_file(const char *ifname, const char *servers)
{
	char head[NAME], *now = NULL, *former;
	size_t size;
	FILE *out;
	int err;

	former = read_text(RESOLV_CONF, &err);
	if (former == NULL && err != -ENOENT)
		return err;
	out = open_memstream(&now, &size);
	if (out == NULL) {
		free(former);
		return -ENOMEM;
	}
	head_line(ifname, head);
	fprintf(out, "%s%s", head, servers);
	if (former != NULL)
		keep(out, former);
	else
		fputs(was_none, out);
	fclose(out);
	err = write_file(RESOLV_CONF, 0644, now, size);
	if (err < 0 && former != NULL)	/* a full disk, say: as it was, if that goes */
		write_file(RESOLV_CONF, 0644, former, strlen(former));
	free(now);
	free(former);
	return err;
}

/* Without a file the name may have been a link to nowhere, which stays one. */
static int remove_file(void)
{
	char *target = realpath(RESOLV_CONF, NULL);
	int err = target != NULL && unlink(target) < 0 && errno != ENOENT ? -errno : 0;

	free(target);
	return err;
}

/* 1: put back; 0: it is not our text, since another program wrote its own: that stays. */
static int restore_file(const char *ifname)
{
	char head[NAME], *now, *former;
	int err;

	now = read_text(RESOLV_CONF, &err);
	if (now == NULL)
		return err == -ENOENT || err == -EFBIG ? 0 : err;
	head_line(ifname, head);
	if (strncmp(now, head, strlen(head)) != 0) {
		free(now);
		return 0;
	}
	former = kept(now);
	err = former != NULL ? write_file(RESOLV_CONF, 0644, former, strlen(former)) : remove_file();
	free(former);
	free(now);
	return err < 0 ? err : 1;
}

int dns_set(const char *ifname, const char *runtime_dir, const struct addr *server, size_t count)
{
	char note[NAME], text[SERVERS * (ADDR_TEXT + 16)] = "", a[ADDR_TEXT];
	size_t len = 0;
	int err;

	note_name(ifname, runtime_dir, note);
	count = count < SERVERS ? count : SERVERS;
	for (size_t i = 0; i < count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "nameserver %s\n",
					addr_print(&server[i], a));
	if (has_resolved()) {
		err = write_file(note, 0600, by_resolvectl, sizeof(by_resolvectl) - 1);
		return err == 0 ? set_by_resolvectl(ifname, server, count) : err;
	}
	if (has_resolvconf()) {
		err = write_file(note, 0600, by_resolvconf, sizeof(by_resolvconf) - 1);
		return err == 0 ? set_by_resolvconf(ifname, text) : err;
	}
	err = write_file(note, 0600, by_file, sizeof(by_file) - 1);
	return err == 0 ? set_by_file(ifname, text) : err;
}

int dns_restore(const char *ifname, const char *runtime_dir)
{
	char record[NAME];
	const char *const remove[] = { "resolvconf", "-d", record, NULL };
	const char *const revert[] = { "resolvectl", "revert", ifname, NULL };
	char note[NAME], *text;
	int err, file = restore_file(ifname);	/* also without a note: it went with a reboot */

	note_name(ifname, runtime_dir, note);
	record_name(ifname, record);
	text = read_text(note, &err);
	if (text != NULL && strcmp(text, by_resolvconf) == 0)
		err = run(remove, "");
	else if (text != NULL && strcmp(text, by_resolvectl) == 0)
		run(revert, "");	/* it forgets a device that is gone by itself */
	if (file < 0)
		err = file;
	if (text != NULL && err == 0)
		unlink(note);
	if (err < 0 && err != -ENOENT) {
		free(text);
		return err;
	}
	file = file > 0 || text != NULL;
	free(text);
	return file;
}
