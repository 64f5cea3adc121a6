/* merge: see merge.h. */
#include "offload/merge.h"

#include <assert.h>
#include <string.h>

#include "base/bytes.h"
#include "base/sum.h"

#define DONT_FRAGMENT	0x40
#define ALONE		(TCP_SYN | TCP_FIN | TCP_RST | TCP_URG)	/* flags of what is not merged */

void merge_init(struct merge *m, bool tcp, bool udp)
{
	m->tcp = tcp;
	m->udp = udp;
	m->groups = m->given = m->held = m->open_count = 0;
}

/* --- one packet ------------------------------------------------------------ */

static bool is_mergeable(const struct merge *m, const struct buf *b, const struct ip *ip)
{
	const uint8_t *transport = b->data + ip->transport;

	if (ip->transport != (ip->is6 ? IP6_HEADER : IP4_HEADER) || ip->payload == b->len)
		return false;
	if (ip->protocol == IP_UDP)
		return m->udp && (b->needs_checksum || get_be16(transport + UDP_CHECKSUM) != 0);
	return m->tcp && !(transport[13] & ALONE) && (transport[13] & TCP_ACK);
}

static bool is_proven(const struct buf *b, const struct ip *ip)
{
	const uint8_t *packet = b->data;

	if (!ip->is6 && !sum_is_right(sum_add(0, packet, ip->transport)))
		return false;
	return b->needs_checksum || ip_has_right_checksum(packet, ip, b->len);
}

/* --- two packets ------------------------------------------------------------ */

static const uint8_t *first_of(const struct merge_group *g)
{
	return g->packets.head->data;
}

/* Addresses, protocol and ports. */
static bool is_of(const struct merge_group *g, const uint8_t *packet, const struct ip *ip)
{
	const uint8_t *first = first_of(g);

	if (g->ip.is6 != ip->is6 || g->ip.protocol != ip->protocol ||
	    memcmp(first + g->ip.transport, packet + ip->transport, 4) != 0)
		return false;
	return ip->is6 ? memcmp(first + 8, packet + 8, 32) == 0 : memcmp(first + 12, packet + 12, 8) == 0;
}

/* Cutting numbers the pieces from the first one's id on. */
static bool id_follows(const struct merge_group *g, const uint8_t *first, const uint8_t *packet)
{
	uint16_t id = get_be16(packet + 4), begin = get_be16(first + 4);
	bool counts = id == (uint16_t)(begin + g->packets.count);

	if (g->packets.count > 1 && get_be16(g->packets.tail->data + 4) == begin)
		counts = false;		/* they stay the same in this group */
	return counts || ((packet[6] & DONT_FRAGMENT) && id == begin &&
			  get_be16(g->packets.tail->data + 4) == begin);
}

/* TOS, flags, TTL: all of the header that is not a length, an id or a checksum. */
static bool network_follows(const struct merge_group *g, const uint8_t *packet)
{
	const uint8_t *first = first_of(g);

	if (g->ip.is6)
		return memcmp(first, packet, 4) == 0 && first[7] == packet[7];
	return first[1] == packet[1] && first[6] == packet[6] && first[8] == packet[8] &&
	       id_follows(g, first, packet);
}

/* at, to: the first one's TCP header and the packet's. */
static bool tcp_follows(const struct merge_group *g, const uint8_t *at, const uint8_t *to, const struct ip *ip)
{
	uint32_t next = get_be32(at + 4) + (uint32_t)(g->len - g->ip.payload);
	uint8_t differ = at[13] ^ to[13];

	if (get_be32(to + 4) != next || memcmp(at + 8, to + 8, 5) != 0)
		return false;
	if ((to[13] & TCP_CWR) || (differ & (uint8_t)~(TCP_PSH | TCP_CWR)) != 0)
		return false;
	/* window, urgent pointer, options */
	return memcmp(at + 14, to + 14, 2) == 0 &&
	       memcmp(at + 18, to + 18, (size_t)(ip->payload - ip->transport) - 18) == 0;
}

/* Another one may come behind it. */
static bool is_open_ended(const struct merge_group *g)
{
	return g->packets.count < MERGE_SEGMENTS && !(g->last_flags & TCP_PSH) &&
	       g->packets.tail->len == g->ip.payload + g->size;
}

static bool follows(const struct merge_group *g, const uint8_t *packet, const struct ip *ip, size_t len)
{
	size_t size = len - ip->payload;

	if (!is_open_ended(g) || ip->payload != g->ip.payload || size > g->size ||
	    g->len + size > VIRTIO_PACKET_MAX || !network_follows(g, packet))
		return false;
	return ip->protocol == IP_UDP ||
	       tcp_follows(g, first_of(g) + g->ip.transport, packet + ip->transport, ip);
}

/* --- groups --------------------------------------------------------------- */

static void close_group(struct merge *m, size_t i)
{
	m->open_count--;
	memmove(&m->open[i], &m->open[i + 1], (m->open_count - i) * sizeof(m->open[0]));
}

static void open_group(struct merge *m, struct merge_group *g)
{
	if (m->open_count == MERGE_OPEN)
		close_group(m, 0);
	m->open[m->open_count++] = g;
}

