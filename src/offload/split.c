/* split: see split.h. */
#include "offload/split.h"

#include <string.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/sum.h"

#define HEADERS_USUAL	128	/* bytes */

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
	if (is_cut(s))
		s->pseudo = ip_pseudo_sum(packet, &s->ip, 0);
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

/* done: bytes of payload before this segment. */
static void write_tcp(const struct split *s, uint8_t *tcp, size_t done, bool last)
{
	unsigned urgent = get_be16(tcp + 18);

	put_be32(tcp + 4, get_be32(tcp + 4) + (uint32_t)done);
	if (!last)
		tcp[13] &= (uint8_t)~(TCP_FIN | TCP_PSH);
	if (s->count > 0)
		tcp[13] &= (uint8_t)~TCP_CWR;
	if (!(tcp[13] & TCP_URG) || done == 0)
		return;
	if (urgent > done) {
		put_be16(tcp + 18, (uint16_t)(urgent - done));
	} else {
		tcp[13] &= (uint8_t)~TCP_URG;
		put_be16(tcp + 18, 0);
	}
}

static void write_headers(const struct split *s, uint8_t *packet, size_t len, bool last)
{
	if (!s->ip.is6)
		put_be16(packet + 4, (uint16_t)(get_be16(packet + 4) + s->count));
	ip_write_length(packet, &s->ip, len);
	if (s->ip.protocol == IP_TCP)
		write_tcp(s, packet + s->ip.transport, s->at - s->ip.payload, last);
	if (s->header.flags & VIRTIO_NEEDS_CSUM)
		ip_leave_checksum(packet, &s->ip, len);
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
	uint8_t usual[HEADERS_USUAL], *packet, *headers;

	if (!is_cut(s)) {
		give_whole(s, b);
		return;
	}
	packet = buf_append(b, len);
	/* made where it is in the cache: the buffer is not, and would be waited for */
	headers = s->ip.payload <= sizeof(usual) ? usual : packet;
	memcpy(headers, s->packet, s->ip.payload);
	write_headers(s, headers, len, size == left);
	if (headers != packet)
		memcpy(packet, headers, s->ip.payload);
	memcpy(packet + s->ip.payload, s->packet + s->at, size);
	b->needs_checksum = s->header.flags & VIRTIO_NEEDS_CSUM;
	if (!b->needs_checksum)
		write_checksum(s, packet, len);
	s->at += size;
	s->count++;
}
