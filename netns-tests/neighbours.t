#!/bin/bash
# Several tunnels on one host, and devices and directories of others: nobody
# touches what is not his.
. "$(dirname "$0")/tunnel.sh"
topology 1
tunnel_files
ok "both ends come up" both_up
reaches_host() { in_client ping -c 1 -W 1 "$HOST4"; }

# --- another runtime directory ------------------------------------------------------

spawn_in client ip monitor route rule
log=$SPAWN_LOG
in_client "$TTT" down -c "$T/client.conf" -r "$T/elsewhere" 2>"$T/err"
is "down with another runtime directory fails" "$?" 1
like "and says why" "$(cat "$T/err")" "ttt0 is up, with another runtime directory"
in_client "$TTT" up -c "$T/client.conf" -r "$T/elsewhere" 2>"$T/err"
is "up with another runtime directory fails" "$?" 1
like "and says why, too" "$(cat "$T/err")" "ttt0 is up, with another runtime directory"
ok "the tunnel carries data" reaches_host
# The kernel's own are left out: it enters the route of the tunnel's IPv6 address when it gets to it.
is "and not a route or rule has moved" "$(grep -v -e '^$' -e 'proto kernel' "$log")" ""

in_client timeout 30 "$TTT" down -c "$T/client.conf" -r "$T/run-client" -i other 2>"$T/err"
is "down of another tunnel that is not up says so" "$?" 4
ok "and leaves this one alone" reaches_host

# --- two servers on one host ----------------------------------------------------------

sed -e 's/7474/7475/; s/10\.84\./10.85./g; s/fd84/fd85/g' "$T/server.conf" >"$T/second.conf"
second() { in_server timeout 30 "$TTT" "$@" -i ttt1 -r "$T/run-server"; }
ok "a second server comes up beside the first" second up -c "$T/second.conf"
settled() { [ "$(in_server ip route | grep -c 'proto 84')" = 2 ]; }
ok "both have their peers' routes" within 2 settled
spawn_in server ip monitor route
log=$SPAWN_LOG
in_server ip addr add 192.0.2.7/32 dev lo	# an event for both
within 2 grep -q 192.0.2.7 "$log"
in_server ip addr del 192.0.2.7/32 dev lo
within 2 grep -q Deleted "$log"
is "an event moves no route of theirs" "$(grep -c 'proto 84' "$log")" 0
ok "the second goes down" second down -c "$T/second.conf"
ok "the first still carries data" reaches_host
ok "and has its route" in_server ip route show 10.84.0.0/24

# --- a device of somebody else -----------------------------------------------------------

ok "the client goes down" client down
in_client ip tuntap add dev ttt0 mode tun
in_client ip addr add 10.9.9.9/24 dev ttt0
client up 2>"$T/err"
is "up fails where a foreign device has the name" "$?" 1
like "and says so" "$(cat "$T/err")" "ttt0: that interface is there already"
like "the device keeps its address" "$(in_client ip addr show dev ttt0)" "10.9.9.9/24"
in_client ip link del dev ttt0

# --- a relative directory ---------------------------------------------------------------

cd "$T" || exit 1
ok "a relative runtime directory is one" in_client timeout 30 "$TTT" up -c client.conf -r here
ok "where it was given" test -e "$T/here/ttt0.sock"
ok "and found again" in_client timeout 30 "$TTT" down -c client.conf -r here
done_testing
