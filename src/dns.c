/*
 * dns: see dns.h.
 *
 * RUNDIR/IFNAME.dns tells who keeps the resolvers: "resolvectl", "resolvconf",
 * or "file" and then what stood in /etc/resolv.conf.  It is written before
 * anything is changed, so a crash leaves what is needed to put it back.  The
 * file is changed in place: it may be a mount of its own, or a link.
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

static const char by_resolvectl[] = "resolvectl\n", by_resolvconf[] = "resolvconf\n", by_file[] = "file\n",
	no_file[] = "none\n";
static const char head[] = "# by ttt, until `ttt down`\n";

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
		err = -errno;	/* its end is waited for all the same */
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

static int set_by_resolvconf(const char *ifname, const char *text)
{
	const char *const add[] = { "resolvconf", "-a", ifname, NULL };

	return run(add, text);
}

static int set_by_file(const char *note, const char *text)
{
	char *was = malloc(TEXT), now[1024];
	size_t kind = sizeof(by_file) - 1;
	ssize_t len;
	int err;

	if (was == NULL)
		return -ENOMEM;
	memcpy(was, by_file, kind);
	len = read_file(RESOLV_CONF, was + kind, TEXT - kind);
	if (len == -ENOENT) {
		memcpy(was, no_file, sizeof(no_file) - 1);
		len = 0;
	}
	err = len < 0 ? (int)len : write_file(note, 0600, was, kind + (size_t)len);
	snprintf(now, sizeof(now), "%s%s", head, text);
	if (err == 0)
		err = write_file(RESOLV_CONF, 0644, now, strlen(now));
	free(was);
	return err;
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
	return set_by_file(note, text);
}

static bool begins_with(const char *text, ssize_t len, const char *what)
{
	return len >= (ssize_t)strlen(what) && memcmp(text, what, strlen(what)) == 0;
}

/* Another program may have written it since: then what it wrote stays. */
static bool is_our_file(void)
{
	char now[sizeof(head)];
	int fd = open(RESOLV_CONF, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd >= 0 ? read(fd, now, sizeof(now)) : -1;

	if (fd >= 0)
		close(fd);
	return begins_with(now, len, head);
}

static int put_back(const char *text, ssize_t len)
{
	if (!is_our_file())
		return 0;
	if (begins_with(text, len, by_file))
		return write_file(RESOLV_CONF, 0644, text + sizeof(by_file) - 1,
				  (size_t)len - (sizeof(by_file) - 1));
	return unlink(RESOLV_CONF) < 0 && errno != ENOENT ? -errno : 0;
}

int dns_restore(const char *ifname, const char *runtime_dir)
{
	const char *const remove[] = { "resolvconf", "-d", ifname, NULL };
	const char *const revert[] = { "resolvectl", "revert", ifname, NULL };
	char note[NAME], *text = malloc(TEXT);
	ssize_t len;
	int err = 0;

	if (text == NULL)
		return -ENOMEM;
	note_name(ifname, runtime_dir, note);
	len = read_file(note, text, TEXT);
	if (len < 0)
		err = (int)len;
	else if (begins_with(text, len, by_file) || begins_with(text, len, no_file))
		err = put_back(text, len);
	else if (begins_with(text, len, by_resolvconf))
		err = run(remove, "");
	else
		run(revert, "");	/* it forgets a device that is gone by itself */
	free(text);
	if (err == 0)
		unlink(note);
	return err == -ENOENT ? 0 : err < 0 ? err : 1;
}
