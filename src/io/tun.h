/*
 * tun: inner packets from and to the TUN device, in pieces that lie where the
 * caller wants them; a device of open_tun_virtio has its header before each.
 */
#ifndef TTT_IO_TUN_H
#define TTT_IO_TUN_H

#include <sys/uio.h>

/*
 * Read a packet into the pieces; what does not fit is cut off.  Its length, or
 * -EAGAIN: none; -EBADFD: the device is gone; else another errno of readv(2).
 */
int tun_read(int fd, const struct iovec *piece, int pieces);
/* Write a packet.  0, or a negative errno (-EIO: the device is down; -EINVAL: no such packet is taken). */
int tun_write(int fd, const struct iovec *piece, int pieces);

#endif
