/*
 * folder: a fresh directory for a test program's files, gone at its end.
 */
#ifndef TTT_TESTS_FOLDER_H
#define TTT_TESTS_FOLDER_H

#include <stddef.h>
#include <sys/types.h>

#define FOLDER_PATH	256

/* One per program; both exit when the disk does not play along. */
void folder_make(void);
void folder_remove(void);

/* The path of `name` in it, in one of a few buffers that take turns. */
const char *folder_path(const char *name);
/* A file with these bytes and exactly this mode, whatever the umask is; its path. */
const char *folder_write(const char *name, mode_t mode, const char *bytes, size_t len);
const char *folder_text(const char *name, mode_t mode, const char *text);

#endif
