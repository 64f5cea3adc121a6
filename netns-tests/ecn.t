#!/bin/bash
# A router between the ends that marks instead of dropping (nft stands for it)
# is heard inside, in both directions, over IPv4 and IPv6; one that clears marks
# costs nothing but them.
#
# ping's -Q 2 is ECT(0).  The host's answers have the field of what they answer,
# so it is ECT(0) that goes back, or CE.
. "$(dirname "$0")/tunnel.sh"
needs ping nft jq
topology 1

# Counts by ECN field what comes in from a prefix of the other side: inner packets.
count_in() { # count_in NAME
	in_ns "$1" nft -f - <<-RULES
		table inet fields {
			counter as_ect0 { }
			counter as_ce { }
			counter as_other { }
			chain in {
				type filter hook input priority 0;
				icmp type { echo-request, echo-reply } ip ecn ect0 counter name as_ect0 accept
				icmp type { echo-request, echo-reply } ip ecn ce counter name as_ce accept
				icmp type { echo-request, echo-reply } counter name as_other accept
				icmpv6 type { echo-request, echo-reply } ip6 ecn ect0 counter name as_ect0 accept
				icmpv6 type { echo-request, echo-reply } ip6 ecn ce counter name as_ce accept
				icmpv6 type { echo-request, echo-reply } counter name as_other accept
			}
		}
	RULES
}
counted() { # counted NAME: ECT(0) CE other
	in_ns "$1" nft -j reset counters table inet fields |
		jq -r '[.nftables[].counter | select(. != null) | {(.name): .packets}] | add | "\(.as_ect0) \(.as_ce) \(.as_other)"'
}

# What the router does to the tunnel's datagrams that come in there.
router() { # router DEVICE STATEMENT...
	in_inet nft -f - <<-RULES
		add table inet router
		delete table inet router
		table inet router {
			chain forward {
				type filter hook forward priority 0;
				iifname "$1" udp dport 7474 $2
				iifname "$1" udp sport 7474 $2
				iifname "$1" udp dport 7474 $3
				iifname "$1" udp sport 7474 $3
			}
		}
	RULES
}
marks() { router "$1" "ip ecn != not-ect ip ecn set ce" "ip6 ecn != not-ect ip6 ecn set ce"; }
clears() { router "$1" "ip ecn set not-ect" "ip6 ecn set not-ect"; }

pings() { in_client ping -q -Q "$2" -c 20 -i 0.02 -W 2 "$1"; }
# ping's own answers are the host's: let both pass before they are counted
knows_ecn() { [ "$(status_of "$1" '.peers[0].paths[0].ecn')" = "$2" ]; }
marked() { status_of "$1" '.peers[0].paths[0].marked'; }

for outer in "$SERVER4 w0 s0" "[$SERVER6] w0 s0"; do
	read -r endpoint from_client from_server <<<"$outer"
	ENDPOINT=$endpoint tunnel_files
	ok "both ends come up, by $endpoint" both_up
	count_in client
	count_in host
	in_client ping -q -c 10 -i 0.1 -W 1 "$HOST4" >/dev/null	# somebody waits: the path is asked
	ok "the client finds the path good for marks" within 5 knows_ecn client yes
	ok "so does the server" within 5 knows_ecn server yes
	counted client >/dev/null
	counted host >/dev/null

	for inner in "$HOST4" "$HOST6"; do
		ok "ECT(0) goes to $inner" pings "$inner" 2
		is "and arrives as it was" "$(counted host)" "20 0 0"
		is "so does the answer" "$(counted client)" "20 0 0"
		marks "$from_client"
		ok "a router on the way there marks" pings "$inner" 2
		is "and the host hears of it" "$(counted host)" "0 20 0"
		counted client >/dev/null
		ok "what asks for no marks gets none" pings "$inner" 0
		is "and loses nothing" "$(counted host)" "0 0 20"
		counted client >/dev/null
		marks "$from_server"
		ok "a router on the way back marks" pings "$inner" 2
		is "which the host does not hear of" "$(counted host)" "20 0 0"
		is "but the client does" "$(counted client)" "0 20 0"
		in_inet nft delete table inet router
	done
	ok "the client was told of marks" between "$(marked client)" 40 80
	ok "and so was the server" between "$(marked server)" 40 80

	clears "$from_client"
	ok "a router that clears marks costs no packet" pings "$HOST4" 2
	ok "and is found out" within 5 knows_ecn client no
	counted host >/dev/null
	ok "what is sent then still arrives" pings "$HOST4" 2
	is "with the field it had" "$(counted host)" "20 0 0"
	in_inet nft delete table inet router
	in_client nft delete table inet fields
	in_host nft delete table inet fields
	ok "both ends go down" both_down
done
done_testing
