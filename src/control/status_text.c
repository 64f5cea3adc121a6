/* status_text: see status_text.h. */
#include "control/status_text.h"

#include <string.h>

/* Three digits at most: 1.23, 12.3, 123; whole numbers stay whole below 10 of the smallest unit. */
static const char *scaled(double value, const char *const *unit, size_t units, char *buf)
{
	size_t u = 0;

	while (value >= 999.5 && u + 1 < units) {
		value /= 1000;
		u++;
	}
	snprintf(buf, STATUS_WORD, "%.*f %s", u == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2, value,
		 unit[u]);
	return buf;
}

const char *status_rate(uint64_t bytes_per_second, char buf[STATUS_WORD])
{
	static const char *const unit[] = { "bit/s", "kbit/s", "Mbit/s", "Gbit/s" };

	return scaled((double)bytes_per_second * 8, unit, 4, buf);
}

const char *status_bytes(uint64_t bytes, char buf[STATUS_WORD])
{
	static const char *const unit[] = { "B", "kB", "MB", "GB", "TB", "PB" };

	return scaled((double)bytes, unit, 6, buf);
}

const char *status_latency(nsec_t latency, char buf[STATUS_WORD])
{
	double ms = (double)latency / NSEC_PER_MSEC;

	if (latency == 0)
		snprintf(buf, STATUS_WORD, "- ms");
	else
		snprintf(buf, STATUS_WORD, "%.*f ms", ms < 9.95 ? 1 : 0, ms);
	return buf;
}

const char *status_age(nsec_t age, char buf[STATUS_WORD])
{
	unsigned long s = (unsigned long)(age / NSEC_PER_SEC);

	if (age == STATUS_NEVER)
		snprintf(buf, STATUS_WORD, "never");
	else if (s < 120)
		snprintf(buf, STATUS_WORD, "%lu s", s);
	else if (s < 2 * 3600)
		snprintf(buf, STATUS_WORD, "%lu min", s / 60);
	else if (s < 2 * 86400)
		snprintf(buf, STATUS_WORD, "%lu h", s / 3600);
	else
		snprintf(buf, STATUS_WORD, "%lu days", s / 86400);
	return buf;
}

static bool of_one_link(const struct status_path *a, const struct status_path *b)
{
	return a->link[0] != '\0' && strcmp(a->link, b->link) == 0;
}

/* Its link has several, of which one is used: which this is, and whether it is that one. */
static void print_which(const struct status_peer *peer, const struct status_path *p, FILE *out)
{
	const struct status_path *other = peer->path;
	char remote[ADDR_TEXT];

	while (other < peer->path + peer->path_count && (other == p || !of_one_link(p, other)))
		other++;
	if (other == peer->path + peer->path_count)
		return;
	fprintf(out, "  to %s", addr_print(&p->remote, remote));
	if (strcmp(p->state, "up") == 0 && !p->eligible)
		fputs(", stands by", out);
}

static void print_path(const struct status_peer *peer, const struct status_path *p, FILE *out)
{
	char remote[ADDR_TEXT], rtt[STATUS_WORD], down[STATUS_WORD], up[STATUS_WORD];
	const char *name = p->link[0] != '\0' ? p->link : addr_print(&p->remote, remote);

	fprintf(out, "path %s %s %s %.1f %% loss  %s down  %s up  %.0f %%", name, p->state,
		status_latency(p->srtt, rtt), p->loss_ppm / 1e4, status_rate(p->rx_rate, down),
		status_rate(p->tx_rate, up), p->share_ppm / 1e4);
	if (p->mtu != 0)
		fprintf(out, "  mtu %u", p->mtu);
	print_which(peer, p, out);
	fputc('\n', out);
}

struct sum {
	uint64_t down, up;
	size_t links;	/* that carry data */
};

