/* netns: sockets that belong to another network namespace than this process. */
#ifndef TTT_BENCH_NETNS_H
#define TTT_BENCH_NETNS_H

/* As socket(2), in the namespace that `ip netns` calls so; a negative errno, where that is not there, too. */
int netns_socket(const char *name, int domain, int type, int protocol);

#endif
