/* merge: what goes together, what stays alone, and that cutting gives it all back. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/units.h"
#include "inner_packet.h"
#include "offload/merge.h"
#include "offload/split.h"
#include "tap.h"

#define BUFS	1024

static struct buf_pool *pool;
static struct merge merge;
static struct merge_write write;
static uint8_t large[VIRTIO_PACKET_MAX];
static size_t large_len;

static struct buf *packet(const struct inner_packet *p)
{
	struct buf *b = buf_get(pool);

	assert_non_null(b);
	b->len = (uint32_t)inner_packet_write(p, b->data);
	return b;
}

/* It is still to be made, where it can be: fragments, and what has strange headers, have theirs. */
static void leave_checksum(struct buf *b)
{
	struct ip ip;

	if (!ip_read(b->data, b->len, &ip))
		return;
	put_be16(b->data + ip_checksum_at(&ip), 0xabcd);	/* whatever stands there does not count */
	b->needs_checksum = true;
}

static void add(const struct inner_packet *p)
{
	merge_add(&merge, packet(p));
}

/* The next write as the kernel would see it: its number of packets, 0 at the end. */
static size_t next(void)
{
	size_t n;

	if (!merge_next(&merge, &write))
		return 0;
	large_len = 0;
	assert_ptr_equal(write.piece[0].iov_base, &write.header);
	assert_int_equal(write.piece[0].iov_len, sizeof(write.header));
	for (int i = 1; i < write.pieces; i++) {
		memcpy(large + large_len, write.piece[i].iov_base, write.piece[i].iov_len);
		large_len += write.piece[i].iov_len;
	}
	n = write.packets.count;
	buf_queue_clear(&write.packets);
	return n;
}

/* The one behind p in its flow. */
static void go_on(struct inner_packet *p)
{
	p->id++;
	if (!p->udp)
		p->seq += (uint32_t)p->size;
	p->offset += p->size;
}

/* --- pairs ------------------------------------------------------------------ */

static void what_follows_in_a_flow_is_written_at_once(void **state)
{
	(void)state;
	for (int kind = 0; kind < 4; kind++) {
		struct inner_packet p = inner_packet(kind & 1, kind & 2);

		merge_init(&merge, true, true);
		p.options = 12;
		for (int i = 0; i < 5; i++) {
			if (i == 4)
				p.size = 30;
			add(&p);
			go_on(&p);
		}
		assert_int_equal(next(), 5);
		p.size = 430;
		assert_int_equal(large_len, inner_packet_headers(&p) + 430);
		assert_int_equal(write.header.gso_size, 100);
		assert_int_equal(write.header.header_len, inner_packet_headers(&p));
		assert_int_equal(write.header.flags, VIRTIO_NEEDS_CSUM);
		assert_int_equal(write.header.gso_type, p.udp ? VIRTIO_GSO_UDP : p.is6 ? VIRTIO_GSO_TCP6 :
				 VIRTIO_GSO_TCP4);
		assert_int_equal(next(), 0);
	}
}

static void one_alone_goes_as_it_came(void **state)
{
	struct inner_packet p = inner_packet(false, false);
	uint8_t same[200];

	(void)state;
	merge_init(&merge, true, true);
	add(&p);
	assert_int_equal(next(), 1);
	assert_int_equal(large_len, inner_packet_write(&p, same));
	assert_memory_equal(large, same, large_len);
	assert_int_equal(write.header.flags | write.header.gso_type, 0);
	assert_int_equal(next(), 0);
}

/* Two that would go together, but for one thing about the second. */
struct difference {
	const char *what;
	bool is6, udp;
	void (*make)(struct inner_packet *p);
};

