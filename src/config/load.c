/* load: see load.h. */
#include "config/load.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "config/keyfile.h"

static int refuse(char error[CONFIG_ERROR], int code, const char *path, const char *text)
{
	snprintf(error, CONFIG_ERROR, "%.1000s: %s", path, text);
	return code;
}

/* Up to one byte more than a configuration may have, so that config_parse sees it. */
static int read_all(int fd, char *text, size_t *ret_len)
{
	size_t len = 0;

	while (len < CONFIG_SIZE_MAX + 1) {
		ssize_t n = read(fd, text + len, CONFIG_SIZE_MAX + 1 - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	*ret_len = len;
	return 0;
}

/* The file's text, to be freed. */
static int slurp(const char *path, char **ret, size_t *ret_len, char error[CONFIG_ERROR])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char *text;
	int r;

	if (fd < 0)
		return refuse(error, -errno, path, strerror(errno));
	text = malloc(CONFIG_SIZE_MAX + 1);
	r = text == NULL ? -ENOMEM : read_all(fd, text, ret_len);
	close(fd);
	if (r < 0) {
		free(text);
		return refuse(error, r, path, strerror(-r));
	}
	*ret = text;
	return 0;
}

static int key_error(char error[CONFIG_ERROR], int code, const char *file, unsigned line,
		     const char *key, const char *text)
{
	int n = snprintf(error, CONFIG_ERROR, "%.900s:%u: %s: ", file, line, key);

	text_copy(error + n, CONFIG_ERROR - (size_t)n, text);
	return code;
}

/* A peer with our own key could only be a copied file. */
static int check_not_self(const struct config *config, const char *file, char error[CONFIG_ERROR])
{
	uint8_t own[KEY_SIZE];

	if (crypto_scalarmult_base(own, config->private_key) != 0)
		return key_error(error, -EINVAL, file, config->private_key_line, "private-key-file",
				 "not a usable key; `ttt genkey` makes one");
	for (size_t i = 0; i < config->peer_count; i++) {
		char text[160];

		if (memcmp(own, config->peer[i].public_key, KEY_SIZE) != 0)
			continue;
		snprintf(text, sizeof(text), "[peer %s] has this machine's own public key; "
			 "give the one that `ttt pubkey` prints on the other machine",
			 config->peer[i].name);
		return key_error(error, -EINVAL, file, config->peer[i].public_key_line, "public-key", text);
	}
	return 0;
}

static int read_keys(struct config *config, const char *file, char error[CONFIG_ERROR])
{
	char text[KEYFILE_ERROR];
	int r = keyfile_read(config->private_key_file, config->private_key, text);

	if (r < 0)
		return key_error(error, r, file, config->private_key_line, "private-key-file", text);
	for (size_t i = 0; i < config->peer_count; i++) {
		struct config_peer *p = &config->peer[i];

		if (p->preshared_key_file[0] == '\0')
			continue;
		r = keyfile_read(p->preshared_key_file, p->preshared_key, text);
		if (r < 0)
			return key_error(error, r, file, p->preshared_key_line, "preshared-key-file", text);
	}
	return check_not_self(config, file, error);
}

int config_read(const char *path, const char *const *strategies, struct config **ret,
		char error[CONFIG_ERROR])
{
	size_t len = 0;
	char *text = NULL;
	int r = slurp(path, &text, &len, error);

	if (r < 0)
		return r;
	r = config_parse(text, len, path, strategies, ret, error);
	free(text);
	return r;
}

int config_load(const char *path, const char *const *strategies, struct config **ret,
		char error[CONFIG_ERROR])
{
	struct config *config;
	int r;

	if (sodium_init() < 0)
		return refuse(error, -EIO, path, "libsodium does not start");
	r = config_read(path, strategies, &config, error);
	if (r < 0)
		return r;
	r = read_keys(config, path, error);
	if (r < 0) {
		config_free(config);
		return r;
	}
	*ret = config;
	return 0;
}