/* One that works, and the first of its link that does. */
static bool is_a_link_more(const struct status_peer *peer, const struct status_path *p)
{
	if (strcmp(p->state, "up") != 0)
		return false;
	for (const struct status_path *before = peer->path; before < p; before++)
		if (strcmp(before->state, "up") == 0 && of_one_link(before, p))
			return false;
	return true;
}

static struct sum sum_of(const struct status *status)
{
	struct sum sum = { 0 };

	for (size_t i = 0; i < status->peer_count; i++)
		for (size_t k = 0; k < status->peer[i].path_count; k++) {
			const struct status_path *p = &status->peer[i].path[k];

			sum.down += p->rx_rate;
			sum.up += p->tx_rate;
			sum.links += is_a_link_more(&status->peer[i], p);
		}
	return sum;
}

static void print_peer(const struct status_peer *p, FILE *out)
{
	char age[STATUS_WORD], down[STATUS_WORD], up[STATUS_WORD];

	fprintf(out, "peer %s %s  %s to it  %s from it", p->name, p->state, status_bytes(p->tx_bytes, down),
		status_bytes(p->rx_bytes, up));
	if (p->session_age != STATUS_NEVER)
		fprintf(out, "  for %s", status_age(p->session_age, age));
	fputc('\n', out);
}

static void print_link(const struct status_link *l, FILE *out)
{
	char used[STATUS_WORD], left[STATUS_WORD];

	if (l->settings[0] != '\0')
		fprintf(out, "link %s %s%s%s\n", l->name, l->settings, l->changed ? "  (until ttt down)" : "",
			l->present ? "" : "  (not there)");
	if (l->budget != 0)
		fprintf(out, "budget %s: %s used, %s left until %s\n", l->name,
			status_bytes(l->budget_used, used), status_bytes(l->budget_left, left), l->budget_until);
	if (l->present && l->reason[0] != '\0')
		fprintf(out, "idle %s: %s\n", l->name, l->reason);
}

static void print_offload(const struct status *status, FILE *out)
{
	const char *tun = status->offload_tun, *udp = status->offload_udp;

	if (tun[0] == '\0' && udp[0] == '\0')
		return;
	fprintf(out, "offload: %s%s%s%s%s\n", tun[0] != '\0' ? "tun " : "", tun,
		tun[0] != '\0' && udp[0] != '\0' ? ", " : "", udp[0] != '\0' ? "udp " : "", udp);
}

void status_print(const struct status *status, FILE *out)
{
	bool server = strcmp(status->role, "server") == 0;
	char down[STATUS_WORD], up[STATUS_WORD], age[STATUS_WORD];
	struct sum sum = sum_of(status);

	fprintf(out, "%s %s  %s down  %s up  over %zu link%s  for %s\n", status->interface, status->state,
		status_rate(sum.down, down), status_rate(sum.up, up), sum.links, sum.links == 1 ? "" : "s",
		status_age(status->state_age, age));
	if (status->reason[0] != '\0')
		fprintf(out, "because %s\n", status->reason);
	for (size_t i = 0; i < status->peer_count; i++) {
		if (server)
			print_peer(&status->peer[i], out);
		for (size_t k = 0; k < status->peer[i].path_count; k++)
			print_path(&status->peer[i], &status->peer[i].path[k], out);
	}
	for (size_t i = 0; i < status->link_count; i++)
		print_link(&status->link[i], out);
	if (status->threads > 0)
		fprintf(out, "threads %u, which help to seal and open\n", status->threads);
	for (size_t i = 0; i < status->unused_count; i++)
		fprintf(out, "unused %s: %s\n", status->unused[i].link, status->unused[i].reason);
	print_offload(status, out);
	for (size_t i = 0; i < status->drop_count; i++)
		if (status->drop[i].count > 0)
			fprintf(out, "dropped %s: %llu\n", status->drop[i].name,
				(unsigned long long)status->drop[i].count);
	for (size_t i = 0; i < status->note_count; i++)
		fprintf(out, "note: %s\n", status->note[i]);
}