static void d_gap(struct inner_packet *p) { p->seq++; }
static void d_again(struct inner_packet *p) { p->seq -= 100; }
static void d_larger(struct inner_packet *p) { p->size++; }
static void d_empty(struct inner_packet *p) { p->size = 0; }
static void d_ack(struct inner_packet *p) { p->ack++; }
static void d_window(struct inner_packet *p) { p->window++; }
static void d_options(struct inner_packet *p) { p->options = 12; }
static void d_port(struct inner_packet *p) { p->port++; }
static void d_host(struct inner_packet *p) { p->host++; }
static void d_ecn(struct inner_packet *p) { p->tos |= 3; }
static void d_dscp(struct inner_packet *p) { p->tos |= 0xb8; }
static void d_ttl(struct inner_packet *p) { p->ttl--; }
static void d_id(struct inner_packet *p) { p->id += 3; }
static void d_df(struct inner_packet *p) { p->df = false; }
static void d_ip_options(struct inner_packet *p) { p->ip_options = 8; }
static void d_fin(struct inner_packet *p) { p->flags |= TCP_FIN; }
static void d_syn(struct inner_packet *p) { p->flags |= TCP_SYN; }
static void d_rst(struct inner_packet *p) { p->flags |= TCP_RST; }
static void d_urg(struct inner_packet *p) { p->flags |= TCP_URG; }
static void d_cwr(struct inner_packet *p) { p->flags |= TCP_CWR; }
static void d_ece(struct inner_packet *p) { p->flags |= TCP_ECE; }
static void d_no_ack(struct inner_packet *p) { p->flags = 0; }
static void d_urgent(struct inner_packet *p) { p->urgent = 9; }

static const struct difference difference[] = {
	{ "a hole", false, false, d_gap }, { "an overlap", true, false, d_again },
	{ "more data than the first", false, false, d_larger }, { "more in a datagram", true, true, d_larger },
	{ "no data", false, false, d_empty }, { "an empty datagram", false, true, d_empty },
	{ "another ACK", false, false, d_ack }, { "another window", true, false, d_window },
	{ "other options", false, false, d_options }, { "another port", false, false, d_port },
	{ "another datagram's port", true, true, d_port }, { "another host", false, false, d_host },
	{ "another IPv6 host", true, true, d_host }, { "a mark", false, false, d_ecn },
	{ "a mark in IPv6", true, false, d_ecn }, { "another class", false, true, d_dscp },
	{ "another class in IPv6", true, true, d_dscp }, { "another TTL", false, false, d_ttl },
	{ "another hop limit", true, true, d_ttl }, { "another id", false, false, d_id },
	{ "another datagram's id", false, true, d_id }, { "no DF", false, false, d_df },
	{ "IP options", false, false, d_ip_options }, { "an extension header", true, false, d_ip_options },
	{ "FIN", false, false, d_fin }, { "SYN", false, false, d_syn }, { "RST", true, false, d_rst },
	{ "URG", false, false, d_urg }, { "CWR", false, false, d_cwr }, { "ECE", true, false, d_ece },
	{ "no ACK", false, false, d_no_ack }, { "an urgent pointer", false, false, d_urgent },
};

/* With it in the second, and with it in the first. */
static void what_differs_stays_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(difference); i++) {
		const struct difference *d = &difference[i / 2];
		struct inner_packet first = inner_packet(d->is6, d->udp), second = first;
		uint8_t wanted[2][300];
		size_t len[2];

		go_on(&second);
		if (i % 2 == 0)
			d->make(&second);
		else if (d->make != d_larger && d->make != d_cwr)
			d->make(&first);
		else
			continue;	/* the second is a shorter last one; CWR may be the first one's */
		len[0] = inner_packet_write(&first, wanted[0]);
		len[1] = inner_packet_write(&second, wanted[1]);
		merge_init(&merge, true, true);
		add(&first);
		add(&second);
		for (size_t k = 0; k < 2; k++) {
			if (next() != 1)
				fail_msg("%s was merged", d->what);
			assert_int_equal(large_len, len[k]);
			assert_memory_equal(large, wanted[k], len[k]);
			assert_int_equal(write.header.gso_type, VIRTIO_GSO_NONE);
		}
		assert_int_equal(next(), 0);
	}
}

static void push_ends_and_cwr_begins(void **state)
{
	struct inner_packet p = inner_packet(false, false);

	(void)state;
	merge_init(&merge, true, true);
	for (int i = 0; i < 6; i++) {
		p.flags = TCP_ACK | (i == 2 ? TCP_PSH : 0) | (i == 3 ? TCP_CWR : 0);
		add(&p);
		go_on(&p);
	}
	assert_int_equal(next(), 3);
	assert_int_equal(large[33], TCP_ACK | TCP_PSH);
	assert_int_equal(next(), 3);
	assert_int_equal(large[33], TCP_ACK | TCP_CWR);
	assert_int_equal(write.header.gso_type, VIRTIO_GSO_TCP4 | VIRTIO_GSO_ECN);
	assert_int_equal(next(), 0);
}

