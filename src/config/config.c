/*
 * config: see config.h.
 *
 * libinih cuts the text into sections, names and values; `feed` hands it one
 * line at a time, so that the line's number is known.  Each key is a row of a
 * table: where it may stand, and which function reads its value.  What only
 * the whole file can tell (is something missing, do two things collide) is
 * looked at behind the last line, in check.c.
 */
#include "config/config.h"

#include <errno.h>
#include <ini.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "config/check.h"
#include "config/forward.h"
#include "config/link.h"
#include "config/parser.h"
#include "config/value.h"

static const struct key_row keys[] = {
	{ SECTION_TUNNEL, "role", FOR_BOTH, KEY_ONCE, value_role },
	{ SECTION_TUNNEL, "interface", FOR_BOTH, KEY_ONCE, value_interface },
	{ SECTION_TUNNEL, "private-key-file", FOR_BOTH, KEY_ONCE, value_private_key_file },
	{ SECTION_TUNNEL, "strategy", FOR_BOTH, KEY_ONCE, value_strategy },
	{ SECTION_TUNNEL, "copies", FOR_BOTH, KEY_ONCE, value_copies },
	{ SECTION_TUNNEL, "coalesce", FOR_BOTH, KEY_ONCE, value_coalesce },
	{ SECTION_TUNNEL, "mtu", FOR_BOTH, KEY_ONCE, value_mtu },
	{ SECTION_TUNNEL, "threads", FOR_BOTH, KEY_ONCE, value_threads },
	{ SECTION_TUNNEL, "user", FOR_BOTH, KEY_ONCE, value_user },
	{ SECTION_TUNNEL, "offload", FOR_BOTH, KEY_ONCE, value_offload },
	{ SECTION_TUNNEL, "listen", FOR_SERVER, KEY_ONCE, value_listen },
	{ SECTION_TUNNEL, "address", FOR_SERVER, KEY_LIST, value_address },
	{ SECTION_TUNNEL, "dns", FOR_SERVER, KEY_LIST, value_dns },
	{ SECTION_TUNNEL, "isolation", FOR_SERVER, KEY_ONCE, value_isolation },
	{ SECTION_TUNNEL, "routed", FOR_SERVER, KEY_LIST, value_routed },
	{ SECTION_TUNNEL, "forward", FOR_SERVER, KEY_LIST, forward_read },
	{ SECTION_TUNNEL, "full-tunnel", FOR_CLIENT, KEY_ONCE, value_full_tunnel },
	{ SECTION_TUNNEL, "kill-switch", FOR_CLIENT, KEY_ONCE, value_kill_switch },
	{ SECTION_TUNNEL, "fallback", FOR_CLIENT, KEY_ONCE, value_fallback },
	{ SECTION_TUNNEL, "route", FOR_CLIENT, KEY_LIST, value_route },
	{ SECTION_TUNNEL, "exclude", FOR_CLIENT, KEY_LIST, value_outside },
	{ SECTION_TUNNEL, "exclude-uid", FOR_CLIENT, KEY_LIST, value_outside_user },
	{ SECTION_TUNNEL, "exclude-cgroup", FOR_CLIENT, KEY_LIST, value_outside_cgroup },
	{ SECTION_TUNNEL, "include-interfaces", FOR_CLIENT, KEY_LIST, value_include },
	{ SECTION_TUNNEL, "exclude-interfaces", FOR_CLIENT, KEY_LIST, value_exclude },
	{ SECTION_TUNNEL, "table", FOR_BOTH, KEY_ONCE, value_table },
	{ SECTION_TUNNEL, "rule-priority", FOR_BOTH, KEY_ONCE, value_rule_priority },
	{ SECTION_TUNNEL, "mark", FOR_BOTH, KEY_ONCE, value_mark },
	{ SECTION_TUNNEL, "reply-mark", FOR_BOTH, KEY_ONCE, value_reply_mark },
	{ SECTION_TUNNEL, "route-protocol", FOR_BOTH, KEY_ONCE, value_route_protocol },
	{ SECTION_PEER, "public-key", FOR_BOTH, KEY_ONCE, value_public_key },
	{ SECTION_PEER, "preshared-key-file", FOR_BOTH, KEY_ONCE, value_preshared_key_file },
	{ SECTION_PEER, "endpoint", FOR_CLIENT, KEY_LIST, value_endpoint },
	{ SECTION_PEER, "address", FOR_SERVER, KEY_LIST, value_peer_address },
	{ SECTION_PEER, "rate", FOR_SERVER, KEY_ONCE, value_peer_rate },
	{ SECTION_LINK, "tier", FOR_CLIENT, KEY_ONCE, link_tier },
	{ SECTION_LINK, "priority", FOR_CLIENT, KEY_ONCE, link_priority },
	{ SECTION_LINK, "weight", FOR_CLIENT, KEY_ONCE, link_weight },
	{ SECTION_LINK, "max-latency", FOR_CLIENT, KEY_ONCE, link_max_latency },
	{ SECTION_LINK, "max-loss", FOR_CLIENT, KEY_ONCE, link_max_loss },
	{ SECTION_LINK, "rate", FOR_CLIENT, KEY_ONCE, link_rate },
	{ SECTION_LINK, "congestion", FOR_CLIENT, KEY_ONCE, link_congestion },
	{ SECTION_LINK, "metered", FOR_CLIENT, KEY_ONCE, link_metered },
	{ SECTION_LINK, "budget", FOR_CLIENT, KEY_ONCE, link_budget },
	{ SECTION_LINK, "budget-reset", FOR_CLIENT, KEY_ONCE, link_budget_reset },
	{ SECTION_LINK, "gateway", FOR_CLIENT, KEY_LIST, link_gateway },
};

