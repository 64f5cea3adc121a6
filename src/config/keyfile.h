/*
 * keyfile: keys as base64 text, and the files that hold secret ones.
 */
#ifndef TTT_CONFIG_KEYFILE_H
#define TTT_CONFIG_KEYFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEY_SIZE	32
#define KEY_TEXT	45	/* base64 of a key, with its NUL */
#define KEYFILE_ERROR	1300

/* Exactly 44 characters of canonical base64; false, *ret untouched, otherwise. */
bool key_parse(const char *text, uint8_t ret[KEY_SIZE]);
const char *key_print(const uint8_t key[KEY_SIZE], char buf[KEY_TEXT]);

/*
 * Reads a key from a file that holds one line.  The file has to be a regular
 * one that neither its group nor others may read, or the key is refused and
 * the error tells the chmod to run.  `error` has one line that begins with the
 * path; -EINVAL: not a key, -EACCES: may be read by others, or by us not;
 * otherwise the errno of open and read.
 */
int keyfile_read(const char *path, uint8_t ret[KEY_SIZE], char error[KEYFILE_ERROR]);

#endif
