#!/bin/bash
# Failover as it is felt inside: 1000 UDP packets a second each way, of which none
# may get lost, and a download that must not break.  The bars are those of
# bench/failover.sh, which prints the figures; here each may be missed by what a
# busy machine takes.
. "$(dirname "$0")/tunnel.sh"
. "$(dirname "$0")/faults.sh"

SLACK=80	# ms: a machine's, when others work on it

within_bar() { # within_bar MS
	echo "$detail"
	between "${figure:-none}" 0 "$1"
}
gap_at_most() { # gap_at_most MS
	within_bar "$(($1 + SLACK))"
}
lost_none() { is "and not one packet is lost" "$lost" 0 || diag "$detail"; }

ok "the tunnel comes up, and a download uses both links" faults_begin

fault_carrier
is "the nearer link is the busiest" "$faulty" wan0
ok "when it loses its carrier nothing comes for 20 ms and a round trip" gap_at_most 80
lost_none
sleep 1.2	# the kernel tells of one interface's carrier once a second
fault_comes_back link_up
ok "when its carrier comes back it carries data within a second" within_bar 1000

fault_black_hole
ok "when it falls silent nothing comes for a tenth of a second" gap_at_most 100
lost_none
fault_comes_back link_restore
ok "when it speaks again it carries data within a second" within_bar 1000

for way in up down; do
	fault_black_hole "$way"
	ok "when nothing gets $way any more nothing comes for a tenth of a second" gap_at_most 100
	lost_none
	link_restore "$faulty"
done

fault_new_link
ok "a new link carries data within two seconds" within_bar 2000

fault_rebinding
ok "when a NAT chooses other ports nothing comes for half a second" gap_at_most 500
lost_none

fault_latency 150 100ms
ok "a link that takes longer than its max-latency is left within its round trip" gap_at_most 160
lost_none

fault_all_gone 6
ok "when all links were gone the download goes on within a second" within_bar 1000

fault_server_restarts server down
ok "a server that is restarted is found within two seconds" within_bar 2000
figure=$tcp_figure
ok "and the download goes on through it" within_bar 2000
fault_server_restarts server_is_killed
ok "so is one that is killed and started anew" within_bar 2000
figure=$tcp_figure
ok "and the download goes on through that" within_bar 2000
ok "it is the same one all the time" download_lives
done_testing
