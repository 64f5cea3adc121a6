/*
 * link: no words crash the reading of a change; a refusal is one line that
 * names the link and changes nothing; what is taken can be said in words that
 * make the same link.
 */
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

#define WORDS	16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Cut at line ends; the number of words. */
static size_t cut(char *text, char separator, const char *word[WORDS])
{
	size_t count = 0;

	while (count < WORDS) {
		char *end = strchr(text, separator);

		word[count++] = text;
		if (end == NULL)
			break;
		*end = '\0';
		text = end + 1;
	}
	return count;
}

static void require(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config_link usual = config_link_default("usb0"), link = usual, again = usual;
	char error[CONFIG_ERROR], all[CONFIG_LINK_TEXT], back[CONFIG_LINK_TEXT], *text = malloc(size + 1);
	const char *word[WORDS];

	require(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	if (config_link_change(&link, word, cut(text, '\n', word), error) < 0) {
		require(strncmp(error, "usb0: ", 6) == 0 && strchr(error, '\n') == NULL);
		require(strcmp(config_link_print(&link, &usual, all), "") == 0);
	} else {
		config_link_print(&link, NULL, back);
		require(config_link_change(&again, word, cut(back, ' ', word), error) == 0);
		require(strcmp(config_link_print(&link, NULL, all), config_link_print(&again, NULL, back)) == 0);
	}
	free(text);
	return 0;
}
