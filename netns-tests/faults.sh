# shellcheck shell=bash
# faults.sh: what happens to links, and how long what is inside notices it.  The
# nine faults of the failover table, each measured on the real program, for
# failover.t and bench/failover.sh.  Source it after tunnel.sh.
#
#	faults_begin				# the network, the tunnel, and a download
#	fault_carrier				# sets figure, lost and detail
#
# wan0 has a round trip of 20 ms and is the busiest, wan1 one of 60 ms; wan2, 40 ms,
# has neither an address nor a route until fault_new_link.  A stream of 1000 UDP
# packets a second goes each way while a fault is measured, and a download all the time.
#
#	figure	ms: the longest time without a packet, of the worse direction, or until
#		what the fault's name says; empty: it did not come within the time
#	lost	packets that never came, of both directions; empty: not asked
#	detail	the same of each direction, and how long the machine itself let the
#		senders sleep: a figure is worth little beside a large one

needs perl tcpdump busybox

STREAM=$NETNS_TESTS/stream.pl
STREAM_PORT=9000
DATA_LENGTH=460		# of the outer UDP: the stream's packets, and full ones
SHAPE0="delay 10ms rate 40mbit limit 800"
figure= lost= detail= tcp_figure=

# ---- the stream and the download -------------------------------------------------

is_listening_udp() { in_ns "$1" ss -Hlun "sport = :$2" | grep -q .; }

stream_begin() {
	rm -f "$T/near" "$T/far"
	spawn_in host nice -n -15 perl "$STREAM" far "$STREAM_PORT" "$T/far"
	far=$SPAWNED
	within 2 is_listening_udp host "$STREAM_PORT" >/dev/null
	spawn_in client nice -n -15 perl "$STREAM" near "$HOST4" "$STREAM_PORT" "$T/near"
	near=$SPAWNED
}

stream_logs() { [ -e "$T/near" ] && [ -e "$T/far" ]; }

# The worse gap and latest packet, and what is lost, between two times.
stream_end() { # stream_end FROM TO
	local up down
	kill -USR1 "$near"
	within 5 stream_logs >/dev/null || { kill "$near" "$far"; figure= lost=; detail="the stream did not end"; return 1; }
	up=$(perl "$STREAM" gap "$1" "$2" "$T/near" "$T/far")
	down=$(perl "$STREAM" gap "$1" "$2" "$T/far" "$T/near")
	read -r figure lost detail < <(awk '
		{ gap[NR] = $1; lost[NR] = $2; twice += $4; late[NR] = $5; slept = $6 > slept ? $6 : slept }
		END {
			printf "%s %d ", (gap[1] > gap[2] ? gap[1] : gap[2]), lost[1] + lost[2]
			printf "gap up %s down %s, lost up %d down %d, latest up %s down %s, twice %d, slept %s\n",
				gap[1], gap[2], lost[1], lost[2], late[1], late[2], twice, slept
		}' <<<"$up"$'\n'"$down")
}

download_begin() {
	rm -f "$T/download"
	spawn_in client perl "$STREAM" fetch "$HOST4" 80 /file "$T/download"
	download=$SPAWNED download_log=$SPAWN_LOG
}
download_resumed() { [ -n "$(perl "$STREAM" resumed "$1" "$T/download")" ]; }	# download_resumed SINCE
download_lives() { is_alive "$download" || { cat "$download_log"; return 1; }; }

# ---- what a link carries -----------------------------------------------------------

# Times of the datagrams of such lengths, as they pass there: "SECONDS IP …".
watch_begin() { # watch_begin NAME DEVICE LENGTHS
	spawn_in "$1" tcpdump -i "$2" -ttnq -l --immediate-mode "udp port 7474 and $3"
	watching=$SPAWNED watch_log=$SPAWN_LOG
	within 3 grep -q "listening on" "$watch_log" >/dev/null
}
watch_end() { kill "$watching" 2>/dev/null; }

passed() { # passed SINCE COUNT: ms until so many had passed, if they have
	awk -v since="$1" -v count="$2" '/^[0-9]/ && $1 * 1e6 >= since && ++n == count {
		printf "%.1f\n", $1 * 1e3 - since / 1e3; exit }' "$watch_log"
}
has_passed() { [ -n "$(passed "$1" "$2")" ]; }

