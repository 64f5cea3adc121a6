/* carry: see carry.h. */
#include "core/carry.h"

#include <string.h>

#include "base/ip.h"
#include "core/datagram.h"
#include "core/ecn.h"
#include "core/frame.h"
#include "core/packet.h"
#include "core/rank.h"

#define KEEP_RESERVE	2048	/* buffers that no copy takes: what is under way needs them more */
#define FAST		(UINT64_C(1500000000) / 8)	/* bytes a second: so much is the CPU's matter, not the link's */
#define ACK_RUNS_ALONG	8	/* longer ACKs do not ride along: they need the headroom */

/* How something is sent: which part of what, and who sends it again. */
struct load {
	struct piece piece;
	bool keep;		/* a copy is kept of each piece, */
	nsec_t deadline;	/* and tried until then */
	bool repaired;		/* so somebody sends it again, here or elsewhere */
	bool again;		/* it was lost already */
};

#define TRAIT_BITS	3

/* mark[0] is the flow's hash, whose lane it is in; mark[1] the number there, and the traits. */
void carry_number(struct peer *p, struct buf *packet, uint32_t traits)
{
	packet->mark[1] = lane_take(&p->lanes, lane_of(packet->mark[0])) << TRAIT_BITS | traits;
}

uint32_t carry_traits(const struct buf *packet)
{
	return packet->mark[1] & ((1u << TRAIT_BITS) - 1);
}

static struct piece whole(const struct buf *packet)
{
	return (struct piece){
		.lane = (uint16_t)lane_of(packet->mark[0]), .seq = packet->mark[1] >> TRAIT_BITS,
		.unordered = carry_traits(packet) & CARRY_UNORDERED,
	};
}

void carry_give_up(struct peer *p, const struct buf *packet)
{
	struct piece piece = whole(packet);

	repair_skip(p->repair, &piece);
}

/* Bytes of frames that a path takes in one datagram. */
static size_t room_for(const struct path *path, const struct load *load)
{
	size_t room = load->again ? path_safe_room(path) : path_room(path);

	return room - PACKET_HEADER - PACKET_TAG;
}

static bool fits(const struct path *path, const struct load *load, size_t len)
{
	return frame_data_header(&load->piece) + len <= room_for(path, load);
}

/* --- one datagram ------------------------------------------------------------ */

static bool is_much_slower(const struct path *path, const struct path *than)
{
	return path->rtt.srtt > than->rtt.srtt * 3 / 2;
}

/*
 * So much slower than where ACKs go by themselves that they would make a path look
 * overdue; or than one in doubt, where they are said once more when they go so.
 */
static bool is_detour(const struct peer *p, const struct path *path)
{
	const struct path *usual = p->path[p->spoke_on];

	if (usual != NULL && is_much_slower(path, usual))
		return true;
	for (path_set left = p->known; left != 0; left = path_rest(left)) {
		const struct path *other = p->path[path_first(left)];

		if (other->open && rank_of(p, other) == RANK_DOUBTED && is_much_slower(path, other))
			return true;
	}
	return false;
}

/* ACKs ride along in front of a packet that leaves room for them. */
static void carry_acks(struct peer *p, struct path *path, struct buf *b, size_t room, nsec_t now)
{
	uint8_t frame[FRAME_ACK_MAX];
	bool asked = false;

	for (path_set left = p->known; left != 0; left = path_rest(left)) {
		unsigned i = path_first(left);
		struct path *of = p->path[i];
		size_t len;

		if (!ack_is_waiting(&of->ack) || of->ack.count > ACK_RUNS_ALONG)
			continue;
		if (!asked && is_detour(p, path))
			return;
		asked = true;
		len = ack_size(&of->ack);
		if ((size_t)(b->data - b->storage) < PACKET_HEADER + len || b->len + len > room ||
		    !datagram_has_credit(path, PACKET_HEADER + b->len + len + PACKET_TAG))
			return;
		len = ack_write(&of->ack, (uint8_t)i, frame, now);
		memcpy(buf_push(b, len), frame, len);
	}
}