static void a_shorter_one_is_the_last(void **state)
{
	(void)state;
	for (int kind = 0; kind < 4; kind++) {
		struct inner_packet p = inner_packet(kind & 1, kind & 2);

		merge_init(&merge, true, true);
		for (int i = 0; i < 4; i++) {
			p.size = i == 1 ? 99 : 100;
			add(&p);
			go_on(&p);
		}
		assert_int_equal(next(), 2);
		assert_int_equal(next(), 2);
		assert_int_equal(next(), 0);
	}
}

static void only_what_is_asked_for_is_merged(void **state)
{
	struct inner_packet tcp = inner_packet(false, false), udp = inner_packet(false, true);

	(void)state;
	for (int what = 0; what < 4; what++) {
		merge_init(&merge, what & 1, what & 2);
		for (int i = 0; i < 2; i++, go_on(&tcp))
			add(&tcp);
		for (int i = 0; i < 2; i++, go_on(&udp))
			add(&udp);
		assert_int_equal(next(), what & 1 ? 2 : 1);
		if (!(what & 1))
			assert_int_equal(next(), 1);
		assert_int_equal(next(), what & 2 ? 2 : 1);
		if (!(what & 2))
			assert_int_equal(next(), 1);
		assert_int_equal(next(), 0);
	}
}

/* DF says that ids mean nothing, and some systems have one and the same. */
static void ids_that_stay_the_same_go_together_under_df(void **state)
{
	struct inner_packet p = inner_packet(false, false);

	(void)state;
	for (int df = 0; df < 2; df++) {
		merge_init(&merge, true, true);
		p.df = df;
		for (int i = 0; i < 3; i++) {
			add(&p);
			go_on(&p);
			p.id--;
		}
		p.id += 3;	/* what the fourth had if they counted */
		add(&p);
		for (int i = 0; i < (df ? 2 : 4); i++)
			assert_int_equal(next(), df && i == 0 ? 3 : 1);
		assert_int_equal(next(), 0);
	}
}

/* --- checksums ---------------------------------------------------------------- */

/* at: the byte that is spoilt, from the front. */
static void spoil(int which, bool is6, bool udp, size_t at)
{
	struct inner_packet p = inner_packet(is6, udp);
	size_t alone = 0;

	merge_init(&merge, true, true);
	for (int i = 0; i < 3; i++) {
		struct buf *b = packet(&p);

		if (i == which)
			b->data[at] ^= 0x10;
		merge_add(&merge, b);
		go_on(&p);
	}
	for (size_t n; (n = next()) > 0;) {
		p.size = large_len - inner_packet_headers(&p);
		if (n == 1 && !inner_packet_is_right(large, large_len, &p))
			alone++;
		if (n > 1 && write.header.gso_size * (n - 1) >= p.size)
			fail_msg("more than the right ones were merged");
	}
	if (alone != 1)
		fail_msg("packet %d of a %s flow was repaired at byte %zu", which, udp ? "UDP" : "TCP", at);
}

static void what_is_wrong_stays_wrong_and_alone(void **state)
{
	(void)state;
	for (int kind = 0; kind < 4; kind++) {
		struct inner_packet p = inner_packet(kind & 1, kind & 2);
		size_t head = inner_packet_headers(&p), field = head - (p.udp ? 2 : 4);

		for (int which = 0; which < 3; which++) {
			spoil(which, p.is6, p.udp, head);
			spoil(which, p.is6, p.udp, head + 99);
			spoil(which, p.is6, p.udp, field);
			if (!p.is6)
				spoil(which, p.is6, p.udp, 11);	/* IPv4's own */
		}
	}
}

