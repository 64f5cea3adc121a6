/*
 * budget_file: budgets on disk, so that a month's count survives crash and
 * reboot.  The file is replaced as a whole: whoever reads it, also after the
 * power was cut in between, sees the old one or the new one.
 *
 *	{"version": 1, "links": {"usb0": {"month": "2025-12-01", "used": 123456}}}
 */
#ifndef TTT_BUDGET_FILE_H
#define TTT_BUDGET_FILE_H

#include "supervisor/budget.h"

#define BUDGET_FILE_ERROR	1200

/* Paths have a folder, and at most CONFIG_PATH - 1 bytes. */

/*
 * 0: read, or there is none (*ret is empty then).  A negative errno with one
 * line in `error`, *ret being empty: the file cannot be read; -EBADMSG: it
 * makes no sense, and was put aside as PATH.bad.
 */
int budget_file_load(const char *path, struct budgets *ret, char error[BUDGET_FILE_ERROR]);
/* Makes the folder, but not the folders above it.  0, or a negative errno with one line in `error`. */
int budget_file_save(const char *path, const struct budgets *b, char error[BUDGET_FILE_ERROR]);

#endif
