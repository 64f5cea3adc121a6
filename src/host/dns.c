/*
 * dns: see dns.h.
 *
 * RUNDIR/IFNAME.dns tells who keeps the resolvers: "resolvectl", "resolvconf",
 * or "file".  It is written before anything is changed.  /etc/resolv.conf
 * itself (resolv_conf.h) is changed in place: it may be a mount of its own, or a
 * link.  Two tunnels change it one after the other, under the folder's lock.
 */
#include "host/dns.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lock.h"
#include "host/resolv_conf.h"

#define NAME		256
#define SERVERS		4
#define SETTLED		MSEC(100)
#define PROGRAM_MS	10000	/* for a program to end; its caller does nothing else meanwhile */
#define TEXT		(SERVERS * (ADDR_TEXT + 16))	/* bytes of their lines, with the NUL */

static const char by_resolvectl[] = "resolvectl\n", by_resolvconf[] = "resolvconf\n", by_file[] = "file\n";

/* --- files ---------------------------------------------------------------------- */

static void note_name(const char *ifname, const char *runtime_dir, char buf[NAME])
{
	snprintf(buf, NAME, "%s/%s.dns", runtime_dir, ifname);
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

/* 0, or -EIO when it says no; one that comes to no end is ended: -ETIMEDOUT. */
static int verdict_of(pid_t pid)
{
	int status = 0;

	for (int ms = 0; ms < PROGRAM_MS; ms += 2) {
		if (waitpid(pid, &status, WNOHANG) != 0)
			return status == 0 ? 0 : -EIO;
		usleep(2 * 1000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return -ETIMEDOUT;
}

/* Runs a program of the path with `text` on its standard input: its verdict, as above. */
static int run(const char *const argv[], const char *text)
{
	extern char **environ;
	posix_spawn_file_actions_t files;
	int in[2], err;
	pid_t pid;

	if (pipe2(in, O_CLOEXEC) < 0)
		return -errno;
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, in[0], STDIN_FILENO);
	err = -posix_spawnp(&pid, argv[0], &files, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&files);
	close(in[0]);
	if (err == 0 && text[0] != '\0' && write(in[1], text, strlen(text)) < 0)
		err = 0;	/* it does not listen: its own verdict counts */
	close(in[1]);
	return err == 0 ? verdict_of(pid) : err;
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

static int write_text(const char *text)
{
	return text != NULL ? write_file(RESOLV_CONF, 0644, text, strlen(text)) : -ENOMEM;
}

/* What another program has written is what is kept now; our own lines from before are not. */
static int change_file(const char *ifname, const char *servers)
{
	char *was, *former = NULL, *now;
	bool none = true;
	int err;

	was = resolv_conf_read(RESOLV_CONF, &err);
	if (was == NULL && err != -ENOENT)
		return err;
	if (was != NULL && (former = resolv_conf_without(was, ifname, &none)) == NULL) {
		free(was);
		return -ENOMEM;
	}
	now = resolv_conf_with(none ? NULL : former, ifname, servers);
	err = write_text(now);
	if (err < 0 && now != NULL && was != NULL)	/* a full disk, say: as it was, if that goes */
		write_text(was);
	free(now);
	free(former);
	free(was);
	return err;
}

static int set_by_file(const char *ifname, const char *runtime_dir, const char *servers)
{
	char name[LOCK_PATH];
	int lock = lock_folder(runtime_dir, name), err = lock < 0 ? lock : change_file(ifname, servers);

	lock_release(name, lock);
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

/* 1: put back; 0: our lines are not there, since another program wrote its own: those stay. */
static int change_file_back(const char *ifname)
{
	char *now, *former;
	bool none;
	int err;

	now = resolv_conf_read(RESOLV_CONF, &err);
	if (now == NULL)
		return err == -ENOENT || err == -EFBIG ? 0 : err;
	if (!resolv_conf_has(now, ifname)) {
		free(now);
		return 0;
	}
	former = resolv_conf_without(now, ifname, &none);
	err = former != NULL && none ? remove_file() : write_text(former);
	free(former);
	free(now);
	return err < 0 ? err : 1;
}

/* After a reboot there may be no folder, and then no other tunnel that has one. */
static int restore_file(const char *ifname, const char *runtime_dir)
{
	char name[LOCK_PATH];
	int lock = lock_folder(runtime_dir, name), err = lock < 0 && lock != -ENOENT ? lock : change_file_back(ifname);

	lock_release(name, lock);
	return err;
}

/* Lines of resolv.conf. */
static void print_servers(const struct addr *server, size_t count, char buf[TEXT])
{
	char a[ADDR_TEXT];
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < count && i < SERVERS; i++)
		len += (size_t)snprintf(buf + len, TEXT - len, "nameserver %s\n", addr_print(&server[i], a));
}

int dns_set(const char *ifname, const char *runtime_dir, const struct addr *server, size_t count)
{
	char note[NAME], text[TEXT];
	int err;

	note_name(ifname, runtime_dir, note);
	count = count < SERVERS ? count : SERVERS;
	print_servers(server, count, text);
	if (has_resolved()) {
		err = write_file(note, 0600, by_resolvectl, sizeof(by_resolvectl) - 1);
		return err == 0 ? set_by_resolvectl(ifname, server, count) : err;
	}
	if (has_resolvconf()) {
		err = write_file(note, 0600, by_resolvconf, sizeof(by_resolvconf) - 1);
		return err == 0 ? set_by_resolvconf(ifname, text) : err;
	}
	err = write_file(note, 0600, by_file, sizeof(by_file) - 1);
	if (err == 0)
		err = set_by_file(ifname, runtime_dir, text);
	return err == 0 ? 1 : err;
}

static bool is_same(const struct dns_seen *a, const struct dns_seen *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size && a->changed == b->changed;
}

/* Nobody is in the middle of writing. */
static bool is_settled(const struct dns_seen *is)
{
	nsec_t now = clock_read(CLOCK_REALTIME);

	return now < is->changed || now - is->changed >= SETTLED;
}

bool dns_are_overwritten(const char *ifname, const struct addr *server, size_t count, struct dns_seen *seen)
{
	char servers[TEXT], *text;
	struct stat now = { 0 };
	struct dns_seen is;
	bool holds;
	int err;

	if (stat(RESOLV_CONF, &now) < 0 && errno != ENOENT)
		return false;
	is = (struct dns_seen){ now.st_dev, now.st_ino, now.st_size, SEC(now.st_ctim.tv_sec) + (nsec_t)now.st_ctim.tv_nsec };
	if (is_same(&is, seen) || !is_settled(&is))
		return false;
	*seen = is;
	text = resolv_conf_read(RESOLV_CONF, &err);
	print_servers(server, count, servers);
	holds = text != NULL ? resolv_conf_holds(text, ifname, servers) : err != -ENOENT;
	free(text);
	return !holds;
}

int dns_restore(const char *ifname, const char *runtime_dir)
{
	char record[NAME];
	const char *const remove[] = { "resolvconf", "-d", record, NULL };
	const char *const revert[] = { "resolvectl", "revert", ifname, NULL };
	char note[NAME], *text;
	int err, file = restore_file(ifname, runtime_dir);	/* also without a note: it went with a reboot */

	note_name(ifname, runtime_dir, note);
	record_name(ifname, record);
	text = resolv_conf_read(note, &err);
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