capture_begin() { # capture_begin NAME DEVICE FILE
	spawn_in "$1" tcpdump -i "$2" -s 64 -U --immediate-mode -w "$3" "udp port 7474"
	watching=$SPAWNED watch_log=$SPAWN_LOG
	within 3 grep -q "listening on" "$watch_log" >/dev/null
}

# ---- the network -------------------------------------------------------------------

shape_usual() {
	link_shape wan0 "$SHAPE0" && link_shape wan1 "delay 30ms rate 20mbit limit 300" &&
		link_shape wan2 "delay 20ms rate 20mbit limit 300"
}

# Every path gets a port of the ISP's choice; what it has chosen it may choose anew.
masquerade_begin() {
	in_inet nft -f - <<-RULES
		table ip isp {
			chain post {
				type nat hook postrouting priority srcnat;
				iifname "w*" udp dport 7474 masquerade random
			}
		}
	RULES
}

unplug() { # unplug WAN: no address and no route, as before a phone is plugged in
	in_client ip addr flush dev "$1"
	in_client ip link set dev "$1" down
}

plug() { # plug WAN
	set_up client "$1" "$(wan4 "$1")/24"
	route client default via "$(gw4 "$1")" dev "$1" metric $((100 + $(wan_number "$1")))
}

# Both carry much: what is measured begins from there.
is_busy() { # is_busy WAN...
	local wan was=()
	for wan; do was+=("$(rx_bytes client "$wan")"); done
	sleep 0.2
	for wan; do
		[ $(($(rx_bytes client "$wan") - was[0])) -gt 100000 ] || return
		was=("${was[@]:1}")
	done
}
settled() { within 10 paths_up 2 && within 10 is_busy wan0 wan1; }

busiest() { # WAN: which carries most, both ways
	local wan before=() most=0 bytes
	for wan in wan0 wan1; do before+=($(($(rx_bytes client $wan) + $(tx_bytes client $wan)))); done
	sleep 0.3
	for wan in wan0 wan1; do
		bytes=$(($(rx_bytes client $wan) + $(tx_bytes client $wan) - before[0]))
		before=("${before[@]:1}")
		[ "$bytes" -le "$most" ] || { most=$bytes; echo $wan; }
	done | tail -n 1
}

faults_begin() {
	topology 3 netem && shape_usual || return
	mkdir -p "$T/www" && make_file "$T/www/file" 8G
	http_serve host "$T/www" 80 || return
	masquerade_begin
	unplug wan2
	tunnel_files
	server up && client up || return
	download_begin
	settled
}

# ---- the faults ------------------------------------------------------------------

# The command is done to the tunnel while the stream runs, and looked at from then on.
stream_while() { # stream_while SECONDS COMMAND...
	local from
	settled >/dev/null || { figure= lost=; detail="the links did not settle"; return 1; }
	stream_begin
	sleep 0.7
	from=$(microseconds)
	fault_at=$from
	"${@:2}"
	sleep "$1"
	stream_end "$from" "$(microseconds)"
}

fault_carrier() { # the busiest link loses its carrier
	faulty=$(busiest)
	stream_while 1 link_down "$faulty"
}

fault_black_hole() { # fault_black_hole [up|down]: the busiest falls silent, or one way of it
	faulty=$(busiest)
	stream_while 1 link_cut "$faulty" "${1:-both}"
}

