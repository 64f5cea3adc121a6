/*
 * pause: between two runs of a server, what comes for connections of its clients
 * is dropped: while nobody translates their addresses, the host itself would
 * answer that it knows nothing of them (RST), and they would end.
 *
 *	pause_begin → (everything is undone) → pause_keep
 *
 * A process of its own holds the pause, for at most PAUSE_SECONDS; it ends as
 * soon as the next run has its table.  Nothing is begun where no connection is
 * established.
 */
#ifndef TTT_PAUSE_H
#define TTT_PAUSE_H

#define PAUSE_SECONDS	10

struct commit;
struct config;

/* NULL: there is nothing to pause for, or it cannot be done. */
struct commit *pause_begin(const struct config *config);
/* The same where a run was killed, and its table is to be removed. */
struct commit *pause_after_crash(const struct config *config);
/* Hands it to a process that outlives this one.  NULL is nothing. */
void pause_keep(struct commit *pause, const struct config *config);

#endif
