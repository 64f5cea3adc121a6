/* uids: a range of users' numbers. */
#ifndef TTT_BASE_UIDS_H
#define TTT_BASE_UIDS_H

#include <stdint.h>

struct uids {
	uint32_t low, high;	/* both included */
};

#endif
