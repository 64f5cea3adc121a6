#!/bin/bash
# The library the other tests stand on does what it says.  The network is the
# standard one, drawn in lib.sh; first with plain links, then with netem.

. "$(dirname "$0")/lib.sh"

needs ping curl iperf3 ethtool

ping_over() { in_client ping -q -c 1 -W 1 -I "$@"; }	# ping_over WAN ADDRESS
same() { [ "$1" = "$2" ]; }

rtt_over() { # rtt_over WAN: mean, ms
	in_client ping -q -c 20 -i 0.02 -W 2 -I "$1" "$HOST4" | awk -F/ '/^rtt/ { print $5 }'
}

tcp_over() { # tcp_over WAN [-R]: Mbit/s
	in_client iperf3 -J -t 4 -O 1 -c "$HOST4" -B "$(wan4 "$1")%$1" "${@:2}" |
		jq '.end.sum_received.bits_per_second / 1e6'
}

# What must hold of every link, however it is made.
test_link() { # test_link WAN
	ok "$1 carries IPv4" within 3 ping_over "$1" "$HOST4"
	ok "$1 carries IPv6" within 3 ping_over "$1" "$HOST6"

	link_cut "$1"
	ok "cut, $1 is silent" not ping_over "$1" "$HOST4"
	ok "cut, $1 is silent in IPv6" not ping_over "$1" "$HOST6"
	ok "cut, $1 keeps its carrier" link_has_carrier "$1"
	link_restore "$1"
	ok "restored, $1 carries IPv4" within 5 ping_over "$1" "$HOST4"
	ok "restored, $1 carries IPv6" within 5 ping_over "$1" "$HOST6"

	link_down "$1"
	ok "unplugged, $1 has no carrier" within 3 not link_has_carrier "$1"
	like "unplugged, $1 is still up" "$(in_client ip link show dev "$1")" "NO-CARRIER.*,UP"
	link_up "$1"
	ok "plugged in, $1 has its carrier back" within 3 link_has_carrier "$1"
	ok "plugged in, $1 carries IPv4" within 5 ping_over "$1" "$HOST4"
	ok "plugged in, $1 carries IPv6" within 5 ping_over "$1" "$HOST6"
}

# ---- plain links ----

topology 3
for wan in wan0 wan1 wan2; do test_link "$wan"; done

link_cut wan0
ok "cutting one link leaves the other alone" ping_over wan1 "$HOST4"
link_restore wan0
is "the first link has the best default route" \
	"$(in_client ip -j route get "$HOST4" | jq -r '.[0].dev')" wan0
ok "the server reaches the host" in_server ping -q -c 1 -W 1 "$HOST6"
ok "the host knows nothing of inner prefixes" not in_host ip route get 10.84.0.2
ok "only inet forwards" same "$(for n in client server host inet; do
	in_ns $n cat /proc/sys/net/ipv4/ip_forward; done | tr -d '\n')" 0001
ok "without netem in the topology a link is not shaped" not link_shape wan0 "delay 10ms"

# ---- a host's state ----

before=$(state_of client)
for part in "== ip -4 rule" "lookup main" "2001:db8:a1::/64" '"ifname":"wan2"' "arp_ignore:0" "nameserver"; do
	like "the state tells: $part" "$before" "$part"
done
in_client ping -q -c 3 -i 0.01 "$HOST4" >/dev/null
is "traffic does not change it" "$(state_of client)" "$before"

changes_state() { # changes_state NAME DO UNDO
	in_client sh -c "$2"
	ok "it shows $1" not same "$(state_of client)" "$before"
	in_client sh -c "$3"
	is "and that it is gone" "$(state_of client)" "$before"
}
changes_state "a rule" "ip -6 rule add pref 7470 lookup 7400" "ip -6 rule del pref 7470"
changes_state "a route" "ip route add 10.99.0.0/16 via 10.71.1.1 table 7401" "ip route flush table 7401"
changes_state "a device" "ip tuntap add dev ttt0 mode tun" "ip link del dev ttt0"
changes_state "a table" "nft add table inet ttt-ttt0" "nft delete table inet ttt-ttt0"
changes_state "a setting" "sysctl -qw net.ipv4.conf.wan1.rp_filter=2" "sysctl -qw net.ipv4.conf.wan1.rp_filter=0"
changes_state "a name server" "cp /etc/resolv.conf $T/resolv; echo nameserver 192.0.2.99 >/etc/resolv.conf" \
	"cat $T/resolv >/etc/resolv.conf"
in_client sh -c 'echo nameserver 192.0.2.98 >/etc/resolv.conf'
ok "another namespace's DNS is untouched" not in_server grep -q 192.0.2.98 /etc/resolv.conf
ok "and the machine's" not grep -q 192.0.2.98 /etc/resolv.conf

# ---- servers ----

