/* parser: see parser.h. */
#include "config/parser.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fail(struct parser *p, unsigned line, const char *format, va_list args)
{
	int n;

	if (parser_failed(p))
		return;
	p->result = -EINVAL;
	n = line != 0 ? snprintf(p->error, sizeof(p->error), "%.900s:%u: ", p->file, line)
		      : snprintf(p->error, sizeof(p->error), "%.900s: ", p->file);
	vsnprintf(p->error + n, sizeof(p->error) - (size_t)n, format, args);
	/* one line, whatever a value held */
	for (char *c = p->error; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
}

void parser_fail(struct parser *p, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fail(p, p->line, format, args);
	va_end(args);
}

void parser_fail_at(struct parser *p, unsigned line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fail(p, line, format, args);
	va_end(args);
}

void parser_no_memory(struct parser *p)
{
	parser_fail(p, "out of memory");
	p->result = -ENOMEM;
}

bool parser_name_is_valid(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t len = strlen(name);

	return len > 0 && len < CONFIG_NAME && strspn(name, allowed) == len;
}

/* One more element behind `count` of them; NULL, the array as it was, when memory is short. */
static void *grown(void *array, size_t count, size_t size)
{
	char *larger = reallocarray(array, count + 1, size);

	if (larger != NULL)
		memset(larger + count * size, 0, size);
	return larger;
}

bool parser_add_peer(struct parser *p, const char *name)
{
	struct config *c = p->config;
	struct config_peer *larger;

	if (c->peer_count == CONFIG_PEERS) {
		parser_fail(p, "more than %d peers; run a second tunnel for the rest", CONFIG_PEERS);
		return false;
	}
	larger = grown(c->peer, c->peer_count, sizeof(*c->peer));
	if (larger == NULL) {
		parser_no_memory(p);
		return false;
	}
	c->peer = larger;
	p->peer_line[c->peer_count] = p->line;
	strcpy(c->peer[c->peer_count++].name, name);
	return true;
}

bool parser_add_link(struct parser *p, const char *name)
{
	struct config *c = p->config;
	struct config_link *larger;

	if (c->link_count == CONFIG_LINKS) {
		parser_fail(p, "more than %d links", CONFIG_LINKS);
		return false;
	}
	larger = grown(c->link, c->link_count, sizeof(*c->link));
	if (larger == NULL) {
		parser_no_memory(p);
		return false;
	}
	c->link = larger;
	p->link_line[c->link_count] = p->line;
	c->link[c->link_count++] = config_link_default(name);
	return true;
}
