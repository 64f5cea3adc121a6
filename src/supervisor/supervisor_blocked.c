/*
 * supervisor_blocked: whether firewalls of others let the tunnel live.  A server
 * looks as long as it lives; a client while it has no session.  And whether those
 * who load them leave our own tables alone.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "supervisor/supervisor_state.h"

#define REST		1.0		/* seconds between two times that tables are put back */
#define SAY_AGAIN	SEC(3600)	/* whoever deletes them now and then does so for ever */

static void on_traced(struct ev_loop *loop, ev_io *io, int events)
{
	struct supervisor *s = io->data;
	const char *news = blocked_read(&s->blocked, supervisor_now());

	(void)loop;
	(void)events;
	if (news != NULL)
		log_warning("%s", news);
}

void supervisor_begin_looking(struct supervisor *s)
{
	if (ev_is_active(&s->traced))
		return;
	blocked_begin(&s->blocked, s->config);
	if (blocked_fd(&s->blocked) < 0)
		return;
	ev_io_init(&s->traced, on_traced, blocked_fd(&s->blocked), EV_READ);
	s->traced.data = s;
	ev_io_start(s->loop, &s->traced);
}

void supervisor_end_looking(struct supervisor *s)
{
	ev_io_stop(s->loop, &s->traced);
	blocked_end(&s->blocked);
}

static void say_deleted(struct supervisor *s)
{
	static const char text[] = "somebody has deleted a table of ours in nftables: it is put back";
	unsigned unsaid;

	if (!rarely_say(&s->deleted, SAY_AGAIN, supervisor_now(), &unsaid))
		return;
	if (unsaid == 0)
		log_warning("%s", text);
	else
		log_warning("%s, as it was %u times since this was last said", text, unsaid);
}

/* At once, but then there is a rest: it may be just what has them deleted again. */
static void put_tables_back(struct supervisor *s)
{
	if (!host_look_at_tables(&s->host))
		return;
	say_deleted(s);
	supervisor_apply(s);
	ev_timer_set(&s->rest, REST, 0.0);
	ev_timer_start(s->loop, &s->rest);
}

static void on_rested(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop;
	(void)events;
	put_tables_back(t->data);
}

static void on_tables(struct ev_loop *loop, ev_io *io, int events)
{
	struct supervisor *s = io->data;

	(void)loop;
	(void)events;
	if (host_read_tables(&s->host) && !ev_is_active(&s->rest))
		put_tables_back(s);
}

void supervisor_watch_tables(struct supervisor *s)
{
	if (ev_is_active(&s->tables) || host_tables_fd(&s->host) < 0)
		return;
	ev_io_init(&s->tables, on_tables, host_tables_fd(&s->host), EV_READ);
	ev_timer_init(&s->rest, on_rested, REST, 0.0);
	s->tables.data = s->rest.data = s;
	ev_io_start(s->loop, &s->tables);
}

void supervisor_describe_blocked(const struct supervisor *s, struct status *st)
{
	const char *text;

	for (size_t n = 0; (text = blocked_now(&s->blocked, n, supervisor_now())) != NULL; n++)
		if (st->note_count < STATUS_NOTES)
			text_copy(st->note[st->note_count++], STATUS_NOTE, text);
}

void supervisor_blame(struct supervisor *s)
{
	size_t len = strlen(s->reason);
	const char *text;

	for (size_t n = 0; (text = blocked_now(&s->blocked, n, supervisor_now())) != NULL; n++)
		len += (size_t)snprintf(s->reason + len, sizeof(s->reason) - len, "; %s", text);
}
