/* tun: inner packets from and to the TUN device, whole, without a header before them. */
#ifndef TTT_IO_TUN_H
#define TTT_IO_TUN_H

struct buf;

/*
 * Read a packet into an empty buffer; b->len is its length.  0: there is one.
 * -EAGAIN: none; -EBADFD: the device is gone; else another errno of read(2).
 */
int tun_read(int fd, struct buf *b);
/* Write a packet; the buffer stays the caller's.  0, or a negative errno (-EIO: the device is down). */
int tun_write(int fd, const struct buf *b);

#endif
