/*
 * frame: see frame.h.  One table says how long each frame's fixed part is; one
 * small reader per type does the rest, and is called only when that part is there.
 */
#include "core/frame.h"

#include <string.h>

#include "base/bytes.h"
#include "core/flow/contexts.h"

#define SEQ_BITS	22
#define LAST_PIECE	0x80u
#define OF_A_WHOLE	(FRAME_DATA_SHORT | FRAME_DATA_OFFER | FRAME_DATA_NEEDS_CHECKSUM)
#define WEIGHT_MAX	1000
#define TIER_MAX	3
#define INTERFACES_MAX	16
#define PPM_MAX	1000000

static size_t read_token(const uint8_t *at, size_t len, struct frame *ret)
{
	(void)len;
	memcpy(ret->token, at + 1, sizeof(ret->token));
	return FRAME_TOKEN;
}

static size_t read_pong(const uint8_t *at, size_t len, struct frame *ret)
{
	(void)len;
	memcpy(ret->pong.token, at + 1, sizeof(ret->pong.token));
	ret->pong.clock = get_le24(at + FRAME_TOKEN);
	return FRAME_PONG_BYTES;
}

static size_t read_ack(const uint8_t *at, size_t len, struct frame *ret)
{
	struct frame_ack *ack = &ret->ack;
	size_t size = FRAME_ACK_HEADER + 4 * (size_t)at[10];

	if (at[1] >= PATHS_MAX || at[10] >= FRAME_ACK_RUNS || len < size)
		return 0;
	ack->path = at[1];
	ack->largest_low = get_le24(at + 2);
	ack->came.delay = get_le16(at + 5) * FRAME_ACK_DELAY_UNIT;
	ack->came.clock = get_le24(at + 7);
	ack->count = (uint8_t)(at[10] + 1);
	ack->runs = at + 11;
	ack->has_counts = false;
	return size;
}

static size_t read_ack_ecn(const uint8_t *at, size_t len, struct frame *ret)
{
	size_t size = read_ack(at, len - FRAME_ACK_COUNTS, ret);

	if (size == 0)
		return 0;
	ret->type = FRAME_ACK;
	ret->ack.has_counts = true;
	ret->ack.counts = (struct ecn_counts){
		.ect0 = get_le24(at + size), .ect1 = get_le24(at + size + 3), .ce = get_le24(at + size + 6),
	};
	return size + FRAME_ACK_COUNTS;
}

static size_t read_path_status(const uint8_t *at, size_t len, struct frame *ret)
{
	struct frame_path_status *s = &ret->path_status;

	(void)len;
	s->path = at[1];
	s->state = at[2];
	s->priority = at[3];
	s->tier = at[4];
	s->metered = at[5] & FRAME_PATH_METERED;
	s->interface = at[5] >> 1;
	s->weight = get_le16(at + 6);
	s->max_latency_ms = get_le32(at + 8);
	s->max_loss_ppm = get_le32(at + 12);
	s->rate = get_le64(at + 16);
	s->mtu = get_le16(at + 24);
	s->serial = at[26];
	if (s->path >= PATHS_MAX || s->state > FRAME_PATH_AVAILABLE || s->tier > TIER_MAX)
		return 0;
	if (s->interface > INTERFACES_MAX || s->max_loss_ppm > PPM_MAX)
		return 0;
	if (s->weight < 1 || s->weight > WEIGHT_MAX)
		return 0;
	return FRAME_PATH_STATUS_BYTES;
}

static size_t read_ticket(const uint8_t *at, size_t len, struct frame *ret)
{
	(void)len;
	memcpy(ret->ticket, at + 1, FRAME_TICKET_BYTES);
	return 1 + FRAME_TICKET_BYTES;
}

static size_t read_config(const uint8_t *at, size_t len, struct frame *ret)
{
	struct frame_config *c = &ret->config;
	size_t name = at[6];

	c->serial = at[1];
	c->copies_ppm = get_le32(at + 2);
	if (c->copies_ppm > PPM_MAX || name > FRAME_NAME_MAX || len < 7 + name)
		return 0;
	memcpy(c->strategy, at + 7, name);
	c->strategy[name] = '\0';
	return strlen(c->strategy) == name ? 7 + name : 0;
}

static size_t read_close(const uint8_t *at, size_t len, struct frame *ret)
{
	(void)len;
	ret->reason = at[1];
	return 2;
}

