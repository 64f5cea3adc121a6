/* sim: the simulator and its loop; see sim.h. */
#include "sim/sim_state.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "sim/must.h"

static struct sim *begin(uint64_t seed, unsigned clients, const char *strategy, bool clear)
{
	struct sim *s = calloc(1, sizeof(*s));

	must_have(s);
	must(sodium_init() >= 0, "libsodium does not start");
	s->now = SEC(1000);
	s->clients = clients;
	s->clear = clear;
	text_copy(s->strategy, sizeof(s->strategy), strategy);
	flow_start_none(s);
	dice_sow(&s->dice, seed);
	dice_sow(&s->server.dice, seed + 1);
	dice_fill(&s->dice, s->server_key, 32);
	for (unsigned i = 0; i < clients; i++) {
		dice_sow(&s->client[i].dice, seed + 2 + i);
		dice_fill(&s->dice, s->client_key[i], 32);
	}
	end_start_all(s);
	return s;
}

struct sim *sim_new(uint64_t seed, unsigned clients, const char *strategy)
{
	return begin(seed, clients, strategy, false);
}

struct sim *sim_new_clear(uint64_t seed, unsigned clients, const char *strategy)
{
	return begin(seed, clients, strategy, true);
}

void sim_free(struct sim *s)
{
	flights_done(&s->flights);
	end_stop(&s->server);
	for (unsigned i = 0; i < s->clients; i++)
		end_stop(&s->client[i]);
	free(s->flow);
	free(s);
}

nsec_t sim_now(const struct sim *s)
{
	return s->now;
}

/* One thing happens; false: nothing before `until`. */
static bool happen(struct sim *s, nsec_t until, unsigned *spins)
{
	unsigned flow = 0;
	int end = 0;
	size_t model = 0, event = 0;
	nsec_t flow_at = flow_next_at(s, &flow), due = end_next_at(s, &end);
	nsec_t model_at = model_next_at(s, &model), event_at = event_next_at(s, &event);
	nsec_t arrival = flights_next_at(&s->flights);
	nsec_t at = nsec_min(nsec_min(arrival, nsec_min(flow_at, due)), nsec_min(model_at, event_at));

	if (at > until || at == NSEC_NEVER)
		return false;
	*spins = at <= s->now ? *spins + 1 : 0;
	must(*spins < 100000, "a deadline that is never met spins a CPU");
	s->now = nsec_max(s->now, at);
	if (event_at == at)
		event_act(s, event);
	else if (arrival == at)
		link_arrive(s);
	else if (flow_at == at)
		flow_send(s, flow);
	else if (model_at == at)
		model_tick(s, model);
	else
		end_tick(s, end);
	end_take_in(s);
	return true;
}

void sim_run(struct sim *s, nsec_t duration)
{
	nsec_t until = s->now + duration;
	unsigned spins = 0;

	while (happen(s, until, &spins))
		;
	s->now = until;
}

bool sim_run_until(struct sim *s, int end, enum engine_event_type type, nsec_t within)
{
	nsec_t until = s->now + within;
	unsigned had = sim_events(s, end, type), spins = 0;

	while (sim_events(s, end, type) == had)
		if (!happen(s, until, &spins)) {
			s->now = until;
			return false;
		}
	return true;
}

uint64_t sim_trace(const struct sim *s)
{
	return s->trace;
}