_Static_assert(ARRAY_SIZE(keys) <= PARSER_KEYS, "a key needs its bit");

static const char *const section_names[] = {
	[SECTION_NONE] = "", [SECTION_TUNNEL] = "tunnel", [SECTION_PEER] = "peer",
	[SECTION_LINK] = "link",
};

static void start_tunnel(struct parser *p)
{
	if (p->tunnel_line != 0)
		parser_fail(p, "a second [tunnel] section (the first is in line %u); join them",
			    p->tunnel_line);
	p->tunnel_line = p->line;
}

static void start_peer(struct parser *p, const char *name)
{
	if (!parser_name_is_valid(name)) {
		parser_fail(p, "a peer is called [peer NAME], NAME being 1 to %d letters, digits, "
			    "'.', '_' or '-'", CONFIG_NAME - 1);
		return;
	}
	for (size_t i = 0; i < p->config->peer_count; i++)
		if (strcmp(p->config->peer[i].name, name) == 0) {
			parser_fail(p, "a second [peer %s] (the first is in line %u); "
				    "give each peer its own name", name, p->peer_line[i]);
			return;
		}
	if (!parser_add_peer(p, name))
		return;
}

static void start_link(struct parser *p, const char *name)
{
	if (!config_ifname_is_valid(name)) {
		parser_fail(p, "a link is called [link NAME], NAME being an interface's or a pattern "
			    "as in wwan*, 1 to %d characters", CONFIG_IFNAME - 1);
		return;
	}
	for (size_t i = 0; i < p->config->link_count; i++)
		if (strcmp(p->config->link[i].name, name) == 0) {
			parser_fail(p, "a second [link %s] (the first is in line %u); join them",
				    name, p->link_line[i]);
			return;
		}
	parser_add_link(p, name);
}

/* "tunnel", "peer NAME", "link NAME": what stood between the brackets. */
static void start_section(struct parser *p, const char *title)
{
	size_t kind_len = strcspn(title, " \t");
	const char *name = title + kind_len + strspn(title + kind_len, " \t");

	p->section = SECTION_NONE;
	memset(p->seen, 0, sizeof(p->seen));
	for (size_t s = SECTION_TUNNEL; s <= SECTION_LINK; s++)
		if (strlen(section_names[s]) == kind_len &&
		    memcmp(section_names[s], title, kind_len) == 0)
			p->section = (enum section)s;
	switch (p->section) {
	case SECTION_TUNNEL:
		if (*name != '\0')
			parser_fail(p, "[tunnel] takes no name; write [tunnel] "
				    "(the device is called by `interface = NAME`)");
		else
			start_tunnel(p);
		break;
	case SECTION_PEER:
		start_peer(p, name);
		break;
	case SECTION_LINK:
		start_link(p, name);
		break;
	case SECTION_NONE:
		parser_fail(p, "unknown section [%.40s]; there are [tunnel], [peer NAME] and [link NAME]",
			    title);
		break;
	}
}

/* How many letters differ, roughly: insertions, deletions and changes (Levenshtein). */
static size_t distance(const char *a, const char *b)
{
	size_t row[40], len = strlen(b);

	if (len >= ARRAY_SIZE(row) || strlen(a) >= ARRAY_SIZE(row))
		return SIZE_MAX;
	for (size_t j = 0; j <= len; j++)
		row[j] = j;
	for (size_t i = 0; a[i] != '\0'; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < len; j++) {
			size_t best = diagonal + (a[i] != b[j]);

			diagonal = row[j + 1];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (diagonal + 1 < best)
				best = diagonal + 1;
			row[j + 1] = best;
		}
	}
	return row[len];
}