static size_t read_skip(const uint8_t *at, size_t len, struct frame *ret)
{
	uint32_t place = get_le32(at + 1);

	(void)len;
	ret->skip.lane = (uint16_t)(place >> SEQ_BITS);
	ret->skip.seq = place & ((1u << SEQ_BITS) - 1);
	ret->skip.count = get_le16(at + 5) + 1u;
	return ret->skip.count <= FRAME_SKIP_MAX ? FRAME_SKIP_BYTES : 0;
}

static size_t read_nothing(const uint8_t *at, size_t len, struct frame *ret)
{
	(void)at;
	(void)len;
	(void)ret;
	return 1;
}

static size_t read_padding(const uint8_t *at, size_t len, struct frame *ret)
{
	size_t n = 1;

	(void)ret;
	while (n < len && at[n] == FRAME_PADDING)
		n++;
	return n;
}

static const struct {
	size_t fixed;	/* bytes that must be there before read is called */
	size_t (*read)(const uint8_t *at, size_t len, struct frame *ret);
} reader[] = {
	[FRAME_PADDING] = { 1, read_padding },
	[FRAME_PING] = { FRAME_TOKEN, read_token },
	[FRAME_PONG] = { FRAME_PONG_BYTES, read_pong },
	[FRAME_ACK] = { FRAME_ACK_HEADER, read_ack },
	[FRAME_PATH_CHALLENGE] = { FRAME_TOKEN, read_token },
	[FRAME_PATH_RESPONSE] = { FRAME_TOKEN, read_token },
	[FRAME_PATH_STATUS] = { FRAME_PATH_STATUS_BYTES, read_path_status },
	[FRAME_TICKET] = { 1 + FRAME_TICKET_BYTES, read_ticket },
	[FRAME_CONFIG] = { 7, read_config },
	[FRAME_CLOSE] = { 2, read_close },
	[FRAME_REKEY] = { 1, read_nothing },
	[FRAME_SKIP] = { FRAME_SKIP_BYTES, read_skip },
	[FRAME_MTU_PROBE] = { 1, read_nothing },
	[FRAME_ACK_ECN] = { FRAME_ACK_HEADER + FRAME_ACK_COUNTS, read_ack_ecn },
};

/* The byte that says which part of its packet it is; false: it cannot be. */
static bool read_fragment(uint8_t fragment, size_t len, struct piece *ret)
{
	ret->last = fragment & LAST_PIECE;
	ret->offset = (uint16_t)((fragment & ~LAST_PIECE) * PIECE_UNIT);
	return ret->offset + len <= PIECE_END_MAX && (ret->last || len % PIECE_UNIT == 0);
}

/* Only a whole packet has a header that can be remembered, left out, or not be finished. */
static bool flags_fit(uint8_t flags)
{
	return !(flags & ~FRAME_DATA_FLAGS) &&
	       (!(flags & FRAME_DATA_FRAGMENT) || !(flags & OF_A_WHOLE));
}

static size_t data_header(uint8_t flags)
{
	return (flags & FRAME_DATA_SHORT ? FRAME_SHORT_HEADER : FRAME_DATA_HEADER) +
	       (flags & FRAME_DATA_LEN ? 2u : 0) + (flags & FRAME_DATA_FRAGMENT ? 1u : 0) +
	       (flags & FRAME_DATA_OFFER ? FRAME_OFFER : 0u);
}

/* A tag of those that there are; 0: it is none. */
static uint16_t read_tag(const uint8_t *at)
{
	return at[0] < CONTEXTS_SLOTS ? contexts_tag(at[0], at[1]) : 0;
}

static void write_tag(uint8_t *at, uint16_t tag)
{
	at[0] = contexts_slot(tag);
	at[1] = contexts_generation(tag);
}

