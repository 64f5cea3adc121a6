/* allocations: see allocations.h.  The C library's own are behind other names, which glibc exports. */
#include "allocations.h"

#include <errno.h>
#include <stdlib.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *at, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *at);

static uint64_t calls;

uint64_t allocations(void)
{
	return calls;
}

void *malloc(size_t size)
{
	calls++;
	return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	calls++;
	return __libc_calloc(count, size);
}

void *realloc(void *at, size_t size)
{
	calls++;
	return __libc_realloc(at, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	calls++;
	return __libc_memalign(alignment, size);
}

int posix_memalign(void **ret, size_t alignment, size_t size)
{
	void *at = aligned_alloc(alignment, size);

	if (at == NULL)
		return ENOMEM;
	*ret = at;
	return 0;
}

void free(void *at)
{
	calls += at != NULL;
	__libc_free(at);
}