/* Also where none would be right: its last bytes are such that the sum is. */
static void a_datagram_without_a_checksum_stays_without(void **state)
{
	struct inner_packet p = inner_packet(false, true);

	(void)state;
	merge_init(&merge, true, true);
	for (int i = 0; i < 2; i++, go_on(&p)) {
		struct buf *b = packet(&p);

		put_be16(b->data + 26, 0);
		put_be16(b->data + b->len - 2, 0);
		put_be16(b->data + b->len - 2, (uint16_t)~inner_packet_sum(b->data + 20, b->len - 20,
				inner_packet_pseudo(b->data, b->len, &p)));
		assert_true(inner_packet_is_right(b->data, b->len, &p));
		merge_add(&merge, b);
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(next(), 1);
		assert_int_equal(get_be16(large + 26), 0);
	}
	assert_int_equal(next(), 0);
}

/* --- order and bounds ----------------------------------------------------------- */

static void flows_that_take_turns_are_told_apart(void **state)
{
	struct inner_packet p[MERGE_OPEN + 1];

	(void)state;
	for (size_t flows = MERGE_OPEN; flows <= MERGE_OPEN + 1; flows++) {
		merge_init(&merge, true, true);
		for (size_t f = 0; f < flows; f++) {
			p[f] = inner_packet(f & 1, f & 2);
			p[f].port = (uint16_t)(1000 + f);
		}
		for (int i = 0; i < 4; i++)
			for (size_t f = 0; f < flows; f++) {
				add(&p[f]);
				go_on(&p[f]);
			}
		/* one more than are watched, in turns, and none is found again */
		for (size_t i = 0; i < (flows == MERGE_OPEN ? flows : 4 * flows); i++)
			assert_int_equal(next(), flows == MERGE_OPEN ? 4 : 1);
		assert_int_equal(next(), 0);
	}
}

/* A fragment may be of any flow: nothing that comes behind it is put before it. */
static void nothing_passes_what_cannot_be_told(void **state)
{
	struct inner_packet p = inner_packet(false, false);
	struct buf *b;

	(void)state;
	merge_init(&merge, true, true);
	for (int i = 0; i < 4; i++) {
		if (i == 2) {
			b = packet(&p);
			put_be16(b->data + 6, 0x2000);
			merge_add(&merge, b);
		}
		add(&p);
		go_on(&p);
	}
	assert_int_equal(next(), 2);
	assert_int_equal(next(), 1);
	assert_int_equal(get_be16(large + 6), 0x2000);
	assert_int_equal(next(), 2);
	assert_int_equal(next(), 0);
}

/* An ACK without data between data: the data behind it stays behind it. */
static void what_goes_alone_keeps_its_place_in_its_flow(void **state)
{
	struct inner_packet p = inner_packet(false, false), ack;

	(void)state;
	merge_init(&merge, true, true);
	add(&p);
	go_on(&p);
	ack = p;
	ack.size = 0;
	add(&ack);
	add(&p);
	go_on(&p);
	add(&p);
	assert_int_equal(next(), 1);
	assert_int_equal(large_len, 140);
	assert_int_equal(next(), 1);
	assert_int_equal(large_len, 40);
	assert_int_equal(next(), 2);
	assert_int_equal(next(), 0);
}

static void a_write_has_its_bounds(void **state)
{
	struct inner_packet p = inner_packet(false, false);
	size_t n, packets = 0;

	(void)state;
	merge_init(&merge, true, true);
	for (p.size = 1; merge_has_room(&merge); go_on(&p))
		add(&p);
	while ((n = next()) > 0) {
		assert_int_equal(n, MERGE_SEGMENTS);
		packets += n;
	}
	assert_int_equal(packets, MERGE_HELD);
	assert_true(merge_has_room(&merge));
	for (p.size = 1900; merge_has_room(&merge); go_on(&p))
		add(&p);
	for (packets = 0; (n = next()) > 0; packets += n)
		assert_true(large_len <= VIRTIO_PACKET_MAX && (n == 34 || packets + n == MERGE_HELD));
	assert_int_equal(packets, MERGE_HELD);
}

static void clearing_gives_all_back(void **state)
{
	struct inner_packet p = inner_packet(false, false);

	(void)state;
	merge_init(&merge, true, true);
	for (int i = 0; i < 9; i++, p.port++)
		add(&p);
	assert_int_equal(next(), 1);
	merge_clear(&merge);
	assert_int_equal(buf_pool_left(pool), BUFS);
	assert_int_equal(next(), 0);
	assert_true(merge_has_room(&merge));
}

/* --- there and back ----------------------------------------------------------- */

