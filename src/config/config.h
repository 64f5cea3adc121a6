/*
 * config: the configuration, from text to plain data.  Pure: no file is
 * opened here (load.h reads the file and the keys that it names).
 *
 * Every error is one line, `file:line: what, and what would be right`; the
 * first one wins.  Unknown keys and sections are errors.  The keys:
 *
 *   key                  who  values                            default
 *   [tunnel]
 *   role                 both client | server                   client
 *   interface            both name of the TUN device            ttt0
 *   private-key-file     both path                              must be there
 *   strategy             both a name of the caller's list       the first of the list
 *   copies               both 5%; 0.01% to 100%; none           5%
 *   coalesce             both yes | no                          yes
 *   mtu                  both 1280..1900, of the tunnel         1420
 *   threads              both auto | 0..8, beside the worker's own  auto
 *   user                 both whom the worker runs as           ttt if it exists, else 64774
 *   offload              both auto | off                        auto
 *   listen               srv  port 1..65535                     must be there
 *   address              srv  prefixes, at most 4               must be there
 *   dns                  srv  addresses, at most 4              none
 *   isolation            srv  yes | no                          yes
 *   routed               srv  prefixes, at most 8               none
 *   forward              srv  tcp/8080 -> PEER[:PORT], at most 64   none
 *   full-tunnel          clt  yes | no                          yes
 *   kill-switch          clt  yes | no                          as full-tunnel, but with fallback = direct no
 *   fallback             clt  block | direct                    block
 *   route                clt  prefixes, at most 64              none
 *   exclude              clt  prefixes, at most 64              none
 *   exclude-uid          clt  users: names, numbers, 1000-1999; at most 16   none
 *   exclude-cgroup       clt  paths of cgroups, at most 16      none
 *   include-interfaces   clt  names or patterns, at most 16     none
 *   exclude-interfaces   clt  names or patterns, at most 16     none
 *   table                both 1..65000, and the 99 above        7400 + 100 N
 *   rule-priority        both 1..32000, and the 99 above        7400 + 100 N
 *   mark                 both 1..0xffff, of our datagrams       0x7474
 *   reply-mark           both 1..0xfff0, and the 15 above       0x7501 + 16 N
 *   route-protocol       both 5..255                            84
 *   [peer NAME]               a client's are servers, 1..8; a server's 1..256
 *   public-key           both base64                            must be there
 *   preshared-key-file   both path                              none
 *   endpoint             clt  HOST[:PORT], at most 8            must be there; port 7474
 *   address              srv  prefixes, at most 16              must be there
 *   rate                 srv  50mbit; 8kbit to 100gbit; none    none
 *   [link NAME]          clt  optional, at most 64; NAME may be a pattern
 *   tier                 clt  primary | overflow | backup | never   primary
 *   priority             clt  0..255, lower goes first          100
 *   weight               clt  1..1000                           1
 *   max-latency          clt  150ms, 2s; up to 60s; none        none
 *   max-loss             clt  3%; 0.01% to 100%; none           none
 *   rate                 clt  20mbit; 8kbit to 100gbit; none    none
 *   congestion           clt  auto | fixed (needs rate)         auto
 *   metered              clt  yes | no                          no
 *   budget               clt  20GB a month; 1kB to 1000TB; none none
 *   budget-reset         clt  1..28, day of the month           1
 *   gateway              clt  address, one per family           found by itself
 *
 * N is the number at the end of the interface's name where that is 1 to 50
 * (ttt1, ttt2 …), else 0: so tunnels side by side do not meet.
 *
 * Lists are separated by commas, and a list's key may stand several times.
 */
#ifndef TTT_CONFIG_CONFIG_H
#define TTT_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/units.h"

