#!/bin/bash
# How the links are used is changed while packets flow: the strategy, and what is
# wanted of each link.  Nothing is lost by it, and it does what was asked for.
. "$(dirname "$0")/tunnel.sh"
needs curl ping iperf3 jq perl
mkdir "$T/www"
make_file "$T/www/file" 60M random
make_file "$T/www/small" 4M

slow() { # slow WAN RATE: no link is faster than the machine can send
	in_inet tc qdisc replace dev "w$(wan_number "$1")" root tbf rate "$2" burst 64k latency 50ms
}
fetch() { in_client curl -sS --max-time 60 -o "$T/got" "http://$HOST4/$1" && cmp "$T/got" "$T/www/$1"; }
idle_because() { # idle_because WAN REGEX
	[[ $(status_of client ".links[] | select(.name == \"$1\").reason") =~ $2 ]]
}
of_path() { # of_path WAN KEY: as the worker has it
	status_of client "[.peers[0].paths[] | select(.link == \"$1\").$2] | unique | join(\" \")"
}
path_has() { [ "$(of_path "$1" "$2")" = "$3" ]; }
pings() { # pings COUNT SIZE
	in_client ping -q -c "$1" -i 0.005 -s "$2" -W 2 "$HOST4" | grep -q " 0% packet loss"
}
# sends WAN LOW HIGH COMMAND...: so many bytes leave over the link while the command runs
sends() {
	local was
	was=$(tx_bytes client "$1")
	"${@:4}" && between "$(($(tx_bytes client "$1") - was))" "$2" "$3"
}

# The witness of everything: 200 packets a second, none of which may get lost.
witness() {
	spawn_in client ping -i 0.005 "$HOST4"
	witness=$SPAWNED witness_log=$SPAWN_LOG
}
# Answers that were still under way when it ended are not missing.
lost_none() {
	kill -INT "$witness"
	within 3 grep transmitted "$witness_log" && awk -F'icmp_seq=' '
		/icmp_seq=/ { n = $2 + 0; seen[n] = 1; if (n > last) last = n }
		END { for (n = 1; n <= last; n++) if (!seen[n]) { print "no answer to", n; missing = 1 }
			exit missing || last < 100 }' "$witness_log"
}

topology 2
for n in 0 1; do slow wan$n 60mbit; done
http_serve host "$T/www" 80
CLIENT_MORE='[link usb*]
weight = 5' tunnel_files
ok "both ends come up" both_up
ok "both links carry the tunnel" within 5 paths_up 2

# ---- while packets flow ----------------------------------------------------------

witness
spawn_in client curl -sS --max-time 60 -o "$T/got" "http://$HOST4/file"
download=$SPAWNED
mapfile -t strategies < <("$TTT" strategy | awk '{ print $1 }')
for strategy in "${strategies[@]}" "${strategies[0]}"; do
	ok "$strategy is taken" client strategy "$strategy"
	is "and is in force when the command returns" "$(status_of client '.peers[0].strategy')" "$strategy"
	in_client ping -q -c 20 -i 0.01 "$HOST4" >/dev/null
done
for words in "weight=7 priority=3" "max-latency=900ms max-loss=50%" "metered=yes" "rate=50mbit congestion=fixed" \
	"congestion=auto rate=none" "tier=overflow" "tier=backup" "tier=never" "tier=primary metered=no"; do
	# shellcheck disable=SC2086
	ok "wan1 is used with $words" client link wan1 $words
	in_client ping -q -c 20 -i 0.01 "$HOST4" >/dev/null
done
is "what was changed is in force" "$(of_path wan1 weight) $(of_path wan1 priority) $(of_path wan1 max_latency)" "7 3 900"
is "another link is as it was" "$(of_path wan0 weight) $(of_path wan0 priority) $(of_path wan0 max_latency)" "1 100 0"
download_ends() { not is_alive "$download"; }
ok "the download ends" within 60 download_ends
ok "it is whole" cmp "$T/got" "$T/www/file"
ok "and of the small packets beside it none was lost" lost_none
like "what differs from the defaults is shown" "$(client status)" \
	"link wan1 priority=3 weight=7 max-latency=900ms max-loss=50%  \(until ttt down\)"
