/*
 * must: what has to hold, or the run means nothing: memory, room in a table, buffers that come back.
 *
 * When it does not, the program says what and where, and aborts: a simulation
 * has nothing to save.  Mistakes of a user are found before one begins.
 */
#ifndef TTT_SIM_MUST_H
#define TTT_SIM_MUST_H

#define must(condition, otherwise) \
	((condition) ? (void)0 : must_fail((otherwise), __FILE__, __LINE__))
#define must_have(pointer)	must((pointer) != NULL, "out of memory")

_Noreturn void must_fail(const char *otherwise, const char *file, int line);

#endif
