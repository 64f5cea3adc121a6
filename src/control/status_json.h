/*
 * status_json: a status as JSON and back.  Times are in milliseconds, rates
 * in bytes per second, loss and share in parts per million; a field that has
 * no value (no sample yet, never) is null.  docs/man/ttt.8 lists the names.
 */
#ifndef TTT_CONTROL_STATUS_JSON_H
#define TTT_CONTROL_STATUS_JSON_H

#include <jansson.h>

#include "control/status.h"

/* A new object, to be given back with json_decref; NULL: memory. */
json_t *status_to_json(const struct status *status);
/*
 * Fills *ret, to be given back with status_done.  Names and fields of a newer
 * daemon are passed over, missing ones stay zero.  -EPROTO: something has the
 * wrong type or is too long; -ENOMEM.
 */
int status_from_json(const json_t *json, struct status *ret);

#endif
