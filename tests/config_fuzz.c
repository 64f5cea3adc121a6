/* config: no text crashes the parser, and an error is one line that names the file. */
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const strategies[] = { "weighted", "failover", NULL };
	char error[CONFIG_ERROR];
	struct config *config;

	if (config_parse((const char *)data, size, "f", strategies, &config, error) == 0)
		config_free(config);
	else if (strncmp(error, "f:", 2) != 0 || strchr(error, '\n') != NULL)
		abort();
	return 0;
}
