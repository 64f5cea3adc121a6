/*
 * keys: `genkey`, `genpsk` and `pubkey`: keys as one line of base64.  The
 * secret ones go to standard output, for a file that nobody else may read.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "base/log.h"
#include "cli/cli.h"
#include "config/keyfile.h"

/* umask 077 is easily forgotten, and the daemon will refuse such a file. */
static void warn_of_readers(void)
{
	struct stat st;

	if (fstat(STDOUT_FILENO, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 077) != 0)
		log_warning("that file can be read by others: chmod 600 it, or run umask 077 before");
}

static int print_key(const uint8_t key[KEY_SIZE])
{
	char text[KEY_TEXT];

	if (puts(key_print(key, text)) < 0 || fflush(stdout) != 0) {
		log_error("cannot write the key: %m");
		return EXIT_FAILED;
	}
	sodium_memzero(text, sizeof(text));
	return EXIT_DONE;
}

static int print_secret(bool for_x25519)
{
	uint8_t key[KEY_SIZE];
	int code;

	if (sodium_init() < 0)
		return EXIT_FAILED;
	randombytes_buf(key, sizeof(key));
	if (for_x25519) {	/* as RFC 7748, section 5, would read it */
		key[0] &= 248;
		key[31] = (uint8_t)((key[31] & 127) | 64);
	}
	warn_of_readers();
	code = print_key(key);
	sodium_memzero(key, sizeof(key));
	return code;
}

int cli_genkey(const struct cli *cli)
{
	(void)cli;
	return print_secret(true);
}

int cli_genpsk(const struct cli *cli)
{
	(void)cli;
	return print_secret(false);
}

int cli_pubkey(const struct cli *cli)
{
	uint8_t private[KEY_SIZE], public[KEY_SIZE];
	char text[128];
	bool good;

	(void)cli;
	if (sodium_init() < 0 || fgets(text, sizeof(text), stdin) == NULL)
		text[0] = '\0';
	text[strcspn(text, " \t\r\n")] = '\0';
	good = key_parse(text, private) && crypto_scalarmult_base(public, private) == 0;
	sodium_memzero(private, sizeof(private));
	sodium_memzero(text, sizeof(text));
	if (!good) {
		log_error("standard input is no private key: ttt pubkey </etc/ttt/key");
		return EXIT_USAGE;
	}
	return print_key(public);
}
