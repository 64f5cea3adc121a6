/*
 * engine: what the engine costs, without any I/O: CPU time per packet at both
 * ends, beside libsodium alone, and whether it asks for memory; see usage.
 */
#include <getopt.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cipher.h"
#include "io/crew.h"
#include "pair.h"
#include "reference.h"
#include "sim/no_cipher.h"
#include "strategy/strategy.h"

static const char usage[] =
	"engine [OPTION]...\n"
	"  -l, --links N       over N links (1, 2 and 4)\n"
	"  -c, --cipher NAME   none, chacha20-poly1305 or aes-256-gcm (all)\n"
	"  -L, --library NAME  libsodium, libcrypto or ipsec-mb does it (all)\n"
	"  -S, --strategy NAME aggregate when not given\n"
	"  -f, --flows N       inner flows, 1 to 256 (1)\n"
	"  -s, --size N        bytes of an inner packet, 56 to 1400 (1400)\n"
	"  -a, --alone         each in a datagram of its own: to see what sharing one is worth\n"
	"  -R, --rate N        Mbit/s of all links together (2000)\n"
	"  -t, --rtt N         ms of the first link; each further one half of it more (10)\n"
	"  -x, --loss N        datagrams of a thousand that each link loses, each way (0)\n"
	"  -T, --threads N     that help to seal and open, 0 to 8 (0)\n"
	"  -d, --down          server to client\n"
	"  -p, --packets N     measured in each run (50000)\n"
	"  -r, --runs N        of each row, one row after the other (7)\n"
	"\n"
	"send, receive  ns of CPU time in the sending and in the receiving engine for a\n"
	"               packet, ACKs included; median, least and most\n"
	"both           their sum\n"
	"libsodium      ns that its own seal and open of that cipher take for the same bytes\n"
	"ratio          of both to that, of the same run; the bar is 1.10, at 1400 bytes\n"
	"packets/s      that both ends together move on one core; the bar is 1 million\n"
	"               without a cipher, at 1400 bytes\n"
	"acks           datagrams that came back for 1000 packets\n"
	"mallocs        calls of malloc and its kin, and free, in all runs; the bar is 0\n"
	"links          share of the datagrams\n"
	"wall           send and receive as the clock on the wall has them\n";

#define LINK_COUNTS	3
#define ROWS_MAX	(LINK_COUNTS * 5)
#define RUNS_MAX	101
#define BAR_RATIO	1.10
#define BAR_NSEC	1000.0

struct request {
	struct pair_options options;
	unsigned links;		/* 0: all of LINK_COUNTS */
	const char *cipher, *library;	/* NULL: all */
	uint64_t packets;
	unsigned runs;
};

struct row {
	struct pair_options options;
	struct pair *pair;
	double send[RUNS_MAX], receive[RUNS_MAX], both[RUNS_MAX], libsodium[RUNS_MAX], ratio[RUNS_MAX];
	double send_wall[RUNS_MAX], receive_wall[RUNS_MAX];
	uint64_t packets, acks, allocations, wrong, missing;
};

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *samples, unsigned count)
{
	qsort(samples, count, sizeof(*samples), ascending);
	return samples[count / 2];
}

static bool is_asked_for(const struct request *r, const struct aead_ops *cipher)
{
	return (r->cipher == NULL || strcmp(r->cipher, cipher_name(cipher)) == 0) &&
	       (r->library == NULL || strcmp(r->library, cipher->library) == 0);
}

static size_t make_rows(const struct request *r, struct row *row)
{
	static const unsigned links[LINK_COUNTS] = { 1, 2, 4 };
	const struct aead_ops *cipher;
	size_t n = 0;

	for (size_t c = 0; (cipher = cipher_at(c)) != NULL; c++)
		for (size_t i = 0; i < LINK_COUNTS && is_asked_for(r, cipher); i++) {
			if (r->links != 0 && i > 0)
				break;
			row[n] = (struct row){ .options = r->options };
			row[n].options.cipher = cipher;
			row[n++].options.links = r->links != 0 ? r->links : links[i];
		}
	return n;
}

static bool encrypts(const struct row *row)
{
	return row->options.cipher != &no_cipher;
}

static bool run_row(const struct request *r, struct row *row, unsigned run)
{
	struct reference reference = { 0 };
	struct pair_result result;

	if (row->pair == NULL)
		row->pair = pair_new(&row->options);
	if (row->pair == NULL ||
	    (encrypts(row) && !reference_run(row->options.cipher->cipher, row->options.size, r->packets, &reference)))
		return false;
	result = pair_run(row->pair, r->packets);
	row->send[run] = result.sender;
	row->receive[run] = result.receiver;
	row->send_wall[run] = result.sender_wall;
	row->receive_wall[run] = result.receiver_wall;
	row->both[run] = result.sender + result.receiver;
	row->libsodium[run] = reference.seal + reference.open;
	row->ratio[run] = encrypts(row) ? row->both[run] / row->libsodium[run] : 0;
	row->packets += result.packets;
	row->acks += result.acks;
	row->allocations += result.allocations;
	row->wrong += result.wrong;
	row->missing += result.missing;
	return true;
}

