#!/bin/bash
# What happens when a process is killed.  Of the worker: another one begins, and
# nothing leaves in clear meanwhile.  Of the supervisor, or of both: `ttt down`
# or the next `ttt up` puts the host in order.
#
# Leaks are counted in inet: what comes from the client over its links and is
# not the tunnel's UDP, nor neighbour discovery.

. "$(dirname "$0")/tunnel.sh"

needs ping curl busybox setpriv

count_leaks() {
	in_inet nft -f - <<-RULES
		table inet leaks {
			counter leaked { }
			chain in {
				type filter hook prerouting priority raw;
				iifname != "w*" accept
				udp dport 7474 accept
				icmp type destination-unreachable accept
				icmpv6 type { destination-unreachable, mld2-listener-report } accept
				icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert } accept
				counter name leaked
			}
		}
	RULES
}
leaks() { in_inet nft -j list counter inet leaks leaked | jq '.nftables[1].counter.packets'; }
no_leaks() { [ "$(leaks)" = 0 ]; }
forget_leaks() { in_inet nft reset counter inet leaks leaked >/dev/null; }

reaches_host() { in_client ping -q -c 1 -W 1 "$HOST4" && in_client ping -q -c 1 -W 1 "$HOST6"; }

# 3 × 200 packets a second from the inside: ICMP, ICMPv6, and UDP on a connected socket.
inner_stream() {
	spawn_in client ping -q -i 0.005 "$HOST4"
	streams=("$SPAWNED")
	spawn_in client ping -q -i 0.005 "$HOST6"
	streams+=("$SPAWNED")
	spawn_in client bash -c "exec 3>/dev/udp/$HOST4/9; while sleep 0.005; do echo inner >&3; done"
	streams+=("$SPAWNED")
}
end_stream() {
	kill "${streams[@]}"
	wait "${streams[@]}"
}

supervisor_of() { status_of "$1" .supervisor_pid; }
worker_of() { status_of "$1" .worker_pid; }
has_another_worker() { between "$(worker_of "$1")" 2 9999999 && [ "$(worker_of "$1")" != "$2" ]; }
restarts_of() { status_of "$1" .worker_restarts; }
nothing_runs() { ! ip netns pids "$(ns_name "$1")" | xargs -I{} cat /proc/{}/comm 2>/dev/null | grep -qx ttt; }

topology 2
count_leaks
resolvers_are_ours && SERVER_TUNNEL="dns = 192.0.2.1"
tunnel_files
remember client server

in_client ping -q -c 1 -W 1 "$HOST4" >/dev/null
in_client ping -q -c 1 -W 1 "$HOST6" >/dev/null
in_client bash -c "echo inner >/dev/udp/$HOST4/9"
is "what goes past a tunnel is counted" "$(leaks)" 3
both_up
forget_leaks

# ---- the worker's cage ----

caged() { # caged NAME
	local pid
	pid=$(worker_of "$1")
	status=$(sed 's/\t/ /g' "/proc/$pid/status")
	like "the $1's worker has a user of its own" "$status" $'\nUid: ([1-9][0-9]*) \\1 \\1 \\1\n'
	like "the $1's worker has a group of its own, and no other" "$status" \
		$'\nGid: ([1-9][0-9]*) \\1 \\1 \\1\n.*\nGroups: *\n'
	for set in CapInh CapPrm CapEff CapBnd CapAmb; do
		like "the $1's worker: $set is empty" "$status" $'\n'"$set: 0000000000000000"$'\n'
	done
	like "the $1's worker gains no privileges" "$status" $'\nNoNewPrivs: 1\n'
	like "the $1's worker has a system call filter" "$status" $'\nSeccomp: 2\n'
	is "the $1's worker sees no file" "$(ls -A "/proc/$pid/root/" 2>&1)" ""
	unlike_root "$1" "$pid"
}
unlike_root() { # unlike_root NAME PID
	ok "the $1's worker is in another root than its supervisor" \
		not [ "/proc/$2/root/" -ef "/proc/$(supervisor_of "$1")/root/" ]
	is "the $1's worker has only its TUN, UDP sockets and channel" \
		"$(readlink "/proc/$2/fd/"* | grep -vE '^(socket:.*|(/.*)?/dev/net/tun|(/.*)?/dev/null|pipe:.*)$')" ""
}
caged client
caged server

# ---- a worker is killed ----

mkdir "$T/www"
make_file "$T/www/file" 3M random
http_serve host "$T/www" 80
has_begun() { [ "$(stat -c %s "$T/got" 2>/dev/null || echo 0)" -gt 200000 ]; }

