/* forward: see forward.h. */
#include "config/forward.h"

#include <netinet/in.h>
#include <string.h>

#include "config/parser.h"
#include "config/value.h"

#define WORD	64	/* bytes of a part, with its NUL */

/* Up to `end`, without the space around it; false: empty or too long. */
static bool word(const char *text, const char *end, char ret[WORD])
{
	size_t len;

	text += strspn(text, " \t");
	len = end > text ? (size_t)(end - text) : 0;
	while (len > 0 && strchr(" \t", text[len - 1]) != NULL)
		len--;
	if (len == 0 || len >= WORD)
		return false;
	memcpy(ret, text, len);
	ret[len] = '\0';
	return true;
}

/* "tcp/8080" */
static bool read_service(const char *text, struct config_forward *ret)
{
	if (strncmp(text, "tcp/", 4) != 0 && strncmp(text, "udp/", 4) != 0)
		return false;
	ret->protocol = text[0] == 't' ? IPPROTO_TCP : IPPROTO_UDP;
	ret->to_port = 0;
	return value_port(text + 4, &ret->port);
}

/* "laptop" or "laptop:80" */
static bool read_target(const char *text, char name[CONFIG_NAME], struct config_forward *ret)
{
	size_t len = strcspn(text, ":");

	if (len == 0 || len >= CONFIG_NAME)
		return false;
	memcpy(name, text, len);
	name[len] = '\0';
	if (text[len] == '\0')
		ret->to_port = ret->port;
	return parser_name_is_valid(name) && (text[len] == '\0' || value_port(text + len + 1, &ret->to_port));
}

void forward_read(struct parser *p, const char *value)
{
	struct config *c = p->config;
	const char *arrow = strstr(value, "->");
	char from[WORD], to[WORD], name[CONFIG_NAME];
	struct config_forward f;

	if (c->forward_count == CONFIG_FORWARDS) {
		parser_fail(p, "forward: more than %d", CONFIG_FORWARDS);
		return;
	}
	if (arrow == NULL || !word(value, arrow, from) || !word(arrow + 2, value + strlen(value), to) ||
	    !read_service(from, &f) || !read_target(to, name, &f)) {
		parser_fail(p, "forward: %.80s is not PROTOCOL/PORT -> PEER:PORT; write tcp/8080 -> laptop:80, "
			    "with ports from 1 to 65535", value);
		return;
	}
	p->forward_line[c->forward_count] = p->line;
	strcpy(p->forward_peer[c->forward_count], name);
	c->forward[c->forward_count++] = f;
}

static void find_peer(struct parser *p, size_t i)
{
	struct config *c = p->config;

	for (size_t n = 0; n < c->peer_count; n++)
		if (strcmp(c->peer[n].name, p->forward_peer[i]) == 0) {
			c->forward[i].peer = n;
			return;
		}
	parser_fail_at(p, p->forward_line[i], "forward: there is no [peer %s]; write the name of a client of this "
		       "server", p->forward_peer[i]);
}

static void check_port(struct parser *p, size_t i)
{
	const struct config *c = p->config;
	const struct config_forward *f = &c->forward[i];
	const char *protocol = f->protocol == IPPROTO_TCP ? "tcp" : "udp";

	if (f->protocol == IPPROTO_UDP && f->port == c->listen)
		parser_fail_at(p, p->forward_line[i], "forward: udp/%u is the port that the tunnel itself listens on "
			       "(line %u)", f->port, p->listen_line);
	for (size_t n = 0; n < i; n++)
		if (c->forward[n].protocol == f->protocol && c->forward[n].port == f->port)
			parser_fail_at(p, p->forward_line[i], "forward: %s/%u is given in line %u already", protocol,
				       f->port, p->forward_line[n]);
}

void forward_check(struct parser *p)
{
	for (size_t i = 0; i < p->config->forward_count && !parser_failed(p); i++) {
		find_peer(p, i);
		check_port(p, i);
	}
}
