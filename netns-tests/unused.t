#!/bin/bash
# `ttt status` says of every interface that carries nothing why, in words.

. "$(dirname "$0")/tunnel.sh"
needs jq
topology 3
CLIENT_TUNNEL=$'exclude-interfaces = lan*\ninclude-interfaces = held1' tunnel_files
c() { ip -n "$(ns_name client)" "$@"; }

says() { # says "unused NAME: reason": status has that line
	client status | grep -qxF -- "$1"
}
interface() { # interface NAME [ADDRESS]: up, with carrier
	c link add "$1" type veth peer name "far-$1"
	c link set dev "far-$1" up
	c link set dev "$1" up
	[ -z "${2:-}" ] || c addr add "$2" dev "$1"
}

# ---- interfaces ----

interface lan0 10.50.0.2/24
c route add default via 10.50.0.1 dev lan0 metric 300
interface down0 10.50.1.2/24
c link set dev down0 down
interface cable0 10.50.2.2/24
c link set dev far-cable0 down
interface locked0 10.50.3.2/24
c link set dev locked0 mode dormant
c link set dev locked0 state dormant
interface bare0
interface self0
c addr add 169.254.7.7/16 dev self0 scope link
interface lost0 10.50.4.2/24
in_client sysctl -qw net.ipv6.conf.all.accept_dad=1
interface young0
in_client sysctl -qw net.ipv6.conf.young0.accept_dad=1 net.ipv6.conf.young0.dad_transmits=200
c addr add 2001:db8:50::2/64 dev young0
interface twin0
in_client sysctl -qw net.ipv6.conf.twin0.accept_dad=1 net.ipv6.conf.far-twin0.accept_dad=0
c addr add 2001:db8:51::9/64 dev far-twin0 nodad
c addr add 2001:db8:51::9/64 dev twin0
c link add br0 type bridge
c link set dev br0 up
interface port0 10.50.5.2/24
c link set dev port0 master br0
interface held1 10.50.6.2/24
c link set dev held1 master br0
in_client ip tuntap add dev vpn0 mode tun
c addr add 10.50.7.2/24 dev vpn0
c link set dev vpn0 up
c link add ifb0 type ifb
c link set dev ifb0 up

ok "both ends come up" both_up || exit
while read -r line; do
	ok "$line" within 3 says "unused $line"
done <<-'WORDS'
	lan0: excluded by the configuration
	down0: is down
	cable0: no carrier
	locked0: has carrier, but may not send yet (dormant): is it logged in?
	bare0: no address
	self0: only a link-local address: no DHCP server has answered
	lost0: no default route
	young0: its address is still being checked for being taken
	twin0: its address is taken: another machine there has the same
	port0: is a port of a bridge
	held1: no default route
	vpn0: is a tunnel itself
	ifb0: leads nowhere: it is a dummy
WORDS
every() { # every interface but the loopback and the tunnel's own has a path or a reason
	diff <(in_client ls /sys/class/net | grep -vE '^(lo|ttt0|bonding_masters)$' | sort) \
		<(client status --json | jq -r '.unused[].link, .peers[0].paths[].link' | sort -u)
}
ok "nothing is left out" every
like "commands give the reason, too" "$(client link bare0)" "bare0 tier=primary .*\(no address\)"

# ---- they follow what happens ----

c link set dev down0 name other0	# down: before Linux 6.2 what is up keeps its name
ok "the reason changes with what happens: a name" within 2 says "unused other0: is down"
c link set dev far-cable0 up
c link set dev other0 up
ok "carrier" within 2 says "unused cable0: no default route"
ok "set up" within 2 says "unused other0: no default route"
not_spoken_of() { ! client status | grep -q "$1"; }
c link del dev bare0
ok "an interface that is gone is not spoken of" within 2 not_spoken_of bare0
bind() { # bind: a kind of interface that holds others, where this kernel has one
	c link add group0 type bond 2>/dev/null || c link add group0 type vrf table 99 2>/dev/null
}
if bind; then
	c link set dev lost0 down
	c link set dev lost0 master group0
	c link set dev lost0 up
	ok "lost0: belongs to another interface" within 2 says "unused lost0: belongs to another interface"
else
	diag "this kernel has neither bond nor vrf: a held interface is tried in the unit tests only"
fi
for name in cable0 other0 lan0 self0 lost0 young0 twin0 port0 held1 locked0; do c link del dev "$name"; done

# ---- links that carry nothing ----

busy() { in_client ping -q -i 0.02 -c 25 "$HOST4" >/dev/null; }
idle() { # idle "WAN: reason", while the tunnel is in use
	busy
	says "idle $1"
}
use() { # use LINK KEY=VALUE...
	client link "$@" >"$T/link.out"
}
ok "what is never to be used" use wan2 tier=never
ok "says so" within 2 idle "wan2: never: it is not to be used"
use wan2 tier=backup
ok "a backup says what works" within 2 idle "wan2: backup: the primary links work"
use wan0 tier=never
use wan1 tier=overflow
ok "and that it is only an overflow link" within 3 idle "wan2: backup: the overflow links work"
use wan0 tier=primary
ok "an overflow link says that there is room" within 3 idle "wan1: overflow: the primary links have room"
use wan1 tier=primary
use wan2 tier=primary
link_cut wan2
ok "a silent one does not answer" within 5 idle "wan2: does not answer"
c addr add 10.71.2.9/24 dev wan2
c addr del 10.71.2.2/24 dev wan2
c addr add 10.71.2.9/24 dev wan2 2>/dev/null
c route replace default via "$(gw4 wan2)" dev wan2 metric 102
ok "with another address it is not yet proven" within 3 idle "wan2: not yet proven"
link_restore wan2
both_up_again() { ! client status | grep -q '^idle'; }
ok "none is idle when all work" within 5 eval 'busy; both_up_again'
client strategy failover
use wan1 priority=5
ok "with failover the others name who goes first" within 3 idle "wan0: failover: wan1 goes first"
client strategy lowest-latency
use wan1 priority=100
ok "with lowest-latency, who answers sooner" within 5 eval 'busy; client status | grep -qE "^idle wan[0-9]: lowest-latency: wan[0-9] answers sooner$"'
client strategy aggregate
use wan2 max-latency=1ms
in_inet tc qdisc add dev w2 root tbf rate 300kbit burst 5k latency 300ms
slow() { in_client ping -q -f -c 200 -s 1200 -I ttt0 "$HOST4" >/dev/null; client status | grep -qE "^idle wan2: (slower than its max-latency of 1ms|was beyond a limit a moment ago)$"; }
ok "one that is slower than it may be says so" within 8 slow
in_inet tc qdisc del dev w2 root
use wan2 max-latency=none
ok "and is used when it may be" within 5 eval 'busy; both_up_again'

# ---- more than there may be ----

for n in {1..14}; do
	interface "m$n" "10.60.$n.2/24"
	c route add default via "10.60.$n.1" dev "m$n" metric $((500 + n))
done
ok "the seventeenth link, of a family and an interface, is told so" within 3 eval \
	'client status | grep -qE "^unused m[0-9]+: too many links: 16 are used already$"'
both_down
done_testing
