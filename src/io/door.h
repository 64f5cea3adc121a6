/*
 * door: a group of processes (cgroup.h) whose sockets are marked when they are
 * made: the kernel runs a tiny program of ours for each.  So the first look at
 * the routes sees the mark, and no source address has to be changed afterwards.
 * Sockets that a process had before it entered have no mark.
 */
#ifndef TTT_IO_DOOR_H
#define TTT_IO_DOOR_H

#include <stdint.h>

#define DOOR_NAME	32

struct door {
	int root, group;	/* descriptors; -1: none */
	char name[DOOR_NAME];
};

/* A group of that name just below the root, which stays the caller's.  0 or a negative errno. */
int door_open(struct door *d, int root, const char *name, uint32_t mark);
/* The calling process, and what it begins from now on. */
int door_enter(const struct door *d);
/* Once nobody is in it; half-open is fine. */
void door_close(struct door *d);

#endif
