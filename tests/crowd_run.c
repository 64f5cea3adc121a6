/*
 * crowd_run: what a client costs its server's engine, by how many there are:
 * `make crowd`.  The clients' engines and the links between take no part in it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "core/engine.h"
#include "crowd.h"

#define PATHS	2
#define ROUNDS	400
#define BURST	32	/* packets of one client that come together */

static const char usage[] =
	"crowd [CLIENTS]...\n"
	"  one row for each number of clients (1 24 100 256), with two paths each\n"
	"\n"
	"begin     ms until all have a session, when all begin at once, and again after the\n"
	"          server has begun anew while they send; links of 20 and 34 ms\n"
	"inits     messages of each client for that, and us of CPU for one\n"
	"idle      us of CPU in a second for one client that is idle\n"
	"one       ns of CPU for a packet of 1300 bytes, cipher and ACKs included: one client sends\n"
	"          and the others are idle, up and down\n"
	"all       the same when 32 of them send a single packet, and then the next\n";

static nsec_t cpu_time(void)
{
	return clock_read(CLOCK_THREAD_CPUTIME_ID);
}

static void all_send(struct crowd *c, unsigned clients)
{
	for (unsigned i = 0; i < clients; i++)
		crowd_send_up(c, i, 0, 100);
	crowd_run(c, MSEC(50));
}

static nsec_t until_all_are_there(struct crowd *c, unsigned clients)
{
	nsec_t begin = crowd_now(c);

	while (crowd_in_session(c) < clients && crowd_now(c) < begin + SEC(60))
		all_send(c, clients);
	return crowd_now(c) - begin;
}

static void print_begin(struct crowd *c, unsigned clients)
{
	nsec_t time = until_all_are_there(c, clients);

	printf("%8lu", (unsigned long)(time / MSEC(1)));
	for (unsigned n = 0; n < 40; n++)
		all_send(c, clients);
	crowd_restart_server(c);
	crowd_forget(c);
	time = until_all_are_there(c, clients);
	printf("%6lu %6.1f %5.0f", (unsigned long)(time / MSEC(1)), (double)crowd_heard(c).inits / clients,
	       (double)crowd_server_took(c) / 1e3 / (double)crowd_heard(c).inits);
}

static void print_idle(struct crowd *c, unsigned clients)
{
	crowd_run(c, SEC(100));
	crowd_forget(c);
	crowd_run(c, SEC(100));
	printf(" %6.2f", (double)crowd_server_took(c) / 1e3 / 100 / clients);
}

/* So many packets that come at one moment, `each` of a client and then those of the next. */
static void send_round(struct crowd *c, unsigned clients, unsigned first, unsigned packets, unsigned each, bool up)
{
	for (unsigned n = 0; n < packets; n++) {
		unsigned client = (first + n / each) % clients;

		(up ? crowd_send_up : crowd_send_down)(c, client, 0, 1300);
	}
	crowd_run(c, MSEC(1));
}

static double packet_cost(struct crowd *c, unsigned clients, unsigned each, bool up)
{
	for (unsigned warm = 0; warm < 2; warm++) {
		crowd_forget(c);
		for (unsigned r = 0; r < ROUNDS; r++)
			send_round(c, each == BURST ? 1 : clients, r * BURST / each, BURST, each, up);
		crowd_run(c, MSEC(200));
	}
	return (double)crowd_server_took(c) / (ROUNDS * BURST);
}

static void row(unsigned clients)
{
	struct crowd *c = crowd_new(clients, PATHS);
	unsigned char ways;

	crowd_watch_server(c, cpu_time);
	printf("%7u", clients);
	print_begin(c, clients);
	print_idle(c, clients);
	for (ways = 0; ways < 4; ways++)
		printf(" %6.0f", packet_cost(c, clients, ways < 2 ? BURST : 1, ways % 2 == 0));
	putchar('\n');
	fflush(stdout);
	crowd_free(c);
}

int main(int argc, char **argv)
{
	static const unsigned usual[] = { 1, 24, 100, 256 };

	if (argc > 1 && argv[1][0] == '-') {
		fputs(usage, stdout);
		return 0;
	}
	printf("clients   begin again  inits    us   idle   one:up  down all:up  down\n");
	for (int i = 1; i < argc; i++)
		row((unsigned)atoi(argv[i]));
	for (unsigned i = 0; argc == 1 && i < sizeof(usual) / sizeof(usual[0]); i++)
		row(usual[i]);
	return 0;
}
