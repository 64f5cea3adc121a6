/* supervisor_control: what people ask of the daemon (control/socket.h). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/exit_code.h"
#include "base/text.h"
#include "config/config.h"
#include "control/status_json.h"
#include "routing/apply.h"
#include "supervisor/supervisor_state.h"

#define ASK_AGAIN	SEC(2)	/* a worker that has not answered by then gets the question anew */

/* --- questions that wait ------------------------------------------------------ */

struct supervisor_question *supervisor_remember(struct supervisor *s, uint64_t request)
{
	struct supervisor_question *q = &s->question[s->question_count];

	if (s->question_count == SUPERVISOR_QUESTIONS) {
		control_refuse(s->control, request, EXIT_FAILED, "busy: ask again in a moment");
		return NULL;
	}
	s->question_count++;
	*q = (struct supervisor_question){ .request = request };
	return q;
}

static void forget(struct supervisor *s, size_t i)
{
	s->question[i] = s->question[--s->question_count];
}

/* --- status ------------------------------------------------------------------- */

static const char *state_of(const struct supervisor *s)
{
	const struct status *st = &s->report.status;

	if (s->worker.pid == 0)
		return "restarting";
	if (s->host.direct)
		return "direct";
	if (s->config->role == CONFIG_SERVER) {
		for (size_t i = 0; i < st->peer_count; i++)
			if (strcmp(st->peer[i].state, "up") == 0)
				return "up";
		return "waiting";
	}
	return st->peer_count > 0 ? st->peer[0].state : "connecting";
}

static void add_unused(struct status *st, const struct links *links)
{
	for (size_t i = 0; i < links->unused_count && i < STATUS_UNUSED; i++) {
		struct status_unused *u = &st->unused[st->unused_count++];

		text_copy(u->link, sizeof(u->link), links->unused[i].ifname);
		text_copy(u->reason, sizeof(u->reason), links->unused[i].reason);
	}
}

/* In words, what the TUN device takes in one piece. */
static const char *offload_of_tun(const struct supervisor *s)
{
	const struct message_tun *kind = &s->host.tun_kind;

	if (!s->config->offload)
		return "none (offload = off)";
	if (!kind->header)
		return "none (the kernel refused virtio headers)";
	if (!kind->tso)
		return "none (the kernel refused it)";
	return kind->uso ? "tso uso" : "tso (the kernel refused uso)";
}

/* What the worker does not know. */
static void complete_status(struct supervisor *s, struct status *st)
{
	const struct config *c = s->config;
	const struct message_tunnel *t = &s->host.tunnel;
	bool server = c->role == CONFIG_SERVER;

	text_copy(st->interface, sizeof(st->interface), c->interface);
	text_copy(st->role, sizeof(st->role), server ? "server" : "client");
	text_copy(st->state, sizeof(st->state), state_of(s));
	text_copy(st->strategy, sizeof(st->strategy), s->strategy);
	st->uptime = nsec_since(s->started_at, supervisor_now());
	st->state_age = nsec_since(s->state_at, supervisor_now());
	st->mtu = server ? c->mtu : t->mtu;
	st->listen = c->listen;
	st->full_tunnel = c->full_tunnel;
	st->kill_switch = c->kill_switch;
	st->address_count = server ? c->address_count : t->address_count;
	memcpy(st->address, server ? c->address : t->address, st->address_count * sizeof(st->address[0]));
	st->dns_count = server ? c->dns_count : t->dns_count;
	memcpy(st->dns, server ? c->dns : t->dns, st->dns_count * sizeof(st->dns[0]));
	text_copy(st->offload_tun, sizeof(st->offload_tun), offload_of_tun(s));
	if (!c->offload)
		text_copy(st->offload_udp, sizeof(st->offload_udp), "none (offload = off)");
	st->supervisor_pid = getpid();
	st->worker_pid = s->worker.pid;
	st->worker_restarts = s->worker.restarts;
	if (!server) {
		supervisor_describe_servers(s, st);
		add_unused(st, host_links(&s->host));
		supervisor_describe_links(s, st);
	}
	supervisor_describe_blocked(s, st);
	if (s->trouble[0] != '\0')
		text_copy(st->note[st->note_count++], STATUS_NOTE, s->trouble);
	if (s->budget.unkept)
		text_copy(st->note[st->note_count++], STATUS_NOTE,
			  "what is used of budgets cannot be written down: see the log");
	supervisor_describe_takeovers(s, st);
}

void supervisor_answer_status(struct supervisor *s)
{
	complete_status(s, &s->report.status);
	for (size_t i = s->question_count; i-- > 0;) {
		if (s->question[i].kind != QUESTION_STATUS)
			continue;
		control_reply(s->control, s->question[i].request,
			      json_pack("{s:b,s:o}", "ok", 1, "status", status_to_json(&s->report.status)));
		forget(s, i);
	}
	s->asked_at = 0;
	report_done(&s->report);
}

