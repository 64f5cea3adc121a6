/* reassembly: see reassembly.h. */
#include "core/flow/reassembly.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define WAYS	4
#define ROWS	(REASSEMBLY_PACKETS / WAYS)
#define WORDS	((PIECE_UNITS + 63) / 64)

static_assert(PIECE_END_MAX <= BUF_ROOM, "the largest packet fits a buffer");

struct packet {
	struct buf *b;			/* NULL: the place is free */
	uint16_t lane, units;		/* units: how many of them have come */
	uint32_t seq;
	uint16_t end;			/* in bytes; 0: not known yet */
	uint16_t reach;			/* where the farthest piece ended, in bytes */
	uint64_t come[WORDS];		/* a bit for each unit */
	nsec_t since;
};

struct reassembly {
	struct buf_pool *pool;
	struct packet packet[ROWS][WAYS];
	nsec_t next_look;		/* nothing is too old before */
	struct reassembly_stats stats;
};

struct reassembly *reassembly_new(struct buf_pool *pool)
{
	struct reassembly *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->pool = pool;
	r->next_look = NSEC_NEVER;
	return r;
}

/* Its buffer is put back, or went to somebody else. */
static void clear(struct reassembly *r, struct packet *p)
{
	p->b = NULL;
	r->stats.waiting--;
}

static void forget(struct reassembly *r, struct packet *p)
{
	buf_put(p->b);
	clear(r, p);
	r->stats.forgotten++;
}

void reassembly_reset(struct reassembly *r)
{
	for (unsigned row = 0; row < ROWS; row++)
		for (unsigned way = 0; way < WAYS; way++)
			if (r->packet[row][way].b != NULL)
				forget(r, &r->packet[row][way]);
	r->next_look = NSEC_NEVER;
}

void reassembly_free(struct reassembly *r)
{
	if (r == NULL)
		return;
	reassembly_reset(r);
	free(r);
}

/* --- the table ------------------------------------------------------------- */

/* Neighbours of a lane stand in neighbouring rows; lanes begin in different ones. */
static struct packet *row_of(struct reassembly *r, const struct piece *piece)
{
	return r->packet[(piece->seq + piece->lane * 7u) % ROWS];
}

static struct packet *find(struct packet *row, const struct piece *piece)
{
	for (unsigned i = 0; i < WAYS; i++)
		if (row[i].b != NULL && row[i].lane == piece->lane && row[i].seq == piece->seq)
			return &row[i];
	return NULL;
}

static struct packet *free_place(struct reassembly *r, struct packet *row)
{
	struct packet *oldest = &row[0];

	for (unsigned i = 0; i < WAYS; i++) {
		if (row[i].b == NULL)
			return &row[i];
		if (row[i].since < oldest->since)
			oldest = &row[i];
	}
	forget(r, oldest);
	return oldest;
}

static struct packet *begin(struct reassembly *r, struct packet *row, const struct piece *piece, nsec_t now)
{
	struct buf *b = buf_get(r->pool);
	struct packet *p;

	if (b == NULL) {
		r->stats.no_buffer++;
		return NULL;
	}
	p = free_place(r, row);
	*p = (struct packet){ .b = b, .lane = piece->lane, .seq = piece->seq, .since = now };
	r->stats.waiting++;
	r->next_look = nsec_min(r->next_look, now + REASSEMBLY_WAIT);
	return p;
}

/* --- one packet ------------------------------------------------------------ */

/* Whether the packet's pieces agree on where it ends. */
static bool agrees(const struct packet *p, const struct piece *piece, size_t end)
{
	if (piece->last)
		return p->end != 0 ? p->end == end : p->reach <= end;
	return p->end == 0 || end <= p->end;
}

/* Fill in the units that are missing. */
static void fill(struct packet *p, const struct piece *piece, const uint8_t *bytes, size_t len)
{
	uint8_t *at = p->b->data + piece->offset;

	for (size_t done = 0; done < len; done += PIECE_UNIT) {
		unsigned unit = (unsigned)((piece->offset + done) / PIECE_UNIT);
		uint64_t bit = UINT64_C(1) << unit % 64;
		size_t n = len - done < PIECE_UNIT ? len - done : PIECE_UNIT;

		if (p->come[unit / 64] & bit)
			continue;
		p->come[unit / 64] |= bit;
		p->units++;
		memcpy(at + done, bytes + done, n);
	}
	if (piece->offset + len > p->reach)
		p->reach = (uint16_t)(piece->offset + len);
	if (piece->last)
		p->end = (uint16_t)(piece->offset + len);
}

static bool is_whole(const struct packet *p)
{
	return p->end != 0 && p->units == (p->end + PIECE_UNIT - 1) / PIECE_UNIT;
}

struct buf *reassembly_put(struct reassembly *r, const struct piece *piece, const uint8_t *bytes,
			   size_t len, nsec_t now)
{
	struct packet *row = row_of(r, piece), *p = find(row, piece);
	struct buf *b;

	if (p == NULL)
		p = begin(r, row, piece, now);
	if (p == NULL)
		return NULL;
	if (!agrees(p, piece, piece->offset + len)) {
		forget(r, p);
		return NULL;
	}
	fill(p, piece, bytes, len);
	if (!is_whole(p))
		return NULL;
	b = p->b;
	buf_append(b, p->end);
	clear(r, p);
	r->stats.whole++;
	return b;
}

bool reassembly_yield(struct reassembly *r)
{
	struct packet *oldest = NULL;

	for (unsigned row = 0; row < ROWS; row++)
		for (unsigned way = 0; way < WAYS; way++) {
			struct packet *p = &r->packet[row][way];

			if (p->b != NULL && (oldest == NULL || p->since < oldest->since))
				oldest = p;
		}
	if (oldest != NULL)
		forget(r, oldest);
	return oldest != NULL;
}

/* --- time ------------------------------------------------------------------ */

void reassembly_wake(struct reassembly *r, nsec_t now)
{
	for (unsigned row = 0; row < ROWS; row++)
		for (unsigned way = 0; way < WAYS; way++)
			r->packet[row][way].since = now;
	if (r->next_look != NSEC_NEVER)
		r->next_look = now + REASSEMBLY_WAIT;
}

void reassembly_tick(struct reassembly *r, nsec_t now)
{
	if (now < r->next_look)
		return;
	r->next_look = NSEC_NEVER;
	for (unsigned row = 0; row < ROWS; row++) {
		for (unsigned way = 0; way < WAYS; way++) {
			struct packet *p = &r->packet[row][way];

			if (p->b == NULL)
				continue;
			if (nsec_since(p->since, now) >= REASSEMBLY_WAIT)
				forget(r, p);
			else
				r->next_look = nsec_min(r->next_look, p->since + REASSEMBLY_WAIT);
		}
	}
}

nsec_t reassembly_deadline(const struct reassembly *r)
{
	return r->next_look;
}

struct reassembly_stats reassembly_stats(const struct reassembly *r)
{
	return r->stats;
}
