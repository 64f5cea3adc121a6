/*
 * flood: how many UDP packets of a size pass in a second: the highest rate of
 * which at most 1 % are lost; see usage.
 *
 * The rate is doubled until too many are lost, then narrowed down.  A step that
 * failed is tried once more, as the machine may have been elsewhere.  Sent evenly:
 * what is due since the last look, every 200 µs; a program that needs longer to
 * send than it may has found its own limit, which counts as loss.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/units.h"
#include "netns.h"

static const char usage[] =
	"flood FROM TO ADDRESS SIZE\n"
	"  FROM, TO  network namespaces, by the names that `ip netns` has for them\n"
	"  ADDRESS   of TO, IPv4, as FROM reaches it\n"
	"  SIZE      bytes of a packet, IPv4 and UDP included: 44 to 1500\n"
	"prints packets that arrived in a second, at the highest rate of which 99 % arrive\n";

#define PORT		7476
#define BATCH		32
#define STEPS		64
#define SIZE_LEAST	44
#define SIZE_MOST	1500
#define HEADERS		28	/* of IPv4 and UDP */
#define LEAST_RATE	5000.0
#define MOST_RATE	4e6
#define FINE		1.05	/* a good rate and a bad one this close: found */
#define MOST_LOST	0.01
#define KEEPS_PACE	0.95	/* of the rate asked for must have been sent */
#define WARM_UP		MSEC(200)
#define MEASURED	MSEC(500)
#define LATECOMERS	MSEC(300)
#define PAUSE		(200 * NSEC_PER_USEC)

/* What a packet begins with. */
struct label {
	uint32_t magic, step;
	uint32_t counted;	/* 0: of the warm-up */
};

#define MAGIC	0x7474666c

struct flood {
	int from, to;
	size_t size;		/* of the payload */
	uint32_t step;
	atomic_uint_fast64_t arrived[STEPS];
	struct iovec iov[BATCH], iov_in[BATCH];
	struct mmsghdr out[BATCH], in[BATCH];
	uint8_t data[SIZE_MOST], data_in[BATCH][2048];
};

static nsec_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return SEC(t.tv_sec) + (nsec_t)t.tv_nsec;
}

static void pause_for(nsec_t d)
{
	struct timespec t = { .tv_nsec = (long)d };

	nanosleep(&t, NULL);
}

static void count_one(struct flood *f, const uint8_t *data, size_t len)
{
	struct label l;

	if (len < sizeof(l))
		return;
	memcpy(&l, data, sizeof(l));
	if (l.magic == MAGIC && l.step < STEPS && l.counted != 0)
		atomic_fetch_add_explicit(&f->arrived[l.step], 1, memory_order_relaxed);
}

/* Until the program ends. */
static void *receive(void *ctx)
{
	struct flood *f = ctx;

	for (;;) {
		int n = recvmmsg(f->to, f->in, BATCH, MSG_WAITFORONE, NULL);

		for (int i = 0; i < n; i++)
			count_one(f, f->data_in[i], f->in[i].msg_len);
	}
	return NULL;
}

static uint64_t arrived(struct flood *f)
{
	return atomic_load_explicit(&f->arrived[f->step], memory_order_relaxed);
}

static void label_packets(struct flood *f, bool counted)
{
	struct label l = { .magic = MAGIC, .step = f->step, .counted = counted };

	memcpy(f->data, &l, sizeof(l));
}

/* At most n packets; how many went.  What a full queue refuses has been sent, and is lost. */
static unsigned send_some(struct flood *f, uint64_t n)
{
	int sent = sendmmsg(f->from, f->out, n < BATCH ? (unsigned)n : BATCH, 0);

	return sent > 0 ? (unsigned)sent : errno == ENOBUFS ? 1 : 0;
}

