#!/bin/bash
# `ttt down` leaves client and server as they were before `ttt up`: every rule,
# route, address, nftables rule, setting and resolver, every process and file.
# So does a command that changes nothing.

. "$(dirname "$0")/tunnel.sh"

needs ping busybox

reaches_host() { # reaches_host [PING-OPTION...]
	in_client ping -q -c 1 -W 2 "$@" "$HOST4"
}
rule_is_there() { in_client ip rule show pref "$1" | grep -q .; }
resolv_conf() { in_client cat /etc/resolv.conf; }

topology 2
remember client server

# ---- once up, once down ----

up_and_down() { # up_and_down WHAT
	tunnel_files
	ok "$1: the tunnel comes up" both_up
	ok "$1: it carries data" within 3 reaches_host
	ok "$1: it goes down" both_down
	unchanged "$1: after down" client server
}

up_and_down "an IPv4 endpoint"
ENDPOINT="[$SERVER6]" up_and_down "an IPv6 endpoint"
ENDPOINT="$SERVER4, [$SERVER6]" up_and_down "both of them"
CLIENT_TUNNEL="kill-switch = no" up_and_down "without a kill switch"

CLIENT_TUNNEL="full-tunnel = no" tunnel_files
ok "full-tunnel = no: the tunnel comes up" both_up
ok "full-tunnel = no: the server answers inside" within 3 in_client ping -q -c 1 -W 1 "$INNER_SERVER4"
like "full-tunnel = no: the rest goes past it" "$(in_client ip route get "$HOST4")" "dev wan0"
both_down
unchanged "full-tunnel = no: after down" client server

CLIENT_TUNNEL=$'full-tunnel = no\nroute = 203.0.113.0/24' tunnel_files
ok "full-tunnel = no with a route: the tunnel comes up" both_up
ok "full-tunnel = no with a route: it carries data" within 3 reaches_host
like "full-tunnel = no with a route: that goes into it" "$(in_client ip route get "$HOST4")" "dev ttt0"
both_down
unchanged "full-tunnel = no with a route: after down" client server

# A setting that is in the way is changed, and changed back.
in_client sysctl -qw net.ipv4.conf.wan1.rp_filter=1
remember client
up_and_down "a strict rp_filter"
in_client sysctl -qw net.ipv4.conf.wan1.rp_filter=0
remember client

# ---- commands that find nothing to do ----

tunnel_files
both_up
remember client server
ok "a second up on a client says so" refuses 5 "ttt0 is already up" client up
ok "a second up on a server says so" refuses 5 "ttt0 is already up" server up
ok "and in the foreground" refuses 5 "ttt0 is already up" server up -f
unit=$(dirname "$NETNS_TESTS")/docs/systemd/ttt.service
like "which systemd does not try again" "$(sed -n 's/^RestartPreventExitStatus=//p' "$unit")" "(^| )5( |$)"
unchanged "after a second up" client server
ok "and the tunnel carries data" reaches_host
ok "the client goes down" client down
ok "the server goes down" server down
remember client server
ok "a second down on a client says so" refuses 4 "ttt0 is not up" client down
ok "a second down on a server says so" refuses 4 "ttt0 is not up" server down
unchanged "after a second down" client server
server up

# ---- a relative runtime directory ----

here() { (cd "$T" && in_client timeout 40 "$TTT" "$@" -c client.conf -r run-client); }
ok "a runtime directory may be relative" here up
ok "it is where the command was given" client status
ok "down finds it there" here down
server down
unchanged "after that down" client server

# ---- resolvers ----

if ! resolvers_are_ours; then
	diag "another program keeps this machine's resolvers: not looked at"
else
	SERVER_TUNNEL="dns = 192.0.2.1, 2001:db8::53" tunnel_files
	resolv_was=$(resolv_conf)
	both_up
	is "the server's resolvers are the client's" "$(resolv_conf | grep ^nameserver)" \
		$'nameserver 192.0.2.1\nnameserver 2001:db8::53'
	ok "the server's own stay" in_server grep -q 192.0.2.53 /etc/resolv.conf
	client down
	is "down puts the client's back" "$(resolv_conf)" "$resolv_was"
	client up
	in_client sh -c 'echo nameserver 192.0.2.99 >/etc/resolv.conf'
	ours_are_set() { [ "$(resolv_conf | grep ^nameserver)" = $'nameserver 192.0.2.1\nnameserver 2001:db8::53' ]; }
	ok "when another program writes its own, the server's are set again" within 5 ours_are_set
	in_client sh -c 'echo nameserver 192.0.2.98 >>/etc/resolv.conf'
	ok "and when it adds to them" within 5 ours_are_set
	both_down
	is "what it wrote meanwhile is what down gives back" "$(resolv_conf)" $'nameserver 192.0.2.99\nnameserver 192.0.2.98'
	echo "$resolv_was" | in_client sh -c 'cat >/etc/resolv.conf'
	unchanged "with resolvers, after down" client server