static struct datagram_load load_of(const struct buf *b, const struct load *load, uint32_t copy)
{
	return (struct datagram_load){
		.copy = copy, .copies = copy != REPAIR_NONE, .eliciting = true, .data = true,
		.inner = load->piece.partial ? ECN_NOT_ECT : ecn_read(b->data),
	};
}

/* Frames that fit the path, in b itself, which is taken then. */
static void send_frames(struct peer *p, struct path *path, struct buf *b, const struct datagram_load *what,
			size_t room, nsec_t now)
{
	carry_acks(p, path, b, room, now);
	path->carried_at = now;
	datagram_send(p, path, b, what, &path->endpoint, now);
}

/* The same, and b stays as it is: it is sealed from there into another buffer. */
static void send_frames_of(struct peer *p, struct path *path, struct buf *b, struct datagram_load what,
			   size_t room, nsec_t now)
{
	struct buf *datagram = buf_get(p->ctx->pool);
	size_t len = b->len;

	if (datagram == NULL) {
		p->ctx->drops[DROP_NO_BUFFER]++;
		return;
	}
	carry_acks(p, path, b, room, now);
	what.from = b;
	path->carried_at = now;
	datagram_send(p, path, datagram, &what, &path->endpoint, now);
	buf_pull(b, b->len - len);
}

/*
 * To leave a header out costs the two ends 70 ns a packet together, and saves the
 * link 41 bytes of 1490.  Where the CPU is what is short, it saves nothing.
 */
static bool saves_headers(const struct peer *p, const struct path *path)
{
	return p->session.current->shorthand && path->congestion->rate(path->congestion_state) < FAST;
}

/* Its checksum, where that is still to be made, and nobody else does. */
static void finish_checksum(struct buf *b)
{
	if (b->needs_checksum)
		ip_finish_checksum(b->data, b->len);
	b->needs_checksum = false;
}

static void finish_for(const struct peer *p, struct buf *b)
{
	if (!p->session.current->checksums)
		finish_checksum(b);
}

/* The place of b, or of the piece that it is, and what the frame says of its content. */
static struct piece piece_in(const struct load *load, const struct buf *b)
{
	struct piece piece = load->piece;

	piece.needs_checksum = b->needs_checksum;
	return piece;
}

/*
 * The frame's header in front of b's content; where the other end has a header
 * like that of the packet, its shorthand stands in the place of it.
 */
static void put_header(struct peer *p, const struct path *path, struct buf *b, const struct load *load, nsec_t now)
{
	const struct piece piece = piece_in(load, b);
	uint8_t shorthand[SHORTHAND_MAX];
	size_t len = 0, header = 0;
	uint16_t by = 0;

	if (!piece.partial && saves_headers(p, path))
		len = contexts_shorten(p->given, b->mark[0], &piece, b->data, b->len, now, shorthand, &header, &by);
	if (len == 0) {
		frame_write_data_header(buf_push(b, frame_data_header(&piece)), &piece, !load->repaired);
		return;
	}
	buf_pull(b, header - len);
	memcpy(b->data, shorthand, len);
	frame_write_short_header(buf_push(b, frame_short_header(&piece)), &piece, by, !load->repaired);
}

/* b's content, which fits the path, in b itself, which is taken then; copy: repair's handle of it. */
static void send_load(struct peer *p, struct path *path, struct buf *b, const struct load *load,
		      uint32_t copy, nsec_t now)
{
	const struct datagram_load what = load_of(b, load, copy);

	finish_for(p, b);
	put_header(p, path, b, load, now);
	send_frames(p, path, b, &what, room_for(path, load), now);
}

/*
 * The same, and b stays: sealing is the one copy that is made of a packet.  The
 * frame's header is written before b's content, or over its beginning, for as
 * long as that takes.
 */
