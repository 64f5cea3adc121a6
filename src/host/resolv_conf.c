/* resolv_conf: see resolv_conf.h. */
#include "host/resolv_conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT	(64 * 1024)	/* bytes of a file that is looked at */
#define LINE	128		/* bytes of a tunnel's first line, with its NUL */

static const char by_ttt[] = "# by ttt for ", server[] = "nameserver ";
static const char kept[] = "#| ", kept_none[] = "#! there was no file\n";

#define KEPT	(sizeof(kept) - 1)

char *resolv_conf_read(const char *path, int *ret_err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = fd >= 0 ? malloc(TEXT + 1) : NULL;
	size_t len = 0;
	ssize_t got = 1;

	*ret_err = fd < 0 ? -errno : text == NULL ? -ENOMEM : 0;
	while (text != NULL && len <= TEXT && (got = read(fd, text + len, TEXT + 1 - len)) > 0)
		len += (size_t)got;
	if (text != NULL)
		*ret_err = got < 0 ? -errno : len > TEXT ? -EFBIG : 0;
	if (fd >= 0)
		close(fd);
	if (*ret_err < 0) {
		free(text);
		return NULL;
	}
	text[len] = '\0';
	return text;
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static const char *next_line(const char *at)
{
	at += strcspn(at, "\n");
	return at + (*at == '\n');
}

static void put_line(FILE *out, const char *line)
{
	fprintf(out, "%.*s\n", (int)strcspn(line, "\n"), line);
}

static const char *behind_marks(const char *line)
{
	while (begins(line, kept))
		line += KEPT;
	return line;
}

/* NULL: any tunnel's. */
static bool is_head(const char *line, const char *ifname)
{
	char head[LINE];

	if (ifname == NULL)
		return begins(line, by_ttt);
	snprintf(head, sizeof(head), "%s%s, until `ttt down`\n", by_ttt, ifname);
	return begins(line, head);
}

/* Where that tunnel's first line begins, and how many bytes of marks are before its words; NULL: nowhere. */
static const char *find(const char *text, const char *ifname, size_t *ret_depth)
{
	for (const char *at = text; *at != '\0'; at = next_line(at)) {
		const char *words = behind_marks(at);

		if (is_head(words, ifname)) {
			*ret_depth = (size_t)(words - at);
			return at;
		}
	}
	return NULL;
}

/* The words of a line of a tunnel whose lines have so many bytes of marks; NULL: it is none. */
static const char *words_of(const char *line, size_t depth)
{
	return (size_t)(behind_marks(line) - line) >= depth ? line + depth : NULL;
}

char *resolv_conf_with(const char *text, const char *ifname, const char *servers)
{
	char *now = NULL;
	size_t size;
	FILE *out = open_memstream(&now, &size);

	if (out == NULL)
		return NULL;
	fprintf(out, "%s%s, until `ttt down`\n%s", by_ttt, ifname, servers);
	if (text == NULL)
		fputs(kept_none, out);
	for (const char *at = text != NULL ? text : ""; *at != '\0'; at = next_line(at)) {
		fputs(kept, out);
		put_line(out, at);
	}
	fclose(out);
	return now;
}

/* Copies a tunnel's kept lines one mark less deep; where they end.  *ret_none: they say that there was no file. */
static const char *unwrap(const char *at, size_t depth, FILE *out, bool *ret_none)
{
	const char *words;

	for (; (words = words_of(at, depth)) != NULL && begins(words, kept); at = next_line(at)) {
		fprintf(out, "%.*s", (int)depth, at);
		put_line(out, words + KEPT);
	}
	if (words == NULL || !begins(words, kept_none))
		return at;
	if (depth == 0)
		*ret_none = true;
	else	/* for the tunnel above it */
		fprintf(out, "%.*s%s", (int)(depth - KEPT), at, kept_none);
	return next_line(at);
}

/* text without the lines from head on. */
static char *without_one(const char *text, const char *head, size_t depth, bool *ret_none)
{
	const char *at = next_line(head), *words;
	char *less = NULL;
	size_t size;
	FILE *out = open_memstream(&less, &size);

	if (out == NULL)
		return NULL;
	fwrite(text, 1, (size_t)(head - text), out);
	while ((words = words_of(at, depth)) != NULL && begins(words, server))
		at = next_line(at);
	at = unwrap(at, depth, out, ret_none);
	fputs(at, out);
	fclose(out);
	return less;
}

char *resolv_conf_without(const char *text, const char *ifname, bool *ret_none)
{
	char *now = strdup(text);
	const char *head;
	bool none = false;
	size_t depth;

	while (now != NULL && (head = find(now, ifname, &depth)) != NULL) {
		char *less = without_one(now, head, depth, &none);

		free(now);
		now = less;
	}
	*ret_none = none && now != NULL && now[0] == '\0';
	return now;
}

bool resolv_conf_has(const char *text, const char *ifname)
{
	size_t depth;

	return find(text, ifname, &depth) != NULL;
}

/* Exactly these follow a tunnel's first line. */
static bool are_servers(const char *at, size_t depth, const char *servers)
{
	const char *words = words_of(at, depth);

	for (const char *wanted = servers; *wanted != '\0'; wanted = next_line(wanted)) {
		size_t len = strcspn(wanted, "\n") + 1;

		if (words == NULL || strncmp(words, wanted, len) != 0)
			return false;
		at = next_line(at);
		words = words_of(at, depth);
	}
	return words == NULL || !begins(words, server);
}

bool resolv_conf_holds(const char *text, const char *ifname, const char *servers)
{
	const char *at;
	size_t depth;

	if (!is_head(text, NULL))
		return false;
	for (at = next_line(text); begins(at, server); at = next_line(at))
		;
	for (; *at == '#'; at = next_line(at))
		;
	if (*at != '\0')
		return false;
	at = find(text, ifname, &depth);
	return at != NULL && are_servers(next_line(at), depth, servers);
}
