/* worker_words: what a worker says on standard error, and what becomes of it in the log. */
#include <ev.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "folder.h"
#include "supervisor/worker_words.h"
#include "tap.h"

static struct ev_loop *loop;
static struct worker_said said;
static char last[WORKER_WORD];
static struct worker_words *words;
static int worker, stderr_was;
static char text[64 * 1024];

/* The log goes to a file, which is looked at afterwards. */
static int begin(void **state)
{
	int fd = open(folder_path("log"), O_CREAT | O_TRUNC | O_WRONLY, 0600), end[2];

	(void)state;
	if (fd < 0 || pipe2(end, O_NONBLOCK) < 0)
		return -1;
	stderr_was = dup(STDERR_FILENO);
	dup2(fd, STDERR_FILENO);
	close(fd);
	worker = end[1];
	words = worker_words_new(loop, end[0], &said);
	return words != NULL ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	close(worker);
	worker_words_end(words, last);
	words = NULL;
	said = (struct worker_said){ 0 };
	dup2(stderr_was, STDERR_FILENO);
	close(stderr_was);
	return 0;
}

static void say(const char *line)
{
	assert_int_equal(write(worker, line, strlen(line)), strlen(line));
	while (ev_run(loop, EVRUN_NOWAIT) && ev_pending_count(loop) > 0)
		;
}

static const char *logged(void)
{
	FILE *f = fopen(folder_path("log"), "r");
	size_t len = fread(text, 1, sizeof(text) - 1, f);

	fclose(f);
	text[len] = '\0';
	return text;
}

static size_t lines_logged(void)
{
	size_t n = 0;

	for (const char *at = logged(); (at = strchr(at, '\n')) != NULL; at++)
		n++;
	return n;
}

static void lines_are_logged_with_their_level(void **state)
{
	(void)state;
	setenv("JOURNAL_STREAM", "1", 1);
	say("<4>worker: no threads\n<6>worker: ");
	say("hello\n*** stack smashing detected ***\n");
	unsetenv("JOURNAL_STREAM");
	assert_string_equal(logged(), "<4>worker: no threads\n<6>worker: hello\n"
			    "<3>worker: *** stack smashing detected ***\n");
}

static void what_is_no_text_is_made_harmless(void **state)
{
	static char longer[WORKER_WORD + 10];

	(void)state;
	say("<3>\033[2Jgone\r\xff\n\n<9>x\n");
	assert_string_equal(logged(), "ttt: worker: ?[2Jgone??\nttt: worker: <9>x\n");
	memset(longer, 'x', sizeof(longer) - 2);
	longer[sizeof(longer) - 2] = '\n';
	say(longer);
	assert_int_equal(lines_logged(), 4);
}

static void the_last_words_of_one_that_is_gone_are_read(void **state)
{
	static const char words_of_it[] = "<3>worker: cannot shut itself in: chroot: Operation not permitted";

	(void)state;
	assert_int_equal(write(worker, words_of_it, strlen(words_of_it)), strlen(words_of_it));
	close(worker);
	worker_words_end(words, last);
	words = NULL;
	assert_string_equal(last, "cannot shut itself in: chroot: Operation not permitted");
	assert_int_equal(lines_logged(), 1);
}

static void a_flood_is_cut_off_and_leaves_the_loop_in_peace(void **state)
{
	static char flood[32 * 1024];
	int end[2];

	(void)state;
	memset(flood, '\n', sizeof(flood));
	for (size_t i = 0; i < sizeof(flood); i += 2)
		flood[i] = 'x';
	for (int i = 0; i < 20; i++) {
		if (write(worker, flood, sizeof(flood)) < 0)
			break;
		ev_run(loop, EVRUN_NOWAIT);
	}
	assert_int_equal(lines_logged(), WORKER_WORDS + 1);
	assert_non_null(strstr(logged(), "that is enough for this hour"));
	assert_true(write(worker, flood, sizeof(flood)) < 0);	/* nobody reads it any more */
	worker_words_end(words, last);
	close(worker);
	/* nor does the next one begin to count anew */
	assert_int_equal(pipe2(end, O_NONBLOCK), 0);
	worker = end[1];
	words = worker_words_new(loop, end[0], &said);
	say("<3>worker: more\n");
	assert_int_equal(lines_logged(), WORKER_WORDS + 1);
}

/* One that is asked beside it may take over: then it is not as if nothing had been said. */
static void two_at_a_time_count_together(void **state)
{
	int former = worker, end[2];
	struct worker_words *words_of_former = words;

	(void)state;
	assert_int_equal(pipe2(end, O_NONBLOCK), 0);
	words = worker_words_new(loop, end[0], &said);
	for (int i = 0; i < WORKER_WORDS; i++) {
		worker = i % 2 == 0 ? former : end[1];
		say("<3>worker: more\n");
	}
	worker_words_end(words_of_former, last);
	close(former);
	worker = end[1];
	assert_int_equal(lines_logged(), WORKER_WORDS + 1);
	say("<3>worker: more\n");
	assert_int_equal(lines_logged(), WORKER_WORDS + 1);
}

#define WITH_LOG(sentence, function) \
	{ .name = (sentence), .test_func = (function), .setup_func = begin, .teardown_func = end }

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_LOG("lines are logged with their level", lines_are_logged_with_their_level),
		WITH_LOG("what is no text is made harmless", what_is_no_text_is_made_harmless),
		WITH_LOG("the last words of one that is gone are read", the_last_words_of_one_that_is_gone_are_read),
		WITH_LOG("a flood is cut off, and leaves the loop in peace",
			 a_flood_is_cut_off_and_leaves_the_loop_in_peace),
		WITH_LOG("two at a time count together", two_at_a_time_count_together),
	};
	int failed;

	folder_make();
	loop = ev_loop_new(0);
	failed = RUN_TESTS(tests);
	ev_loop_destroy(loop);
	folder_remove();
	return failed;
}