static void send_kept(struct peer *p, struct path *path, struct buf *b, const struct load *load,
		      uint32_t copy, nsec_t now)
{
	const struct datagram_load what = load_of(b, load, copy);
	uint8_t *data = b->data, beginning[SHORTHAND_HEADER];
	const uint32_t len = b->len;
	const size_t room = (size_t)(b->storage + sizeof(b->storage) - data);
	const size_t saved = room < sizeof(beginning) ? room : sizeof(beginning);

	finish_for(p, b);
	memcpy(beginning, data, saved);
	put_header(p, path, b, load, now);
	send_frames_of(p, path, b, what, room_for(path, load), now);
	b->data = data;
	b->len = len;
	memcpy(data, beginning, saved);
}

static struct buf *copy_of(struct peer *p, const uint8_t *bytes, size_t len)
{
	struct buf *copy = buf_get_to_keep(p->ctx->pool);

	if (copy == NULL) {
		p->ctx->drops[DROP_NO_BUFFER]++;
		return NULL;
	}
	memcpy(buf_append(copy, len), bytes, len);
	return copy;
}

/* --- several ----------------------------------------------------------------- */

/* No path of the set is fast, all have room for two bytes more, and the packet is kept until it has come. */
static uint16_t offer_of(struct peer *p, path_set set, const struct buf *b, const struct load *load, nsec_t now)
{
	if (!load->keep || load->piece.partial)
		return 0;
	for (; set != 0; set = path_rest(set)) {
		const struct path *path = p->path[path_first(set)];

		if (!saves_headers(p, path) || !fits(path, load, b->len + FRAME_OFFER))
			return 0;
	}
	return contexts_offer(p->given, b->mark[0], &load->piece, b->data, b->len, now);
}

/*
 * b on every path of the set, all of which it fits.  The last one gets b itself
 * unless it is kept; gives repair's handle of it.
 */
static uint32_t spread(struct peer *p, path_set set, struct buf *b, struct load *load, nsec_t now)
{
	uint32_t handle;

	load->piece.offers = offer_of(p, set, b, load, now);
	handle = load->keep ? repair_keep(p->repair, b, &load->piece, load->deadline) : REPAIR_NONE;
	if (load->piece.offers != 0)
		contexts_offered(p->given, load->piece.offers, handle);
	for (; set != 0; set = path_rest(set)) {
		struct path *path = p->path[path_first(set)];

		(path_rest(set) != 0 || load->keep ? send_kept : send_load)(p, path, b, load, handle, now);
	}
	/* there was no buffer for any: its receiver need not wait */
	repair_unsent(p->repair, handle);
	return handle;
}

static size_t smallest_room(const struct peer *p, path_set set, const struct load *load)
{
	size_t smallest = SIZE_MAX;

	for (; set != 0; set = path_rest(set)) {
		size_t room = room_for(p->path[path_first(set)], load);

		smallest = room < smallest ? room : smallest;
	}
	return smallest;
}

/* Pieces of b that fit all paths of the set, on each of them; false: not all of it.  b stays the caller's. */
static bool spread_pieces(struct peer *p, path_set set, struct buf *b, const struct load *of, nsec_t now)
{
	size_t room = smallest_room(p, set, of) - FRAME_PIECE_HEADER, len;

	finish_checksum(b);
	for (size_t at = 0; at < b->len; at += len) {
		struct load load = *of;
		struct buf *part = NULL;

		len = piece_cut(b->len - at, room);
		if (len == 0)
			p->ctx->drops[DROP_TOO_BIG]++;
		else
			part = copy_of(p, b->data + at, len);
		if (part == NULL)
			return false;
		load.piece = piece_of(&of->piece, at, at + len == b->len);
		spread(p, set, part, &load, now);
	}
	return true;
}

static path_set narrow_paths(const struct peer *p, path_set set, const struct load *load, size_t len)
{
	path_set narrow = 0;

	for (; set != 0; set = path_rest(set))
		if (!fits(p->path[path_first(set)], load, len))
			narrow |= PATH_BIT(path_first(set));
	return narrow;
}

