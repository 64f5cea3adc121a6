/*
 * crew: see crew.h.
 *
 * What is left of the work is one number, `left`: the run's number, and how many
 * items nobody has taken.  Who is free takes some off its end with one
 * compare-and-swap, fewer the fewer there are, so that all end at about the same
 * time.  That the run's number is in it, and that nothing is left between two
 * runs, makes it safe to come late: whoever took something knows that its run
 * goes on until he says that he is done, and only then looks at what it is.
 */
#include "io/crew.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"

#define STACK		(512 * 1024)
/*
 * To wake a thread takes longer than most bursts.  So where they come so closely that
 * a core is nearly busy with them, threads look for the next one, and sleep where they do not.
 */
#define GAP_CLOSE	(150 * NSEC_PER_USEC)
#define LOOK_CLOSE	(300 * NSEC_PER_USEC)
#define LOOK_ELSE	(5 * NSEC_PER_USEC)
#define GAP_MOST	MSEC(1)		/* what a longer one counts as */
#define GAP_SHARE	8		/* the mean goes so much of the way to the newest */
#define SPINS_END	2000	/* looks whether the others are done, before the caller does */
#define USUAL_MAX	4
#define CORES_OTHERS	2	/* are for the loop, and for those whose packets they are */

struct crew {
	unsigned threads;
	pthread_t thread[CREW_MAX];
	atomic_uint begun;
	/* the run; written while nothing is left of the last one */
	hands_job *job;
	void *work;
	_Alignas(64) _Atomic uint64_t left;
	atomic_uint turn;		/* runs that have begun: what sleepers wait for */
	atomic_uint sleepers;
	atomic_bool over;
	_Alignas(64) atomic_uint done;	/* items of this run that threads have done */
	atomic_bool caller_sleeps;
};

