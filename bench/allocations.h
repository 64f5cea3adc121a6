/*
 * allocations: how often the process asked for memory, or gave some back.
 *
 * This object's malloc and its kin take the place of the C library's, for
 * every library of the program that links it.
 */
#ifndef TTT_BENCH_ALLOCATIONS_H
#define TTT_BENCH_ALLOCATIONS_H

#include <stdint.h>

/* Calls of malloc, calloc, realloc, the aligned ones and free (but of NULL), since the start. */
uint64_t allocations(void);

#endif