uint32_t carry_packet(struct peer *p, path_set set, struct buf *packet, nsec_t now)
{
	bool keep = buf_pool_left(p->ctx->pool) > KEEP_RESERVE;
	struct load load = { .piece = whole(packet), .keep = keep, .repaired = keep,
			     .deadline = now + p->patience };
	path_set narrow = narrow_paths(p, set, &load, packet->len);

	if (narrow == set) {
		if (!spread_pieces(p, set, packet, &load, now))
			repair_skip(p->repair, &load.piece);
		buf_put(packet);
		return REPAIR_NONE;
	}
	if (narrow != 0) {
		struct load in_pieces = load;

		in_pieces.keep = false;		/* the whole one is kept */
		spread_pieces(p, narrow, packet, &in_pieces, now);
	}
	return spread(p, set & (path_set)~narrow, packet, &load, now);
}

/* --- several in one datagram --------------------------------------------------- */

size_t carry_share(size_t len)
{
	return FRAME_AMONG_HEADER + len;
}

size_t carry_room(const struct peer *p, path_set set)
{
	static const struct load any;

	for (path_set left = set; left != 0; left = path_rest(left)) {
		const struct path *path = p->path[path_first(left)];

		if (!datagram_has_credit(path, path_room(path)))
			return 0;
	}
	return smallest_room(p, set, &any);
}

/* last: the datagram ends with it. */
static void append_frame(const struct peer *p, struct buf *frames, struct buf *b, const struct load *load, bool last)
{
	size_t header = last ? FRAME_DATA_HEADER : FRAME_AMONG_HEADER;
	uint8_t *at = buf_append(frames, header + b->len);
	struct piece piece;

	finish_for(p, b);
	piece = piece_in(load, b);
	if (last)
		frame_write_data_header(at, &piece, !load->repaired);
	else
		frame_write_data_among(at, &piece, !load->repaired, b->len);
	memcpy(at + header, b->data, b->len);
}

/* The packets become frames; they are kept one after the other.  Gives repair's handle of the first. */
static uint32_t pack(struct peer *p, struct buf_queue *packets, bool keep, struct buf *frames, nsec_t now)
{
	uint32_t first = REPAIR_NONE, handle;
	struct buf *b;

	while ((b = buf_queue_pop(packets)) != NULL) {
		const struct load load = { .piece = whole(b), .repaired = keep };

		append_frame(p, frames, b, &load, packets->count == 0);
		if (!keep) {
			buf_put(b);
			continue;
		}
		handle = repair_keep(p->repair, b, &load.piece, now + p->patience);
		first = first == REPAIR_NONE ? handle : first;
	}
	return first;
}

static void carry_singly(struct peer *p, path_set set, struct buf_queue *packets, nsec_t now)
{
	struct buf *b;

	while ((b = buf_queue_pop(packets)) != NULL)
		carry_packet(p, set, b, now);
}

/* If there was no buffer for any, the receivers need not wait. */
static void all_unsent(struct peer *p, const struct datagram_load *what)
{
	for (uint32_t n = what->copies, handle = what->copy; n > 0; n--, handle = repair_after(p->repair, handle))
		repair_unsent(p->repair, handle);
}

void carry_together(struct peer *p, path_set set, struct buf_queue *packets, nsec_t now)
{
	bool keep = buf_pool_left(p->ctx->pool) > KEEP_RESERVE;
	struct buf *frames = buf_get(p->ctx->pool);
	struct datagram_load what = { .copies = keep ? (uint8_t)packets->count : 0, .eliciting = true, .data = true };
	size_t room = carry_room(p, set);

	if (frames == NULL) {
		carry_singly(p, set, packets, now);
		return;
	}
	what.inner = ecn_read(packets->head->data);
	what.copy = pack(p, packets, keep, frames, now);
	for (; path_rest(set) != 0; set = path_rest(set))
		send_frames_of(p, p->path[path_first(set)], frames, what, room, now);
	send_frames(p, p->path[path_first(set)], frames, &what, room, now);
	all_unsent(p, &what);
}

static struct load load_of_item(const struct repair_item *item, bool again)
{
	return (struct load){ .piece = item->piece, .keep = true, .repaired = true, .again = again,
			      .deadline = item->deadline };
}

/* An offer that it does not make this time is none at all: its receipt would be taken for that of the header. */
static void offer_no_more(struct peer *p, struct load *load)
{
	if (load->piece.offers != 0)
		contexts_withdraw(p->given, load->piece.offers);
	load->piece.offers = 0;
}

