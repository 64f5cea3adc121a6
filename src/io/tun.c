/* tun: see tun.h. */
#include "io/tun.h"

#include <errno.h>

int tun_read(int fd, const struct iovec *piece, int pieces)
{
	ssize_t n = readv(fd, piece, pieces);

	return n < 0 ? -errno : (int)n;
}

int tun_write(int fd, const struct iovec *piece, int pieces)
{
	return writev(fd, piece, pieces) < 0 ? -errno : 0;
}