/* At that rate from now on for so long; gives how many. */
static uint64_t send_for(struct flood *f, double rate, nsec_t time, bool counted)
{
	nsec_t begin = now(), passed;
	uint64_t sent = 0;

	label_packets(f, counted);
	while ((passed = now() - begin) < time) {
		uint64_t due = (uint64_t)(rate * (double)passed / 1e9);

		if (due > sent)
			sent += send_some(f, due - sent);
		else
			pause_for(PAUSE);
	}
	return sent;
}

static void wait_for_latecomers(struct flood *f, uint64_t sent)
{
	nsec_t end = now() + LATECOMERS;

	while (arrived(f) < sent && now() < end)
		pause_for(MSEC(1));
}

/* Packets per second that arrived; 0: too many did not, or they could not be sent. */
static double try_once(struct flood *f, double rate)
{
	double seconds = (double)MEASURED / 1e9;
	uint64_t sent;

	if (++f->step >= STEPS)
		return 0;
	send_for(f, rate, WARM_UP, false);
	sent = send_for(f, rate, MEASURED, true);
	wait_for_latecomers(f, sent);
	if ((double)sent < rate * seconds * KEEPS_PACE || (double)arrived(f) < (double)sent * (1 - MOST_LOST))
		return 0;
	return (double)arrived(f) / seconds;
}

static double try_rate(struct flood *f, double rate)
{
	double passed = try_once(f, rate);

	return passed > 0 ? passed : try_once(f, rate);
}

/* 0: not even the least rate passes. */
static double search(struct flood *f)
{
	double good = 0, bad, best = 0, passed;

	for (bad = LEAST_RATE; bad < MOST_RATE && (passed = try_rate(f, bad)) > 0; bad *= 2) {
		good = bad;
		best = passed;
	}
	while (good > 0 && bad > good * FINE) {
		double middle = (good + bad) / 2;

		passed = try_rate(f, middle);
		if (passed > 0) {
			good = middle;
			best = passed;
		} else {
			bad = middle;
		}
	}
	return best;
}

static bool open_sockets(struct flood *f, const char *from, const char *to, const char *address)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int room = 16 << 20;

	f->from = netns_socket(from, AF_INET, SOCK_DGRAM, 0);
	f->to = netns_socket(to, AF_INET, SOCK_DGRAM, 0);
	return f->from >= 0 && f->to >= 0 && inet_pton(AF_INET, address, &a.sin_addr) == 1 &&
	       setsockopt(f->to, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) == 0 &&
	       bind(f->to, (struct sockaddr *)&a, sizeof(a)) == 0 &&
	       connect(f->from, (struct sockaddr *)&a, sizeof(a)) == 0;
}

static void prepare(struct flood *f)
{
	for (int i = 0; i < BATCH; i++) {
		f->iov[i] = (struct iovec){ f->data, f->size };
		f->iov_in[i] = (struct iovec){ f->data_in[i], sizeof(f->data_in[i]) };
		f->out[i].msg_hdr = (struct msghdr){ .msg_iov = &f->iov[i], .msg_iovlen = 1 };
		f->in[i].msg_hdr = (struct msghdr){ .msg_iov = &f->iov_in[i], .msg_iovlen = 1 };
	}
}

int main(int argc, char **argv)
{
	static struct flood f;
	pthread_t receiver;
	double passed;
	size_t size;

	size = argc == 5 ? strtoul(argv[4], NULL, 10) : 0;
	if (size < SIZE_LEAST || size > SIZE_MOST) {
		fputs(usage, stderr);
		return 2;
	}
	f.size = size - HEADERS;
	prepare(&f);
	if (!open_sockets(&f, argv[1], argv[2], argv[3]) || pthread_create(&receiver, NULL, receive, &f) != 0) {
		fprintf(stderr, "flood: from %s to %s, %s: %s\n", argv[1], argv[2], argv[3], strerror(errno));
		return 1;
	}
	passed = search(&f);
	printf("%.0f\n", passed);
	return passed > 0 ? 0 : 1;
}