static size_t read_data(const uint8_t *at, size_t len, struct frame *ret)
{
	struct frame_data *d = &ret->data;
	uint8_t flags = at[0] & ~FRAME_DATA;
	size_t header = data_header(flags);
	uint32_t place;

	if (!flags_fit(flags) || len <= header)
		return 0;
	place = get_le32(at + 1);
	d->piece = (struct piece){
		.lane = (uint16_t)(place >> SEQ_BITS),
		.seq = place & ((1u << SEQ_BITS) - 1),
		.unordered = flags & FRAME_DATA_UNORDERED,
		.partial = flags & FRAME_DATA_FRAGMENT,
		.needs_checksum = flags & FRAME_DATA_NEEDS_CHECKSUM,
	};
	d->by = 0;
	if (flags & FRAME_DATA_SHORT) {
		d->piece.lane = 0;
		d->piece.seq = get_le16(at + 1);
		d->by = read_tag(at + 3);
		if (d->by == 0)
			return 0;
	}
	if (flags & FRAME_DATA_OFFER) {
		d->piece.offers = read_tag(at + header - FRAME_OFFER);
		if (d->piece.offers == 0)
			return 0;
	}
	d->no_repair = flags & FRAME_DATA_NOREPAIR;
	d->last = !(flags & FRAME_DATA_LEN);
	d->packet = at + header;
	d->len = d->last ? len - header : get_le16(at + FRAME_DATA_HEADER);
	if (d->len == 0 || d->len > len - header)
		return 0;
	if (d->piece.partial && !read_fragment(at[header - 1], d->len, &d->piece))
		return 0;
	ret->type = FRAME_DATA;
	return header + d->len;
}

size_t frame_read(const uint8_t *at, size_t len, struct frame *ret)
{
	if (len == 0)
		return 0;
	if (at[0] & FRAME_DATA)
		return read_data(at, len, ret);
	if (at[0] >= ARRAY_SIZE(reader) || reader[at[0]].read == NULL || len < reader[at[0]].fixed)
		return 0;
	ret->type = (enum frame_type)at[0];
	return reader[at[0]].read(at, len, ret);
}

size_t frame_ack_runs(const struct frame_ack *ack, uint64_t largest, struct frame_run *ret)
{
	const uint8_t *at = ack->runs;
	uint64_t last = largest, length = get_le16(at);
	size_t n = 0;

	for (at += 2;; at += 4) {
		uint64_t gap;

		if (length > last)
			return n;
		ret[n++] = (struct frame_run){ .first = last - length, .last = last };
		if (n == ack->count)
			return n;
		gap = (uint64_t)get_le16(at) + 1;
		length = get_le16(at + 2);
		if (ret[n - 1].first < gap + 1)
			return n;
		last = ret[n - 1].first - gap - 1;
	}
}

size_t frame_write_token(uint8_t *at, enum frame_type type, const uint8_t token[8])
{
	at[0] = (uint8_t)type;
	memcpy(at + 1, token, 8);
	return FRAME_TOKEN;
}

size_t frame_write_pong(uint8_t *at, const struct frame_pong *pong)
{
	frame_write_token(at, FRAME_PONG, pong->token);
	put_le24(at + FRAME_TOKEN, pong->clock);
	return FRAME_PONG_BYTES;
}

static uint16_t run_length(const struct frame_run *run)
{
	uint64_t length = run->last - run->first;

	return length > UINT16_MAX ? UINT16_MAX : (uint16_t)length;
}

static size_t write_counts(uint8_t *at, const struct ecn_counts *counts)
{
	put_le24(at, (uint32_t)counts->ect0 & 0xffffff);
	put_le24(at + 3, (uint32_t)counts->ect1 & 0xffffff);
	put_le24(at + 6, (uint32_t)counts->ce & 0xffffff);
	return FRAME_ACK_COUNTS;
}

size_t frame_write_ack(uint8_t *at, uint8_t path, const struct frame_came *came, const struct frame_run *runs,
		       size_t count, const struct ecn_counts *counts)
{
	uint64_t units = came->delay / FRAME_ACK_DELAY_UNIT;
	uint8_t *p = at + FRAME_ACK_HEADER;
	size_t n;

	at[0] = counts != NULL ? FRAME_ACK_ECN : FRAME_ACK;
	at[1] = path;
	put_le24(at + 2, (uint32_t)runs[0].last);
	put_le16(at + 5, units > UINT16_MAX ? UINT16_MAX : (uint16_t)units);
	put_le24(at + 7, came->clock);
	put_le16(at + 11, run_length(&runs[0]));
	for (n = 1; n < count; n++) {
		uint64_t gap = runs[n - 1].first - runs[n].last - 2;

		/* a run that was cut, or a gap that does not fit, ends what this ACK can say */
		if (gap > UINT16_MAX || runs[n - 1].last - runs[n - 1].first > UINT16_MAX)
			break;
		put_le16(p, (uint16_t)gap);
		put_le16(p + 2, run_length(&runs[n]));
		p += 4;
	}
	at[10] = (uint8_t)(n - 1);
	if (counts != NULL)
		p += write_counts(p, counts);
	return (size_t)(p - at);
}

