#!/bin/bash
# At rest the tunnel is silent: what nobody sends wakes no radio.
. "$(dirname "$0")/tunnel.sh"
needs tcpdump
topology 2
tunnel_files
ok "both ends come up" both_up
ok "both links carry the tunnel" within 5 paths_up 2
is "the device has no link-local address" "$(in_client ip -6 addr show dev ttt0 scope link)" ""
state=$(in_client ip -6 addr show dev ttt0)
like "but the tunnel's own" "$state" "$INNER_CLIENT6"
quiet() { # nothing for five seconds; the session's beginning has its own talk
	local before after
	before=$(in_inet cat /sys/class/net/w0/statistics/rx_packets /sys/class/net/w1/statistics/rx_packets)
	sleep 5
	after=$(in_inet cat /sys/class/net/w0/statistics/rx_packets /sys/class/net/w1/statistics/rx_packets)
	[ "$before" = "$after" ]
}
ok "five seconds pass without a packet on any link" within 20 quiet
both_down
done_testing
