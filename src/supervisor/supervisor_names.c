/*
 * supervisor_names: the tunnel's DNS servers stay the host's.
 *
 * Where they are in resolv.conf, it is looked at: another program may write its own.
 * When they cannot be set, that is tried again after a while, and not at each of the
 * kernel's events: whoever keeps them may be slow to refuse, and all else waits.
 */
#include "base/log.h"
#include "supervisor/supervisor_state.h"

#define LOOK		1.0	/* seconds between two looks at resolv.conf */
#define AGAIN_FIRST	5.0	/* seconds until they are tried again; twice that the next time, */
#define AGAIN_MOST	60.0	/* and so on */
#define SAY_AGAIN	SEC(3600)	/* that another program writes there */

static void try_later(struct supervisor *s)
{
	if (s->host.dns_error == 0) {
		ev_timer_stop(s->loop, &s->names_again);
		s->names_wait = 0.0;
	} else if (!ev_is_active(&s->names_again)) {
		s->names_wait = s->names_wait == 0.0 ? AGAIN_FIRST : 2.0 * s->names_wait;
		if (s->names_wait > AGAIN_MOST)
			s->names_wait = AGAIN_MOST;
		ev_now_update(s->loop);		/* from now on, however long this try has taken */
		ev_timer_set(&s->names_again, s->names_wait, 0.0);
		ev_timer_start(s->loop, &s->names_again);
	}
}

void supervisor_watch_names(struct supervisor *s)
{
	try_later(s);
	if (!s->host.dns_in_file)
		ev_timer_stop(s->loop, &s->names);
	else if (!ev_is_active(&s->names))
		ev_timer_again(s->loop, &s->names);
}

static void on_again(struct ev_loop *loop, ev_timer *t, int events)
{
	struct supervisor *s = t->data;

	(void)loop;
	(void)events;
	host_set_names(&s->host);
	supervisor_apply(s);	/* tells how it went */
}

/* No event tells of resolv.conf for certain: it may be replaced, or a link to what is. */
static void on_look(struct ev_loop *loop, ev_timer *t, int events)
{
	struct supervisor *s = t->data;
	unsigned unsaid;

	(void)loop;
	(void)events;
	if (!host_names_are_overwritten(&s->host))
		return;
	if (host_set_names(&s->host) != EXIT_DONE) {
		supervisor_apply(s);	/* tells of it, and has it tried again */
		return;
	}
	/* it may be one that does not give in either */
	if (rarely_say(&s->overwritten, SAY_AGAIN, supervisor_now(), &unsaid))
		log_info("another program has written to resolv.conf: the tunnel's DNS servers are set again");
}

void supervisor_init_names(struct supervisor *s)
{
	ev_timer_init(&s->names, on_look, LOOK, LOOK);
	ev_timer_init(&s->names_again, on_again, AGAIN_FIRST, 0.0);
	s->names.data = s->names_again.data = s;
}
