#!/bin/bash
# What a server does for its clients: ports of its own lead to them, they are
# kept apart, their addresses are hidden or known outside, and its own restart
# ends none of their connections.
#
#	laptop = client   full tunnel, 10.84.0.2, fd84::2, two links
#	phone             only what is for the tunnel goes there, 10.84.0.3, fd84::3
. "$(dirname "$0")/tunnel.sh"
needs curl perl ping iperf3
topology 2
ns_add phone
add_behind_inet phone p0 10.72.0 2001:db8:b0
route phone default via 10.72.0.1
route phone default via 2001:db8:b0::1

for end in phone second; do (umask 077; "$TTT" genkey >"$T/$end.key"); done
peer_phone="[peer phone]
public-key = $("$TTT" pubkey <"$T/phone.key")
address = 10.84.0.3, fd84::3"
files() { # files LINES [LINES]: of the server's [tunnel], of [peer laptop]
	SERVER_TUNNEL=$1 SERVER_PEER=${2:-} SERVER_MORE=$peer_phone tunnel_files
}
files "forward = tcp/8080 -> laptop:80, udp/5353 -> laptop:5300
forward = tcp/2222 -> phone:80
routed = fd84::/64"
cat >"$T/phone.conf" <<-CONF
	[tunnel]
	private-key-file = phone.key
	full-tunnel = no
	[peer vps]
	public-key = $("$TTT" pubkey <"$T/server.key")
	endpoint = $SERVER4
CONF
phone() { ttt_in phone "$@"; }

# Says to whoever comes from which address he does.
# shellcheck disable=SC2016
who='use IO::Socket::IP; my ($proto, $port) = @ARGV; $SIG{CHLD} = "IGNORE";
	my $s = IO::Socket::IP->new(LocalHost => "::", LocalPort => $port, Proto => $proto, V6Only => 0,
		$proto eq "tcp" ? (Listen => 5, ReuseAddr => 1) : ()) or die "$@"; print "listening\n"; STDOUT->flush;
	for (;;) {
		my $c = $s;
		if ($proto eq "tcp") { $c = $s->accept or next } else { $s->recv(my $b, 100) }
		(my $from = $c->peerhost) =~ s/^::ffff://;
		$c->send("$from\n"); close $c if $proto eq "tcp";
	}'
tell_who() { # tell_who NAME tcp|udp PORT
	spawn_in "$1" perl -e "$who" "$2" "$3"
	within 5 grep -q listening "$SPAWN_LOG"
}
# shellcheck disable=SC2016
ask='use IO::Socket::IP; my $s = IO::Socket::IP->new(PeerHost => $ARGV[0], PeerPort => $ARGV[1],
	Proto => $ARGV[2], Timeout => 2) or exit 1; $s->send("?\n"); alarm 2; $s->recv(my $b, 100); print $b'
asks() { in_ns "$1" perl -e "$ask" "$2" "$3" "${4:-tcp}"; }	# asks NAME HOST PORT [udp]
hears() { [ "$(asks "$2" "$3" "$4" "${5:-tcp}")" = "$1" ]; }	# hears ANSWER NAME HOST PORT [udp]

ok "a program listens on the server" tell_who server tcp 81
remember server
ok "the server comes up" server up
ok "the laptop comes up" client up
ok "the phone comes up" phone up
ok "servers stand on both" eval 'tell_who client tcp 80 && tell_who client udp 5300 && tell_who phone tcp 80 &&
	tell_who host tcp 80'

# --- forwarded ports ---------------------------------------------------------------

ok "a port of the server leads to the laptop, who sees where they come from" \
	within 3 hears 203.0.113.2 host "$SERVER4" 8080
ok "over IPv6 too" within 3 hears 2001:db8:113::2 host "$SERVER6" 8080
ok "a UDP port too" within 3 hears 203.0.113.2 host "$SERVER4" 5353 udp
ok "and over IPv6" within 3 hears 2001:db8:113::2 host "$SERVER6" 5353 udp
ok "the phone answers through the tunnel, though its other traffic is outside" \
	within 3 hears 203.0.113.2 host "$SERVER4" 2222
ok "over IPv6 too" within 3 hears 2001:db8:113::2 host "$SERVER6" 2222
like "the phone's other traffic is outside" "$(in_ns phone ip route get "$HOST4")" "dev eth0"
ok "other ports of the server are its own" hears 203.0.113.2 host "$SERVER4" 81
ok "and so they are for clients" hears "$INNER_CLIENT4" client "$INNER_SERVER4" 81

# --- whose address is seen outside -----------------------------------------------------

route host fd84::/64 via 2001:db8:113::1
route inet fd84::/64 via "$SERVER6"
is "what is masqueraded has the server's address outside" "$(asks client "$HOST4" 80)" "$SERVER4"
is "what is routed has its own" "$(asks client "$HOST6" 80)" "$INNER_CLIENT6"

# --- clients among themselves ------------------------------------------------------------