/* Whether the word is near enough to be meant. */
static bool is_like(const char *word, const char *name, size_t *best)
{
	size_t d = distance(word, name);

	if (d >= *best || d > 3 || d >= strlen(name))
		return false;
	*best = d;
	return true;
}

static void unknown_key(struct parser *p, const char *name)
{
	const char *near = NULL, *elsewhere = NULL;
	size_t best = SIZE_MAX;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (keys[i].section == p->section && is_like(name, keys[i].name, &best))
			near = keys[i].name;
		if (strcmp(keys[i].name, name) == 0)
			elsewhere = section_names[keys[i].section];
	}
	if (elsewhere != NULL)
		parser_fail(p, "%.40s: does not belong into [%s …]; it belongs into [%s%s]", name,
			    section_names[p->section], elsewhere,
			    strcmp(elsewhere, "tunnel") == 0 ? "" : " NAME");
	else if (near != NULL)
		parser_fail(p, "unknown key %.40s; did you mean %s?", name, near);
	else
		parser_fail(p, "unknown key %.40s in [%s%s]; ttt.conf(5) lists them all", name,
			    section_names[p->section], p->section == SECTION_TUNNEL ? "" : " …");
}

static const struct key_row *find_key(enum section section, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].section == section && strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

/* Which keys of one role stood where is remembered, for when the role is known. */
static void note_role(struct parser *p, const struct key_row *row)
{
	if (row->who == FOR_BOTH || p->role_key[row->who] != NULL)
		return;
	p->role_key[row->who] = row->name;
	p->role_line[row->who] = p->line;
}

static void read_key(struct parser *p, const char *name, const char *value)
{
	const struct key_row *row;
	size_t bit;

	if (p->section == SECTION_NONE) {
		parser_fail(p, "%.40s stands before the first section; begin with [tunnel]", name);
		return;
	}
	row = find_key(p->section, name);
	if (row == NULL) {
		unknown_key(p, name);
		return;
	}
	bit = (size_t)(row - keys);
	if (p->seen[bit] != 0 && row->times == KEY_ONCE) {
		parser_fail(p, "%s: given twice (first in line %u); leave one", name, p->seen[bit]);
		return;
	}
	p->seen[bit] = p->line;
	p->key = name;
	note_role(p, row);
	if (*value == '\0')
		parser_fail(p, "%s: no value; write %s = VALUE, or leave the line out", name, name);
	else if (row->times == KEY_LIST)
		value_each(p, value, row->read);
	else
		row->read(p, value);
}

/* inih: a name and its value.  0 would be counted as a syntax error there; ours are kept apart. */
static int on_key(void *user, const char *section, const char *name, const char *value)
{
	struct parser *p = user;

	(void)section;	/* `feed` has seen it, with its line */
	if (!parser_failed(p))
		read_key(p, name, value);
	return 1;
}

static size_t skip_space(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && (text[n] == ' ' || text[n] == '\t'))
		n++;
	return n;
}

/* A section's title is taken here: inih tells of none that has no keys. */
static void watch_section(struct parser *p, const char *line)
{
	char title[PARSER_LINE];
	const char *end = strchr(line, ']');
	size_t len;

	if (end == NULL) {
		parser_fail(p, "a section's name ends with a bracket: [tunnel]");
		return;
	}
	line += 1 + skip_space(line + 1, (size_t)(end - line - 1));
	len = (size_t)(end - line);
	while (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '\t'))
		len--;
	memcpy(title, line, len);
	title[len] = '\0';
	end += 1 + strspn(end + 1, " \t\r\n");
	if (*end != '\0' && *end != '#' && *end != ';')
		parser_fail(p, "something stands behind the section's bracket; give it a line of its own");
	else
		start_section(p, title);
}

/* Neither a comment, nor a section, nor `name = value`. */
static bool is_no_key(const char *line)
{
	return *line != '\0' && *line != '\r' && *line != '\n' && *line != ';' && *line != '#' &&
	       strpbrk(line, "=:") == NULL;
}

/*
 * The next line for inih, without the space before it (which would make it
 * the previous line's continuation there).  Behind the first error there are
 * no more lines.
 */
static char *feed(char *buf, int size, void *stream)
{
	struct parser *p = stream;
	const char *end;
	size_t len, skip;

	if (parser_failed(p) || p->left == 0)
		return NULL;
	end = memchr(p->at, '\n', p->left);
	len = end != NULL ? (size_t)(end - p->at) + 1 : p->left;
	p->line++;
	skip = skip_space(p->at, len);
	if (len - skip >= (size_t)size - 2 || len - skip >= PARSER_LINE) {
		parser_fail(p, "longer than %d characters; a list's key may stand several times",
			    size - 3);
		return NULL;
	}
	memcpy(buf, p->at + skip, len - skip);
	buf[len - skip] = '\0';
	p->at += len;
	p->left -= len;
	if (strlen(buf) != len - skip) {
		parser_fail(p, "a zero byte; this is not a text file");
		return NULL;
	}
	if (buf[0] == '[')
		watch_section(p, buf);
	else if (is_no_key(buf))
		parser_fail(p, "neither [section], nor key = value, nor # comment");
	return parser_failed(p) ? NULL : buf;
}