#define CONFIG_SIZE_MAX		(1024 * 1024)	/* bytes of text */
#define CONFIG_PEERS		256
#define CONFIG_SERVERS		8	/* peers of a client */
#define CONFIG_LINKS		64
#define CONFIG_ADDRESSES	4	/* of the server itself */
#define CONFIG_PEER_PREFIXES	16
#define CONFIG_ENDPOINTS	8
#define CONFIG_DNS		4
#define CONFIG_ROUTED		8
#define CONFIG_FORWARDS		64
#define CONFIG_ROUTES		64
#define CONFIG_PATTERNS		16
#define CONFIG_NAME		32	/* bytes of a peer's or strategy's name, with its NUL */
#define CONFIG_IFNAME		16	/* of an interface's */
#define CONFIG_HOST		254
#define CONFIG_CGROUP		192	/* of a cgroup's path */
#define CONFIG_PATH		1024
#define CONFIG_LINK_TEXT	320	/* bytes that the words of a link fit in */
#define CONFIG_ERROR		1400	/* bytes that any error fits in */

#define CONFIG_PORT		7474
#define CONFIG_MTU		1420
#define CONFIG_COPIES		50000	/* ppm */
#define CONFIG_MTU_MIN		1280
#define CONFIG_MTU_MAX		1900
#define CONFIG_INTERFACE	"ttt0"
#define CONFIG_THREADS_MAX	8
#define CONFIG_THREADS_AUTO	255	/* what suits the machine */

enum config_role { CONFIG_CLIENT, CONFIG_SERVER };

struct config_endpoint {
	char host[CONFIG_HOST];		/* a name, or the text of addr; no brackets */
	uint16_t port;			/* never 0 */
	struct addr addr;		/* with its port; ADDR_NONE: host is to be resolved */
};

struct config_peer {
	char name[CONFIG_NAME];
	uint8_t public_key[32];
	unsigned public_key_line, preshared_key_line;	/* in the file, for config_load's words */
	char preshared_key_file[CONFIG_PATH];	/* absolute or as the file's folder says; empty: none */
	uint8_t preshared_key[32];	/* config_load fills it; zeros: none */
	struct config_endpoint *endpoint;	/* client: 1..CONFIG_ENDPOINTS; server: none */
	size_t endpoint_count;
	/* Server: inner addresses and prefixes of this peer, inside the server's own and
	 * nobody else's; the first of each family is its address. */
	struct prefix prefix[CONFIG_PEER_PREFIXES];
	size_t prefix_count;
	uint64_t rate;			/* server: bytes per second, each way; 0: no limit */
};

/* A port of the server that leads to a client. */
struct config_forward {
	uint8_t protocol;	/* IPPROTO_TCP, IPPROTO_UDP */
	uint16_t port, to_port;	/* never 0 */
	size_t peer;		/* whose first address of each family gets it */
};

/* When a link is used at all, under every strategy. */
enum config_tier { CONFIG_TIER_PRIMARY, CONFIG_TIER_OVERFLOW, CONFIG_TIER_BACKUP, CONFIG_TIER_NEVER };

/* How the user wants one interface to be used, or all of a pattern. */
struct config_link {
	char name[CONFIG_IFNAME];	/* as it stands in the section, or the interface's */
	enum config_tier tier;
	uint8_t priority;		/* lower goes first */
	uint16_t weight;		/* 1..1000 */
	nsec_t max_latency;		/* whole milliseconds; 0: no limit */
	uint32_t max_loss_ppm;		/* 0: no limit */
	uint64_t rate;			/* bytes per second, each way; 0: no limit */
	bool fixed;			/* the controller that knows the rate; never without one */
	bool metered;
	uint64_t budget;		/* bytes a month, both ways together; 0: none */
	uint8_t budget_reset;		/* day of the month, 1..28, that it begins anew */
	struct addr gateway[2];		/* at most one of each family; a pattern has none */
	size_t gateway_count;
};

/* Numbers for rules, routes and marks; routing/marks.h tells what they are. */
struct config_marks {
	uint8_t protocol;
	uint32_t fwmark, reply_mark;
	uint32_t table, priority;
};

