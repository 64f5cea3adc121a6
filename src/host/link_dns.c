/* link_dns: see link_dns.h. */
#include "host/link_dns.h"

#include <ctype.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/resolv_conf.h"

#define LINE	512

struct found {
	struct addr *list;
	size_t count;
};

static void add(struct found *f, const char *word)
{
	struct addr a;

	if (f->count == LINK_DNS || !addr_parse(word, &a) || addr_is_any(&a))
		return;
	if (a.family == ADDR_IPV4 ? a.ip[0] == 127 : strcmp(word, "::1") == 0)
		return;		/* a stub on this host, which would ask through the tunnel */
	for (size_t i = 0; i < f->count; i++)
		if (addr_same_host(&f->list[i], &a))
			return;
	f->list[f->count++] = a;
}

/* Whatever in a text is an address; what is none is no matter. */
static void add_words(struct found *f, char *text)
{
	static const char between[] = " \t\r\n,;|";
	char *rest, *word;

	for (word = strtok_r(text, between, &rest); word != NULL; word = strtok_r(NULL, between, &rest))
		add(f, word);
}

/* Lines that begin so; the last ones count where a file is only ever added to. */
static void read_lines(struct found *f, FILE *in, const char *begins, bool last)
{
	char line[LINE];

	while (fgets(line, sizeof(line), in) != NULL) {
		char *at = line + strspn(line, " \t");

		if (strncmp(at, begins, strlen(begins)) != 0)
			continue;
		if (last)
			f->count = 0;
		add_words(f, at + strlen(begins));
	}
}

static void read_files(struct found *f, const char *pattern, const char *begins, bool last)
{
	glob_t files;

	if (f->count > 0 || glob(pattern, 0, NULL, &files) != 0)
		return;
	for (size_t i = 0; i < files.gl_pathc; i++) {
		FILE *in = fopen(files.gl_pathv[i], "re");

		if (in == NULL)
			continue;
		read_lines(f, in, begins, last);
		fclose(in);
	}
	globfree(&files);
}

/* The name comes from the kernel, and may hold anything but a slash and space. */
static bool is_plain(const char *ifname)
{
	for (; *ifname != '\0'; ifname++)
		if (!isalnum((unsigned char)*ifname) && strchr("._-@", *ifname) == NULL)
			return false;
	return true;
}

static void ask(struct found *f, const char *format, const char *ifname)
{
	char command[LINE];
	FILE *out;

	if (f->count > 0)
		return;
	snprintf(command, sizeof(command), format, ifname);
	out = popen(command, "re");
	if (out == NULL)
		return;
	read_lines(f, out, "", false);
	pclose(out);
}

static void read_of(struct found *f, const char *format, const char *ifname, const char *begins, bool last)
{
	char pattern[LINE];

	snprintf(pattern, sizeof(pattern), format, ifname);
	read_files(f, pattern, begins, last);
}

static void ask_network(struct found *f, const char *ifname, int index)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", index);
	ask(f, "exec 2>/dev/null; [ -S /run/systemd/resolve/io.systemd.Resolve ] && resolvectl dns %s", ifname);
	read_of(f, "/run/systemd/netif/leases/%s", number, "DNS=", false);
	ask(f, "exec 2>/dev/null; nmcli -e no -g IP4.DNS,IP6.DNS device show %s", ifname);
	read_of(f, "/run/resolvconf/interface*/%s.*", ifname, "nameserver", false);
	read_of(f, "/var/lib/dhcp/dhclient[.-]*%s.lease*", ifname, "option domain-name-servers", true);
}

/* Not those of tunnels. */
static void add_host(struct found *f)
{
	int err;
	char *text = resolv_conf_read(RESOLV_CONF, &err);
	bool none;
	char *host = text != NULL ? resolv_conf_without(text, NULL, &none) : NULL;
	FILE *in = host != NULL && host[0] != '\0' ? fmemopen(host, strlen(host), "r") : NULL;

	if (in != NULL) {
		read_lines(f, in, "nameserver", false);
		fclose(in);
	}
	free(host);
	free(text);
}

size_t link_dns(const char *ifname, int index, const struct addr *router, struct addr ret[LINK_DNS])
{
	struct found f = { .list = ret };
	char text[ADDR_TEXT];

	if (is_plain(ifname))
		ask_network(&f, ifname, index);
	if (f.count == 0 && router->family != ADDR_NONE)
		add(&f, addr_print(router, text));
	add_host(&f);
	return f.count;
}
