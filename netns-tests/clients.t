#!/bin/bash
# A server with two dozen clients, each behind its own part of the Internet:
# all at once, one of them greedy, one that is no longer welcome, and a server
# that is restarted, dies, and goes down under all of them.
#
#	c1 .. c24	10.72.N.2	10.84.0.(10 + N), fd84::(10 + N)
#	x1 .. x232	never there	10.84.1.(1 + N)
. "$(dirname "$0")/tunnel.sh"
needs curl ping
CLIENTS=24
topology 0
clients=$(seq -f 'c%g' $CLIENTS)
inner() { echo "10.84.0.$((10 + ${1#c}))"; }
peers_without() { # peers_without CLIENT: sections of the server's file
	local c
	for c in $clients; do
		[ "$c" = "$1" ] || printf '[peer %s]\npublic-key = %s\naddress = %s, fd84::%s\n' "$c" \
			"$("$TTT" pubkey <"$T/$c.key")" "$(inner "$c")" "$((10 + ${c#c}))"
	done
}
# With them the server has as many as it may have.  Any such number is a key.
strangers() {
	local n
	for n in $(seq $((256 - CLIENTS))); do
		printf '[peer x%d]\npublic-key = %042d0=\naddress = 10.84.1.%d\n' "$n" "$n" $((n + 1))
	done
}
build_client() { # build_client NAME
	ns_add "$1" && add_behind_inet "$1" "p${1#c}" "10.72.${1#c}" "2001:db8:b${1#c}" &&
		route "$1" default via "10.72.${1#c}.1"
}
tunnel_keys
for c in $clients; do
	build_client "$c" || { ok "there are namespaces for all" false; exit 1; }
	(umask 077; "$TTT" genkey >"$T/$c.key")
	cat >"$T/$c.conf" <<-CONF
		[tunnel]
		private-key-file = $c.key
		[peer vps]
		public-key = $("$TTT" pubkey <"$T/server.key")
		endpoint = $SERVER4
	CONF
done
server_conf() { # server_conf [CLIENT]: without that one
	cat >"$T/server.conf" <<-CONF
		[tunnel]
		role = server
		listen = 7474
		address = 10.84.0.1/16, fd84::1/64
		private-key-file = server.key
		$(peers_without "${1:-}")
		$(strangers)
	CONF
}

# A command for each client at the same time; good when it is for all.
all() { # all FUNCTION [CLIENT...]
	local f=$1 c pids=() bad=0
	shift
	for c in ${*:-$clients}; do "$f" "$c" & pids+=($!); done
	for c in "${pids[@]}"; do wait "$c" || bad=1; done
	return $bad
}
comes_up() { ttt_in "$1" up || { echo "$1"; false; }; }
has_its_address() { in_ns "$1" ip -4 -o addr show dev ttt0 | grep -qF " $(inner "$1")/16 "; }
reaches() { in_ns "$1" ping -q -n -c 1 -W 1 "$HOST4" >/dev/null; }
keeps_reaching() { within "${DEADLINE:-5}" reaches "$1"; }
up_on_server() { [ "$(status_of server '[.peers[] | select(.state == "up")] | length')" = "$1" ]; }

server_conf
ok "the server comes up" server up
begin=$(microseconds)
ok "$CLIENTS clients come up at the same time" all comes_up
diag "after $((($(microseconds) - begin) / 1000)) ms"
ok "each has its own address" all has_its_address
ok "the server has a session with all of them" within 3 up_on_server $CLIENTS
is "which has a line for each, and for those who are not there" "$(server status | grep -c '^peer ')" 256
like "and says so in words" "$(server status | grep -c '^peer c[0-9]* up')" "^$CLIENTS\$"

# --- at once -------------------------------------------------------------------

# ping waits for the last answer only twice as long as for the slowest before it.
pings() { # pings CLIENT: all answered but that, within 100 ms on average
	in_ns "$1" ping -q -n -i 0.02 -c 50 -W 1 "$HOST4" >"$T/pings.$1"
	grep -qE ' (49|50) received' "$T/pings.$1" &&
		awk -F'[=/ ]+' '/^rtt/ { exit !($7 < 100) }' "$T/pings.$1" || { cat "$T/pings.$1"; false; }
}
ok "all pass traffic at once" all pings
make_file "$T/large" 2G
ok "a program serves a file" http_serve host "$T" 80
spawn_in c1 curl -s -o "$T/got" --limit-rate 200M "http://$HOST4/large"
greedy=$SPAWNED
flows() { [ "$(stat -c %s "$T/got" 2>/dev/null || echo 0)" -gt 10000000 ]; }
ok "one is greedy" within 5 flows
# shellcheck disable=SC2046
ok "and all others are answered nevertheless" all pings $(grep -v '^c1$' <<<"$clients")
ok "while it still was" is_alive "$greedy"
kill "$greedy"
rm -f "$T/got" "$T/large"

# --- what an idle client costs ----------------------------------------------------

worker_pid() { status_of server .worker_pid; }
cpu_ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
worker=$(worker_pid)
ticks=$(cpu_ticks "$worker") at=$(microseconds)
sleep 3
ticks=$(($(cpu_ticks "$worker") - ticks)) at=$((($(microseconds) - at) / 1000))
rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$worker/status")
diag "the server's worker: RSS $rss kB, $((ticks * 10)) ms of CPU in $at ms with $CLIENTS idle clients"
ok "256 clients take little memory when most are not there" between "$rss" 1000 98304
ok "and hardly any CPU when they are idle" between $((ticks * 10)) 0 150

# --- who is no longer welcome -------------------------------------------------------

state_age() { status_of server .state_age; }	# in ms
age=$(state_age)
ok "a client goes down" ttt_in c2 down
ok "the server knows" within 2 up_on_server $((CLIENTS - 1))
ok "and is up for as long as before, with the others" between "$(state_age)" "$age" 60000
ok "the client comes back" ttt_in c2 up
server_conf c3
begin=$(microseconds)
ok "the server is restarted without one of them" eval 'server down && server up'
rest=$(grep -v '^c3$' <<<"$clients")
# shellcheck disable=SC2086
ok "all others are back within seconds" all keeps_reaching $rest
diag "after $((($(microseconds) - begin) / 1000)) ms, the restart included"
ok "this one is not" not reaches c3
is "and the server knows nothing of it" "$(status_of server '[.peers[].name | select(. == "c3")] | length')" 0
server_conf
ok "it is welcome again" eval 'server down && server up'
DEADLINE=15 ok "and back by itself, like the others" all keeps_reaching

# --- its end --------------------------------------------------------------------------

kill -KILL "$(worker_pid)"
begin=$(microseconds)
ok "the server's worker is killed, and all are back" all keeps_reaching
diag "after $((($(microseconds) - begin) / 1000)) ms"
begin=$(microseconds)
ok "the server goes down" server down
ok "within two seconds" [ $(($(microseconds) - begin)) -lt 2000000 ]
knows_the_end() { within 2 eval "[ \"\$(status_of $1 .state)\" = connecting ]"; }
ok "and all clients know it at once" all knows_the_end
goes_down() { ttt_in "$1" down; }
ok "all clients go down" all goes_down
done_testing
