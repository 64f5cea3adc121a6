# shellcheck shell=bash
# tunnel.sh: the real program on the standard network of lib.sh: keys and
# configurations for both ends, and the commands as a user types them.
#
#	topology 2
#	tunnel_files				# $T/client.conf, $T/server.conf, keys
#	server up && client up
#	ok "the host answers through the tunnel" in_client ping -c 1 -W 2 "$HOST4"
#
# Lines for [tunnel], [peer] and whatever follows are added with CLIENT_TUNNEL,
# CLIENT_PEER, CLIENT_MORE and the same for SERVER.  The inner addresses are
# INNER_* below.

# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

TTT=$(dirname "$NETNS_TESTS")/${BUILD:-build}/ttt
# shellcheck disable=SC2034
INNER_SERVER4=10.84.0.1 INNER_SERVER6=fd84::1 INNER_CLIENT4=10.84.0.2 INNER_CLIENT6=fd84::2

tunnel_keys() {
	local end
	for end in client server; do
		[ -e "$T/$end.key" ] || (umask 077 && "$TTT" genkey >"$T/$end.key")
	done
	[ -e "$T/psk" ] || (umask 077 && "$TTT" genpsk >"$T/psk")
}

tunnel_files() {
	tunnel_keys
	cat >"$T/server.conf" <<-CONF
		[tunnel]
		role = server
		listen = 7474
		address = $INNER_SERVER4/24, $INNER_SERVER6/64
		private-key-file = server.key
		${SERVER_TUNNEL:-}
		[peer laptop]
		public-key = $("$TTT" pubkey <"$T/client.key")
		preshared-key-file = psk
		address = $INNER_CLIENT4, $INNER_CLIENT6
		${SERVER_PEER:-}
		${SERVER_MORE:-}
	CONF
	cat >"$T/client.conf" <<-CONF
		[tunnel]
		private-key-file = client.key
		${CLIENT_TUNNEL:-}
		[peer vps]
		public-key = $("$TTT" pubkey <"$T/server.key")
		preshared-key-file = psk
		endpoint = ${ENDPOINT:-$SERVER4}
		${CLIENT_PEER:-}
		${CLIENT_MORE:-}
	CONF
}

# The runtime directories are apart, since both ends are on one machine.
ttt_in() { # ttt_in NAME COMMAND [OPTION...]: limited in time, as every wait is
	local name=$1 command=$2
	shift 2
	case $command in
	up|down) set -- -c "$T/$name.conf" "$@" ;;
	esac
	in_ns "$name" timeout -k 5 $((40 * TTT_PATIENCE)) "$TTT" "$command" -r "$T/run-$name" "$@"
}

client() { ttt_in client "$@"; }
server() { ttt_in server "$@"; }

both_up() { server up && client up; }
both_down() { client down; server down; }

status_of() { # status_of NAME JQ-FILTER
	ttt_in "$1" status --json | jq -r "$2"
}

# is_up_on: that many paths of the client carry data.
paths_up() { # paths_up COUNT
	[ "$(status_of client '[.peers[0].paths[] | select(.state == "up")] | length')" = "$1" ]
}

# Bytes that left an interface, or came in.
tx_bytes() { in_ns "$1" cat "/sys/class/net/$2/statistics/tx_bytes"; }
rx_bytes() { in_ns "$1" cat "/sys/class/net/$2/statistics/rx_bytes"; }

# ---- what a host looks like --------------------------------------------------

# The host's state, and besides what runs there and what lies in the runtime
# directory: all of what a tunnel may leave behind.
whole_state() { # whole_state NAME
	state_of "$1"
	echo "== processes"
	ip netns pids "$(ns_name "$1")" | while read -r p; do cat "/proc/$p/comm"; done 2>/dev/null | sort
	echo "== runtime directory"
	ls -A "$T/run-$1" 2>/dev/null
}

declare -A state_was=()

remember() { # remember NAME...: how they look now
	local name
	for name; do state_was[$name]=$(whole_state "$name"); done
}

unchanged() { # unchanged WHEN NAME...: they look like that again
	local when=$1 name
	shift
	for name; do is "$when the $name is as it was" "$(whole_state "$name")" "${state_was[$name]}"; done
}

# A program that keeps the machine's resolvers would be talked to from our namespaces.
resolvers_are_ours() {
	[ ! -e /run/systemd/resolve/io.systemd.Resolve ] && ! command -v resolvconf >/dev/null
}

# A command that refuses: that exit code, one line on standard error that matches, no more.
refuses() { # refuses CODE REGEX COMMAND...
	local code=$1 regex=$2 status=0
	shift 2
	"$@" >"$T/refuses.out" 2>"$T/refuses.err" || status=$?
	refused "$code" "$regex" "$status" "$T/refuses"
}

refused() { # refused CODE REGEX STATUS FILES: what FILES.out and FILES.err hold
	echo "exit status $3, standard output, standard error:"
	cat "$4.out" "$4.err"
	[ "$3" = "$1" ] && [ ! -s "$4.out" ] && [ "$(wc -l <"$4.err")" = 1 ] && grep -qE -- "$2" "$4.err"
}
