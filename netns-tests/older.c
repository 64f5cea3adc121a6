/*
 * older: for LD_PRELOAD: the flags of nftables' tables that an older kernel does
 * not know are given to this one as a flag that it does not know either, so it
 * says what the older one would.  OLDER_KNOWS are the flags that are known:
 * 3 before Linux 6.9 (no persist), 1 before 5.12 (no owner either).
 *
 *	cc -shared -fPIC -o older.so older.c
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>

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
