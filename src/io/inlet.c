/* inlet: see inlet.h. */
#include "io/inlet.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "io/udp.h"

#define MESSAGES	32		/* in one call, at most */
#define PIECES		64		/* buffers for one message, at most */
#define SPILL		65536		/* bytes of a message that its buffers do not take: all there can be */
#define FORGET		16		/* calls without a run, and none is expected any more */

/* Room for the local address of either family, the ECN field, and the length of segments. */
#define CONTROL_ROOM	(CMSG_SPACE(sizeof(struct in6_pktinfo)) + 2 * CMSG_SPACE(sizeof(int)))

static_assert(INLET_BUFS >= PIECES && INLET_BUFS >= MESSAGES, "there are buffers for a message of each kind");

union control {
	struct cmsghdr header;
	char room[CONTROL_ROOM];
};

/* Message i has the buffers from i * pieces on, each `length` long, then spill[i]. */
struct layout {
	size_t length, pieces, messages;
};

/* A message that came. */
struct run {
	struct udp_datagram is;		/* the addresses; no buffer */
	uint8_t ecn;
	bool cut_off;			/* at its end: it is not ours, whatever it is */
	size_t len, segment;
};

struct inlet {
	struct buf_pool *pool;
	struct buf *buf[INLET_BUFS];
	size_t full;			/* so many of them, from the first on, are there for certain */
	struct layout layout;
	struct mmsghdr msg[MESSAGES];
	struct iovec iov[INLET_BUFS + MESSAGES];
	struct sockaddr_storage from[MESSAGES];
	union control control[MESSAGES];
	struct run run[MESSAGES];	/* what came, */
	size_t got, message;		/* so many, the one at hand, */
	size_t at;			/* and the bytes of it that were given already */
	struct inlet_counts counts;
	uint8_t spill[MESSAGES][SPILL];	/* memory only once it is used */
};

struct inlet *inlet_new(struct buf_pool *pool)
{
	struct inlet *in = malloc(sizeof(*in));

	if (in == NULL)
		return NULL;
	memset(in, 0, offsetof(struct inlet, spill));
	in->pool = pool;
	return in;
}

void inlet_free(struct inlet *in)
{
	if (in == NULL)
		return;
	for (size_t i = 0; i < INLET_BUFS; i++)
		buf_put(in->buf[i]);
	free(in);
}

const struct inlet_counts *inlet_counts(const struct inlet *in)
{
	return &in->counts;
}

size_t inlet_held(const struct inlet *in)
{
	size_t n = 0;

	for (size_t i = 0; i < INLET_BUFS; i++)
		n += in->buf[i] != NULL;
	return n;
}

/* --- where the kernel puts it --------------------------------------------- */

static struct buf *spare(struct inlet *in)
{
	return buf_pool_left(in->pool) > INLET_RESERVE ? buf_get(in->pool) : NULL;
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* One by one each has a whole buffer; a run has as many as it may be datagrams. */
static struct layout layout_for(const struct inlet_habit *habit)
{
	struct layout l = { .length = BUF_ROOM, .pieces = 1, .messages = MESSAGES };

	if (habit->segment == 0)
		return l;
	l.length = habit->segment;
	l.pieces = smaller((UDP_MESSAGE_MAX + l.length - 1) / l.length, PIECES);
	l.messages = smaller(INLET_BUFS / l.pieces, MESSAGES);
	return l;
}

static struct iovec *iov_of(struct inlet *in, size_t message)
{
	return &in->iov[message * (in->layout.pieces + 1)];
}

/* A buffer that is empty begins there, so it need not be looked at: many are never used. */
static void aim(struct inlet *in, size_t i)
{
	struct iovec *iov = iov_of(in, i / in->layout.pieces) + i % in->layout.pieces;

	*iov = (struct iovec){ in->buf[i]->storage + BUF_HEADROOM, in->layout.length };
}

static void fill(struct inlet *in, size_t n)
{
	struct buf *b;

	for (; in->full < n; in->full++) {
		if (in->buf[in->full] != NULL)
			continue;
		b = spare(in);
		if (b == NULL)
			return;
		in->buf[in->full] = b;
		aim(in, in->full);
	}
}

static void reset_message(struct inlet *in, size_t i)
{
	in->msg[i].msg_hdr = (struct msghdr){
		.msg_name = &in->from[i], .msg_namelen = sizeof(in->from[i]),
		.msg_iov = iov_of(in, i), .msg_iovlen = in->layout.pieces + 1,
		.msg_control = &in->control[i], .msg_controllen = sizeof(in->control[i]),
	};
}

static void lay_out(struct inlet *in, const struct layout *l)
{
	in->layout = *l;
	for (size_t i = 0; i < l->messages * l->pieces; i++)
		if (in->buf[i] != NULL)
			aim(in, i);
	for (size_t i = 0; i < l->messages; i++) {
		iov_of(in, i)[l->pieces] = (struct iovec){ in->spill[i], SPILL };
		reset_message(in, i);
	}
}

/* Everything is where a call wants it; gives for how many messages. */
static size_t prepare(struct inlet *in, const struct inlet_habit *habit)
{
	struct layout l = layout_for(habit);

	if (l.length != in->layout.length || l.pieces != in->layout.pieces)
		lay_out(in, &l);
	else	/* of another layout there may have come more than this one has */
		for (size_t i = 0; i < in->got; i++)
			reset_message(in, i);
	in->got = 0;
	in->message = 0;
	in->at = 0;
	fill(in, l.messages * l.pieces);
	return smaller(in->full / l.pieces, l.messages);
}

/* --- what it says of it ---------------------------------------------------- */

static void read_control(struct msghdr *msg, struct run *run)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		int value = 0;

		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			run->is.local = addr_from_ipv4((const uint8_t *)&info.ipi_addr, 0);
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct sockaddr_in6 sa = { .sin6_family = AF_INET6 };
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			sa.sin6_addr = info.ipi6_addr;
			sa.sin6_scope_id = info.ipi6_ifindex;
			run->is.local = addr_from_sockaddr((struct sockaddr *)&sa);
		} else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
			run->ecn = *CMSG_DATA(c) & 3;	/* one byte; IPv6's is an int */
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
			memcpy(&value, CMSG_DATA(c), sizeof(value));
			run->ecn = value & 3;
		} else if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
			memcpy(&value, CMSG_DATA(c), sizeof(value));
			run->segment = value > 0 ? (size_t)value : 0;
		}
	}
}