# It carries data from then on: so much that it is neither a probe nor a thing said again.
fault_comes_back() { # fault_comes_back COMMAND...: link_up, or link_restore
	local at number
	number=$(wan_number "$faulty")
	lost= figure= detail="$* $faulty"
	stream_begin
	watch_begin inet "w$number" "udp[4:2] >= $DATA_LENGTH"
	sleep 0.5
	at=$(microseconds)
	"$@" "$faulty"
	within 4 has_passed "$at" 20 >/dev/null
	stream_end "$at" "$(microseconds)"
	figure=$(passed "$at" 20)
	watch_end
}

fault_new_link() {
	local at
	settled >/dev/null
	stream_begin
	watch_begin inet w2 "udp[4:2] >= $DATA_LENGTH"
	sleep 0.5
	at=$(microseconds)
	plug wan2
	within 5 has_passed "$at" 20 >/dev/null
	stream_end "$at" "$(microseconds)"
	figure=$(passed "$at" 20)
	watch_end
	unplug wan2
}

# Until the download has read something again.
fault_all_gone() { # fault_all_gone SECONDS
	local at
	settled >/dev/null
	lost= figure= detail="gone for $1 s"
	link_down wan0
	link_down wan1
	sleep "$1"
	at=$(microseconds)
	link_up wan0
	within 20 download_resumed "$at" >/dev/null
	figure=$(perl "$STREAM" resumed "$at" "$T/download")
	link_up wan1
}

forget_connections() { in_inet perl "$STREAM" forget; }
remotes() { status_of server '[.peers[0].paths[].remote] | sort | join(" ")'; }
have_moved() { [ "$(remotes)" != "$1" ]; }

# Of both paths at once: each gets another port, and none is where it was.
fault_rebinding() {
	local before
	before=$(remotes)
	stream_while 1.5 forget_connections
	have_moved "$before" || { figure=; detail="the NAT chose the same ports: $before"; }
}

server_is_killed() {
	local worker supervisor
	read -r supervisor worker < <(status_of server '"\(.supervisor_pid) \(.worker_pid)"')
	kill -KILL "$supervisor" "$worker"
}

# From when it is up again until it answers inside the tunnel; and tcp_figure, until
# the download goes on.
fault_server_restarts() { # fault_server_restarts COMMAND...: server down, or server_is_killed
	local at
	settled >/dev/null
	lost= figure= tcp_figure= detail=
	"$@"
	server up
	at=$(microseconds)
	within 10 in_client ping -c 1 -W 0.2 "$INNER_SERVER4" >/dev/null &&
		figure=$(awk "BEGIN { printf \"%.1f\", ($(microseconds) - $at) / 1000 }")
	within 3 download_resumed "$at" >/dev/null
	tcp_figure=$(perl "$STREAM" resumed "$at" "$T/download")
	sleep 0.5
	download_lives >/dev/null || tcp_figure=
	detail="the download goes on after ${tcp_figure:--} ms"
}

# From the jump until the last data packet that is put onto the link, at either end.
# Only the way up gets longer: that is one request to whoever shapes it, at one moment.
fault_latency() { # fault_latency ONE-WAY-MS MAX-LATENCY
	local up down here there
	settled >/dev/null
	client link wan0 max-latency="$2" >/dev/null
	stream_begin
	capture_begin client wan0 "$T/here"; here=$watching
	capture_begin inet w0 "$T/there"; there=$watching
	sleep 0.7
	fault_at=$(microseconds)
	link_shape wan0 "delay $1ms rate 40mbit limit 800" "$SHAPE0"
	sleep 1.5
	stream_end "$fault_at" "$(microseconds)"
	kill "$here" "$there"
	within 2 not is_alive "$here" && within 2 not is_alive "$there" >/dev/null
	read -r up down < <(perl "$STREAM" left "$T/here" "$T/there" "$DATA_LENGTH" 2>&1)
	figure=$(printf '%s\n' "$up" "$down" | sort -g | tail -n 1)
	detail="up $up down $down; $detail"
	shape_usual
	client link wan0 max-latency=none >/dev/null
}
