/*
 * notify: a word for the service manager (sd_notify(3)), without its library.
 */
#ifndef TTT_CONTROL_NOTIFY_H
#define TTT_CONTROL_NOTIFY_H

/*
 * Sends "READY=1", "STOPPING=1", "STATUS=…" to the socket that NOTIFY_SOCKET
 * names.  1: sent; 0: nobody asked for it; or a negative errno.
 */
int notify_send(const char *text);

#endif
