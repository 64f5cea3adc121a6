#!/bin/bash
# Links come and go while a download runs: the tunnel follows, and the download
# goes on.
. "$(dirname "$0")/tunnel.sh"
needs curl
topology 3
tunnel_files
mkdir "$T/www"
make_file "$T/www/file" 400M
http_serve host "$T/www" 80
for n in 0 1 2; do in_inet tc qdisc add dev "w$n" root tbf rate 20mbit burst 32k latency 50ms; done

uses() { # uses "wan0 wan1": exactly these carry data
	[ "$(status_of client '[.peers[0].paths[] | select(.state == "up") | .link] | unique | join(" ")')" = "$1" ]
}
why() { client status | sed -n "s/^unused $1: //p"; }

ok "both ends come up" both_up
ok "all three links carry data" within 5 uses "wan0 wan1 wan2"

# The download that must survive everything below.
spawn_in client curl -sS --max-time 120 -o /dev/null "http://$HOST4/file"
download=$SPAWNED
received() { rx_bytes client ttt0; }
goes_on() { # more than a packet or two comes within the time
	local was
	was=$(received)
	within "$1" more_than "$((was + 200000))"
}
more_than() { [ "$(received)" -gt "$1" ]; }
ok "a download runs" goes_on 5

ok "carrier goes" link_down wan0
ok "the link leaves at once" within 1 uses "wan1 wan2"
like "status says why" "$(why wan0)" "no carrier"
ok "the download goes on" goes_on 2
ok "carrier comes" link_up wan0
ok "the link joins" within 3 uses "wan0 wan1 wan2"

ok "a link is set down" in_client ip link set dev wan1 down
ok "it leaves at once" within 1 uses "wan0 wan2"
ok "the download goes on" goes_on 2
in_client ip link set dev wan1 up
route client default via "$(gw4 wan1)" dev wan1 metric 101
ok "up, and with its route back, it joins" within 3 uses "wan0 wan1 wan2"

ok "an address is removed" in_client ip addr del "$(wan4 wan1)/24" dev wan1
ok "its link leaves at once" within 1 uses "wan0 wan2"
ok "the download goes on" goes_on 2
in_client ip addr add "$(wan4 wan1)/24" dev wan1
route client default via "$(gw4 wan1)" dev wan1 metric 101
ok "with address and route back it joins" within 3 uses "wan0 wan1 wan2"

ok "a default route is removed" in_client ip route del default dev wan1
ok "its link leaves at once" within 1 uses "wan0 wan2"
like "status says why" "$(why wan1)" "no default route"
route client default via "$(gw4 wan1)" dev wan1 metric 101
ok "with the route back it joins" within 3 uses "wan0 wan1 wan2"

ok "an address is changed" in_client bash -c "ip addr del $(wan4 wan1)/24 dev wan1 && ip addr add 10.71.1.7/24 dev wan1 &&
	ip route replace default via $(gw4 wan1) dev wan1 metric 101"
moved() { [ "$(status_of client '[.peers[0].paths[] | select(.link == "wan1" and .state == "up") | .local] | join(" ")')" = 10.71.1.7 ]; }
ok "the link carries data from its new address" within 3 moved
ok "the download goes on" goes_on 2

ok "an interface is pulled out" in_client ip link del dev wan2
ok "its link leaves at once" within 1 uses "wan0 wan1"
ok "it is plugged in again" add_wan 2
ok "its link joins" within 3 uses "wan0 wan1 wan2"

ok "a link falls silent" link_cut wan0
ok "the download goes on" goes_on 3
ok "it is no longer up" within 5 uses "wan1 wan2"
ok "it comes back" link_restore wan0
ok "it carries data again" within 5 uses "wan0 wan1 wan2"

ok "the download is still the same one" is_alive "$download"
is "the worker was never restarted" "$(status_of client .worker_restarts)" 0

for n in 0 1 2; do link_down "wan$n"; done
ok "with no link the client stays up" within 2 uses ""
for n in 0 1 2; do link_up "wan$n"; done
ok "and carries data when links come back" within 5 uses "wan0 wan1 wan2"
ok "the download goes on" goes_on 5

ok "the server goes down" server down
ok "and up again" server up
ok "the client finds it again" within 20 in_client ping -c 1 -W 1 "$HOST4"
ok "and a new download arrives" in_client curl -sS --max-time 10 -r 0-999999 -o /dev/null "http://$HOST4/file"

# ---- what cannot be put in place holds back nothing else ----

notes() { client status | sed -n 's/^note: //p'; }
is_noted() { notes | grep -qF "$1"; }
says() { grep -cF "$1" "$log"; } # says TEXT: so many lines of the log
client down
spawn_in client "$TTT" up -f -c "$T/client.conf" -r "$T/run-client"
log=$SPAWN_LOG
ok "the client is up again" within 5 uses "wan0 wan1 wan2"
foreign="routing: a rule of another program stands among ours: 7450: from all lookup 254: set rule-priority"
ok "somebody adds a rule among ours" in_client ip rule add pref 7450 lookup main
ok "status says so, and what to do" within 1 is_noted "$foreign"
in_client sysctl -qw net.ipv4.conf.default.rp_filter=1
ok "a link comes whose sources are checked strictly" add_wan 3
ok "it joins" within 3 uses "wan0 wan1 wan2 wan3"
like "the kill switch knows its network" "$(in_client nft list table inet ttt-ttt0-closed)" \
	"oifname \"wan3\" ip daddr 10.71.3.0/24 accept"
like "answers to who reaches it leave by it" "$(in_client nft list table inet ttt-ttt0)" "iifname \"wan3\" meta nfproto ipv4"
in_client ip link del dev wan3
ok "it goes" within 1 uses "wan0 wan1 wan2"
is "the log has said it once" "$(says "$foreign")" 1
ok "the rule is removed" in_client ip rule del pref 7450
ok "status says so no more" within 1 not is_noted "$foreign"

for when in "while it is up" "when it comes up"; do
	[ "$when" = "while it is up" ] || client down
	# Linux takes that in the main table, and for no table of ours.
	ok "a link's router is the link's own address, $when" \
		in_client ip route replace default via 10.71.1.7 dev wan1 metric 101
	[ "$when" = "while it is up" ] || ok "the client comes up" client up
	ok "the link leaves" within 2 uses "wan0 wan2"
	like "status says why, in the kernel's words" "$(why wan1)" "^its IPv4 route is refused: Nexthop has invalid gateway"
	is "and that is no trouble" "$(notes)" ""
	in_client ip route replace default via "$(gw4 wan1)" dev wan1 metric 101
	ok "with a router of its own it joins" within 3 uses "wan0 wan1 wan2"
done
ok "a refused route is not logged" not grep -q "add route" "$log"

state=$(client down 2>&1; in_client ip rule | grep -c 'proto 84')
is "the client goes down and leaves no rule" "$state" 0
done_testing
