/* links: what enters a link and what comes out of it, and what happens to links; see sim_state.h. */
#include "sim/sim_state.h"

#include <stdlib.h>
#include <string.h>

#include "core/ecn.h"
#include "sim/must.h"
#include "sim/way.h"

#define SERVER_PORT	7474
#define QUEUE		1000
#define OUTER		28	/* bytes of IP and UDP before a datagram */
#define UNREAD		MSEC(20)	/* what came so short before a machine sleeps is read when it wakes */

static struct addr server_address(void)
{
	const uint8_t ip[4] = { 192, 0, 2, 1 };

	return addr_from_ipv4(ip, SERVER_PORT);
}

static struct addr client_address(int client, unsigned link, uint16_t port)
{
	const uint8_t ip[4] = { 198, 51, (uint8_t)(100 + client), (uint8_t)(1 + link) };

	return addr_from_ipv4(ip, port);
}

static uint8_t *copy_of(const uint8_t *datagram, size_t len)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);

	must_have(copy);
	memcpy(copy, datagram, len);
	return copy;
}

/* --- its router's marks -------------------------------------------------- */

static const struct codel_params codel_params = { .target = MSEC(5), .interval = MSEC(100) };

/* Whether CoDel strikes a packet that enters now, and so will leave the queue after its wait. */
static bool strikes(const struct sim_way *way, struct sim_wire *wire, nsec_t now)
{
	nsec_t wait = way_wait(way, wire, now);

	if (wait >= codel_params.target)
		codel_above(&wire->codel, &codel_params, now + wait);
	else
		codel_below(&wire->codel);
	return codel_strike(&wire->codel, &codel_params, now + wait);
}

/* A model's packet on a bare link has but one header. */
static void write_ecn(const struct sim_link *l, struct flight *f, uint8_t *packet, enum ecn ecn)
{
	f->ecn = (uint8_t)ecn;
	if (l->bare)
		ecn_write(packet, ecn);
}

/* False: it is dropped. */
static bool pass_router(const struct sim_link *l, const struct sim_way *way, struct sim_wire *wire,
			struct flight *f, uint8_t *packet, nsec_t now)
{
	bool strike = way->codel && strikes(way, wire, now);

	if (f->ecn != ECN_NOT_ECT && way->ecn == SIM_ECN_DROPS)
		return false;
	if (f->ecn != ECN_NOT_ECT && way->ecn == SIM_ECN_CLEARS)
		write_ecn(l, f, packet, ECN_NOT_ECT);
	if (f->ecn == ECN_NOT_ECT)
		return !strike;
	if ((strike || way->ecn == SIM_ECN_MARKS) && f->ecn != ECN_CE) {
		write_ecn(l, f, packet, ECN_CE);
		wire->marked++;
	}
	return true;
}

/* Into the link, where it waits its turn, or is lost. */
void link_enter(struct sim *s, int client, unsigned link, enum sim_direction direction,
		const uint8_t *datagram, size_t len, enum ecn ecn)
{
	struct sim_link *l = &s->link[client][link];
	bool up = direction == SIM_UP;
	const struct sim_way *way = up ? &l->up : &l->down;
	struct sim_wire *wire = up ? &l->up_wire : &l->down_wire;
	struct flight f = { .client = client, .link = link, .direction = direction, .port = l->port,
			    .len = len, .ecn = (uint8_t)ecn };
	uint8_t copy[2048];
	size_t outer = l->bare ? 0 : OUTER;

	memcpy(copy, datagram, f.len);
	if (s->tap != NULL && !s->tap(s->tap_ctx, s, (unsigned)client, link, direction, copy, &f.len))
		return;
	*(up ? &l->up_packets : &l->down_packets) += 1;
	*(up ? &l->up_bytes : &l->down_bytes) += f.len + outer;
	sim_mix(s, s->now ^ (uint64_t)f.len << 40 ^ (uint64_t)link << 56 ^ (uint64_t)direction << 60);
	if (way->cut || (way->mtu != 0 && f.len + outer > way->mtu)) {
		wire->lost++;
		return;
	}
	if (wire->queued >= (way->queue != 0 ? way->queue : QUEUE)) {
		*(up ? &l->up_dropped : &l->down_dropped) += 1;
		return;
	}
	if (way->loss_ppm != 0 && dice_draw(&s->dice) % 1000000 < way->loss_ppm) {
		wire->lost++;
		return;
	}
	if (!pass_router(l, way, wire, &f, copy, s->now)) {
		wire->lost++;
		return;
	}
	f.at = way_arrival(way, wire, (f.len + outer + way->framing) * 8, s->now, &s->dice);
	f.datagram = copy_of(copy, f.len);
	wire->queued++;
	flights_push(&s->flights, f);
}

void link_take_out(struct sim *s, int end)
{
	struct endpoint to;
	struct buf *b;

	while ((b = engine_net_out(end_of(s, end)->engine, s->now, &to)) != NULL) {
		if (end == SIM_SERVER)
			link_enter(s, to.remote.ip[2] - 100, to.remote.ip[3] - 1u, SIM_DOWN, b->data, b->len,
				   (enum ecn)b->ecn);
		else
			link_enter(s, end, to.socket, SIM_UP, b->data, b->len, (enum ecn)b->ecn);
		buf_put(b);
	}
}

