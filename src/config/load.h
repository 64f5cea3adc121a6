/*
 * load: a configuration file and the key files that it names, read from disk.
 */
#ifndef TTT_CONFIG_LOAD_H
#define TTT_CONFIG_LOAD_H

#include "config/config.h"

/*
 * Reads and parses the file, but no key: for commands that only ask what the
 * tunnel is called.  As config_load.
 */
int config_read(const char *path, const char *const *strategies, struct config **ret,
		char error[CONFIG_ERROR]);
/*
 * Reads the file, parses it, reads every key file.  0, or a negative errno
 * with one line in `error`: -EINVAL for what the user has to correct,
 * otherwise why a file could not be read (-ENOENT, -EACCES, …).  What is wrong
 * with a key file is told with the line that names it.
 */
int config_load(const char *path, const char *const *strategies, struct config **ret,
		char error[CONFIG_ERROR]);

#endif