static void append(struct merge_group *g, struct buf *b, const struct ip *ip)
{
	g->last_flags = ip->protocol == IP_TCP ? b->data[ip->transport + 13] : 0;
	g->len += b->len - (g->packets.count > 0 ? ip->payload : 0);
	buf_queue_push(&g->packets, b);
}

static struct merge_group *add_group(struct merge *m, struct buf *b, const struct ip *ip)
{
	struct merge_group *g = &m->group[m->groups++];

	*g = (struct merge_group){ .ip = *ip, .size = b->len - ip->payload };
	append(g, b, ip);
	return g;
}

/* The open group of its flow: MERGE_OPEN if there is none. */
static size_t find(const struct merge *m, const uint8_t *packet, const struct ip *ip)
{
	for (size_t i = m->open_count; i-- > 0;)
		if (is_of(m->open[i], packet, ip))
			return i;
	return MERGE_OPEN;
}

/* The first one's are only looked at when a second one is there. */
static bool prove(struct merge_group *g, const struct buf *b, const struct ip *ip)
{
	if (!g->proven)
		g->proven = is_proven(g->packets.head, &g->ip);
	return g->proven && is_proven(b, ip);
}

void merge_add(struct merge *m, struct buf *b)
{
	struct ip ip = { 0 };
	size_t i;

	assert(merge_has_room(m));
	m->held++;
	if (!ip_read(b->data, b->len, &ip)) {
		m->open_count = 0;
		add_group(m, b, &ip);
		return;
	}
	i = find(m, b->data, &ip);
	if (!is_mergeable(m, b, &ip)) {
		if (i < MERGE_OPEN)
			close_group(m, i);
		add_group(m, b, &ip);
		return;
	}
	if (i < MERGE_OPEN && follows(m->open[i], b->data, &ip, b->len) && prove(m->open[i], b, &ip)) {
		append(m->open[i], b, &ip);
		return;
	}
	if (i < MERGE_OPEN)
		close_group(m, i);
	open_group(m, add_group(m, b, &ip));
}

/* --- out -------------------------------------------------------------------- */

static uint8_t gso_type(const struct merge_group *g, const uint8_t *transport)
{
	if (g->ip.protocol == IP_UDP)
		return VIRTIO_GSO_UDP;
	return (uint8_t)((g->ip.is6 ? VIRTIO_GSO_TCP6 : VIRTIO_GSO_TCP4) |
			 (transport[13] & TCP_CWR ? VIRTIO_GSO_ECN : 0));
}

/* The checksum is the kernel's to make. */
static struct virtio_header checksum_header(const struct ip *ip)
{
	return (struct virtio_header){
		.flags = VIRTIO_NEEDS_CSUM,
		.header_len = ip->payload,
		.csum_start = ip->transport,
		.csum_offset = (uint16_t)(ip_checksum_at(ip) - ip->transport),
	};
}

/* One packet whose checksum is to be made, by the kernel or else by us. */
static void write_alone(const struct merge *m, const struct merge_group *g, struct virtio_header *ret)
{
	struct buf *b = g->packets.head;

	if (!m->tcp) {
		ip_finish_checksum(b->data, b->len);
		return;
	}
	ip_leave_checksum(b->data, &g->ip, b->len);
	*ret = checksum_header(&g->ip);
}

/* The first packet's headers become those of all. */
static void write_headers(const struct merge_group *g, uint8_t *packet, struct virtio_header *ret)
{
	uint8_t *transport = packet + g->ip.transport;

	*ret = checksum_header(&g->ip);
	ret->gso_type = gso_type(g, transport);
	ret->gso_size = (uint16_t)g->size;
	ip_write_length(packet, &g->ip, g->len);
	if (g->ip.protocol == IP_TCP)
		transport[13] |= g->last_flags & TCP_PSH;
	ip_leave_checksum(packet, &g->ip, g->len);
}

static void add_piece(struct merge_write *w, void *at, size_t len)
{
	w->piece[w->pieces++] = (struct iovec){ .iov_base = at, .iov_len = len };
}

bool merge_next(struct merge *m, struct merge_write *ret)
{
	struct merge_group *g = &m->group[m->given];
	size_t skip = 0;

	if (m->given == m->groups) {
		m->groups = m->given = m->open_count = 0;
		return false;
	}
	m->given++;
	m->held -= g->packets.count;
	ret->header = (struct virtio_header){ 0 };
	ret->pieces = 0;
	ret->packets = g->packets;
	if (g->packets.count > 1)
		write_headers(g, g->packets.head->data, &ret->header);
	else if (g->packets.head->needs_checksum && g->ip.transport != 0)
		write_alone(m, g, &ret->header);
	add_piece(ret, &ret->header, sizeof(ret->header));
	for (struct buf *b = g->packets.head; b != NULL; b = b->next, skip = g->ip.payload)
		add_piece(ret, b->data + skip, b->len - skip);
	return true;
}

void merge_clear(struct merge *m)
{
	for (; m->given < m->groups; m->given++)
		buf_queue_clear(&m->group[m->given].packets);
	merge_init(m, m->tcp, m->udp);
}
