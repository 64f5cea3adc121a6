/*
 * older: for LD_PRELOAD: the flags of nftables' tables that an older kernel does
 * not know are given to this one as a flag that it does not know either, so it
 * says what the older one would.  OLDER_KNOWS are the flags that are known:
 * 3 before Linux 6.9 (no persist), 1 before 5.12 (no owner either).  And where
 * OLDER_BUFFER is set, a socket that listens to what happens to tables gets a
 * buffer of so many bytes, whatever it asked for: events are lost.
 *
 *	cc -shared -fPIC -o older.so older.c
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#define NOBODY_KNOWS	0x40000000
#define TABLE_FLAGS	2	/* NFTNL_TABLE_FLAGS */

struct nftnl_table;
void nftnl_table_set_u32(struct nftnl_table *t, uint16_t attribute, uint32_t value);

void nftnl_table_set_u32(struct nftnl_table *t, uint16_t attribute, uint32_t value)
{
	const char *knows = getenv("OLDER_KNOWS");
	__typeof__(&nftnl_table_set_u32) real = (__typeof__(real))dlsym(RTLD_NEXT, "nftnl_table_set_u32");

	if (knows != NULL && attribute == TABLE_FLAGS && (value & ~(uint32_t)atoi(knows)) != 0)
		value = NOBODY_KNOWS;
	real(t, attribute, value);
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
	const char *buffer = getenv("OLDER_BUFFER");
	__typeof__(&setsockopt) real = (__typeof__(real))dlsym(RTLD_NEXT, "setsockopt");
	int bytes = buffer != NULL ? atoi(buffer) : 0;

	if (bytes > 0 && level == SOL_NETLINK && name == NETLINK_ADD_MEMBERSHIP && *(const int *)value == NFNLGRP_NFTABLES)
		real(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	return real(fd, level, name, value, size);
}
