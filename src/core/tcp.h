/*
 * tcp: what the tunnel looks at in an inner TCP segment (RFC 9293).
 */
#ifndef TTT_CORE_TCP_H
#define TTT_CORE_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tcp {
	uint32_t seq;		/* of its first byte, */
	uint32_t end;		/* and the number behind its last; SYN and FIN count */
	uint32_t ack;		/* of no meaning without has_ack */
	bool syn, has_ack;
	/*
	 * Nothing but a cumulative acknowledgement: no data, no flag but ACK, no
	 * option but timestamps.  A later one says all that it says.
	 */
	bool plain_ack;
};

/*
 * Read the segment in a packet that inner_read has accepted.  False: it is no
 * TCP, or a fragment of one, or cut short; ret is untouched.
 */
bool tcp_read(const uint8_t *packet, size_t len, struct tcp *ret);

/* a - b on the circle of 2^32. */
static inline int32_t tcp_diff(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

#endif