size_t frame_write_path_status(uint8_t *at, const struct frame_path_status *s)
{
	at[0] = FRAME_PATH_STATUS;
	at[1] = s->path;
	at[2] = s->state;
	at[3] = s->priority;
	at[4] = s->tier;
	at[5] = (uint8_t)(s->interface << 1 | (s->metered ? FRAME_PATH_METERED : 0));
	put_le16(at + 6, s->weight);
	put_le32(at + 8, s->max_latency_ms);
	put_le32(at + 12, s->max_loss_ppm);
	put_le64(at + 16, s->rate);
	put_le16(at + 24, s->mtu);
	at[26] = s->serial;
	return FRAME_PATH_STATUS_BYTES;
}

size_t frame_write_ticket(uint8_t *at, const uint8_t ticket[FRAME_TICKET_BYTES])
{
	at[0] = FRAME_TICKET;
	memcpy(at + 1, ticket, FRAME_TICKET_BYTES);
	return 1 + FRAME_TICKET_BYTES;
}

size_t frame_write_config(uint8_t *at, const struct frame_config *config)
{
	size_t len = strlen(config->strategy);

	at[0] = FRAME_CONFIG;
	at[1] = config->serial;
	put_le32(at + 2, config->copies_ppm);
	at[6] = (uint8_t)len;
	memcpy(at + 7, config->strategy, len);
	return 7 + len;
}

size_t frame_write_close(uint8_t *at, uint8_t reason)
{
	at[0] = FRAME_CLOSE;
	at[1] = reason;
	return 2;
}

size_t frame_write_rekey(uint8_t *at)
{
	at[0] = FRAME_REKEY;
	return 1;
}

size_t frame_write_skip(uint8_t *at, const struct frame_skip *skip)
{
	at[0] = FRAME_SKIP;
	put_le32(at + 1, (uint32_t)skip->lane << SEQ_BITS | skip->seq);
	put_le16(at + 5, (uint16_t)(skip->count - 1));
	return FRAME_SKIP_BYTES;
}

size_t frame_write_mtu_probe(uint8_t *at, size_t len)
{
	memset(at, FRAME_PADDING, len);
	at[0] = FRAME_MTU_PROBE;
	return len;
}

size_t frame_data_header(const struct piece *piece)
{
	if (piece->partial)
		return FRAME_PIECE_HEADER;
	return FRAME_DATA_HEADER + (piece->offers != 0 ? FRAME_OFFER : 0u);
}

static uint8_t type_of(const struct piece *piece, bool no_repair)
{
	return (uint8_t)(FRAME_DATA | (no_repair ? FRAME_DATA_NOREPAIR : 0) |
			 (piece->unordered ? FRAME_DATA_UNORDERED : 0) |
			 (piece->needs_checksum ? FRAME_DATA_NEEDS_CHECKSUM : 0) |
			 (piece->partial ? FRAME_DATA_FRAGMENT : 0) | (piece->offers != 0 ? FRAME_DATA_OFFER : 0));
}

void frame_write_data_header(uint8_t *at, const struct piece *piece, bool no_repair)
{
	at[0] = type_of(piece, no_repair);
	put_le32(at + 1, (uint32_t)piece->lane << SEQ_BITS | piece->seq);
	if (piece->partial)
		at[5] = (uint8_t)((piece->last ? LAST_PIECE : 0) | piece->offset / PIECE_UNIT);
	else if (piece->offers != 0)
		write_tag(at + FRAME_DATA_HEADER, piece->offers);
}

size_t frame_short_header(const struct piece *piece)
{
	return FRAME_SHORT_HEADER + (piece->offers != 0 ? FRAME_OFFER : 0u);
}

void frame_write_short_header(uint8_t *at, const struct piece *piece, uint16_t by, bool no_repair)
{
	at[0] = type_of(piece, no_repair) | FRAME_DATA_SHORT;
	put_le16(at + 1, (uint16_t)piece->seq);
	write_tag(at + 3, by);
	if (piece->offers != 0)
		write_tag(at + FRAME_SHORT_HEADER, piece->offers);
}

void frame_write_data_among(uint8_t *at, const struct piece *piece, bool no_repair, size_t len)
{
	frame_write_data_header(at, piece, no_repair);
	at[0] |= FRAME_DATA_LEN;
	put_le16(at + FRAME_DATA_HEADER, (uint16_t)len);
}
