/*
 * message: garbage from the other process never crashes, and there is exactly
 * one encoding: whatever decodes is written back byte for byte.
 */
#include <stdlib.h>
#include <string.h>

#include "control/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t again[MESSAGE_MAX];
	struct message m;
	int len;

	if (message_decode(data, size, &m) < 0)
		return 0;
	len = message_encode(&m, again);
	if (len < 0 || (size_t)len != size || memcmp(again, data, size) != 0)
		abort();
	return 0;
}
