/* keyfile: see keyfile.h.  The base64 is libsodium's. */
#include "config/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE	128	/* bytes read of a key file: a key, spaces, the end of line */

bool key_parse(const char *text, uint8_t ret[KEY_SIZE])
{
	uint8_t key[KEY_SIZE];
	size_t len;
	bool ok;

	ok = strlen(text) == KEY_TEXT - 1 &&
	     sodium_base642bin(key, sizeof(key), text, KEY_TEXT - 1, NULL, &len, NULL,
			       sodium_base64_VARIANT_ORIGINAL) == 0 &&
	     len == KEY_SIZE;
	if (ok)
		memcpy(ret, key, KEY_SIZE);
	sodium_memzero(key, sizeof(key));
	return ok;
}

const char *key_print(const uint8_t key[KEY_SIZE], char buf[KEY_TEXT])
{
	return sodium_bin2base64(buf, KEY_TEXT, key, KEY_SIZE, sodium_base64_VARIANT_ORIGINAL);
}

static int refuse(char error[KEYFILE_ERROR], int code, const char *path, const char *text)
{
	snprintf(error, KEYFILE_ERROR, "%.1000s: %s", path, text);
	return code;
}

static int check_mode(int fd, const char *path, char error[KEYFILE_ERROR])
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return refuse(error, -errno, path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return refuse(error, -EINVAL, path, "not a regular file; a key file holds one line of base64");
	if (st.st_mode & (S_IRWXG | S_IRWXO)) {
		snprintf(error, KEYFILE_ERROR,
			 "%.600s: a secret key that others may use (mode %04o); run: chmod 600 %.600s",
			 path, st.st_mode & 07777u, path);
		return -EACCES;
	}
	return 0;
}

static size_t trimmed(const char *text, size_t len)
{
	while (len > 0 && text[len - 1] != '\0' && strchr(" \t\r\n", text[len - 1]) != NULL)
		len--;
	return len;
}

int keyfile_read(const char *path, uint8_t ret[KEY_SIZE], char error[KEYFILE_ERROR])
{
	/* not blocking: a fifo in its place must not hold us */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char line[LINE + 1];
	size_t len;
	ssize_t n;
	int r;

	if (fd < 0)
		return refuse(error, -errno, path, strerror(errno));
	r = check_mode(fd, path, error);
	if (r < 0)
		goto out;
	n = read(fd, line, LINE);
	if (n < 0) {
		r = refuse(error, -errno, path, strerror(errno));
		goto out;
	}
	len = trimmed(line, (size_t)n);
	line[len] = '\0';
	/* a zero byte would hide from key_parse what follows it */
	if (n == LINE || strlen(line) != len || !key_parse(line, ret))
		r = refuse(error, -EINVAL, path,
			   "not a key: one line of 44 characters of base64 is wanted, as `ttt genkey` writes");
out:
	sodium_memzero(line, sizeof(line));
	close(fd);
	return r;
}
