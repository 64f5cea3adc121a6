#!/bin/bash
# Includes point down only, and the core calls nothing but the C library's
# memory and text functions and libsodium: no system call, no clock, no log.
cd "$(dirname "$0")/.." || exit 1
B=${BUILD:-build}
n=0 bad=0
check() { # check "sentence" OFFENDERS
	n=$((n + 1))
	if [ -z "$2" ]; then echo "ok $n - $1"; else echo "not ok $n - $1"; sed 's/^/# /' <<<"$2"; bad=1; fi
}
includes() { # includes "files" "allowed regex": those that are not allowed
	# shellcheck disable=SC2086
	grep -nE '^#include "' $1 2>/dev/null | grep -vE "#include \"($2)" | head
}
echo 1..21
check "base includes only base" "$(includes 'src/base/*.[ch]' 'base/')"
check "offload includes only base and itself" "$(includes 'src/offload/*.[ch]' 'base/|offload/')"
check "the core includes only base, the core and strategies" \
	"$(includes 'src/core/*.[ch] src/core/*/*.[ch]' 'base/|core/|strategy/')"
check "a strategy includes only base and its own interface" \
	"$(includes 'src/strategy/*.[ch]' 'base/|strategy/')"
check "the configuration includes only base and itself" "$(includes 'src/config/*.[ch]' 'base/|config/')"
check "io, control, routing and nft do not know each other, nor the engine" \
	"$(includes 'src/io/*.[ch]' 'base/|io/'; includes 'src/control/*.[ch]' 'base/|control/'
	   includes 'routing/*.[ch]' 'base/|routing/'; includes 'nft/*.[ch]' 'base/|nft/')"
check "the worker includes what carries packets, and nothing of what changes the machine" \
	"$(includes 'src/worker/*.[ch]' 'base/|control/|core/|io/|offload/|worker/')"
check "what is done to the host knows neither the supervisor nor the worker" \
	"$(includes 'src/host/*.[ch]' 'base/|config/|control/|io/|routing/|nft/|host/')"
check "the simulator includes only base, the core, strategies and itself" \
	"$(includes "$(ls src/sim/*.[ch] | grep -v /main.c)" 'base/|core/|strategy/|sim/[a-z_]*\.h')"
check "its tool includes the configuration, too, and nothing else" \
	"$(includes 'src/sim/main.c src/sim/tool/*.[ch]' 'base/|config/|core/|strategy/|sim/')"
check "nobody but the simulator and tests includes the simulator" \
	"$(grep -nrE '^#include "sim/' src routing nft --include='*.[ch]' | grep -v '^src/sim/' | head)"
ALLOWED='EVP_|(alloc|free)_mb_mgr|init_mb_mgr_auto|imb_get_errno|crypto_|sodium_|randombytes|mem(cpy|move|set|cmp)|str(cmp|len|ncmp|ncpy|chr)|__(memcpy|memset|memmove|strcpy|strncpy)_chk|calloc|malloc|free|aligned_alloc|__stack_chk_fail|__assert_fail|_GLOBAL_OFFSET_TABLE_'
BASE='buf_|addr_|prefix_|endpoint_|ip_|sum_'
defined=$(nm --defined-only "$B/libcore.a" 2>/dev/null | awk 'NF==3 {print $3}' | sort -u)
undefined=$(nm -u "$B/libcore.a" 2>/dev/null | awk '$1=="U" {print $2}' | sort -u)
check "the core's archive is there" "$([ -n "$defined" ] || echo "$B/libcore.a: build it first")"
check "the core makes no system call, reads no clock and writes no log" \
	"$(comm -23 <(echo "$undefined") <(echo "$defined") | grep -vE "^($ALLOWED|$BASE)")"
check "offload makes no system call and allocates nothing: it is bytes in, bytes out" \
	"$([ -n "$(nm --defined-only "$B/liboffload.a" 2>/dev/null)" ] || echo "$B/liboffload.a: build it first"
	   nm -u "$B/liboffload.a" | awk '$1=="U" {print $2}' | sort -u |
		grep -vE '^(mem(cpy|move|cmp|set)|__(memcpy|memmove)_chk|__stack_chk_fail|__assert_fail|_GLOBAL_OFFSET_TABLE_|sum_|ip_|buf_queue_clear$)')"
check "the core has no file-scope variable that changes" \
	"$(nm "$B/libcore.a" 2>/dev/null | awk 'NF==3 && $2 ~ /^[bBcC]$/ || NF==3 && $2 ~ /^[dD]$/' |
	   grep -vE ' (table|reader|[a-z0-9_]*ops|strategy_[a-z_]*|congestion_[a-z_]*|name\.[0-9]*)$')"
needs() { # needs "prefixes" OBJECT...: those of all objects, but the ones named, that call such a function
	local prefixes=$1
	shift
	for o in $(find "$B/obj/src" "$B/obj/routing" "$B/obj/nft" -name '*.o' 2>/dev/null); do
		case " $* " in *" ${o#"$B/obj/"} "*) continue ;; esac
		nm -u "$o" | grep -E " ($prefixes)" | sed "s,^ *U,${o#"$B/obj/"} calls,"
	done
}
check "only routing/netlink.c sees libnl" "$(needs "nl_|nla_|nlmsg_|rtnl_" routing/netlink.o)"
check "only nft/encode.c, nft/commit.c, nft/connections.c, nft/trace.c and nft/watch.c see libnftnl and libmnl" \
	"$(needs 'nftnl_|mnl_' nft/encode.o nft/commit.o nft/connections.o nft/trace.o nft/watch.o)"
check "the daemon has nothing of the simulator in it" \
	"$([ -e "$B/ttt" ] || echo "$B/ttt: build it first"
	   nm "$B/ttt" 2>/dev/null | grep -E ' (sim|model_tcp|grid)_' | head)"
check "only the core's crypto/aead_libcrypto.c sees libcrypto" "$(needs 'EVP_|OPENSSL_|CRYPTO_|RAND_' src/core/crypto/aead_libcrypto.o)"
check "only the core's crypto/aead_ipsec_mb.c sees ipsec-mb" "$(needs '[a-z_]*_mb_mgr|imb_' src/core/crypto/aead_ipsec_mb.o)"
check "the program's ciphers are the core's own: the one that encrypts nothing is the simulator's" \
	"$(grep -rlE 'struct aead_ops [a-z_0-9]+ *=' src routing nft | grep -vE '^src/(core/crypto/aead_(sodium|libcrypto|ipsec_mb)|sim/no_cipher)\.c$'
	   nm "$B/ttt" 2>/dev/null | grep -E ' [a-zA-Z] .*(no_cipher|null_cipher)')"
exit $bad
