/* worker_user: who the worker is: a user without any right, and nobody else's. */
#ifndef TTT_WORKER_USER_H
#define TTT_WORKER_USER_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * wanted: a name, or a number that need not have one; empty: the user `ttt`
 * where there is one, else a number that no user has.  False: there is no such
 * user, or it is root.
 */
bool worker_user(const char *wanted, uid_t *ret_uid, gid_t *ret_gid);

#endif
