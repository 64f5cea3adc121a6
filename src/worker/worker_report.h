/*
 * worker_report: what the engine has to say, as messages for the supervisor.
 * Pure translation; the worker sends them.
 */
#ifndef TTT_WORKER_REPORT_H
#define TTT_WORKER_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/endpoint.h"
#include "control/message.h"
#include "core/engine.h"

/* The worker's own counters, shown behind the engine's drops. */
enum report_count {
	REPORT_SEND_FAILED,	/* a datagram that the kernel refused */
	REPORT_SEND_BLOCKED,	/* a socket stayed full, and so did its queue */
	REPORT_SOCKET_GONE,	/* a datagram for a socket that has been removed */
	REPORT_TUN_FAILED,	/* an inner packet that the device did not take */
	REPORT_TUN_INVALID,	/* a packet from the device that is not what its header says */
	REPORT_TOO_LONG,	/* a datagram or packet larger than a buffer */
	REPORT_NO_BUFFER,	/* not read, because all buffers are in use: once per try */
	REPORT_UNSENT,		/* a report that the channel had no room for */
	REPORT_COUNTS,
};

/*
 * A walk over all parts of one status: begin, then next until it says that
 * there is no more.  Parts are made when they are asked for, so a full channel
 * can be waited for in between.
 */
struct report_walk {
	bool active;
	uint32_t id;
	unsigned step;		/* header, peers, drops, end */
	size_t peer, path, paths;
	struct engine_path_status row[PATHS_MAX];	/* of `peer` */
};

/* What the worker knows of a socket and the engine does not. */
struct report_socket {
	char link[MESSAGE_NAME];
	struct addr local;	/* as it is bound; ADDR_NONE: to no address, or not known */
};

struct report_source {
	const struct engine *engine;
	enum message_role role;
	const struct report_socket *socket;	/* ENDPOINT_SOCKETS of them */
	const uint64_t *count;			/* REPORT_COUNTS of them */
	uint32_t pool, pool_left;
	struct report_udp {
		bool gro;
		uint8_t sockets, segmenting;
		uint64_t tx_datagrams, tx_messages, rx_datagrams, rx_messages;
	} udp;
	unsigned threads;
};

void report_begin(struct report_walk *w, uint32_t id);
/* The next part; false: the walk is over (w->active is false then). */
bool report_next(struct report_walk *w, const struct report_source *from, nsec_t now,
		 struct message *ret);

/* A client's path, unasked; false: that socket has none. */
bool report_socket(const struct report_source *from, unsigned socket, nsec_t now, struct message *ret);

void report_event(const struct engine_event *event, struct message *ret);

/* And the other way round: the supervisor's words for the engine. */
struct engine_link report_engine_link(const struct message_link *link);

#endif