static unsigned below(unsigned n)
{
	return (unsigned)rand() % n;
}

static void what_is_cut_and_merged_is_what_it_was(void **state)
{
	static uint8_t before[VIRTIO_PACKET_MAX];

	(void)state;
	for (int round = 0; round < 3000; round++) {
		struct inner_packet p = inner_packet(below(2), below(2));
		size_t gso_size = 600 + below(800), len, transport;
		struct virtio_header h;
		struct split s;

		p.options = 4 * below(11);
		p.id = (uint16_t)rand();
		p.seq = (uint32_t)rand() * 2;
		p.tos = (uint8_t)rand();
		p.size = gso_size + 1 + below(36000);
		p.flags = TCP_ACK | (below(2) ? TCP_PSH : 0) | (below(2) ? TCP_CWR : 0) | (below(2) ? TCP_ECE : 0);
		len = inner_packet_write(&p, before);
		transport = inner_packet_headers(&p) - (p.udp ? 8 : 20 + p.options);
		put_be16(before + transport + (p.udp ? 6 : 16), inner_packet_pseudo(before, len, &p));
		h = (struct virtio_header){
			.flags = VIRTIO_NEEDS_CSUM, .header_len = (uint16_t)inner_packet_headers(&p),
			.gso_type = p.udp ? VIRTIO_GSO_UDP : (p.is6 ? VIRTIO_GSO_TCP6 : VIRTIO_GSO_TCP4) |
				    (p.flags & TCP_CWR ? VIRTIO_GSO_ECN : 0),
			.gso_size = (uint16_t)gso_size, .csum_start = (uint16_t)transport,
			.csum_offset = p.udp ? 6 : 16,
		};
		assert_int_equal(split_begin(&s, &h, before, len, BUF_ROOM), SPLIT_GOOD);
		merge_init(&merge, true, true);
		while (split_has_more(&s)) {
			struct buf *b = buf_get(pool);

			split_next(&s, b);
			merge_add(&merge, b);
		}
		assert_true(next() > 1);
		assert_memory_equal(&write.header, &h, sizeof(h));
		assert_int_equal(large_len, len);
		assert_memory_equal(large, before, len);
		assert_int_equal(next(), 0);
	}
}

static void a_checksum_to_be_made_is_the_kernels_or_else_ours(void **state)
{
	(void)state;
	for (int kind = 0; kind < 4; kind++)
		for (int takes = 0; takes < 2; takes++) {
			struct inner_packet p = inner_packet(kind & 1, kind & 2);
			size_t transport = inner_packet_headers(&p) - (p.udp ? 8 : 20);
			size_t at = transport + (p.udp ? 6 : 16);
			struct buf *b = packet(&p);
			uint8_t whole[200];

			memcpy(whole, b->data, b->len);
			leave_checksum(b);
			merge_init(&merge, takes, takes);
			merge_add(&merge, b);
			assert_int_equal(next(), 1);
			if (takes) {
				assert_int_equal(write.header.flags, VIRTIO_NEEDS_CSUM);
				assert_int_equal(write.header.gso_type, VIRTIO_GSO_NONE);
				assert_int_equal(write.header.csum_start, transport);
				assert_int_equal(write.header.csum_start + write.header.csum_offset, at);
				put_be16(whole + at, inner_packet_pseudo(whole, large_len, &p));
			} else {
				assert_int_equal(write.header.flags, 0);
			}
			assert_memory_equal(large, whole, large_len);
			assert_int_equal(next(), 0);
		}
}

#define FLOWS	6
#define ROUNDS	400

static struct {
	uint8_t bytes[1500];
	size_t len;
	bool seen;
	unsigned flow;
} sent[MERGE_HELD];

/* The first one of that flow that has not come yet is this one. */
static void comes_next(const struct buf *b)
{
	for (size_t i = 0; i < MERGE_HELD; i++) {
		size_t before = 0;

		if (sent[i].seen || sent[i].len != b->len || memcmp(sent[i].bytes, b->data, b->len) != 0)
			continue;
		for (size_t k = 0; k < i; k++)
			before += sent[k].flow == sent[i].flow && !sent[k].seen;
		assert_int_equal(before, 0);
		sent[i].seen = true;
		return;
	}
	fail_msg("a packet that nobody has sent");
}

