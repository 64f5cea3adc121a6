/* split: see split.h. */
#include "offload/split.h"

#include <string.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/sum.h"

static bool is_cut(const struct split *s)
{
	return s->header.gso_type != VIRTIO_GSO_NONE;
}

/* --- what is asked, against what there is -------------------------------- */

/* One packet as it is; if its checksum is to be finished, it lies inside. */
static bool is_whole(const struct virtio_header *h, size_t len)
{
	if (!(h->flags & VIRTIO_NEEDS_CSUM))
		return true;
	return h->csum_start >= IP4_HEADER && (size_t)h->csum_start + h->csum_offset + 2 <= len;
}

static bool kind_fits(const struct virtio_header *h, const struct ip *ip)
{
	switch (h->gso_type) {
	case VIRTIO_GSO_TCP4:
	case VIRTIO_GSO_TCP4 | VIRTIO_GSO_ECN:
		return !ip->is6 && ip->protocol == IP_TCP;
	case VIRTIO_GSO_TCP6:
	case VIRTIO_GSO_TCP6 | VIRTIO_GSO_ECN:
		return ip->is6 && ip->protocol == IP_TCP;
	case VIRTIO_GSO_UDP:
		return ip->protocol == IP_UDP;
	default:
		return false;
	}
}

static bool is_transport_checksum(const struct virtio_header *h, const struct ip *ip)
{
	return h->csum_start == ip->transport && (size_t)h->csum_start + h->csum_offset == ip_checksum_at(ip);
}

/* Segments are cut where the headers end that are there; header_len is a hint, and not taken. */
static bool is_cuttable(const struct virtio_header *h, const struct ip *ip, size_t len)
{
	if (!kind_fits(h, ip) || h->gso_size == 0 || ip->payload == len)
		return false;
	return !(h->flags & VIRTIO_NEEDS_CSUM) || is_transport_checksum(h, ip);
}

/* Of an IPv4 header, without what each segment has of its own: length, id and checksum. */
static uint64_t lasting_sum(const uint8_t *packet, size_t header)
{
	return sum_add(0, packet, 2) + sum_add(0, packet + 6, 4) + sum_add(0, packet + 12, header - 12);
}

enum split_verdict split_begin(struct split *s, const struct virtio_header *header, const uint8_t *packet,
			       size_t len, size_t room)
{
	size_t largest = len;

	*s = (struct split){ .packet = packet, .header = *header };
	if (len == 0)
		return SPLIT_INVALID;
	if (!is_cut(s)) {
		if (!is_whole(header, len))
			return SPLIT_INVALID;
	} else {
		if (!ip_read(packet, len, &s->ip) || !is_cuttable(header, &s->ip, len))
			return SPLIT_INVALID;
		if ((size_t)s->ip.payload + header->gso_size < len)
			largest = (size_t)s->ip.payload + header->gso_size;
	}
	if (largest > room)
		return SPLIT_TOO_LONG;
	if (is_cut(s)) {
		s->pseudo = ip_pseudo_sum(packet, &s->ip, 0);
		s->header_sum = s->ip.is6 ? 0 : lasting_sum(packet, s->ip.transport);
	}
	s->at = s->ip.payload;	/* 0 where nothing is cut */
	s->len = len;
	return SPLIT_GOOD;
}

/* With a source route in IPv4's options it is that of the last hop, which the header does not have yet. */
static bool has_pseudo_sum(const uint8_t *packet, const struct ip *ip, size_t len)
{
	uint8_t pseudo[2];

	sum_put(pseudo, ip_pseudo_sum(packet, ip, len - ip->transport));
	return memcmp(pseudo, packet + ip_checksum_at(ip), 2) == 0;
}

/* --- segments -------------------------------------------------------------- */

