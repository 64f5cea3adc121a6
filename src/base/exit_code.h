/* exit_code: how the program ends, for scripts; the same for every command. */
#ifndef TTT_BASE_EXIT_CODE_H
#define TTT_BASE_EXIT_CODE_H

#include <errno.h>

enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,			/* or the configuration */
	EXIT_NOT_PERMITTED = 3,
	EXIT_NOT_RUNNING = 4,
	EXIT_ALREADY_UP = 5,
	EXIT_LAST = EXIT_ALREADY_UP,
};

/* Of a negative errno of the kernel. */
static inline int exit_code_of(int err)
{
	return err == -EPERM || err == -EACCES ? EXIT_NOT_PERMITTED : EXIT_FAILED;
}

#endif
