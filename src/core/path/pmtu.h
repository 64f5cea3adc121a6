/*
 * pmtu: the largest IP packet that a path carries, found by trying (RFC 8899).
 *
 * Sizes are bytes of whole IP packets, outer headers included.  Three count:
 *
 *   base    passes everywhere, nearly: 1200, over IPv6 1280.  Used until more is known
 *   floor   below it nothing is tried: 576, over IPv6 1280
 *   limit   what the link itself takes
 *
 *            limit arrives              data vanishes
 *   start ─────────────────► COMPLETE ─────────────────► DOUBT: the size is asked
 *     │                       ▲    ▲                       │    once more
 *     │ limit does not        │    └─ the size arrives ────┤
 *     ▼                       │                            ▼ it does not
 *   base is tried ──► likely sizes between what passes and what does not
 *     │                                                    ▲
 *     └─ it does not ──► floor is used, and searched from ─┘
 *
 * A size does not pass when PMTU_PROBES probes of it were lost, more on a path
 * that loses much.  A probe is lost when something that was sent after it has
 * arrived and it has not: a path that is silent says nothing of its MTU.  The
 * probe's answer counts whenever it comes, also after it was given up.
 *
 * Data vanishes when a datagram is lost, and of those sent later smaller ones
 * have arrived but none about as large; or, where some about as large arrive all
 * the time, when more were lost since one that large arrived than chance takes.
 * Mostly it is chance: the last ones before a pause were lost in a full queue.
 * So it only raises a doubt, which ends when as large a one arrives after all.
 * Meanwhile the first few of what was lost go again in a size that passes, and
 * when PMTU_LOWER probes were lost, all does.
 *
 * When the search is over short of the limit, it is taken up again after
 * PMTU_RAISE, at once when the limit changes.
 *
 * Pure: the owner sends the probes, and tells what became of them and of others.
 */
#ifndef TTT_CORE_PATH_PMTU_H
#define TTT_CORE_PATH_PMTU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/units.h"

#define PMTU_BASE	1200	/* BASE_PLPMTU of RFC 8899 §5.1.2 */
#define PMTU_FLOOR	576	/* what every host takes over IPv4 (RFC 791) */
#define PMTU_IPV6	1280	/* what every link has over IPv6: base and floor */
#define PMTU_MAX	2000	/* larger ones would not fit a buffer */
#define PMTU_PROBES	3	/* MAX_PROBES */
#define PMTU_RAISE	SEC(600)	/* PMTU_RAISE_TIMER */
#define PMTU_LOWER	2	/* in doubt less is used after so many */
#define PMTU_CAUTIOUS	32	/* packets that go again in a size that passes, while there is doubt */
#define PMTU_RETRY	SEC(1)	/* a probe of which nothing was heard is sent again */
#define PMTU_CLASS	4	/* bytes: sizes that are told apart where data vanishes */
#define PMTU_CLASSES	(PMTU_MAX / PMTU_CLASS + 1)

struct pmtu {
	uint16_t floor, base, limit;
	uint16_t size;		/* what may be sent now; never below floor */
	uint16_t good;		/* passes, or is taken for granted */
	uint16_t bad;		/* this and more does not pass; above limit: nobody knows */
	uint16_t hint;		/* a router says that so much passes; 0: none does */
	uint16_t probe;		/* the size that is asked for; 0: the search is over */
	uint8_t lost;		/* probes of that size that were lost */
	uint8_t chance;		/* so many in a row are no chance any more */
	bool base_known;	/* it was tried, or need not be */
	bool doubted;		/* whether `good` still passes, */
	uint16_t missing;	/* because so large a one has not arrived, */
	nsec_t missing_since;	/* though it was sent then; */
	uint8_t cautious;	/* so many went again in a size that passes */
	uint8_t odd_lost;	/* so many were lost since one as large as the smallest of them arrived, */
	uint16_t odd;		/* which is so large, */
	nsec_t odd_since;	/* and the last was sent then */
	bool out;		/* the probe is under way: */
	uint64_t number;	/* its packet number */
	nsec_t sent_at;		/* of the last probe, under way or not; 0: none was sent */
	nsec_t lost_at;		/* when it counts as lost; NSEC_NEVER: nothing came that was sent later */
	nsec_t raise_at;
	nsec_t hinted_at;	/* when a hint about data was last believed */
	nsec_t came[PMTU_CLASSES];	/* when the last of that size that has arrived was sent */
};

/* limit: of the link; brought between floor and PMTU_MAX. */
void pmtu_init(struct pmtu *p, bool ipv6, unsigned limit);
/* The link's MTU is another now. */
void pmtu_set_limit(struct pmtu *p, unsigned limit);
/* Numbers begin anew: no answer to the probe under way will come. */
void pmtu_forget_probe(struct pmtu *p);

/* The size of the probe that is to be sent now; 0: none. */
unsigned pmtu_wanted(const struct pmtu *p);
void pmtu_sent(struct pmtu *p, uint64_t number, nsec_t now);
/* A probe of that size has arrived, however late. */
void pmtu_confirmed(struct pmtu *p, unsigned size, nsec_t sent_at);
/*
 * Datagrams up to that number have been acknowledged, some of them.  bound: after
 * so long an answer is overdue.  loss_ppm: what the path loses.
 */
void pmtu_heard(struct pmtu *p, uint64_t largest, nsec_t bound, uint32_t loss_ppm);

/*
 * What was lost and goes again may be so large.  In doubt the first few are cut
 * to a size that passes, so that a packet now and then is not lost once more;
 * cutting more of them would only fill the queue that they were lost in.
 */
unsigned pmtu_safe(const struct pmtu *p);
/* Something was cut for that. */
void pmtu_was_cautious(struct pmtu *p);

/* A datagram that is no probe has arrived, or is lost while later ones have arrived. */
void pmtu_arrived(struct pmtu *p, unsigned size, nsec_t sent_at);
void pmtu_vanished(struct pmtu *p, unsigned size, nsec_t sent_at);

/*
 * Somebody says that a datagram was too large, and what would pass (0: not said).
 * Anybody can: so nothing below the base is believed while the base was not in
 * question; of a probe it ends the probe, and its size is tried next; of data it
 * only raises a doubt, at most once in PMTU_RETRY (RFC 8899 §4.6.2).
 */
void pmtu_too_big(struct pmtu *p, unsigned mtu, nsec_t now);

/* busy: the path is in use: on one that is not, the search is not taken up again. */
void pmtu_tick(struct pmtu *p, bool busy, nsec_t now);
/* When a probe or pmtu_tick is due; 0: now. */
nsec_t pmtu_deadline(const struct pmtu *p, bool busy);

#endif
