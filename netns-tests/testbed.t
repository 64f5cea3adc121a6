#!/bin/bash
# The library the other tests stand on does what it says.  The network is the
# standard one, drawn in lib.sh.

. "$(dirname "$0")/lib.sh"

needs ping curl

pings() { in_client ping -q -c 1 -W 1 "$@"; }

topology 3
for wan in wan0 wan1 wan2; do
	ok "the host answers over $wan, IPv4" within 3 pings -I "$wan" "$HOST4"
	ok "the host answers over $wan, IPv6" within 3 pings -I "$wan" "$HOST6"
done
done_testing