static int parse(struct parser *p)
{
	int syntax = ini_parse_stream(feed, p, on_key, p);

	if (!parser_failed(p) && syntax > 0) {
		p->line = (unsigned)syntax;
		parser_fail(p, "neither [section], nor key = value, nor # comment");
	}
	if (!parser_failed(p) && syntax < 0)
		parser_no_memory(p);
	if (!parser_failed(p)) {
		config_set_interface(p->config, p->config->interface);
		check_config(p);
	}
	return p->result;
}

static struct config *config_new(const char *const *strategies)
{
	struct config *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	memcpy(c->interface, CONFIG_INTERFACE, sizeof(CONFIG_INTERFACE));
	c->mtu = CONFIG_MTU;
	c->copies_ppm = CONFIG_COPIES;
	c->coalesce = true;
	c->threads = CONFIG_THREADS_AUTO;
	c->isolation = true;
	c->offload = true;
	if (strategies != NULL && strategies[0] != NULL)
		strncpy(c->strategy, strategies[0], sizeof(c->strategy) - 1);
	return c;
}

int config_parse(const char *text, size_t len, const char *file, const char *const *strategies,
		 struct config **ret, char error[CONFIG_ERROR])
{
	struct parser *p = calloc(1, sizeof(*p));
	int result = -ENOMEM;

	if (p == NULL || (p->config = config_new(strategies)) == NULL) {
		strcpy(error, "out of memory");
		free(p);
		return -ENOMEM;
	}
	p->file = file;
	p->strategies = strategies;
	p->at = text;
	p->left = len;
	p->full_tunnel = p->kill_switch = -1;
	if (len > CONFIG_SIZE_MAX)
		parser_fail(p, "larger than 1 MiB; this is not a configuration");
	result = parser_failed(p) ? p->result : parse(p);
	if (result < 0) {
		memcpy(error, p->error, sizeof(p->error));
		config_free(p->config);
	} else {
		*ret = p->config;
	}
	free(p);
	return result;
}

void config_free(struct config *config)
{
	if (config == NULL)
		return;
	for (size_t i = 0; i < config->peer_count; i++) {
		free(config->peer[i].endpoint);
		sodium_memzero(&config->peer[i], sizeof(config->peer[i]));
	}
	free(config->peer);
	free(config->link);
	sodium_memzero(config, sizeof(*config));
	free(config);
}

/* "KEY=VALUE", spaces around both allowed. */
static void read_word(struct parser *p, const char *word)
{
	size_t len = strcspn(word, "="), end = len;
	char name[PARSER_NAME];

	while (end > 0 && word[end - 1] == ' ')
		end--;
	if (word[len] == '\0' || end == 0 || end >= sizeof(name)) {
		parser_fail(p, "%.40s is not KEY=VALUE; write tier=backup", word);
		return;
	}
	memcpy(name, word, end);
	name[end] = '\0';
	word += len + 1;
	if (strcmp(name, "gateway") == 0)
		parser_fail(p, "gateway: cannot be changed while the tunnel is up; write it into the file");
	else
		read_key(p, name, word + strspn(word, " "));
}

int config_link_change(struct config_link *link, const char *const *word, size_t count,
		       char error[CONFIG_ERROR])
{
	struct parser *p = calloc(1, sizeof(*p));
	struct config_link changed = *link;
	struct config config = { .role = CONFIG_CLIENT, .link = &changed, .link_count = 1 };
	int result;

	if (p == NULL) {
		strcpy(error, "out of memory");
		return -ENOMEM;
	}
	p->file = link->name;
	p->config = &config;
	p->section = SECTION_LINK;
	for (size_t i = 0; i < count && !parser_failed(p); i++)
		read_word(p, word[i]);
	link_check(p, &changed);
	result = p->result;
	if (result < 0)
		memcpy(error, p->error, sizeof(p->error));
	else
		*link = changed;
	free(p);
	return result;
}

bool config_ifname_is_valid(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len >= CONFIG_IFNAME || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	for (; *name != '\0'; name++)
		if ((unsigned char)*name <= ' ' || *name == 0x7f || strchr("/:%", *name) != NULL)
			return false;
	return true;
}