mkdir "$T/www"
make_file "$T/www/file" 3M random
ok "a web server starts" http_serve host "$T/www" 80
in_client curl -sS -m 10 -o "$T/4" "http://$HOST4/file"
ok "it gives the file over IPv4" cmp "$T/4" "$T/www/file"
in_client curl -sS -m 10 -o "$T/6" "http://[$HOST6]/file"
ok "it gives the file over IPv6" cmp "$T/6" "$T/www/file"
ok "what was spawned is alive" is_alive "$SPAWNED"
kill "$SPAWNED"
ok "and then not" within 3 not is_alive "$SPAWNED"

# ---- netem ----

topology 2 netem	# not under `ok`: without any netem, the rest is skipped
ok "a network with netem comes up" same $? 0
for wan in wan0 wan1; do test_link "$wan"; done

link_shape wan0 "delay 10ms"
ok "10 ms each way are a round trip of 20 ms" between "$(rtt_over wan0)" 17 23
ok "the other link is as fast as before" between "$(rtt_over wan1)" 0 3
link_shape wan0 "delay 30ms" "delay 10ms"
ok "each direction has its own delay" between "$(rtt_over wan0)" 37 43

link_shape wan0 "delay 600ms"
spawn_in client ping -c 1 -W 5 -I wan0 "$HOST4"
link_shape wan0 "delay 500ms"
ok "new figures keep what is under way" within 5 grep -q " 0% packet loss" "$SPAWN_LOG"

spawn_in host iperf3 -s
ok "a load generator listens" within 5 is_listening host 5201
link_shape wan0 "delay 5ms rate 20mbit limit 150" "delay 5ms rate 8mbit limit 100"
ok "20 Mbit/s up carry a TCP flow of 15 to 20" between "$(tcp_over wan0)" 15 20
ok "8 Mbit/s down carry one of 6 to 8" between "$(tcp_over wan0 -R)" 6 8

spawn_in client iperf3 -t 20 -c "$HOST4" -B "$(wan4 wan0)%wan0"
link_shape wan0 "delay 5ms rate 20mbit limit 20" "delay 30ms"
ok "a loaded link takes new figures" between "$(rtt_over wan0)" 35 50
kill "$SPAWNED"

link_shape wan1 "loss 100%"
ok "all is lost where all is to be lost" not ping_over wan1 "$HOST4"
link_shape wan1 "delay 20ms 5ms distribution normal"
ok "it spreads the delay" between "$(rtt_over wan1)" 32 48
link_shape wan1
ok "without a shape it is as fast as before" between "$(rtt_over wan1)" 0 3
ok "a shape that netem does not know is an error" not link_shape wan1 "delay 5parsec"

# ---- a slow console ----

# The figures are longer and shorter than one look of box_answer's.
in_pieces() {
	mkfifo "$T/console"
	local box_out box_pid=$$
	exec {box_out}<>"$T/console"
	(printf 'kernel: hi'; sleep 0.3; printf 'a\r\n=re'; sleep 0.5; printf 'ady'; sleep 0.1; printf ' ok\r\n') >"$T/console" &
	box_answer ready 5
}
ok "an answer of the netem box may come in pieces" in_pieces

# ---- the end ----

# Another test, which tells its processes and directory, and then ends by itself
# or is ended.
cat >"$T/other.t" <<-OTHER
	. "$NETNS_TESTS/lib.sh"
	topology 2 "\$1"
	spawn_in client sleep 1000
	ip netns exec "\$(ns_name host)" setsid sh -c 'trap "" TERM; sleep 1000' </dev/null >/dev/null 2>&1 &
	within 5 eval '[ "\$(ip netns pids "\$(ns_name host)" | wc -l)" = 2 ]'
	for p in \$(our_processes); do echo "process \$p:\$(started_at "\$p")"; done
	echo "directory \$T"
	[ "\$2" = ends ] || { echo waits; wait; }
OTHER

left_by() { # left_by PID FILE: what it should have removed
	local kind what
	ip netns list | grep -e "-$1\b"
	ls -d /etc/netns/*"-$1" 2>/dev/null
	while read -r kind what; do
		case $kind in
		process) [ "$(started_at "${what%:*}")" != "${what#*:}" ] || echo "process $what" ;;
		directory) [ ! -e "$what" ] || echo "directory $what" ;;
		esac
	done <"$2"
}

ends_clean() { # ends_clean KIND-OF-LINKS SIGNAL|ends
	local pid out="$T/other.$1.$2"
	bash "$T/other.t" "$1" "$2" >"$out" 2>&1 &
	pid=$!
	if [ "$2" != ends ]; then
		within 60 grep -q waits "$out"
		kill "-$2" "$pid"
	fi
	wait "$pid" 2>/dev/null
	like "a test with $1 links, $2: it ran" "$(cat "$out")" "directory /"
	is "a test with $1 links, $2: nothing is left" "$(left_by "$pid" "$out")" ""
}
ends_clean plain ends
ends_clean plain TERM
ends_clean netem TERM
done_testing