struct config {
	enum config_role role;
	char interface[CONFIG_IFNAME];
	char private_key_file[CONFIG_PATH];	/* absolute or as the file's folder says */
	uint8_t private_key[32];	/* config_load fills it */
	unsigned private_key_line;	/* in the file, for config_load's words */
	char strategy[CONFIG_NAME];
	uint32_t copies_ppm;		/* of all bytes, that copies may take; 0: none */
	bool coalesce;			/* small packets that wait share a datagram */
	uint16_t mtu;			/* server: handed out; client: what it takes at most */
	uint8_t threads;		/* that help the worker: 0..CONFIG_THREADS_MAX, or _AUTO */
	char user[CONFIG_NAME];		/* a name or number; empty: the supervisor's choice */
	bool offload;			/* packets go in one piece where the kernel takes them so */
	uint16_t listen;		/* server: UDP port; client: 0 */
	struct prefix address[CONFIG_ADDRESSES];	/* server: its own, host bits kept */
	size_t address_count;
	struct addr dns[CONFIG_DNS];	/* server: resolvers it hands out */
	size_t dns_count;
	bool isolation;			/* server: its clients do not reach each other */
	struct prefix routed[CONFIG_ROUTED];	/* server: in its own networks, known outside as they are */
	size_t routed_count;
	struct config_forward forward[CONFIG_FORWARDS];	/* server */
	size_t forward_count;
	bool full_tunnel, kill_switch;	/* both false on a server */
	bool fallback_direct;		/* client: while no server answers, traffic leaves without the tunnel */
	struct prefix route[CONFIG_ROUTES];	/* client: what goes through besides the peer's */
	size_t route_count;
	struct prefix outside[CONFIG_ROUTES];	/* client: what goes past the tunnel: to there, */
	size_t outside_count;
	char outside_user[CONFIG_PATTERNS][CONFIG_NAME];	/* from that user: a name, "1000", "1000-1999", */
	size_t outside_user_count;
	char outside_cgroup[CONFIG_PATTERNS][CONFIG_CGROUP];	/* from that group, without the first slash */
	size_t outside_cgroup_count;
	char include[CONFIG_PATTERNS][CONFIG_IFNAME];	/* interface names or patterns */
	size_t include_count;
	char exclude[CONFIG_PATTERNS][CONFIG_IFNAME];
	size_t exclude_count;
	struct config_marks given;	/* as the file says; 0: it does not */
	struct config_marks marks;	/* in force */
	struct config_peer *peer;	/* in the order of the file */
	size_t peer_count;		/* client: 1..CONFIG_SERVERS; server: 1..CONFIG_PEERS */
	struct config_link *link;
	size_t link_count;
};

/*
 * Reads `len` bytes of text; `file` names it in errors, and a key file's
 * relative path is put behind file's folder.  `strategies` ends with NULL, its
 * first name is the default; NULL for none takes any name.
 *
 * 0, or -EINVAL (error has the line), or -ENOMEM (error says so).  The
 * configuration is the caller's, to give back with config_free.
 */
int config_parse(const char *text, size_t len, const char *file, const char *const *strategies,
		 struct config **ret, char error[CONFIG_ERROR]);
/* Wipes the keys; NULL is nothing. */
void config_free(struct config *config);

/* Another name for the tunnel's interface, a valid one, and the numbers that go with it. */
void config_set_interface(struct config *config, const char *name);
/* The numbers of a tunnel whose configuration gives none. */
struct config_marks config_marks_default(const char *interface);

/*
 * The section for that interface: [link NAME] itself, else the first whose
 * pattern fits, or NULL: all defaults.  Sections are not mixed.
 */
const struct config_link *config_link(const struct config *config, const char *name);
/* What holds for an interface without a section. */
struct config_link config_link_default(const char *name);
/*
 * Change a link as the words say, each of them KEY=VALUE as in the file; all
 * of them or, with -EINVAL and one line that begins with its name, none.
 */
int config_link_change(struct config_link *link, const char *const *word, size_t count,
		       char error[CONFIG_ERROR]);
/*
 * The link as words that config_link_change takes; with `but`, only what
 * differs from that one (none: an empty text).
 */
const char *config_link_print(const struct config_link *link, const struct config_link *but,
			      char buf[CONFIG_LINK_TEXT]);
/* Whether the name of a section stands for many interfaces. */
bool config_link_is_pattern(const char *name);
/* "primary", "overflow", "backup", "never". */
const char *config_tier_name(enum config_tier tier);

/* Whether name can be an interface's: 1..15 bytes, no space, slash, colon or percent sign. */
bool config_ifname_is_valid(const char *name);

#endif