struct hand {
	struct crew *crew;
	unsigned number;
};

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* Spurious wake-ups are no harm: who sleeps looks again. */
static void sleep_while(atomic_uint *at, unsigned value)
{
	syscall(SYS_futex, at, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void wake(atomic_uint *at, int count)
{
	syscall(SYS_futex, at, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

/* --- the work ------------------------------------------------------------- */

static uint32_t items_of(uint64_t left)
{
	return (uint32_t)left;
}

/* Take some items; *ret_to is behind the last.  Gives how many; 0: none is left. */
static uint32_t take(struct crew *c, uint32_t *ret_to)
{
	uint64_t left = atomic_load_explicit(&c->left, memory_order_acquire);
	uint32_t share = 2 * (c->threads + 1);

	while (items_of(left) > 0) {
		uint32_t n = (items_of(left) + share - 1) / share;

		if (atomic_compare_exchange_weak_explicit(&c->left, &left, left - n, memory_order_acq_rel,
							  memory_order_acquire)) {
			*ret_to = items_of(left);
			return n;
		}
	}
	return 0;
}

/* Gives how many items were done. */
static uint32_t work(struct crew *c, unsigned hand)
{
	uint32_t n, to, done = 0;

	while ((n = take(c, &to)) > 0) {
		c->job(c->work, hand, to - n, to);
		done += n;
		if (hand == 0)
			continue;
		/* from here on the run may be over, and the next one begin */
		atomic_fetch_add(&c->done, n);
		if (atomic_load(&c->caller_sleeps))
			wake(&c->done, 1);
	}
	return done;
}

/* --- threads --------------------------------------------------------------- */

/* Until there is a run that was not seen yet.  gap: how long that takes in the mean. */
static void wait_for_work(struct crew *c, unsigned seen, nsec_t *gap)
{
	const nsec_t began = clock_read(CLOCK_MONOTONIC), look = *gap <= GAP_CLOSE ? LOOK_CLOSE : LOOK_ELSE;
	nsec_t passed = 0;

	while (atomic_load_explicit(&c->turn, memory_order_acquire) == seen && passed < look) {
		relax();
		passed = clock_read(CLOCK_MONOTONIC) - began;
	}
	if (atomic_load(&c->turn) == seen) {
		atomic_fetch_add(&c->sleepers, 1);
		while (atomic_load(&c->turn) == seen)
			sleep_while(&c->turn, seen);
		atomic_fetch_sub(&c->sleepers, 1);
		passed = clock_read(CLOCK_MONOTONIC) - began;
	}
	*gap = (*gap * (GAP_SHARE - 1) + nsec_min(passed, GAP_MOST)) / GAP_SHARE;
}

static void *live(void *ctx)
{
	struct hand hand = *(struct hand *)ctx;
	struct crew *c = hand.crew;
	unsigned seen = atomic_load(&c->turn);
	nsec_t gap = GAP_MOST;

	atomic_fetch_add(&c->begun, 1);
	while (!atomic_load(&c->over)) {
		wait_for_work(c, seen, &gap);
		seen = atomic_load(&c->turn);
		work(c, hand.number);
	}
	return NULL;
}

static int start_one(struct crew *c, struct hand *hand)
{
	pthread_attr_t attributes;
	int error = pthread_attr_init(&attributes);

	if (error != 0)
		return -error;
	error = pthread_attr_setstacksize(&attributes, STACK);
	if (error == 0)
		error = pthread_create(&c->thread[c->threads], &attributes, live, hand);
	pthread_attr_destroy(&attributes);
	if (error == 0)
		c->threads++;
	return -error;
}

/* hand must stay until all have begun. */
static int start(struct crew *c, unsigned threads, struct hand *hand)
{
	sigset_t all, before;
	int error = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (unsigned i = 0; i < threads && error == 0; i++) {
		hand[i] = (struct hand){ c, i + 1 };
		error = start_one(c, &hand[i]);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	while (atomic_load(&c->begun) < c->threads)
		sched_yield();
	return error;
}

unsigned crew_usual(void)
{
	cpu_set_t set;
	int cores = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

	if (cores <= CORES_OTHERS)
		return 0;
	return cores - CORES_OTHERS < USUAL_MAX ? (unsigned)cores - CORES_OTHERS : USUAL_MAX;
}

int crew_new(unsigned threads, struct crew **ret)
{
	struct hand hand[CREW_MAX];
	struct crew *c;
	int error;

	if (threads > CREW_MAX)
		return -EINVAL;
	c = aligned_alloc(64, sizeof(*c));
	if (c == NULL)
		return -ENOMEM;
	memset(c, 0, sizeof(*c));
	error = start(c, threads, hand);
	if (error < 0) {
		crew_free(c);
		return error;
	}
	*ret = c;
	return 0;
}

void crew_free(struct crew *c)
{
	if (c == NULL)
		return;
	atomic_store(&c->over, true);
	atomic_fetch_add(&c->turn, 1);
	wake(&c->turn, INT_MAX);
	for (unsigned i = 0; i < c->threads; i++)
		pthread_join(c->thread[i], NULL);
	free(c);
}

/* --- the caller ------------------------------------------------------------ */

static void begin(struct crew *c, hands_job *job, void *of, uint32_t count)
{
	unsigned turn = atomic_load(&c->turn) + 1;

	c->job = job;
	c->work = of;
	atomic_store_explicit(&c->done, 0, memory_order_relaxed);
	atomic_store_explicit(&c->left, (uint64_t)turn << 32 | count, memory_order_release);
	/* either a thread sees the new turn before it sleeps, or we see that it does */
	atomic_store(&c->turn, turn);
	if (atomic_load(&c->sleepers) > 0)
		wake(&c->turn, INT_MAX);
}

/* So many items were taken by threads: they are done, too, when this comes back. */
static void wait_for_rest(struct crew *c, uint32_t rest)
{
	unsigned done;

	for (unsigned i = 0; i < SPINS_END; i++) {
		if (atomic_load_explicit(&c->done, memory_order_acquire) == rest)
			return;
		relax();
	}
	atomic_store(&c->caller_sleeps, true);
	while ((done = atomic_load(&c->done)) != rest)
		sleep_while(&c->done, done);
	atomic_store(&c->caller_sleeps, false);
}

void crew_run(void *crew, hands_job *job, void *of, size_t count)
{
	struct crew *c = crew;

	if (c->threads == 0 || count < 2 || count > UINT32_MAX) {
		job(of, 0, 0, count);
		return;
	}
	begin(c, job, of, (uint32_t)count);
	wait_for_rest(c, (uint32_t)count - work(c, 0));
}
