/*
 * habit: how inner flows behave, told by their packets' pace and size alone.
 *
 * A flow is sparse while it keeps to an allowance: 160 small packets (600 bytes
 * and less) or 20 large ones a second, and at once no more than twelve small
 * ones, or a large one and a half.  That is a call, a game, keys that are typed,
 * a name that is looked up; a download breaks it with its second or third
 * packet.  Who breaks it is bulk until he has kept to it for a second.
 *
 * A sparse flow is steady after eight small packets and 200 ms without a large
 * one.  Before that nobody knows what it becomes, so nothing may depend on it
 * that could do harm: what a steady flow sends may overtake, and no packet of a
 * download ever has, not even its first.
 *
 * A flow is of answers when for eight packets and 200 ms none was larger than an
 * acknowledgement, however many they are: who sends data sends larger ones.
 *
 * Memory is fixed: 1024 flows, four to a place.  A steady flow that was heard
 * within ten seconds is never forgotten for another, so a flood of new flows
 * pushes out only its like; one that finds no place is bulk.
 */
#ifndef TTT_CORE_FLOW_HABIT_H
#define TTT_CORE_FLOW_HABIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/units.h"

#define HABIT_FLOWS	1024
#define HABIT_WAYS	4
#define HABIT_SMALL	600	/* bytes of a small packet, at most */
#define HABIT_ANSWER	300	/* of an acknowledgement, with as many ranges as a QUIC has */

struct habit_flow {
	uint32_t flow;		/* hash */
	uint32_t seen, since;	/* microseconds, low bits: last packet; first one, last large one, or when it last was bulk */
	uint32_t answers_since;	/* likewise: first packet, or last one that was no answer */
	uint8_t used;		/* of its allowance, when last seen */
	uint8_t packets;	/* since then, up to 255; 0: the place is free */
	uint8_t answers;	/* since answers_since, up to 255 */
	bool was_bulk;
};

/* Zeroed: no flow is known. */
struct habit_table {
	struct habit_flow flow[HABIT_FLOWS / HABIT_WAYS][HABIT_WAYS];
};

struct habit {
	bool sparse;		/* this packet, too, keeps to the allowance */
	bool steady;		/* and so did the ones before, for a while */
	bool answers;		/* this packet, and those before it for a while, are no data of a download */
};

/* A packet of len bytes has come. */
struct habit habit_note(struct habit_table *t, uint32_t flow, size_t len, nsec_t now);

#endif