fi

# ---- two tunnels side by side ----

(umask 077 && "$TTT" genkey >"$T/other.key")
dns=
! resolvers_are_ours || dns="dns = 192.0.2.1"
SERVER_TUNNEL=$dns SERVER_MORE="[peer other]
public-key = $("$TTT" pubkey <"$T/other.key")
address = 10.84.0.3, fd84::3" tunnel_files
cat >"$T/other.conf" <<-CONF
	[tunnel]
	private-key-file = other.key
	[peer vps]
	public-key = $("$TTT" pubkey <"$T/server.key")
	endpoint = [$SERVER6]
CONF
other() { in_client timeout 40 "$TTT" "$1" -r "$T/run-client" -c "$T/other.conf" -i ttt1; }
worker_of() { # worker_of INTERFACE
	ttt_in client status --json -i "$1" | jq .worker_pid
}
has_another_worker() { between "$(worker_of "$1")" 2 9999999 && [ "$(worker_of "$1")" != "$2" ]; }
settings() { in_client cat /proc/sys/net/ipv4/conf/wan{0,1}/src_valid_mark | tr -d '\n'; }
settings_are() { [ "$(settings)" = "$1" ]; }

for first in client other; do
	if [ $first = client ]; then second=other dev=ttt1; else second=client dev=ttt0; fi
	server up
	ok "two tunnels: the one comes up" client up
	ok "two tunnels: so does the other" other up
	ok "two tunnels: ttt0 carries data" within 3 reaches_host -I ttt0
	ok "two tunnels: so does ttt1" within 3 reaches_host -I ttt1
	ok "two tunnels: the first is taken down" $first down
	ok "two tunnels: $dev, which is left, carries data" within 3 reaches_host -I "$dev"
	ok "two tunnels: it is the way out" within 2 reaches_host
	[ -z "$dns" ] || is "two tunnels: its resolvers are the client's" "$(resolv_conf | grep ^nameserver)" "nameserver 192.0.2.1"
	ok "two tunnels: it has the settings that it needs" within 2 settings_are 11
	worker=$(worker_of $dev)
	kill -9 "$worker"
	ok "two tunnels: its worker can be replaced" within 3 has_another_worker $dev "$worker"
	ok "two tunnels: and it still carries data" within 5 reaches_host
	ok "two tunnels: the second is taken down" $second down
	server down
	unchanged "two tunnels: $second last:" client server
done

# ---- Ctrl-C ----

# A port that is silent, so that `up` waits.
in_inet nft -f - <<-RULES
	table inet hole { chain f { type filter hook forward priority 0; udp dport 7475 drop; }; }
RULES
ENDPOINT=$SERVER4:7475 tunnel_files
for signal in INT TERM HUP; do
	spawn_in client "$TTT" up -c "$T/client.conf" -r "$T/run-client"
	ok "up waits for its server" within 5 rule_is_there 7401
	kill "-$signal" "$SPAWNED"
	wait "$SPAWNED" 2>/dev/null
	is "interrupted by SIG$signal, it fails" $? 1
	like "SIG$signal: it says so" "$(cat "$SPAWN_LOG")" "^ttt: stopped before the tunnel was up$"
	unchanged "SIG$signal:" client server
done

# The shell between does not mind an interrupt, so its time does not count.
has_begun() {
	local end=$((SECONDS + 5))
	until [ "/proc/$1/exe" -ef "$TTT" ]; do
		[ "$SECONDS" -lt "$end" ] || return
	done
}

# At any time: before it can listen, and while it does one thing or another.
for ms in 02 04 06 08 10 12 14 16 18 20 25 30; do
	spawn_in client "$TTT" up -c "$T/client.conf" -r "$T/run-client"
	has_begun "$SPAWNED"
	sleep "0.0$ms"
	kill -INT "$SPAWNED"
	wait "$SPAWNED" 2>/dev/null
	like "interrupted after $ms ms, it says so, or has not begun" "$?$(cat "$SPAWN_LOG")" \
		"^(1ttt: stopped before the tunnel was up|130)$"
	unchanged "interrupted after $ms ms," client
done

spawn_in client "$TTT" up -c "$T/client.conf" -r "$T/run-client"
ok "up waits for its server" within 5 rule_is_there 7401
ok "down ends an up that waits" client down
ok "which fails then" not wait "$SPAWNED"
unchanged "after that down" client
done_testing