/* What it is alone on that path, in a datagram of its own. */
static struct load load_alone(struct peer *p, const struct repair_item *item, const struct path *path, bool again,
			      nsec_t now)
{
	struct load load = load_of_item(item, again);
	struct load without = load;

	without.piece.offers = 0;
	if (load.piece.offers == 0 || !contexts_stands(p->given, load.piece.offers, now))
		return without;
	if (fits(path, &load, item->packet->len) && p->session.current->shorthand)
		return load;
	/* where it goes in pieces, or not at all, what is under way is still an offer */
	if (fits(path, &without, item->packet->len))
		offer_no_more(p, &load);
	return without;
}

bool carry_copy(struct peer *p, const struct repair_item *item, struct path *path, nsec_t now)
{
	struct load load = load_alone(p, item, path, false, now);

	if (!fits(path, &load, item->packet->len))
		return false;
	send_kept(p, path, item->packet, &load, item->handle, now);
	return true;
}

static bool follows(const struct peer *p, const struct repair_item *next, uint32_t handle, enum ecn ecn)
{
	return next != NULL && next->handle == repair_after(p->repair, handle) && !next->piece.partial &&
	       ecn_read(next->packet->data) == ecn;
}

/* The item, and those that follow it as far as there is room, become frames; they wait no more.  Gives how many. */
static uint8_t pack_again(struct peer *p, const struct repair_item *item, size_t room, struct buf *frames, nsec_t now)
{
	enum ecn ecn = ecn_read(item->packet->data);
	unsigned n = 0;
	bool more = true;

	while (more) {
		struct load load = load_of_item(item, true);
		struct buf *packet = item->packet;
		uint32_t handle = item->handle;
		size_t used = frames->len + carry_share(packet->len);

		offer_no_more(p, &load);
		repair_take(p->repair);
		item = repair_next(p->repair, now);
		more = ++n < ENGINE_TOGETHER && follows(p, item, handle, ecn) &&
		       used + carry_share(item->packet->len) <= room;
		append_frame(p, frames, packet, &load, !more);
	}
	return (uint8_t)n;
}

/* It is small, and others wait.  0: there was no buffer. */
static size_t again_together(struct peer *p, const struct repair_item *item, struct path *path, size_t room, nsec_t now)
{
	struct datagram_load what = { .copy = item->handle, .eliciting = true, .data = true,
				      .inner = ecn_read(item->packet->data) };
	struct buf *frames = buf_get(p->ctx->pool);
	size_t len;

	if (frames == NULL)
		return 0;
	what.copies = pack_again(p, item, room, frames, now);
	len = frames->len;
	send_frames(p, path, frames, &what, room, now);
	all_unsent(p, &what);
	return len;
}

/* Another one as small would fit. */
static bool may_have_company(const struct peer *p, const struct repair_item *item, size_t room)
{
	return !p->ctx->alone && !item->piece.partial && 2 * carry_share(item->packet->len) <= room;
}

size_t carry_again(struct peer *p, const struct repair_item *item, struct path *path, nsec_t now)
{
	struct load load = load_of_item(item, true);
	bool elsewhere = item->out > 0;
	uint32_t handle = item->handle;
	struct buf *b = item->packet;
	size_t len = b->len, sent;

	if (may_have_company(p, item, room_for(path, &load))) {
		sent = again_together(p, item, path, room_for(path, &load), now);
		if (sent > 0)
			return sent;
	}
	load = load_alone(p, item, path, true, now);
	if (fits(path, &load, b->len)) {
		repair_take(p->repair);
		send_kept(p, path, b, &load, handle, now);
		repair_unsent(p->repair, handle);
		return len;
	}
	pmtu_was_cautious(&path->pmtu);
	b = repair_withdraw(p->repair);
	if (!spread_pieces(p, PATH_BIT(path->id), b, &load, now) && !elsewhere)
		repair_skip(p->repair, &load.piece);
	buf_put(b);
	return len;
}