static void give_whole(struct split *s, struct buf *b)
{
	const struct virtio_header *h = &s->header;
	uint8_t *at = buf_append(b, s->len);
	struct ip ip;

	memcpy(at, s->packet, s->len);
	s->at = s->len;
	if (!(h->flags & VIRTIO_NEEDS_CSUM))
		return;
	if (ip_read(s->packet, s->len, &ip) && is_transport_checksum(h, &ip) && has_pseudo_sum(s->packet, &ip, s->len))
		b->needs_checksum = true;
	else			/* the pseudo header's sum stands where the checksum goes */
		sum_put_udp_checksum(at + h->csum_start + h->csum_offset,
				     sum_add(0, at + h->csum_start, s->len - h->csum_start));
}

/*
 * Headers are read where the large packet is and written where the segment is, and
 * what was written is not read again: the buffer is in no cache, so that would wait
 * until it, and all of the segment before, has come.
 */

/* done: bytes of payload before this segment. */
static void write_tcp(const struct split *s, uint8_t *tcp, size_t done, bool last)
{
	const uint8_t *from = s->packet + s->ip.transport;
	unsigned urgent = get_be16(from + 18);
	uint8_t flags = from[13];

	if (!last)
		flags &= (uint8_t)~(TCP_FIN | TCP_PSH);
	if (s->count > 0)
		flags &= (uint8_t)~TCP_CWR;
	if ((flags & TCP_URG) && urgent <= done && done > 0)
		flags &= (uint8_t)~TCP_URG;
	put_be32(tcp + 4, get_be32(from + 4) + (uint32_t)done);
	tcp[13] = flags;
	if (from[13] & TCP_URG)
		put_be16(tcp + 18, (uint16_t)(flags & TCP_URG ? urgent - done : 0));
}

static void write_ip(const struct split *s, uint8_t *packet, size_t len)
{
	uint16_t id = (uint16_t)(get_be16(s->packet + 4) + s->count);

	if (s->ip.is6) {
		put_be16(packet + 4, (uint16_t)(len - IP6_HEADER));
		return;
	}
	put_be16(packet + 2, (uint16_t)len);
	put_be16(packet + 4, id);
	sum_put_checksum(packet + 10, sum_add_number(sum_add_number(s->header_sum, (unsigned)len), id));
}

static void write_headers(const struct split *s, uint8_t *packet, size_t len, bool last)
{
	size_t rest = len - s->ip.transport;

	memcpy(packet, s->packet, s->ip.payload);
	write_ip(s, packet, len);
	if (s->ip.protocol == IP_TCP)
		write_tcp(s, packet + s->ip.transport, s->at - s->ip.payload, last);
	else
		put_be16(packet + s->ip.transport + 4, (uint16_t)rest);
	if (s->header.flags & VIRTIO_NEEDS_CSUM)
		sum_put(packet + ip_checksum_at(&s->ip), sum_add_number(s->pseudo, (unsigned)rest));
}

static void write_checksum(const struct split *s, uint8_t *packet, size_t len)
{
	uint8_t *at = packet + ip_checksum_at(&s->ip);
	size_t from = s->ip.transport;
	uint64_t sum;

	put_be16(at, 0);
	sum = sum_add_number(s->pseudo, (unsigned)(len - from));
	sum = sum_add(sum, packet + from, len - from);
	if (s->ip.protocol == IP_UDP)
		sum_put_udp_checksum(at, sum);
	else
		sum_put_checksum(at, sum);
}

void split_next(struct split *s, struct buf *b)
{
	size_t left = s->len - s->at, size = left < s->header.gso_size ? left : s->header.gso_size;
	size_t len = s->ip.payload + size;
	uint8_t *packet;

	if (!is_cut(s)) {
		give_whole(s, b);
		return;
	}
	packet = buf_append(b, len);
	write_headers(s, packet, len, size == left);
	memcpy(packet + s->ip.payload, s->packet + s->at, size);
	b->needs_checksum = s->header.flags & VIRTIO_NEEDS_CSUM;
	if (!b->needs_checksum)
		write_checksum(s, packet, len);
	s->at += size;
	s->count++;
}
