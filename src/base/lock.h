/*
 * lock: files that one process at a time holds; gone when nobody does.
 *
 * They are root's, mode 0600: flock(2) asks for no right to write, so whatever
 * everybody may open, as the runtime directory, everybody could hold for ever.
 * A process that dies lets go.
 */
#ifndef TTT_BASE_LOCK_H
#define TTT_BASE_LOCK_H

#define LOCK_PATH	256	/* bytes of a path, with its NUL */

/*
 * A descriptor that holds the file of that name, which is made if need be, or a
 * negative errno; -EWOULDBLOCK: another process has held it for all these
 * milliseconds.
 */
int lock_take(const char *path, unsigned ms);
/*
 * Of a folder in which several processes read and write: FOLDER/lock, whose name
 * goes to ret.  It is held for moments only: -ENOLCK, when another process does not
 * let go within two seconds.  -ENOENT: there is no such folder.
 */
int lock_folder(const char *folder, char ret[LOCK_PATH]);
/* The file, too, is gone.  fd < 0: nothing was held. */
void lock_release(const char *path, int fd);

#endif
