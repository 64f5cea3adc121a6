#!/bin/bash
# Datagrams that are alike go as one message and come as one, and nobody on the
# way sees that: behind a device that does not take it for more than it is, each
# is a datagram of its own, which may be lost by itself, or be too large.
. "$(dirname "$0")/tunnel.sh"
needs perl busybox tcpdump ethtool jq nft
. "$(dirname "$0")/digest.sh"
topology 2
tunnel_files

# From now on the kernel cuts before the datagrams leave, as it does for most hardware.
cuts() { # cuts NAME DEVICE
	in_ns "$1" ethtool -K "$2" tx-udp-segmentation off gso off tso off >/dev/null
}
udp() { status_of "$1" ".udp_$2"; } # udp NAME FIELD
per_message() { # per_message NAME tx|rx BEFORE-DATAGRAMS BEFORE-MESSAGES
	awk -v d="$(($(udp "$1" "$2_datagrams") - $3))" -v m="$(($(udp "$1" "$2_messages") - $4))" \
		'BEGIN { printf "%.1f\n", (m > 0 ? d / m : 0) }'
}

ok "both ends come up" both_up
ok "both links carry the tunnel" within 5 paths_up 2
for name in client server; do
	like "the $name says what is used" "$(ttt_in "$name" status)" "offload: .*udp segment gro"
done

# --- together -----------------------------------------------------------------------

sent=($(udp client tx_datagrams) $(udp client tx_messages))
came=($(udp server rx_datagrams) $(udp server rx_messages))
ok "a file arrives whole" transfer
ok "its datagrams went together" between "$(per_message client tx "${sent[@]}")" 2 64
ok "and came together" between "$(per_message server rx "${came[@]}")" 2 64
ok "as many as went, but for few" between \
	"$(($(udp server rx_datagrams) - came[0] - $(udp client tx_datagrams) + sent[0]))" -2000 2000

# --- on the wire --------------------------------------------------------------------

for n in 0 1; do cuts client "wan$n"; done
watched=()
for n in 0 1; do
	spawn_in inet tcpdump -n -s 64 -w "$T/wan$n" --immediate-mode -i "w$n" "udp dst port 7474"
	watched+=("$SPAWNED")
	within 5 grep -q "listening on" "$SPAWN_LOG"
done
sent=($(udp client tx_datagrams) $(udp client tx_messages))
ok "a file arrives whole over devices that take single datagrams only" transfer
ok "its datagrams went together all the same" between "$(per_message client tx "${sent[@]}")" 2 64
for pid in "${watched[@]}"; do kill -INT "$pid"; done
within 5 not is_alive "${watched[0]}"
within 5 not is_alive "${watched[1]}"
seen() { # seen FILTER: packets on both links
	{ tcpdump -n -r "$T/wan0" "$1"; tcpdump -n -r "$T/wan1" "$1"; } 2>/dev/null | wc -l
}
# what the dump itself has lost is not there
ok "each was a datagram of its own" between "$(seen 'udp and less 1514')" 10000 60000
is "none was larger than the link takes" "$(seen 'greater 1515')" 0
is "none came in pieces" "$(seen 'ip[6:2] & 0x3fff != 0')" 0
is "and none may be cut on the way" "$(seen 'ip[6] & 0x40 = 0')" 0

# --- losses, and a link that takes less -----------------------------------------------

in_inet nft 'table inet loss { chain c { type filter hook forward priority 0;
	udp dport 7474 numgen random mod 1000 < 5 counter drop; }; }'
ok "a file arrives whole where single ones of them are lost" transfer
lost=$(in_inet nft -j list table inet loss | jq '[.. | .counter? // empty | .packets] | add')
ok "some were" between "$lost" 30 2000
in_inet nft delete table inet loss

in_client ip link set dev wan0 mtu 1350
in_client ip link set dev wan1 mtu 1350
ok "a file arrives whole over links that have become smaller" transfer
like "runs go as one message still" "$(client status)" "offload: .*udp segment gro"
is "no datagram was given up by a socket of the server" "$(status_of server '.drops["send-failed"]')" 0

ok "both ends go down" both_down

# --- switched off ---------------------------------------------------------------------

CLIENT_TUNNEL='offload = off' tunnel_files
ok "both ends come up, the client without all that" both_up
like "it says so" "$(client status)" 'offload: .*udp none \(offload = off\)'
ok "a file arrives whole" transfer
is "each datagram went by itself" "$(per_message client tx 0 0)" 1.0
is "and came by itself" "$(per_message client rx 0 0)" 1.0
ok "both ends go down" both_down
done_testing
