/* worker_words: see worker_words.h. */
#include "supervisor/worker_words.h"

#include <ev.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#define HOUR	SEC(3600)
#define READ	4096	/* bytes at a time */
#define PIPE	(1024 * 1024)	/* bytes at most that an ended worker has left: the largest pipe of a process without rights */

static const char from[] = "worker: ";

struct worker_words {
	struct ev_loop *loop;
	struct ev_io io;
	struct ev_timer rest;		/* until there may be more lines */
	struct worker_said *said;
	char last[WORKER_WORD];
	char line[WORKER_WORD];
	size_t len;
};

/* Lines that may be logged now. */
static bool is_enough(struct worker_said *s)
{
	nsec_t now = clock_read(CLOCK_BOOTTIME);

	if (nsec_since(s->since, now) >= HOUR) {
		s->since = now;
		s->lines = 0;
	}
	return s->lines >= WORKER_WORDS;
}

static void take_line(struct worker_words *w)
{
	const char *text = w->line;
	enum log_level level;

	w->line[w->len] = '\0';
	w->len = 0;
	level = log_level_of(&text);
	if (*text == '\0')
		return;
	if (strncmp(text, from, sizeof(from) - 1) == 0)
		text += sizeof(from) - 1;
	text_copy(w->last, sizeof(w->last), text);
	if (is_enough(w->said))
		return;
	log_at(level, "%s%s", from, text);
	if (++w->said->lines == WORKER_WORDS)
		log_warning("%sthat is enough for this hour", from);
}

static void take(struct worker_words *w, const char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (c != '\n')
			w->line[w->len++] = c < 0x20 || c >= 0x7f ? '?' : (char)c;
		if (c == '\n' || w->len == sizeof(w->line) - 1)
			take_line(w);
	}
}

/* Nobody reads what a worker says in a flood: its pipe fills up, and it goes on without. */
static void rest(struct worker_words *w)
{
	nsec_t passed = nsec_since(w->said->since, clock_read(CLOCK_BOOTTIME));

	ev_io_stop(w->loop, &w->io);
	ev_timer_set(&w->rest, (double)(passed < HOUR ? HOUR - passed : 0) / NSEC_PER_SEC, 0.0);
	ev_timer_start(w->loop, &w->rest);
}

static void on_rested(struct ev_loop *loop, struct ev_timer *t, int events)
{
	(void)events;
	ev_io_start(loop, &((struct worker_words *)t->data)->io);
}

static void on_words(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct worker_words *w = io->data;
	char bytes[READ];
	ssize_t got = read(io->fd, bytes, sizeof(bytes));

	(void)events;
	if (got > 0)
		take(w, bytes, (size_t)got);
	else if (got == 0)
		ev_io_stop(loop, io);
	if (got > 0 && is_enough(w->said))
		rest(w);
}

struct worker_words *worker_words_new(struct ev_loop *loop, int fd, struct worker_said *said)
{
	struct worker_words *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->loop = loop;
	w->said = said;
	ev_io_init(&w->io, on_words, fd, EV_READ);
	ev_timer_init(&w->rest, on_rested, 0.0, 0.0);
	w->io.data = w->rest.data = w;
	ev_io_start(loop, &w->io);
	return w;
}

void worker_words_end(struct worker_words *w, char ret[WORKER_WORD])
{
	char bytes[READ];
	size_t left = PIPE;
	ssize_t got;

	if (w == NULL)
		return;
	ev_io_stop(w->loop, &w->io);
	ev_timer_stop(w->loop, &w->rest);
	/* another process may have the other end, and go on */
	while (left > 0 && (got = read(w->io.fd, bytes, sizeof(bytes))) > 0) {
		take(w, bytes, (size_t)got);
		left -= (size_t)got < left ? (size_t)got : left;
	}
	if (w->len > 0)
		take_line(w);
	close(w->io.fd);
	text_copy(ret, WORKER_WORD, w->last);
	free(w);
}
