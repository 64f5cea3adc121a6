/*
 * status_text: a status for people, in lines that scripts may rely on:
 *
 *   ttt0 up  18.4 Mbit/s down  2.1 Mbit/s up  over 2 links  for 3 min
 *   path wlan0 up 23 ms 0.1 % loss  12.3 Mbit/s down  1.1 Mbit/s up  67 %
 *   path usb0 up 41 ms 0.0 % loss  0 bit/s down  0 bit/s up  0 %
 *   link usb0 tier=backup budget=20GB
 *   budget usb0: 12.3 GB used, 7.70 GB left until 1 December
 *   idle usb0: backup: the primary links work
 *   unused eth0: no carrier
 *
 * The first line is `INTERFACE STATE …`, a path's is `path LINK STATE …`, an
 * unused interface's is `unused LINK: REASON`, a server's peer's is
 * `peer NAME STATE …`.  A link has a line for its settings where they are not
 * the defaults, one for its budget where it has one, and one for why it carries
 * nothing now.  Words are parted by one or more spaces.
 */
#ifndef TTT_CONTROL_STATUS_TEXT_H
#define TTT_CONTROL_STATUS_TEXT_H

#include <stdio.h>

#include "control/status.h"

#define STATUS_WORD	32	/* bytes that any printed rate, size or age fits in */

void status_print(const struct status *status, FILE *out);

/* "12.3 Mbit/s" from bytes per second, "4.5 GB", "23 ms", "3 min": three digits at most. */
const char *status_rate(uint64_t bytes_per_second, char buf[STATUS_WORD]);
const char *status_bytes(uint64_t bytes, char buf[STATUS_WORD]);
const char *status_latency(nsec_t latency, char buf[STATUS_WORD]);
const char *status_age(nsec_t age, char buf[STATUS_WORD]);

#endif
