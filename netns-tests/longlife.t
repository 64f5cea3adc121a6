#!/bin/bash
# What a tunnel that came up once meets in a long life: a server that begins anew
# and hands out something else, settings that somebody loads again, what is refused
# for a while, a key on two machines.
. "$(dirname "$0")/tunnel.sh"
needs ping nsenter
topology 2
tunnel_files
ok "both ends come up" both_up
reaches_host() { in_client ping -q -c 1 -W 0.5 "$HOST4"; }
ok "the host answers" within 3 reaches_host

# --- another address ------------------------------------------------------------------

# As when its power fails: there is no goodbye.
kill -KILL "$(status_of server .supervisor_pid)"
sed -i 's/10\.84\.0\.2/10.84.0.7/' "$T/server.conf"
ok "a server comes back, with another address for the client" server up
has_address() { in_client ip addr show dev ttt0 | grep -q "inet $1/"; }
ok "the client takes it" within 5 has_address 10.84.0.7
ok "and the host answers" within 3 reaches_host

# --- settings that somebody loads again -------------------------------------------------

# As sysctl --system does when a package is installed; the kernel tells, and nothing else happens.
setting_is() { [ "$(in_ns "$1" sysctl -n "$2")" = "$3" ]; }
sleep 1
in_client sysctl -qw net.ipv4.conf.wan0.rp_filter=1
ok "a link whose sources are checked strictly all at once is mended" within 1 setting_is client net.ipv4.conf.wan0.rp_filter 2
in_server sysctl -qw net.ipv4.ip_forward=0
ok "a server that forwards no more forwards again" within 1 setting_is server net.ipv4.ip_forward 1
in_server sysctl -qw net.ipv6.conf.all.forwarding=0
ok "and IPv6" within 1 setting_is server net.ipv6.conf.all.forwarding 1
ok "the host answers" within 3 reaches_host

# --- what is refused for a while ----------------------------------------------------------

# No event tells that a file system can be written again.
supervisor=$(status_of client .supervisor_pid)
in_client sysctl -qw net.ipv4.conf.default.rp_filter=1
nsenter -t "$supervisor" -m mount --bind /proc/sys/net /proc/sys/net
nsenter -t "$supervisor" -m mount -o remount,bind,ro /proc/sys/net
add_wan 2
ok "a link comes whose settings cannot be written" within 3 eval 'client status | grep -q "Read-only file system"'
sleep 4	# the kernel has more to tell of a new interface, for some seconds
is "they still are not" "$(in_client sysctl -n net.ipv4.conf.wan2.rp_filter)" 1
nsenter -t "$supervisor" -m umount /proc/sys/net
ok "when they can be, they are" within 12 setting_is client net.ipv4.conf.wan2.rp_filter 2
ok "and status says no more of it" not eval 'client status | grep -q "Read-only file system"'

# --- one key on two machines -----------------------------------------------------------

# As when a disk is copied.
ns_add twin
add_behind_inet twin t0 10.72.0 2001:db8:b0
route twin default via 10.72.0.1
notes() { ttt_in "$1" status | sed -n 's/^note: //p'; }
asks_for_another() { notes "$1" | grep -q "^$2: .* does another machine use the same key?"; }
spawn_in twin "$TTT" up -f -c "$T/client.conf" -r "$T/run-twin"
twin=$SPAWNED
for end in client twin; do spawn_in $end ping -q -i 0.1 "$HOST4"; done
ok "another machine takes the session with the same key, and both want it: the server says so" \
	within 30 asks_for_another server laptop
ok "and so does the client" within 10 asks_for_another client vps
kill -TERM "$twin"
ok "when one of them ends, the host answers" within 5 reaches_host

both_down
done_testing