for end in client server; do
	inner_stream
	rm -f "$T/got"
	spawn_in client curl -sS -m $((20 * TTT_PATIENCE)) --limit-rate 2M -o "$T/got" "http://$HOST4/file"
	curl=$SPAWNED
	ok "a transfer runs through the tunnel" within 5 has_begun
	worker=$(worker_of $end)
	kill -9 "$worker"
	ok "the $end's worker is killed, and another one begins" within 3 has_another_worker $end "$worker"
	is "the $end tells that it did" "$(restarts_of $end)" 1
	ok "after the $end's worker the tunnel carries data again" within 5 reaches_host
	ok "after the $end's worker the transfer ends" wait "$curl"
	ok "after the $end's worker the file is whole" cmp "$T/got" "$T/www/file"
	end_stream
	is "without the $end's worker nothing leaked" "$(leaks)" 0
done
caged client

# Stopped as long as we look, it is what a slow start of the next one would be.
supervisor=$(supervisor_of client)
worker=$(worker_of client)
kill -STOP "$supervisor"
inner_stream
kill -9 "$worker"
ok "for as long as there is no worker, the host is not reached" not reaches_host
end_stream
kill -CONT "$supervisor"
ok "then it is again" within 5 reaches_host
is "and nothing leaked" "$(leaks)" 0

# ---- a supervisor is killed ----

for end in client server; do
	worker=$(worker_of $end)
	inner_stream
	kill -9 "$(supervisor_of $end)"
	ok "without its supervisor the $end's worker exits" within 1 not is_alive "$worker"
	ok "status says that the $end is not up" refuses 4 "ttt0 is not up" ttt_in $end status
	ok "without the $end's supervisor the host is not reached" not reaches_host
	end_stream 2>/dev/null
	is "without the $end's supervisor nothing leaks" "$(leaks)" 0
	ok "down cleans up after the $end's supervisor" $end down
	unchanged "after down," $end
	$end up
	ok "the $end comes up again, and the tunnel carries data" within 5 reaches_host
done

for end in client server; do
	for try in 1 2 3; do
		kill -9 "$(supervisor_of $end)"
		ok "up works on what the $end's killed supervisor left, time $try" $end up
	done
	ok "the tunnel of that $end carries data" within 5 reaches_host
done
both_down
unchanged "and after down" client server

# ---- where Linux checks sources ----

# Until the tunnel is up again, nothing but the links' own routes leads to the server:
# an answer must be let in by them, loosely (2) or made so by `up` (1).
excluded() { in_client setpriv --reuid=64005 --clear-groups ping -q -c 1 -W 1 "$@" "$HOST4"; }
CLIENT_TUNNEL="exclude-uid = 64000-64009" tunnel_files
for strict in 1 2; do
	in_client sysctl -qw net.ipv4.conf.{all,default,wan0,wan1}.rp_filter=$strict
	remember client
	both_up
	ok "with rp_filter $strict the tunnel carries data" within 5 reaches_host
	kill -9 "$(supervisor_of client)"
	ok "with rp_filter $strict, without a daemon, an excluded user hears answers" excluded
	ok "to a socket of a device, too" excluded -I wan1
	ok "the host is closed for others" not reaches_host
	ok "with rp_filter $strict up works on what the killed supervisor left" client up
	ok "with rp_filter $strict the tunnel carries data again" within 5 reaches_host
	both_down
	unchanged "with rp_filter $strict after down" client
done
in_client sysctl -qw net.ipv4.conf.{all,default,wan0,wan1}.rp_filter=0
tunnel_files
remember client server

# ---- everything is killed ----

for end in client server; do
	both_up
	kill -9 "$(worker_of $end)" "$(supervisor_of $end)"
	ok "down cleans up after the whole $end" $end down
	unchanged "after the whole $end was killed and down," $end
	ok "a second down finds nothing of the $end" refuses 4 "ttt0 is not up" $end down
	both_down >"$T/down" 2>&1
done
unchanged "after all of it" client server

# While it waits for its server, too.
spawn_in client "$TTT" up -c "$T/client.conf" -r "$T/run-client"
ok "a client waits for its server" within 5 eval 'in_client ip rule | grep -q 7401'
{ ip netns pids "$(ns_name client)" | xargs kill -9; wait "$SPAWNED"; } 2>/dev/null
client down >"$T/down" 2>&1
unchanged "killed while it waits, after down" client

# ---- a supervisor is asked to end ----

for signal in TERM INT HUP; do
	both_up
	for end in client server; do
		kill "-$signal" "$(supervisor_of $end)"
		ok "the $end ends on SIG$signal" within 3 nothing_runs $end
		unchanged "after SIG$signal" $end
	done
done
done_testing
