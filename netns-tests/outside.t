#!/bin/bash
# What goes past the tunnel: by exclude, exclude-uid and exclude-cgroup, also past
# the kill switch; and one command by `ttt portal`, over one link, with the
# resolvers of that link.  Nothing else does.
#
# host says who it is asked by: the server's address, when it was through the tunnel.

. "$(dirname "$0")/tunnel.sh"

needs curl perl ping setpriv unshare getent findmnt

topology 2
OUTSIDE4=203.0.113.65 OUTSIDE6=2001:db8:113::1:2
set_up host eth0 $OUTSIDE4/24 $OUTSIDE6/64

# shellcheck disable=SC2016
spawn_in host perl -MIO::Socket::IP -e '$SIG{CHLD} = "IGNORE";
	my $s = IO::Socket::IP->new(LocalHost => "::", V6Only => 0, LocalPort => 80, Listen => 50, ReuseAddr => 1) or die;
	while (my $c = $s->accept) { my $who = $c->peerhost; $who =~ s/^::ffff://; sysread $c, my $asked, 4096;
		print $c "HTTP/1.0 200 OK\r\n\r\n$who"; close $c }'
within 5 is_listening host 80
# The resolver of wan1's network: whatever is asked for is host.
# shellcheck disable=SC2016
spawn_in inet perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(Proto => "udp", LocalAddr => $ARGV[0], LocalPort => 53) or die;
	while (my $from = $s->recv(my $q, 1500)) { my ($end) = (index($q, "\0", 12) + 5); my $a = substr($q, $end - 4, 2) eq "\0\1";
		$s->send(substr($q, 0, 2) . pack("n5", 0x8180, 1, $a ? 1 : 0, 0, 0) . substr($q, 12, $end - 12) .
			($a ? pack("n3Nn", 0xc00c, 1, 1, 60, 4) . pack("C4", 203, 0, 113, 2) : "")) }' "$(gw4 wan1)"

url() { case $1 in *:*) echo "http://[$1]/" ;; *) echo "http://$1/" ;; esac; }
whoami() { # whoami ADDRESS [COMMAND...]: in the client
	local at=$1
	shift
	in_client "$@" curl -s -m 2 "$(url "$at")"
}

cgroups=$(findmnt -n -t cgroup2 -o TARGET | head -1)
if [ -z "$cgroups" ]; then mkdir "$T/cgroup" && mount -t cgroup2 none "$T/cgroup" && cgroups=$T/cgroup; fi
group=ttt-test-$$
in_group() { # in_group COMMAND...
	(echo "$BASHPID" >"$cgroups/$group/job/cgroup.procs" && "$@")
}
drop_group() { rmdir "$cgroups/$group/job" "$cgroups/$group"; }
mkdir -p "$cgroups/$group/job"
end_group() {
	local status=$?
	drop_group 2>/dev/null
	[ "$cgroups" != "$T/cgroup" ] || umount "$cgroups"
	(exit "$status")
	cleanup
}
trap end_group EXIT

# ---- exclude ----

CLIENT_TUNNEL="exclude = 203.0.113.64/26, 2001:db8:113::1:0/112
exclude-uid = 64000-64009, nobody
exclude-cgroup = /$group, $group/not/there" tunnel_files
remember client server
ok "both ends come up" both_up
server4=$SERVER4 server6=$SERVER6
is "IPv4 goes through the tunnel" "$(whoami "$HOST4")" "$server4"
is "so does IPv6" "$(whoami "$HOST6")" "$server6"
is "an excluded network is reached past it" "$(whoami "$OUTSIDE4")" "$(wan4 wan0)"
is "one of IPv6, too" "$(whoami "$OUTSIDE6")" "$(wan6 wan0)"
as() { whoami "$2" setpriv --reuid="$1" --clear-groups; }
is "an excluded user goes past it" "$(as 64009 "$HOST4")" "$(wan4 wan0)"
is "over IPv6, too" "$(as 64000 "$HOST6")" "$(wan6 wan0)"
is "by name, too" "$(as 65534 "$HOST4")" "$(wan4 wan0)"
is "another user does not" "$(as 64010 "$HOST4")" "$server4"
is "programs of an excluded cgroup go past it" "$(in_group whoami "$HOST4")" "$(wan4 wan0)"
is "over IPv6, too" "$(in_group whoami "$HOST6")" "$(wan6 wan0)"
ok "also with datagrams" in_group in_client ping -c 1 -W 1 "$HOST4"
is "what is not in it does not" "$(whoami "$HOST4")" "$server4"
rmdir "$cgroups/$group/job" "$cgroups/$group"
mkdir -p "$cgroups/$group/job"
goes_past() { [ "$(in_group whoami "$HOST4")" = "$(wan4 wan0)" ]; }
ok "a cgroup that is made anew is found again" within 4 goes_past
like "status says so" "$(in_client "$TTT" status --routing -r "$T/run-client")" "uidrange 64000-64009 lookup 254"