uint32_t supervisor_ask_worker(struct supervisor *s)
{
	struct message m = { .type = MESSAGE_STATUS_REQUEST };

	if (++s->question_id == 0)
		s->question_id = 1;
	m.status_request.id = s->question_id;
	if (s->worker.channel == NULL || channel_send(s->worker.channel, &m, -1) < 0)
		return 0;
	s->asked_at = supervisor_now();
	return s->question_id;
}

static void ask_status(struct supervisor *s, uint64_t request)
{
	if (supervisor_remember(s, request) == NULL)
		return;
	if (s->asked_at != 0 && nsec_since(s->asked_at, supervisor_now()) < ASK_AGAIN)
		return;	/* the answer under way is for this one too */
	if (supervisor_ask_worker(s) == 0)
		supervisor_answer_status(s);
}

/* --- routing -------------------------------------------------------------------- */

static void answer_routing(struct supervisor *s, uint64_t request)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL) {
		control_refuse(s->control, request, EXIT_FAILED, "out of memory");
		return;
	}
	router_print(s->host.router, out);
	fclose(out);
	control_reply(s->control, request, json_pack("{s:b,s:s}", "ok", 1, "text", text));
	free(text);
}

/* --- what the worker acknowledges -------------------------------------------------- */

static void ask_strategy(struct supervisor *s, const struct control_request *request)
{
	const char *name = json_string_value(json_object_get(request->object, "name"));
	struct message m = { .type = MESSAGE_STRATEGY };
	struct supervisor_question *q;

	if (name == NULL || name[0] == '\0' || strlen(name) >= sizeof(m.strategy.name)) {
		control_refuse(s->control, request->id, EXIT_USAGE,
			       "there is no such strategy: `ttt strategy` lists them");
		return;
	}
	q = supervisor_remember(s, request->id);
	if (q == NULL)
		return;
	q->kind = QUESTION_STRATEGY;
	q->id = m.strategy.id = ++s->question_id;
	text_copy(q->strategy, sizeof(q->strategy), name);
	text_copy(m.strategy.name, sizeof(m.strategy.name), name);
	if (s->worker.channel == NULL || channel_send(s->worker.channel, &m, -1) < 0)
		supervisor_answer_all(s);
}

static void answer_strategy(struct supervisor *s, const struct supervisor_question *q, int error)
{
	if (error != 0) {
		control_refuse(s->control, q->request, EXIT_USAGE,
			       "there is no such strategy: `ttt strategy` lists them");
		return;
	}
	memcpy(s->strategy, q->strategy, sizeof(s->strategy));
	if (s->config->role == CONFIG_SERVER)
		control_reply(s->control, q->request, json_pack("{s:b,s:s}", "ok", 1, "text",
			      "this is a server: clients that have said a strategy keep it, in both directions\n"));
	else
		control_accept(s->control, q->request);
}

void supervisor_answer_ack(struct supervisor *s, const struct message_ack *ack)
{
	for (size_t i = 0; i < s->question_count; i++) {
		const struct supervisor_question *q = &s->question[i];

		if (q->kind == QUESTION_STATUS || q->id != ack->id)
			continue;
		if (q->kind == QUESTION_STRATEGY)
			answer_strategy(s, q, ack->error);
		else
			supervisor_answer_link(s, q);
		forget(s, i);
		return;
	}
}

/* The next worker begins with the links as they are to be, but with the strategy that was in force. */
void supervisor_answer_all(struct supervisor *s)
{
	for (size_t i = s->question_count; i-- > 0;) {
		const struct supervisor_question *q = &s->question[i];

		if (q->kind == QUESTION_STATUS)
			continue;
		if (q->kind == QUESTION_LINK)
			supervisor_answer_link(s, q);
		else
			control_refuse(s->control, q->request, EXIT_FAILED,
				       "the worker is just being restarted: try again");
		forget(s, i);
	}
	supervisor_answer_status(s);
}

/* --- all of them ------------------------------------------------------------------ */

void supervisor_request(void *ctx, const struct control_request *request)
{
	struct supervisor *s = ctx;

	if (strcmp(request->command, "status") == 0) {
		ask_status(s, request->id);
	} else if (strcmp(request->command, "routing") == 0) {
		answer_routing(s, request->id);
	} else if (strcmp(request->command, "links") == 0) {
		supervisor_list_links(s, request);
	} else if (!request->may_change) {
		control_refuse(s->control, request->id, EXIT_NOT_PERMITTED, "only root may change the tunnel");
	} else if (strcmp(request->command, "portal") == 0) {
		supervisor_answer_portal(s, request);
	} else if (strcmp(request->command, "strategy") == 0) {
		ask_strategy(s, request);
	} else if (strcmp(request->command, "link") == 0) {
		supervisor_change_link(s, request);
	} else if (strcmp(request->command, "stop") == 0) {
		control_accept(s->control, request->id);
		ev_break(s->loop, EVBREAK_ALL);
	} else {
		control_refuse(s->control, request->id, EXIT_USAGE, "no such command");
	}
}
