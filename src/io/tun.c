/* tun: see tun.h. */
#include "io/tun.h"

#include <errno.h>
#include <unistd.h>

#include "base/buf.h"

int tun_read(int fd, struct buf *b)
{
	ssize_t n = read(fd, b->data, buf_tailroom(b));

	if (n < 0)
		return -errno;
	b->len = (uint32_t)n;
	return 0;
}

int tun_write(int fd, const struct buf *b)
{
	return write(fd, b->data, b->len) < 0 ? -errno : 0;
}