static struct inner_packet of_flow(unsigned f)
{
	struct inner_packet p = inner_packet(f & 1, f & 2);

	p.port = (uint16_t)(2000 + f);
	p.size = 200;
	return p;
}

/* Mostly as it should be, now and then something that is not. */
static void disturb(struct inner_packet *p)
{
	switch (below(24)) {
	case 0: p->seq += below(3); break;
	case 1: p->flags ^= TCP_PSH; break;
	case 2: p->flags ^= TCP_CWR; break;
	case 3: p->size = below(200); break;
	case 4: p->ack++; break;
	case 5: p->flags ^= TCP_FIN; break;
	case 6: p->tos ^= 2; break;
	case 7: p->id += 5; break;
	case 8: p->options ^= 4; break;
	case 9: p->df = !p->df; break;
	case 10: p->ip_options = p->ip_options == 0 ? 8 : 0; break;
	default: p->flags = TCP_ACK; p->size = 200; break;
	}
}

static size_t send_random_flows(void)
{
	struct inner_packet flow[FLOWS];

	for (unsigned f = 0; f < FLOWS; f++)
		flow[f] = of_flow(f);
	for (size_t i = 0; i < MERGE_HELD; i++) {
		unsigned f = below(FLOWS);
		struct buf *b;

		disturb(&flow[f]);
		b = packet(&flow[f]);
		memcpy(sent[i].bytes, b->data, b->len);
		sent[i].len = b->len;
		sent[i].seen = false;
		sent[i].flow = f;
		if (below(2))
			leave_checksum(b);
		merge_add(&merge, b);
		go_on(&flow[f]);
	}
	return MERGE_HELD;
}

static void cutting_gives_back_every_packet_in_the_order_of_its_flow(void **state)
{
	size_t writes = 0, packets = 0;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		merge_init(&merge, true, true);
		packets += send_random_flows();
		while (next() > 0) {
			struct split s;

			writes++;
			assert_int_equal(split_begin(&s, &write.header, large, large_len, BUF_ROOM), SPLIT_GOOD);
			while (split_has_more(&s)) {
				struct buf *b = buf_get(pool);

				split_next(&s, b);
				if (b->needs_checksum)
					ip_finish_checksum(b->data, b->len);
				comes_next(b);
				buf_put(b);
			}
		}
		for (size_t i = 0; i < MERGE_HELD; i++)
			assert_true(sent[i].seen);
	}
	/* and it was worth it */
	assert_true(writes * 10 < packets * 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("what follows in a flow is written at once", what_follows_in_a_flow_is_written_at_once),
		TEST("one alone goes as it came", one_alone_goes_as_it_came),
		TEST("what differs stays apart", what_differs_stays_apart),
		TEST("PSH ends a write, CWR begins one", push_ends_and_cwr_begins),
		TEST("a shorter one is the last", a_shorter_one_is_the_last),
		TEST("only what is asked for is merged", only_what_is_asked_for_is_merged),
		TEST("ids that stay the same go together under DF", ids_that_stay_the_same_go_together_under_df),
		TEST("what is wrong stays wrong, and alone", what_is_wrong_stays_wrong_and_alone),
		TEST("a datagram without a checksum stays without", a_datagram_without_a_checksum_stays_without),
		TEST("flows that take turns are told apart", flows_that_take_turns_are_told_apart),
		TEST("nothing passes what cannot be told", nothing_passes_what_cannot_be_told),
		TEST("what goes alone keeps its place in its flow", what_goes_alone_keeps_its_place_in_its_flow),
		TEST("a write has its bounds", a_write_has_its_bounds),
		TEST("clearing gives all back", clearing_gives_all_back),
		TEST("what is cut and merged is what it was", what_is_cut_and_merged_is_what_it_was),
		TEST("a checksum to be made is the kernel's, or else ours", a_checksum_to_be_made_is_the_kernels_or_else_ours),
		TEST("cutting gives back every packet, in the order of its flow",
		     cutting_gives_back_every_packet_in_the_order_of_its_flow),
	};
	int failed;

	srand(5);
	pool = buf_pool_new(BUFS);
	failed = RUN_TESTS(tests);
	if (failed == 0)
		buf_pool_free(pool);
	return failed;
}
