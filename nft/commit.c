/* commit: see commit.h. */
#include "nft/commit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>

#include "nft/encode.h"

#define BUFFER	(1024 * 1024)	/* bytes of the socket's buffers: a batch and its answers */
#define ROUNDS	3		/* EINTR: another program changed the rules meanwhile */

struct commit {
	struct mnl_socket *socket;
	uint32_t seq;
	bool has_owner, has_persist;
};

/* What the kernel says to a batch. */
struct answer {
	int err;		/* of the first message that failed; 0: none */
	uint32_t at;		/* its sequence number */
	bool answered;
	bool has_table;		/* one came with it */
	struct encode_table table;
};

int commit_new(struct commit **ret)
{
	struct commit *c = calloc(1, sizeof(*c));
	int size = BUFFER, fd, err;

	if (c == NULL)
		return -ENOMEM;
	c->has_owner = c->has_persist = true;
	c->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (c->socket == NULL || mnl_socket_bind(c->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		err = -errno;
		commit_free(c);
		return err;
	}
	fd = mnl_socket_get_fd(c->socket);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	*ret = c;
	return 0;
}

void commit_free(struct commit *c)
{
	if (c == NULL)
		return;
	if (c->socket != NULL)
		mnl_socket_close(c->socket);
	free(c);
}

static void take_message(const struct nlmsghdr *n, struct answer *a)
{
	const struct nlmsgerr *e;

	if (n->nlmsg_type != NLMSG_ERROR) {
		a->has_table = encode_table(n, &a->table) || a->has_table;
		return;
	}
	if (n->nlmsg_len < NLMSG_LENGTH(sizeof(*e)))
		return;
	e = mnl_nlmsg_get_payload(n);
	a->answered = true;
	if (e->error != 0 && a->err == 0) {
		a->err = e->error;
		a->at = n->nlmsg_seq;
	}
}

/* The kernel has answered before send() ends: what is there is all there is. */
static void read_answers(struct commit *c, uint32_t seq, struct answer *a)
{
	char buf[16384] __attribute__((aligned(8)));
	int fd = mnl_socket_get_fd(c->socket);
	ssize_t got;

	while ((got = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
		const struct nlmsghdr *n = (const struct nlmsghdr *)buf;
		int left = (int)got;

		for (; mnl_nlmsg_ok(n, left); n = mnl_nlmsg_next(n, &left))
			if (n->nlmsg_seq - seq <= c->seq - seq)
				take_message(n, a);
	}
}

/* Sends one batch and gives it back. */
static int converse(struct commit *c, struct encode_batch *b, struct answer *a)
{
	ssize_t sent = mnl_socket_sendto(c->socket, b->data, b->len);

	*a = (struct answer){ 0 };
	c->seq = b->last + 2;
	if (sent < 0)
		a->err = -errno;
	else
		read_answers(c, b->seq, a);
	free(b->data);
	if (a->err == 0 && !a->answered)
		a->err = -EPROTO;
	return a->err;
}

/* 1: *ret is the table; 0: there is none. */
static int look(struct commit *c, const char *table, struct encode_table *ret)
{
	struct encode_batch b;
	struct answer a;
	int err = encode_query(table, c->seq + 1, &b);

	if (err == 0)
		err = converse(c, &b, &a);
	if (err == -ENOENT)
		return 0;
	if (err == 0)
		*ret = a.table;
	return err < 0 ? err : a.has_table;
}

int commit_exists(struct commit *c, const char *table)
{
	struct encode_table t;

	return look(c, table, &t);
}

int commit_is_owned(struct commit *c, const char *table)
{
	struct encode_table t = { 0 };
	int there = look(c, table, &t);

	return there > 0 ? encode_has_owner(t.flags) : there;
}

int commit_handle(struct commit *c, const char *table, uint64_t *ret)
{
	struct encode_table t = { 0 };
	int there = look(c, table, &t);

	if (there > 0)
		*ret = t.handle;
	return there;
}

static int attempt(struct commit *c, const struct ruleset *r, char error[COMMIT_ERROR], bool *ret_at_table)
{
	int there = commit_exists(c, r->table), err = there;
	struct encode_options o = { .replace = there > 0, .owner = c->has_owner,
				    .persist = c->has_persist };
	char object[ENCODE_OBJECT] = "";
	struct encode_batch b;
	struct answer a;

	*ret_at_table = false;
	if (there >= 0) {
		o.seq = c->seq + 1;
		err = encode_ruleset(r, &o, &b);
	}
	if (err < 0) {
		snprintf(error, COMMIT_ERROR, "table inet %s: %s", r->table, strerror(-err));
		return err;
	}
	err = converse(c, &b, &a);
	if (err == 0)
		return 0;
	*ret_at_table = encode_is_table(&o, a.at - o.seq);
	encode_object(r, &o, a.at - o.seq, object);
	snprintf(error, COMMIT_ERROR, "%s: %s", object,
		 err == -EPERM && there > 0 ? "it belongs to another process" : strerror(-err));
	return err;
}

int commit_apply(struct commit *c, const struct ruleset *r, char error[COMMIT_ERROR])
{
	bool at_table;
	int err = 0;

	for (int round = 0; round < ROUNDS; round++) {
		err = attempt(c, r, error, &at_table);
		bool flags = at_table && (err == -EOPNOTSUPP || err == -EINVAL);

		if (flags && r->persist && c->has_persist)
			c->has_persist = false;
		else if (flags && r->owner && c->has_owner)
			c->has_owner = false;
		else if (err != -EINTR && err != -EAGAIN)
			break;
	}
	return err;
}

int commit_remove(struct commit *c, const char *table, char error[COMMIT_ERROR])
{
	int there = commit_exists(c, table), err = there;
	struct encode_batch b;
	struct answer a;

	if (there > 0)
		err = encode_removal(table, c->seq + 1, &b);
	if (there > 0 && err == 0)
		err = converse(c, &b, &a);
	if (err == -ENOENT)	/* gone in between */
		return 0;
	if (err < 0)
		snprintf(error, COMMIT_ERROR, "table inet %s: %s", table, strerror(-err));
	return err < 0 ? err : there;
}

int commit_fd(const struct commit *c)
{
	return mnl_socket_get_fd(c->socket);
}

uint32_t commit_port(const struct commit *c)
{
	return mnl_socket_get_portid(c->socket);
}

bool commit_has_owner(const struct commit *c)
{
	return c->has_owner;
}

bool commit_has_persist(const struct commit *c)
{
	return c->has_persist;
}
