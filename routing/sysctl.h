/*
 * sysctl: settings under /proc/sys that are changed for a while.
 *
 * Every change is a row of name, wanted, was.  Rows are saved in a file before
 * the setting is touched, so that they can be restored when this process is
 * long dead.  A value that somebody else changed meanwhile is left alone, and
 * a setting that went away with its interface is no error.
 *
 * Several tunnels of one host may want the same: their files lie in one folder.
 * Who finds a setting as he wants it, and another one's row for it, has that row,
 * too; and who ends leaves alone what another one still has: the last one puts it
 * back as it was before the first.
 *
 * When net.ipv4.ip_forward or net.ipv6.conf.all.forwarding changes, the kernel
 * changes those of every interface with it, and IPv4's accept_redirects: such
 * followers are saved with their leader, and put back after it.
 */
#ifndef TTT_ROUTING_SYSCTL_H
#define TTT_ROUTING_SYSCTL_H

#include <stdbool.h>
#include <stddef.h>

#include "routing/plan.h"

struct sysctl_store;

/* Reads the rows of an earlier run, if `file` is there; it need not be.  A file
 * that makes no sense is -EBADMSG.  root is "/proc/sys". */
int sysctl_store_new(const char *root, const char *file, struct sysctl_store **ret);
void sysctl_store_free(struct sysctl_store *s);

/*
 * Makes these rows hold, and restores those of earlier calls that are not
 * among them.  Gives the number of settings written, or the first error; then
 * sysctl_failed names the setting, or (-ENOLCK) the folder's lock, which another
 * process does not let go.  Rows of interfaces that are gone are skipped.
 */
int sysctl_apply(struct sysctl_store *s, const struct sysctl_row *row, size_t count);
/* Everything back as it was, and the file removed. */
int sysctl_restore(struct sysctl_store *s);
const char *sysctl_failed(const struct sysctl_store *s);
/* Rows now in force. */
size_t sysctl_count(const struct sysctl_store *s);

/* A setting that is a number; SNAPSHOT_UNKNOWN when it cannot be read. */
int sysctl_number(const char *root, const char *name);

#endif
