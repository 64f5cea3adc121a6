/*
 * stock: how much the packets that wait in the engine take, by peers.
 *
 * There is a limit for all together, and none here for one: while there is room
 * a peer takes what its own queues allow.  When the limit is passed, the peer
 * that takes most has to give something up, whoever brought the last packet.
 * So a peer that takes less than an equal part of the limit never gives
 * anything up for others, however many they are and whatever they send.
 */
#ifndef TTT_CORE_STOCK_H
#define TTT_CORE_STOCK_H

#include <stdbool.h>
#include <stddef.h>

#include "core/engine.h"

struct stock {
	size_t max, used;		/* bytes */
	size_t by[ENGINE_PEERS];
};

/* For an engine whose pool has so many buffers. */
void stock_init(struct stock *s, size_t buffers);
/* A peer's packets take so many bytes now. */
void stock_note(struct stock *s, unsigned peer, size_t bytes);
bool stock_is_over(const struct stock *s);
/* The peer that takes most. */
unsigned stock_largest(const struct stock *s);

#endif
