/* worker_child: see worker_child.h. */
#include "supervisor/worker_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "config/config.h"
#include "core/engine.h"

static void fill_setup(const struct config *c, size_t peers, const char *strategy, struct message *m)
{
	struct message_setup *s = &m->setup;

	*m = (struct message){ .type = MESSAGE_SETUP };
	s->role = c->role == CONFIG_SERVER ? MESSAGE_SERVER : MESSAGE_CLIENT;
	memcpy(s->private_key, c->private_key, sizeof(s->private_key));
	text_copy(s->strategy, sizeof(s->strategy), strategy);
	s->copies_ppm = c->copies_ppm;
	s->coalesce = c->coalesce;
	s->mtu = c->role == CONFIG_SERVER ? c->mtu : 0;	/* a client is told */
	s->address_count = c->address_count;
	memcpy(s->address, c->address, sizeof(s->address));
	s->dns_count = c->dns_count;
	memcpy(s->dns, c->dns, sizeof(s->dns));
	s->pool = (uint32_t)engine_bufs(peers);	/* they cost memory only once they are used */
	s->log_level = LOG_LEVEL_INFO;
	s->peer_count = (uint16_t)peers;
}

static void fill_peer(const struct config_peer *from, size_t index, struct message *m)
{
	struct message_peer *p = &m->peer;

	*m = (struct message){ .type = MESSAGE_PEER };
	p->index = (uint16_t)index;
	text_copy(p->name, sizeof(p->name), from->name);
	memcpy(p->public_key, from->public_key, sizeof(p->public_key));
	memcpy(p->preshared_key, from->preshared_key, sizeof(p->preshared_key));
	p->prefix_count = from->prefix_count;
	memcpy(p->prefix, from->prefix, sizeof(p->prefix));
	p->rate = from->rate;
}

static int introduce(struct worker_child *s, const struct config *c, const struct config_peer *server,
		     const char *strategy)
{
	const struct config_peer *peer = server != NULL ? server : c->peer;
	size_t peers = server != NULL ? 1 : c->peer_count;
	struct message m;
	int err;

	fill_setup(c, peers, strategy, &m);
	err = channel_send(s->channel, &m, -1);
	for (size_t i = 0; i < peers && err == 0; i++) {
		fill_peer(&peer[i], i, &m);
		err = channel_send(s->channel, &m, -1);
	}
	message_wipe(&m, sizeof(m));
	m.type = MESSAGE_START;
	return err == 0 ? channel_send(s->channel, &m, -1) : err;
}

static void close_both(const int fd[2])
{
	close(fd[0]);
	close(fd[1]);
}

/* The child: what it says goes to its parent. */
static void be_worker(int channel_fd, int words_fd, const struct worker_options *options)
{
	dup2(words_fd, STDERR_FILENO);
	log_to_parent();
	_exit(worker_run(channel_fd, options));
}

int worker_child_begin(struct worker_child *s, struct ev_loop *loop, const struct config *config,
		       const struct config_peer *server, const char *strategy,
		       const struct worker_options *options, struct worker_said *said,
		       const struct channel_owner *owner)
{
	int pair[2], words[2], err = channel_pair(pair);

	if (err < 0)
		return err;
	if (pipe2(words, O_CLOEXEC | O_NONBLOCK) < 0) {
		err = -errno;
		close_both(pair);
		return err;
	}
	s->pid = fork();
	if (s->pid < 0) {
		err = -errno;
		s->pid = 0;
		close_both(pair);
		close_both(words);
		return err;
	}
	if (s->pid == 0)
		be_worker(pair[1], words[1], options);
	close(pair[1]);
	close(words[1]);
	s->words = worker_words_new(loop, words[0], said);
	if (s->words == NULL)
		close(words[0]);
	s->channel = channel_new(loop, pair[0], CHANNEL_SUPERVISOR, owner);
	if (s->channel == NULL) {
		err = -errno;
		close(pair[0]);
	} else {
		err = introduce(s, config, server, strategy);
	}
	if (err < 0)
		worker_child_end(s);
	return err;
}

void worker_child_end(struct worker_child *s)
{
	channel_free(s->channel);
	s->channel = NULL;
	if (s->pid > 0) {
		kill(s->pid, SIGKILL);
		waitpid(s->pid, NULL, 0);
	}
	s->pid = 0;
	worker_words_end(s->words, s->last);
	s->words = NULL;
}