kill -9 "$(status_of client .supervisor_pid)"
ok "with the daemon killed the host is closed" not whoami "$HOST4"
is "but for an excluded network" "$(whoami "$OUTSIDE4")" "$(wan4 wan0)"
is "and an excluded user" "$(as 64005 "$HOST6")" "$(wan6 wan0)"
is "and for a socket of his that is bound to a device" \
	"$(in_client setpriv --reuid=64005 --clear-groups curl -s -m 2 --interface wan1 "$(url "$HOST4")")" "$(wan4 wan1)"
ok "down opens it" client down
unchanged "after down" client

sed 's/, nobody/, nobody-at-all/' "$T/client.conf" >"$T/host.conf"
ok "a user that there is not is told" refuses 2 "exclude-uid = nobody-at-all: there is no such user" ttt_in host up

# ---- portal ----

CLIENT_TUNNEL="" tunnel_files
client up
portal() { in_client timeout 20 "$TTT" portal -r "$T/run-client" "$@"; }
for link in wan0 wan1; do
	is "a command goes by $link" "$(portal $link curl -s -m 2 "$(url "$HOST4")")" "$(wan4 $link)"
	is "a command goes by $link over IPv6" "$(portal $link curl -s -m 2 "$(url "$HOST6")")" "$(wan6 $link)"
done
is "an IPv6 socket that speaks IPv4 does, too" \
	"$(portal wan1 curl -s -m 2 -6 "http://[::ffff:$HOST4]/")" "$(wan4 wan1)"
is "so does what the command begins" "$(portal wan1 sh -c "sh -c 'curl -s -m 2 http://$HOST4/'")" "$(wan4 wan1)"
is "names are asked for in that link's network" "$(portal wan1 getent ahostsv4 who.example | head -1 | cut -d' ' -f1)" "$HOST4"
like "its router is the resolver" "$(portal wan1 cat /etc/resolv.conf)" "nameserver $(gw4 wan1)"
router_is() { client status --routing | grep -qF " wan1 from $1 via $2 "; }
in_client ip -4 route replace default via inet6 fe80::7 dev wan1 metric 101
ok "a link of IPv4 may have a router of IPv6" within 3 router_is "$(wan4 wan1)" fe80::7
is "which is no resolver" "$(portal wan1 grep -c fe80 /etc/resolv.conf)" 0
in_client ip -4 route del default dev wan1
in_client ip -6 route replace default via fe80::7 dev wan1 metric 101
ok "one of IPv6 mostly has an address of its link" within 3 router_is "$(wan6 wan1)" fe80::7
is "which is none either" "$(portal wan1 grep -c fe80 /etc/resolv.conf)" 0
in_client ip -6 route replace default via "$(gw6 wan1)" dev wan1 metric 101
route client default via "$(gw4 wan1)" dev wan1 metric 101
ok "both are as before" within 3 eval 'router_is "$(wan4 wan1)" "$(gw4 wan1)" && router_is "$(wan6 wan1)" "$(gw6 wan1)"'
mkdir -p "$T/leases"
echo "option domain-name-servers 192.0.2.77;" >"$T/leases/dhclient.wan1.leases"
with_lease() {
	# shellcheck disable=SC2016
	in_client unshare -m sh -c 'mkdir -p /var/lib/dhcp && mount --bind "$1" /var/lib/dhcp && shift && exec "$@"' sh \
		"$T/leases" "$TTT" portal -r "$T/run-client" "$@"
}
like "or who the network has named" "$(with_lease wan1 cat /etc/resolv.conf)" "nameserver 192.0.2.77"
is "the host's own resolvers stay" "$(in_client cat /etc/resolv.conf)" "$(cat "/etc/netns/$(ns_name client)/resolv.conf")"
is "nobody else goes past the tunnel meanwhile" "$(portal wan1 sh -c 'sleep 0.5' & whoami "$HOST4"; wait)" "$server4"
is "it is the user's who called sudo" "$(in_client env SUDO_UID=65534 "$TTT" portal -r "$T/run-client" wan1 id -u)" 65534
is "who goes by the link" \
	"$(in_client env SUDO_UID=65534 "$TTT" portal -r "$T/run-client" wan1 curl -s -m 2 "$(url "$HOST4")")" "$(wan4 wan1)"