static void deliver(struct sim *s, int client, unsigned link, enum sim_direction direction,
		    uint16_t port, const uint8_t *datagram, size_t len, enum ecn ecn)
{
	int end = direction == SIM_UP ? SIM_SERVER : client;
	struct engine_arrival a = { .from = { .socket = direction == SIM_UP ? 0 : (uint8_t)link } };
	struct buf *b = buf_get(end_of(s, end)->pool);

	if (b == NULL)
		return;
	a.datagram = b;
	a.from.remote = direction == SIM_UP ? client_address(client, link, port) : server_address();
	memcpy(buf_append(b, len), datagram, len);
	b->ecn = (uint8_t)ecn;
	engine_net_in_all(end_of(s, end)->engine, &a, 1, s->now);
	end_take_out(s, end);
}

/* Its machine sleeps: what has just come waits, what comes later finds nobody. */
static bool waits_for_end(struct sim *s, struct flight *f)
{
	const struct end *to = &s->client[f->client];

	if (f->direction == SIM_UP || !end_sleeps(s, f->client))
		return false;
	if (nsec_since(to->sleeps_from, s->now) < UNREAD) {
		f->at = to->sleeps_until;
		flights_push(&s->flights, *f);
	} else {
		s->link[f->client][f->link].down_wire.queued--;
		free(f->datagram);
	}
	return true;
}

void link_arrive(struct sim *s)
{
	struct flight f = flights_pop(&s->flights);
	struct sim_link *l = &s->link[f.client][f.link];
	struct sim_wire *wire = f.direction == SIM_UP ? &l->up_wire : &l->down_wire;

	if (waits_for_end(s, &f))
		return;
	wire->queued--;
	wire->carried++;
	wire->carried_bytes += f.len + (l->bare ? 0 : OUTER);
	/* a NAT knows only the port that the client has now */
	if (l->bare)
		model_take(s, f.direction, f.datagram, f.len);
	else if (f.direction == SIM_UP || f.port == l->port)
		deliver(s, f.client, f.link, f.direction, f.port, f.datagram, f.len, (enum ecn)f.ecn);
	free(f.datagram);
}

struct sim_link *sim_link(struct sim *s, unsigned client, unsigned link)
{
	return &s->link[client][link];
}

void link_join(struct sim *s, unsigned client, unsigned link)
{
	struct endpoint to = { .socket = (uint8_t)link, .remote = server_address() };

	must(engine_path_add(s->client[client].engine, &to, &s->link[client][link].wish, s->now) == 0,
	     "the engine takes no path for that link");
	end_take_out(s, (int)client);
}

unsigned sim_add_bare(struct sim *s, unsigned client, const struct sim_way *up,
		      const struct sim_way *down)
{
	unsigned link = s->links[client]++;

	must(link < SIM_LINKS, "too many links");
	s->link[client][link] = (struct sim_link){ .up = *up, .down = *down, .port = 40000,
						   .bare = true, .wish.weight = 1 };
	return link;
}

unsigned sim_add_ways(struct sim *s, unsigned client, const struct sim_way *up,
		      const struct sim_way *down)
{
	unsigned link = sim_add_bare(s, client, up, down);

	s->link[client][link].bare = false;
	link_join(s, client, link);
	return link;
}

unsigned sim_add_link(struct sim *s, unsigned client, uint64_t rate, nsec_t rtt, uint32_t loss_ppm)
{
	struct sim_way way = { .rate = rate, .delay = rtt / 2, .loss_ppm = loss_ppm };

	return sim_add_ways(s, client, &way, &way);
}

void sim_way_follow(struct sim *s, struct sim_way *way, const struct sim_rate *rates, size_t count,
		    nsec_t period)
{
	uint64_t most = 0;

	must(count > 0 && rates[0].at == 0, "a trace that does not begin at 0");
	for (size_t i = 0; i < count; i++)
		most = rates[i].rate > most ? rates[i].rate : most;
	must(period == 0 || (most > 0 && rates[count - 1].at < period),
	     "a trace that repeats but carries nothing, or is longer than its period");
	way->rates = rates;
	way->rate_count = count;
	way->rates_from = s->now;
	way->rates_period = period;
}

void sim_link_down(struct sim *s, unsigned client, unsigned link)
{
	sim_cut(s, client, link, true);
	engine_path_remove(s->client[client].engine, link, s->now);
	end_take_out(s, (int)client);
}

void sim_link_up(struct sim *s, unsigned client, unsigned link)
{
	sim_cut(s, client, link, false);
	link_join(s, client, link);
}

void sim_cut(struct sim *s, unsigned client, unsigned link, bool cut)
{
	s->link[client][link].up.cut = cut;
	s->link[client][link].down.cut = cut;
}

void sim_wish(struct sim *s, unsigned client, unsigned link, const struct engine_link *wish)
{
	s->link[client][link].wish = *wish;
	engine_path_set_link(sim_client(s, client), link, wish, s->now);
}

void sim_set_tap(struct sim *s, sim_tap *tap, void *ctx)
{
	s->tap = tap;
	s->tap_ctx = ctx;
}

void sim_inject(struct sim *s, unsigned client, unsigned link, enum sim_direction direction,
		const uint8_t *datagram, size_t len)
{
	deliver(s, (int)client, link, direction, s->link[client][link].port, datagram, len, ECN_NOT_ECT);
}

void sim_overfill(struct sim *s, unsigned client, unsigned link)
{
	struct engine_link wish = sim_link(s, client, link)->wish;

	wish.fixed = true;
	sim_wish(s, client, link, &wish);
}

uint64_t sim_arrived(const struct sim *s)
{
	struct engine_path_status path;

	return engine_path_status(sim_server((struct sim *)s), 0, s->now, &path, 1) == 1 ? path.rx_bytes : 0;
}