/* False: something came out wrong, or memory was asked for. */
static bool print_row(struct row *row, unsigned runs)
{
	double send = median(row->send, runs), receive = median(row->receive, runs);
	double both = median(row->both, runs), ratio = median(row->ratio, runs);

	bool fast = row->options.size != PAIR_PACKET || (encrypts(row) ? ratio <= BAR_RATIO : both <= BAR_NSEC);

	printf("%5u  %-17s %-9s  %5.0f %5.0f-%-5.0f  %5.0f %5.0f-%-5.0f  %5.0f %5.0f-%-5.0f ", row->options.links,
	       cipher_name(row->options.cipher), row->options.cipher->library, send, row->send[0],
	       row->send[runs - 1], receive, row->receive[0], row->receive[runs - 1], both, row->both[0],
	       row->both[runs - 1]);
	if (encrypts(row))
		printf("%9.0f  %5.2f %4.2f-%-4.2f", median(row->libsodium, runs), ratio, row->ratio[0],
		       row->ratio[runs - 1]);
	else
		printf("%9s  %15s", "-", "");
	printf(" %s %9.0f  %5.1f %7lu ", fast ? " " : "!", 1e9 / both, (double)row->acks * 1000 / (double)row->packets,
	       (unsigned long)row->allocations);
	for (unsigned i = 0; i < row->options.links; i++)
		printf("%s%u.%u", i > 0 ? ":" : " ", pair_share(row->pair, i) / 10, pair_share(row->pair, i) % 10);
	printf("  wall %.0f %.0f", median(row->send_wall, runs), median(row->receive_wall, runs));
	if (row->missing > 0)
		printf("  (%lu dropped %s)", (unsigned long)row->missing,
		       row->options.loss_ppm == 0 ? "by the queue" : "or given up");
	printf("%s\n", row->wrong > 0 ? "  out of order, or damaged!" : "");
	return row->wrong == 0 && row->allocations == 0;
}

static int run(const struct request *r)
{
	static struct row row[ROWS_MAX];
	size_t rows = make_rows(r, row);
	bool good = rows > 0;

	for (unsigned n = 0; n < r->runs; n++)
		for (size_t i = 0; i < rows; i++)
			if (!run_row(r, &row[i], n)) {
				fprintf(stderr, "engine: %u links, %s: no tunnel came up, or no memory\n",
					row[i].options.links, cipher_name(row[i].options.cipher));
				return 1;
			}
	printf("%5s  %-17s %-9s  %-17s  %-17s  %-17s %9s  %-15s   %9s  %5s %7s  %s\n", "links", "cipher", "by", "send",
	       "receive", "both", "libsodium", "ratio", "packets/s", "acks", "mallocs", "shares");
	for (size_t i = 0; i < rows; i++) {
		good = print_row(&row[i], r->runs) && good;
		pair_free(row[i].pair);
	}
	return good ? 0 : 1;
}

static bool number(const char *text, unsigned long most, unsigned long *ret)
{
	char *end;

	*ret = strtoul(text, &end, 10);
	return *text != '\0' && *end == '\0' && *ret > 0 && *ret <= most;
}

/* False: it is no such option, or has no such value. */
static bool take_option(struct request *r, int option, const char *value)
{
	unsigned long n = 0;

	switch (option) {
	case 'c':
		r->cipher = value;
		return true;
	case 'L':
		r->library = value;
		return true;
	case 'S':
		r->options.strategy = value;
		return strategy_find(value) != NULL;
	case 'd':
		r->options.down = true;
		return true;
	case 'T':
		return number(value, CREW_MAX, &n) && (r->options.threads = (unsigned)n);
	case 'l':
		return number(value, PAIR_LINKS, &n) && (r->links = (unsigned)n);
	case 'f':
		return number(value, 256, &n) && (r->options.flows = (unsigned)n);
	case 's':
		return number(value, PAIR_PACKET, &n) && (r->options.size = n) >= PAIR_SMALLEST;
	case 'a':
		return r->options.alone = true;
	case 'R':
		return number(value, 100000, &n) && (r->options.rate = n * 1000000);
	case 't':
		return number(value, 1000, &n) && (r->options.rtt = MSEC(n));
	case 'x':
		return number(value, 500, &n) && (r->options.loss_ppm = (uint32_t)n * 1000);
	case 'p':
		return number(value, 100000000, &n) && (r->packets = n);
	case 'r':
		return number(value, RUNS_MAX, &n) && (r->runs = (unsigned)n);
	}
	return false;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "links", required_argument, NULL, 'l' }, { "cipher", required_argument, NULL, 'c' },
		{ "library", required_argument, NULL, 'L' }, { "strategy", required_argument, NULL, 'S' },
		{ "flows", required_argument, NULL, 'f' }, { "size", required_argument, NULL, 's' },
		{ "alone", no_argument, NULL, 'a' },
		{ "rate", required_argument, NULL, 'R' }, { "rtt", required_argument, NULL, 't' },
		{ "loss", required_argument, NULL, 'x' },
		{ "threads", required_argument, NULL, 'T' },
		{ "down", no_argument, NULL, 'd' }, { "packets", required_argument, NULL, 'p' },
		{ "runs", required_argument, NULL, 'r' }, { "help", no_argument, NULL, 'h' }, { 0 },
	};
	struct request r = {
		.options = { .rate = UINT64_C(2000000000), .rtt = MSEC(10), .flows = 1, .size = PAIR_PACKET,
			     .strategy = strategy_at(0)->name },
		.packets = 50000, .runs = 7,
	};
	int option;

	while ((option = getopt_long(argc, argv, "l:c:L:S:f:s:aR:t:x:T:dp:r:h", options, NULL)) != -1)
		if (!take_option(&r, option, optarg)) {
			fputs(usage, option == 'h' ? stdout : stderr);
			return option == 'h' ? 0 : 2;
		}
	if (optind != argc || sodium_init() < 0) {
		fputs(usage, stderr);
		return 2;
	}
	if (crew_new(r.options.threads, &r.options.crew) < 0) {
		fprintf(stderr, "engine: no threads\n");
		return 1;
	}
	option = run(&r);
	crew_free(r.options.crew);
	return option;
}