ok "a client does not reach another" not in_client ping -q -c 1 -W 1 10.84.0.3
ok "nor over IPv6" not in_ns phone ping -q -c 1 -W 1 "$INNER_CLIENT6"
ok "but the server" in_ns phone ping -q -c 1 -W 2 "$INNER_SERVER6"
server down
files "isolation = no" "rate = 10mbit"
ok "with isolation = no" server up
ok "clients reach each other" within 5 in_client ping -q -c 1 -W 1 10.84.0.3
ok "over IPv6 too" within 5 in_ns phone ping -q -c 1 -W 1 "$INNER_CLIENT6"
phone down

# --- a rate for one client -----------------------------------------------------------------

spawn_in host iperf3 -s
within 5 is_listening host 5201
# What one TCP makes in two seconds, Mbit/s, and the slowest of the pings beside it.
carries() { # carries [-R]
	in_client iperf3 -c "$HOST4" -t 2 -O 1 -J "$@" >"$T/iperf" &
	local iperf=$!
	in_client ping -q -i 0.02 -c 120 "$HOST4" >"$T/pings"
	wait "$iperf"
	rate=$(jq '.end.sum_received.bits_per_second / 1e6' "$T/iperf")
	slowest=$(sed -nE 's|^rtt .* = [0-9.]+/[0-9.]+/([0-9.]+)/.*|\1|p' "$T/pings")
	echo "$rate Mbit/s, slowest ping $slowest ms"
}
for way in to from; do
	[ $way = to ] && reverse=-R || reverse=
	# shellcheck disable=SC2086
	ok "a TCP $way the laptop is measured" carries $reverse
	ok "it gets the rate of 10mbit, and no more" between "$rate" 8 10.1
	ok "and no ping waits behind it" between "$slowest" 0 30
done

# --- two servers on one host ----------------------------------------------------------------

sed -e 's/7474/7475/; s/10\.84\./10.85./g; s/fd84/fd85/g' "$T/server.conf" >"$T/second.conf"
second() { in_server timeout 30 "$TTT" "$@" -i ttt1 -r "$T/run-server"; }
forwards() { in_server sysctl -n net.ipv4.ip_forward net.ipv6.conf.all.forwarding net.ipv4.conf.eth0.forwarding | xargs; }
ok "a second server comes up beside the first" second up -c "$T/second.conf"
ok "the first of them ends" server down
files "isolation = no"
is "the host still forwards for the other one" "$(forwards)" "1 1 1"
ok "which ends, too" second down
unchanged "then" server
server up

# --- the server is restarted ---------------------------------------------------------------

mkdir "$T/www"
make_file "$T/www/file" 400M
http_serve host "$T/www" 8080
received() { rx_bytes client ttt0; }
more_than() { [ "$(received)" -gt "$1" ]; }
goes_on() { within "$1" more_than "$(($(received) + 400000))"; }
nothing_runs() { [ -z "$(ip netns pids "$(ns_name server)" | xargs -I{} cat /proc/{}/comm 2>/dev/null | grep -x ttt)" ]; }
back_within() { # back_within MS: from now on
	local at
	at=$(microseconds)
	within 5 in_client ping -q -c 1 -i 0.01 -W 0.05 "$INNER_SERVER4" || return
	echo "# after $((($(microseconds) - at) / 1000)) ms" >>"$T/back"
	[ $(($(microseconds) - at)) -le "$1"000 ]
}
spawn_in client curl -sS --max-time 100 --limit-rate 4M -o /dev/null "http://$HOST4:8080/file"
download=$SPAWNED
ok "a download runs" goes_on 5

ok "the server goes down and up" eval 'server down && server up'
ok "the session is back" back_within 2000
ok "the download goes on" goes_on 3
ok "it is the same one" is_alive "$download"

ok "the server goes down for three seconds" eval 'server down && sleep 3'
ok "it comes up" server up
ok "the session is back" back_within 2000
ok "the download goes on" goes_on 5
ok "it is the same one" is_alive "$download"

for n in 1 2; do
	kill -KILL "$(status_of server .supervisor_pid)"
	sleep $((n - 1))
	ok "the server is killed and comes up, time $n" server up
	ok "the session is back" back_within 2000
	ok "the download goes on" goes_on 3
	ok "it is the same one" is_alive "$download"
done

kill -KILL "$(status_of server .supervisor_pid)"
ok "the server is killed, goes down, and comes up" eval 'server down && server up'
ok "the session is back" back_within 2000
ok "the download goes on" goes_on 3
ok "it is the same one" is_alive "$download"
cat "$T/back"

# --- what a client can make it say -----------------------------------------------------------

server down
spawn_in server "$TTT" up -f -r "$T/run-server" -c "$T/server.conf"
log=$SPAWN_LOG
overs() { grep -c 'phone: the session is over' "$log"; }
knows_phone() { [ "$(status_of server '[.peers[] | select(.name == "phone" and .state == "up")] | length')" = "$1" ]; }
comes_and_goes() { phone up && within 3 knows_phone 1 && phone down && within 3 knows_phone 0; }
ok "a server in the foreground knows the phone" comes_and_goes
begun=$SECONDS
for n in 2 3; do ok "the phone comes and goes, time $n" comes_and_goes; done
[ $((SECONDS - begun)) -ge 8 ] || is "that its session is over was said once" "$(overs)" 1

server down
ok "when no other run follows, nothing of it is left in the end" within 12 nothing_runs
unchanged "and" server

done_testing