static struct run run_of(struct inlet *in, size_t message)
{
	struct mmsghdr *m = &in->msg[message];
	struct run run = { .len = m->msg_len, .cut_off = m->msg_hdr.msg_flags & MSG_TRUNC };

	run.is.remote = addr_from_sockaddr((struct sockaddr *)&in->from[message]);
	read_control(&m->msg_hdr, &run);
	if (run.segment == 0 || run.segment > run.len)
		run.segment = run.len;
	return run;
}

/* Of several runs the longest says what is to be expected: that is where a copy costs most. */
static void learn(const struct inlet *in, struct inlet_habit *habit)
{
	size_t longest = 0;

	for (size_t i = 0; i < in->got; i++) {
		const struct run *run = &in->run[i];

		if (run->len == run->segment || run->segment > BUF_ROOM || run->len <= longest)
			continue;
		longest = run->len;
		habit->segment = (uint16_t)run->segment;
	}
	habit->single = longest > 0 || habit->segment == 0 ? 0 : (uint8_t)(habit->single + 1);
	if (habit->single == FORGET)
		*habit = (struct inlet_habit){ 0 };
}

int inlet_receive(struct inlet *in, int fd, struct inlet_habit *habit)
{
	size_t n = prepare(in, habit);
	int got;

	if (n == 0)
		return -ENOBUFS;
	got = recvmmsg(fd, in->msg, (unsigned)n, MSG_DONTWAIT, NULL);
	if (got < 0)
		return -errno;
	in->got = (size_t)got;
	in->counts.messages += in->got;
	for (size_t i = 0; i < in->got; i++)
		in->run[i] = run_of(in, i);
	learn(in, habit);
	return got;
}

/* --- one by one ------------------------------------------------------------- */

/* len bytes of the message from there on, wherever they lie. */
static void gather(const struct inlet *in, size_t at, size_t len, uint8_t *to)
{
	const struct iovec *iov = &in->iov[in->message * (in->layout.pieces + 1)];
	size_t piece = smaller(at / in->layout.length, in->layout.pieces);

	for (at -= piece * in->layout.length; len > 0; at = 0, piece++) {
		size_t n = smaller(iov[piece].iov_len - at, len);

		memcpy(to, (const uint8_t *)iov[piece].iov_base + at, n);
		to += n;
		len -= n;
	}
}

/* It lies at the beginning of a buffer, and nothing else does. */
static bool is_in_place(const struct inlet *in, const struct run *run, size_t len)
{
	const struct layout *l = &in->layout;

	if (run->len == len)
		return len <= l->length;
	return run->segment == l->length && in->at < l->pieces * l->length;
}

/* The buffer where it lies; another one takes its place, or nothing is received there for now. */
static struct buf *take(struct inlet *in)
{
	size_t i = in->message * in->layout.pieces + in->at / in->layout.length;
	struct buf *b = in->buf[i];

	in->buf[i] = spare(in);
	if (in->buf[i] != NULL)
		aim(in, i);
	else
		in->full = smaller(in->full, i);
	return b;
}

static struct buf *copy(struct inlet *in, size_t len)
{
	struct buf *b;

	if (len > BUF_ROOM) {
		in->counts.too_long++;
		return NULL;
	}
	b = buf_get(in->pool);
	if (b == NULL) {
		in->counts.no_buffer++;
		return NULL;
	}
	gather(in, in->at, len, b->data);
	in->counts.copied++;
	return b;
}

/* The next len bytes of the message at hand; NULL: dropped. */
static struct buf *cut(struct inlet *in, const struct run *run, size_t len)
{
	struct buf *b = is_in_place(in, run, len) ? take(in) : copy(in, len);

	if (b == NULL)
		return NULL;
	b->len = (uint32_t)len;
	b->ecn = run->ecn;
	return b;
}

static void step(struct inlet *in, const struct run *run, size_t len)
{
	in->at += len;
	if (in->at < run->len && !run->cut_off)
		return;
	in->message++;
	in->at = 0;
}

bool inlet_next(struct inlet *in, struct udp_datagram *ret)
{
	while (in->message < in->got) {
		const struct run *run = &in->run[in->message];
		size_t len = smaller(run->segment, run->len - in->at);
		struct buf *b = NULL;

		if (run->cut_off)
			in->counts.too_long++;
		else
			b = cut(in, run, len);
		step(in, run, len);
		if (b == NULL)
			continue;
		in->counts.datagrams++;
		*ret = run->is;
		ret->buf = b;
		return true;
	}
	return false;
}
