/*
 * parts: prints what each part of a tunnel costs on this machine, a line each:
 * its name, and CPU seconds for 10^9 bytes.  See parts.h; as root.
 */
#include "parts.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define BYTES	UINT64_C(1000000000)

static const char usage[] =
	"parts FROM TO ADDRESS\n"
	"  FROM, TO  network namespaces, by the names that `ip netns` has for them\n"
	"  ADDRESS   of TO, IPv4, as FROM reaches it\n";

static bool print_pair(bool measured, const char *out, const char *in, const struct part_pair *p)
{
	if (measured)
		printf("%s %.4f\n%s %.4f\n", out, p->out, in, p->in);
	return measured;
}

int main(int argc, char **argv)
{
	struct part_pair p;
	const char *cipher;
	bool good;

	if (argc != 4 || sodium_init() < 0) {
		fputs(usage, stderr);
		return 2;
	}
	good = print_pair(part_udp(argv[1], argv[2], argv[3], BYTES, &p), "udp-send", "udp-receive", &p);
	good &= print_pair(part_aead(BYTES, &p, &cipher), "seal", "open", &p);
	if (good)
		printf("cipher %s\n", cipher);
	/* Last: it leaves this network namespace. */
	good &= print_pair(part_tun(BYTES, &p), "tun-read", "tun-write", &p);
	return good ? 0 : 1;
}
