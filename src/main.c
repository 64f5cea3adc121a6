/* main: the command line: options, and the table of commands. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cli.h"

struct command {
	const char *name, *arguments, *summary;
	const char *options;	/* letters of those that it takes, besides -h and -V */
	int operands;		/* at most */
	int (*run)(const struct cli *cli);
};

static const struct command commands[] = {
	{ "up", "[-f] [-c FILE]", "start; returns when the tunnel carries data", "ircf", 0, cli_up },
	{ "down", "[-c FILE]", "stop and restore; also cleans up after a crash", "irc", 0, cli_down },
	{ "status", "[--json] [--watch] [--routing]", "tunnel, links and paths", "ircjwR", 0, cli_status },
	{ "strategy", "[NAME]", "list the strategies, or use another one", "irc", 1, cli_strategy },
	{ "link", "[LINK [KEY=VALUE...]]", "how links are used, or use one otherwise", "irc", 17, cli_link },
	{ "portal", "LINK COMMAND [ARGUMENT...]", "run a command past the tunnel, by that link", "irc", 1 << 20,
	  cli_portal },
	{ "genkey", "", "make a private key", "", 0, cli_genkey },
	{ "pubkey", "", "the public key of the private key on standard input", "", 0, cli_pubkey },
	{ "genpsk", "", "make a preshared key", "", 0, cli_genpsk },
};

static const struct option long_options[] = {
	{ "interface", required_argument, NULL, 'i' },
	{ "runtime-dir", required_argument, NULL, 'r' },
	{ "config", required_argument, NULL, 'c' },
	{ "foreground", no_argument, NULL, 'f' },
	{ "json", no_argument, NULL, 'j' },
	{ "watch", no_argument, NULL, 'w' },
	{ "routing", no_argument, NULL, 'R' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

#define COMMANDS	(sizeof(commands) / sizeof(commands[0]))
#define OPTIONS		32

static int print_help(void)
{
	puts("usage: ttt COMMAND [OPTIONS]\n\n"
	     "One encrypted tunnel out of all links of this machine.\n");
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  %-9s %-32s %s\n", commands[i].name, commands[i].arguments, commands[i].summary);
	puts("\n"
	     "  -i NAME   the tunnel's interface (--interface; default: what the file says, else ttt0)\n"
	     "  -c FILE   configuration (--config; default " CLI_CONFIG ")\n"
	     "  -r DIR    runtime directory (--runtime-dir; default TTT_RUNTIME_DIR, else " CLI_RUNTIME_DIR ")\n"
	     "  -f        stay in the foreground (--foreground)\n"
	     "  -h, --help; -V, --version\n\n"
	     "Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 not permitted, 4 not running,\n"
	     "5 already up; of portal, once it runs, the command's.\n"
	     "More in ttt(8) and ttt.conf(5).");
	return fflush(stdout) == 0 ? EXIT_DONE : EXIT_FAILED;
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static void take_option(struct cli *cli, int option, const char *value)
{
	switch (option) {
	case 'i':
		cli->interface = value;
		break;
	case 'r':
		cli->runtime_dir = value;
		break;
	case 'c':
		cli->config = value;
		break;
	case 'f':
		cli->foreground = true;
		break;
	case 'j':
		cli->json = true;
		break;
	case 'w':
		cli->watch = true;
		break;
	case 'R':
		cli->routing = true;
		break;
	}
}

static int misused(const char *what, const char *word)
{
	log_error("%s%s: see ttt --help", what, word);
	return EXIT_USAGE;
}

/* The word is of no use for a letter that nobody knows: it may stand behind others. */
static int bad_option(int o, const char *word)
{
	const char letter[] = { '-', (char)optopt, '\0' };

	if (o == ':')
		return misused("a value is missing behind ", word);
	return misused("no such option, or none with a value: ", strncmp(word, "--", 2) == 0 ? word : letter);
}

static const char *name_of(int option)
{
	const struct option *l = long_options;

	while (l->val != option)
		l++;
	return l->name;
}

static int run(struct cli *cli, char **word, int count, const char *used)
{
	const struct command *c = find(word[0]);

	if (c == NULL)
		return misused("there is no command ", word[0]);
	for (const char *o = used; *o != '\0'; o++)
		if (strchr(c->options, *o) == NULL)
			return misused("that command does not take --", name_of(*o));
	if (count - 1 > c->operands)
		return misused("one word too many: ", word[1 + c->operands]);
	if (cli->interface != NULL && !config_ifname_is_valid(cli->interface))
		return misused("-i: no name for an interface: ", cli->interface);
	cli->operand = word + 1;
	cli->operand_count = count - 1;
	return c->run(cli);
}

/* The daemon lives in /, and a later command may come from elsewhere.  NULL: too long. */
static const char *absolute(const char *dir)
{
	static char path[CONFIG_PATH];
	char here[CONFIG_PATH];

	if (dir[0] == '/')
		return dir;
	if (getcwd(here, sizeof(here)) == NULL ||
	    snprintf(path, sizeof(path), "%s/%s", here, dir) >= (int)sizeof(path))
		return NULL;
	return path;
}

/* What must not go with the runtime directory lies beside it, but for the usual one, which a boot empties. */
static const char *state_dir(const char *runtime_dir)
{
	static char path[CONFIG_PATH];
	size_t len = strlen(runtime_dir);

	while (len > 1 && runtime_dir[len - 1] == '/')
		len--;
	if (len == strlen(CLI_RUNTIME_DIR) && strncmp(runtime_dir, CLI_RUNTIME_DIR, len) == 0)
		return CLI_STATE_DIR;
	return snprintf(path, sizeof(path), "%.*s.state", (int)len, runtime_dir) < (int)sizeof(path) ? path : NULL;
}

int main(int argc, char **argv)
{
	const char *dir = getenv("TTT_RUNTIME_DIR");
	struct cli cli = { .config = CLI_CONFIG, .runtime_dir = dir != NULL && *dir != '\0' ? dir : CLI_RUNTIME_DIR };
	char used[OPTIONS + 1] = "";
	/* the options behind its link are the other command's */
	bool portal = argc > 1 && strcmp(argv[1], "portal") == 0;
	size_t n = 0;
	int o;

	opterr = 0;
	optind = portal ? 2 : 1;
	while ((o = getopt_long(argc, argv, portal ? "+:i:r:c:fhV" : ":i:r:c:fhV", long_options, NULL)) != -1) {
		if (o == 'h')
			return print_help();
		if (o == 'V')
			return puts("ttt " TTT_VERSION) < 0 ? EXIT_FAILED : EXIT_DONE;
		if (o == '?' || o == ':')
			return bad_option(o, argv[optind - 1]);
		if (n == OPTIONS)
			return misused("too many options", "");
		take_option(&cli, o, optarg);
		used[n++] = (char)o;
	}
	if (portal)
		argv[--optind] = argv[1];
	if (optind == argc) {
		print_help();
		return EXIT_USAGE;
	}
	cli.runtime_dir = absolute(cli.runtime_dir);
	cli.state_dir = cli.runtime_dir != NULL ? state_dir(cli.runtime_dir) : NULL;
	if (cli.state_dir == NULL)
		return misused("-r: too long", "");
	return run(&cli, argv + optind, argc - optind, used);
}
