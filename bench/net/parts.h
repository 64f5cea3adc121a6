/*
 * parts: what a byte costs in each of the parts that a tunnel is made of, each
 * alone: nanoseconds of this process's CPU time, with what the kernel does in
 * its system calls, for each byte of inner packets.  That is also CPU seconds
 * for 10^9 bytes.
 */
#ifndef TTT_BENCH_PARTS_H
#define TTT_BENCH_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#define PART_PACKET	1400	/* bytes of an inner packet */
#define PART_TAX	28	/* what sealing it adds: header, frame, tag */

struct part_pair {
	double out, in;		/* ns per byte: to the network, and back from it */
};

/*
 * Each gives false with a line on standard error where it cannot be measured.
 * bytes: about as much is moved.
 */

/* Reads (out) and writes (in) super packets of one TCP flow with virtio headers.  In a network namespace of its own. */
bool part_tun(uint64_t bytes, struct part_pair *ret);
/* Sends UDP_SEGMENT trains from one namespace to an IPv4 address of the other, where UDP_GRO receives them. */
bool part_udp(const char *from, const char *to, const char *address, uint64_t bytes, struct part_pair *ret);
/* Seals and opens with the cipher that the program would choose on this machine; its name is static. */
bool part_aead(uint64_t bytes, struct part_pair *ret, const char **ret_cipher);

#endif