portal wan0 sh -c 'exit 7'
is "the command's exit code is portal's" $? 7
ok "one that there is not is told" refuses 127 "no-such-command: No such file" portal wan0 no-such-command
ok "a link that there is not is told" refuses 1 "wan7: there is no such link: see ttt status" portal wan7 true
ok "an interface that is none says why" refuses 1 "ttt1: is a tunnel itself" \
	eval 'in_client ip tuntap add dev ttt1 mode tun; in_client ip link set dev ttt1 up; within 3 eval "client status | grep -q ttt1" >/dev/null; portal ttt1 true'
in_client ip link del dev ttt1
ok "a link without a command is told" refuses 2 "which link, and which command" portal wan0

# A program that is already there, while its link has another address, and none.
mkfifo "$T/ask"
spawn_in client "$TTT" portal -r "$T/run-client" wan1 sh -c "while read -r what <'$T/ask' && [ \$what = again ]; do
	curl -s -m 1 -w '\n' '$(url "$HOST4")' || echo nowhere; done"
program=$SPAWNED said=$SPAWN_LOG
asks_again() { # the next line that it says
	local lines
	lines=$(wc -l <"$said")
	echo again >"$T/ask"
	within 5 says_more "$lines" && tail -n 1 "$said"
}
says_more() { [ "$(wc -l <"$said")" -gt "$1" ]; }
is_link() { client status --routing | grep -qF "from $1 "; }
is "a program stays outside" "$(asks_again)" "$(wan4 wan1)"
set_up client wan1 10.71.1.77/25
ip -n "$(ns_name client)" addr del "$(wan4 wan1)/24" dev wan1
ok "its link has another address" within 3 is_link 10.71.1.77
is "and it goes on by its link" "$(asks_again)" 10.71.1.77
ok "its link goes" eval 'ip -n "$(ns_name client)" -4 addr flush dev wan1 && within 3 not is_link 10.71.1.77'
is "and it gets nowhere, least of all by another one" "$(asks_again)" nowhere
set_up client wan1 "$(wan4 wan1)/24"
route client default via "$(gw4 wan1)" dev wan1 metric 101
ok "its link is back" within 3 is_link "$(wan4 wan1)"
is "and so is its way" "$(asks_again)" "$(wan4 wan1)"
echo enough >"$T/ask"
wait "$program"

# where the tunnel has nothing but its kill switch
in_client ip -6 addr flush dev wan1 scope global
server down
in_inet nft -f - <<-RULES
	table inet hole { chain f { type filter hook forward priority 0; ip daddr $SERVER4 drop; }; }
RULES
ok "with the server gone nothing gets out" not whoami "$HOST4"
is "but a command through the portal does" "$(portal wan1 curl -s -m 2 "$(url "$HOST4")")" "$(wan4 wan1)"
ok "and not in a family that the link does not have" not portal wan1 curl -s -m 2 "$(url "$HOST6")"
spawn_in client "$TTT" portal -r "$T/run-client" wan0 sh -c "(sleep 1; curl -s -m 2 $(url "$HOST4")) & exit 0"
left=$SPAWNED
ok "what a command leaves running is waited for" wait "$left"
is "and has its way until it ends" "$(cat "$SPAWN_LOG")" "$(wan4 wan0)"
is "no group of it is left" "$(find "$cgroups" -maxdepth 1 -name 'ttt-portal-*')" ""
in_client ip addr add "$(wan6 wan1)/64" dev wan1 nodad
ip -n "$(ns_name client)" -6 route replace default via "$(gw6 wan1)" dev wan1 metric 101
ok "down" client down
unchanged "after all of it" client server
done_testing