like "all of it is listed" "$(client link)" "wan0 tier=primary priority=100 .*
wan1 tier=primary priority=3 weight=7 max-latency=900ms max-loss=50% rate=none congestion=auto metered=no budget=none budget-reset=1  \(changed"

# ---- when it is in force ---------------------------------------------------------

worker=$(status_of client .worker_pid)
waits() { # waits COMMAND...: it is still waiting after a second
	local status=0
	in_client timeout 1 "$TTT" "$1" -r "$T/run-client" "${@:2}" || status=$?
	[ "$status" = 124 ]
}
kill -STOP "$worker"
ok "a strategy is not said to be taken before it is" waits strategy failover
ok "nor is a link" waits link wan0 weight=3
kill -CONT "$worker"
ok "then it is" client strategy failover
is "and in force" "$(status_of client '.strategy + " " + .peers[0].strategy')" "failover failover"
is "so is the link" "$(of_path wan0 weight)" 3
kill -KILL "$worker"
ok "what was changed outlives the worker" within 5 path_has wan0 weight 3
is "and so does the strategy" "$(status_of client '.strategy + " " + .peers[0].strategy')" "failover failover"
ok "both links carry the tunnel" within 5 paths_up 2

# ---- what is refused, and what waits ---------------------------------------------

ok "a link that nobody knows is refused" refuses 2 "no link wan7,.* there are wan0, wan1$" client link wan7 weight=2
ok "a pattern is refused" refuses 2 "patterns are for the configuration" client link 'usb*' weight=2
ok "a key that there is not is refused" refuses 2 "wan0: unknown key wieght; did you mean weight\?" client link wan0 wieght=2
ok "a wrong value is refused" refuses 2 "wan0: tier: there is no spare; there are" client link wan0 weight=9 tier=spare
is "and then nothing has changed" "$(client link wan0 | grep -o 'weight=[0-9]*')" weight=3
ok "fixed without a rate is refused" refuses 2 "wan0: congestion: fixed needs" client link wan0 congestion=fixed
ok "a strategy that there is not is refused" refuses 2 "there is no such strategy" client strategy fast
like "a server says that its clients choose" "$(server strategy redundant)" "clients that have said a strategy keep it"
is "and leaves a client its own" "$(status_of server '.peers[0].strategy')" failover
ok "a server has no links" refuses 2 "only a client has links" server link wan0 weight=2
# shellcheck disable=SC2016
whatever_is_sent() { # whatever_is_sent LINE...: it answers each one, with a refusal
	printf '%s\n' "$@" | timeout 10 perl -MIO::Socket::UNIX -e '
		my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die;
		while (<STDIN>) { print $s $_; $s->flush; my $a = <$s>; print $a; exit 1 unless $a =~ /"ok": ?false/ }' \
		"$T/run-client/ttt0.sock"
}
ok "words of other types are refused" whatever_is_sent '{"command":"link"}' '{"command":"link","name":7,"set":[]}' \
	'{"command":"link","name":"wan0"}' '{"command":"link","name":"wan0","set":{}}' \
	'{"command":"link","name":"wan0","set":[7]}' '{"command":"link","name":"wan0","set":["weight=2",null]}' \
	"{\"command\":\"link\",\"name\":\"wan0\",\"set\":[$(printf '"weight=2",%.0s' {1..20})\"weight=2\"]}" \
	"{\"command\":\"link\",\"name\":\"wan0\",\"set\":[\"$(printf 'x%.0s' {1..5000})=2\"]}" \
	'{"command":"links","name":"a/b"}' '{"command":"links","name":{}}'
is "and then, too, nothing has changed" "$(client link wan0 | grep -o 'weight=[0-9]*')" weight=3
like "a link of the configuration is remembered" "$(client link usb0 tier=backup)" "usb0: not there now: kept for when it comes"
like "with what its pattern says" "$(client link usb0)" "^usb0 tier=backup .*weight=5 .*  \(changed.*  \(not there\)"
veth client usb0 inet u0
set_up inet u0 10.71.9.1/24
set_up client usb0 10.71.9.2/24
route client default via 10.71.9.1 dev usb0 metric 200
ok "when it comes, it is used so" within 3 path_has usb0 tier backup
is "also as its pattern says" "$(of_path usb0 weight)" 5
ok "it goes" in_client ip link del dev usb0

# ---- tiers and weights -----------------------------------------------------------

client strategy aggregate
client link wan0 weight=1 >/dev/null
client link wan1 tier=backup priority=100 weight=1 max-latency=none max-loss=none >/dev/null
ok "a backup says why it carries nothing" within 3 idle_because wan1 "^backup: the primary links work$"
ok "a backup stays silent while the primary works" sends wan1 0 3000 pings 200 1000
witness
link_cut wan0
ok "it takes over when the primary is cut" within 1 idle_because wan1 "^$"
ok "and carries everything" sends wan1 200000 400000 pings 200 1000
link_restore wan0
ok "it rests when the primary is back" within 5 idle_because wan1 "^backup:"
ok "and stays silent again" sends wan1 0 3000 pings 200 1000
ok "none of the packets was lost over all this" lost_none

client link wan1 tier=never >/dev/null
ok "never says so" idle_because wan1 "^never"
ok "never is not a word, even when the primary is full" sends wan1 0 500 fetch small
link_cut wan0
ok "nor when it is cut" sends wan1 0 500 not pings 20 1000
link_restore wan0
ok "the tunnel is back with the primary" within 5 pings 1 1000

client link wan1 tier=primary weight=1 >/dev/null
client link wan0 weight=3 >/dev/null
client strategy weighted
in_host sysctl -qw net.ipv4.icmp_echo_ignore_all=1	# what came back would be acknowledged over the faster link
share() { # share LOW HIGH: percent of what wan0 sends while 400 packets go out
	local was0 was1 sent0 sent1
	was0=$(tx_bytes client wan0) was1=$(tx_bytes client wan1)
	in_client ping -q -c 400 -i 0.005 -s 1000 -W 0.1 "$HOST4" >/dev/null
	sent0=$(($(tx_bytes client wan0) - was0)) sent1=$(($(tx_bytes client wan1) - was1))
	between "$((100 * sent0 / (sent0 + sent1)))" "$1" "$2"
}
ok "three quarters go over a link of weight 3 beside one of weight 1" share 73 77
client link wan0 weight=1 >/dev/null
ok "one half, once the weights are the same" share 48 52
in_host sysctl -qw net.ipv4.icmp_echo_ignore_all=0

# ---- rates -----------------------------------------------------------------------

client link wan1 tier=never >/dev/null
rate() { # of a download of 4 MB: Mbit/s
	in_client curl -sS --max-time 60 -o /dev/null -w '%{speed_download}' "http://$HOST4/small" | awk '{ print $1 * 8 / 1e6 }'
}
sends_at() { # sends_at LOW HIGH: Mbit/s of an upload over a link of a fixed rate
	spawn_in host iperf3 -s -1
	within 5 is_listening host 5201
	client link wan0 congestion=fixed
	between "$(in_client iperf3 -J -t 4 -O 1 -c "$HOST4" | jq '.end.sum_received.bits_per_second / 1e6')" "$1" "$2"
}
client link wan0 rate=10mbit >/dev/null
ok "a rate is not exceeded" between "$(rate)" 5 9.6
ok "nor by what the client sends at a fixed rate, and most of that is used" sends_at 7 9.7
client link wan0 rate=none congestion=auto >/dev/null
ok "without it there is more" between "$(rate)" 15 60

ok "the client goes down" client down
ok "it comes up again" client up
is "and what was changed is forgotten" "$(status_of client '[.links[] | .settings] | join("")')" ""
ok "it goes down" client down
CLIENT_MORE='[link wan*]
tier = never' tunnel_files
ok "with nothing but links that are never to be used it says so" refuses 1 \
	"vps: no link may carry the tunnel: each is tier = never, or its budget is spent" client up
ok "the server goes down, too" server down

# ---- limits ------------------------------------------------------------------------

topology 2 netem
for n in 0 1; do link_shape wan$n "delay 20ms rate 30mbit limit 400"; done
CLIENT_TUNNEL='strategy = failover'
CLIENT_MORE='[link wan0]
priority = 1
max-latency = 150ms
max-loss = 5%' tunnel_files
ok "both ends come up over slower links" both_up
ok "both carry the tunnel" within 5 paths_up 2
ok "the second waits" within 5 idle_because wan1 "^failover: wan0 goes first$"
ok "and carries nothing but probes" sends wan1 0 20000 pings 200 1000
witness
link_shape wan0 "delay 120ms rate 30mbit limit 400"
ok "a link that is too slow is left" within 1 idle_because wan0 "^slower than its max-latency of 150ms$"
ok "the other carries everything" sends wan1 200000 600000 pings 200 1000
fast_since=$(microseconds)	# not before then
link_shape wan0 "delay 20ms rate 30mbit limit 400"
ok "fast again, it is used again" within 10 idle_because wan1 "^failover: wan0 goes first$"
ok "but not before it has been fast for two seconds" between "$(($(microseconds) - fast_since))" 1900000 6000000
ok "and carries everything" sends wan1 0 20000 pings 200 1000
client link wan0 max-latency=30ms >/dev/null
ok "a limit that is set under way is kept, too" within 1 idle_because wan0 "^slower than its max-latency of 30ms$"
client link wan0 max-latency=none >/dev/null
ok "and lifted" within 10 idle_because wan1 "^failover: wan0 goes first$"
ok "none of the packets was lost over all this" lost_none

# ---- overflow ----------------------------------------------------------------------

http_serve host "$T/www" 80
client strategy aggregate
client link wan0 max-loss=none >/dev/null
client link wan1 tier=overflow >/dev/null
ok "overflow says why it carries nothing" within 3 idle_because wan1 "^overflow: the primary links have room$"
ok "it stays silent while the primary has room" sends wan1 0 20000 pings 200 1000
takes() { # takes WAN COMMAND...: a good part of what comes in while the command runs
	local was
	was=$(rx_bytes client "$1")
	"${@:2}" && between "$(($(rx_bytes client "$1") - was))" 5000000 50000000
}
ok "it helps while that is full" takes wan1 fetch file
ok "and rests again" within 5 idle_because wan1 "^overflow:"

# ---- a fixed rate --------------------------------------------------------------------

client link wan1 tier=never >/dev/null
client link wan0 rate=10mbit congestion=fixed >/dev/null
spawn_in host iperf3 -s -1
ok "a load generator listens" within 5 is_listening host 5201
spawn_in client iperf3 --forceflush -u -b 25M -l 1200 -t 60 -c "$HOST4"
ok "there is more to send than goes" within 5 grep -q "2.00 *sec" "$SPAWN_LOG"
# stays_at LOW HIGH: Mbit/s that leave over wan0 in each of three seconds.  A controller that finds
# its rate soon sends 4 to 5 where a quarter is lost, and never more than a link carries.
stays_at() {
	local bytes time second status=0
	for second in 1 2 3; do
		bytes=$(tx_bytes client wan0) time=$(microseconds)
		sleep 1
		between "$((8 * ($(tx_bytes client wan0) - bytes) * 1000 / ($(microseconds) - time)))" "${1}000" "${2}000" || status=1
	done
	return "$status"
}
link_shape wan0 "delay 20ms rate 30mbit loss 25% limit 400" "delay 20ms rate 30mbit limit 400"
ok "a fixed rate is kept where a quarter is lost" stays_at 9 11
link_shape wan0 "delay 20ms rate 7mbit limit 40" "delay 20ms rate 30mbit limit 400"
ok "and on a link that carries less" stays_at 9 11
ok "the load was there until the end" kill "$SPAWNED"
ok "both ends go down" both_down
done_testing
