#!/bin/bash
# What breaks while the tunnel is up does not open the host, and does not end
# the tunnel.
. "$(dirname "$0")/tunnel.sh"
topology 2
SERVER_TUNNEL="dns = 10.84.0.1" tunnel_files
reaches_host() { in_client ping -c 1 -W 1 "$HOST4"; }
leaves_by() { in_client ip route get "$HOST4" 2>&1 | grep -oE 'dev [a-z0-9]+|unreachable|No route' | head -1; }

before=$(state_of client)
ok "both ends come up" both_up

# --- somebody deletes the device --------------------------------------------------

daemon=$(status_of client .supervisor_pid)
ok "the device is deleted" in_client ip link del dev ttt0
ok "there is another one, and it carries data" within 5 reaches_host
is "of the same daemon" "$(status_of client .supervisor_pid)" "$daemon"

# --- the worker dies again and again ------------------------------------------------

worker_is_new() {
	local pid
	pid=$(status_of client .worker_pid)
	[ "$pid" -gt 0 ] && [ "$pid" != "$worker" ]
}
leaked=
for n in 1 2 3 4 5 6 7 8 9 10 11 12; do
	worker=$(status_of client .worker_pid)
	[ "$worker" -gt 0 ] || { within 8 worker_is_new >/dev/null; worker=$(status_of client .worker_pid); }
	kill -KILL "$worker"
	[ "$(leaves_by)" = "dev ttt0" ] || leaked="$leaked $n:$(leaves_by)"
	[ "$n" -ge 11 ] || within 8 worker_is_new >/dev/null
done
is "after each death everything still goes into the tunnel" "$leaked" ""
ok "after the twelfth it is tried again, too" within 12 reaches_host

# --- DNS ----------------------------------------------------------------------------

resolvers() { in_client grep nameserver /etc/resolv.conf | grep -v '^#'; }
is "the server's resolvers are set" "$(resolvers)" "nameserver 10.84.0.1"
server down
SERVER_TUNNEL="dns = 10.84.0.9" tunnel_files
server up
has_new() { [ "$(resolvers)" = "nameserver 10.84.0.9" ]; }
ok "other resolvers follow with the next session" within 20 has_new

# Resolvers that cannot be set are told until they can be: that is tried now and then.
remount() { nsenter -t "$(status_of client .supervisor_pid)" -m mount -o "remount,bind,$1" /etc/resolv.conf; }
is_noted() { client status | grep -q "^note: cannot set the tunnel's DNS servers: Read-only file system"; }
something_happens() { in_client ip link add dev other type veth peer name another && in_client ip link del dev other; }
if resolvers_are_ours; then
	remount ro
	server down
	SERVER_TUNNEL="dns = 10.84.0.8" tunnel_files
	server up
	ok "status says that they cannot be set" within 20 is_noted
	ok "something else happens" something_happens
	ok "status still says so" not within 0.3 not is_noted
	remount rw
	ok "they are set once they can be" within 12 eval '[ "$(resolvers)" = "nameserver 10.84.0.8" ]'
	ok "and status says no more" within 2 not is_noted
	server down
	SERVER_TUNNEL="dns = 10.84.0.9" tunnel_files
	server up
	ok "the next ones follow" within 20 has_new

	# so it is when another program has overwritten them
	another_writes() { in_client sh -c 'cat >/etc/resolv.conf' <<<"$(sed '1,/^== resolv.conf/d' <<<"$before")"; }
	another_writes
	ok "what another program writes is covered" within 5 has_new
	remount ro
	another_writes
	ok "status says that they cannot be set again" within 6 is_noted
	ok "something else happens" something_happens
	ok "status still says so" not within 0.3 not is_noted
	remount rw
	ok "they are set once they can be" within 12 has_new
	ok "and status says no more" within 2 not is_noted
fi

# --- as after a power cut: nothing in memory, what is on disk stays --------------------

for pid in $(ip netns pids "$(ns_name client)"); do kill -KILL "$pid"; done
ok "all processes are gone" within 3 not in_client pgrep -f "run-client/"
rm -rf "$T/run-client"
is "the tunnel's resolvers are still in the file" "$(resolvers)" "nameserver 10.84.0.9"
client down
is "and down puts the former ones back" "$(in_client cat /etc/resolv.conf)" "$(sed -n '/^== resolv.conf/,$p' <<<"$before" | tail -n +2)"
done_testing
