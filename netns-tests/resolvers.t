#!/bin/bash
# The tunnel's resolvers by resolvectl and by resolvconf: scripts that answer as
# these do and write down what they are told stand in their places, in a view of the
# files that only this test has.

. "$(dirname "$0")/tunnel.sh"

needs unshare nsenter ping
grep -q overlay /proc/filesystems || skip_all "this kernel has no overlayfs"

topology 1
SERVER_TUNNEL="dns = 192.0.2.1, 2001:db8::53" tunnel_files
server up

mkdir -p "$T/sbin" "$T/bin" "$T/etc/resolvconf" "$T/told"
printf 'lo*\ntun*\n*\n' >"$T/etc/resolvconf/interface-order"
cat >"$T/sbin/resolvconf" <<-SCRIPT
	#!/bin/sh
	case "\$*" in
	"-a "*" -m 0 -x") [ ! -e $T/refuse ] || exit 1; cat >$T/told/\$2 ;;
	"-d "*) rm -f $T/told/\$2; touch $T/taken; while [ -e $T/slow ]; do sleep 0.02; done ;;
	*) exit 1 ;;
	esac
SCRIPT
cat >"$T/bin/resolvectl" <<-SCRIPT
	#!/bin/sh
	[ ! -e $T/refuse ] || [ \$1 = revert ] || exit 1
	echo \$1 >>$T/called
	[ ! -e $T/hang ] || [ \$1 = revert ] || exec sleep 100
	[ ! -e $T/refuse-slowly ] || [ \$1 = revert ] || { sleep 3; exit 1; }
	[ -e /sys/class/net/\$2 ] || exit 1
	case \$1 in
	revert) rm -f $T/told/\$2 ;;
	*) echo "\$*" >>$T/told/\$2 ;;
	esac
SCRIPT
chmod 755 "$T/sbin/resolvconf" "$T/bin/resolvectl"

# A view of the files in which they are there, as long as its holder lives.
hold_view() { # hold_view MOUNT
	# shellcheck disable=SC2016
	spawn_in client unshare -m sh -c "$1"' && echo ready && exec sleep 1000' sh
	holder=$SPAWNED
	within 5 grep -q ready "$SPAWN_LOG" || cat "$SPAWN_LOG"
}
in_view() { nsenter -t "$holder" -m -n timeout 20 "$TTT" "$1" -c "$T/client.conf" -r "$T/run-client"; }
told() { cat "$T/told/$1" 2>/dev/null; }
has_been_told() { [ "$(told $record)" = "$wanted" ]; }

is_noted() { client status | grep -q "^note: cannot set the tunnel's DNS servers: "; }
joins_at_once() { # joins_at_once N: the link wanN comes
	local begin
	begin=$(microseconds)
	add_wan "$1"
	within 10 paths_up 2 && [ $(($(microseconds) - begin)) -lt 1500000 ]
}

# `up`, as a service manager begins it after a crash, while a `down` is not yet done.
begins_beside_down() {
	local down up
	in_view up
	kill -9 "$(status_of client .supervisor_pid)"
	rm -f "$T/taken"
	touch "$T/slow"
	in_view down & down=$!
	ok "resolvconf: down takes its time" within 5 [ -e "$T/taken" ]
	in_view up & up=$!
	listens() { in_client ss -Hlx | grep -q "$T/run-client/ttt0.sock"; }
	ok "resolvconf: meanwhile a new up begins" within 5 listens
	rm "$T/slow"
	ok "resolvconf: that down is done" wait "$down"
	ok "resolvconf: and the new tunnel is up" wait "$up"
	is "resolvconf: and can be asked" "$(status_of client .state)" up
	ok "resolvconf: and taken down" in_view down
	unchanged "resolvconf: after all that" client
}

for who in resolvconf resolvectl; do
	if [ $who = resolvconf ]; then
		# Debian's asks those of tun* first
		record=tun.ttt0
		hold_view "mount -t overlay -o lowerdir=$T/sbin:/usr/sbin none /usr/sbin &&
			mount -t overlay -o lowerdir=$T/etc:/etc none /etc"
		wanted=$'nameserver 192.0.2.1\nnameserver 2001:db8::53'
	else
		record=ttt0
		hold_view "mount -t overlay -o lowerdir=$T/bin:/usr/bin none /usr/bin && mkdir -p /run/systemd &&
			mount -t tmpfs none /run/systemd && mkdir /run/systemd/resolve && touch /run/systemd/resolve/io.systemd.Resolve"
		wanted=$'dns ttt0 192.0.2.1 2001:db8::53\ndomain ttt0 ~.'
	fi
	remember client
	resolv_conf_was=$(nsenter -t "$holder" -m cat /etc/resolv.conf)
	ok "$who: the tunnel comes up" in_view up
	is "$who is told the tunnel's resolvers" "$(told $record)" "$wanted"
	is "$who: resolv.conf is left to it" "$(nsenter -t "$holder" -m cat /etc/resolv.conf)" "$resolv_conf_was"
	if [ $who = resolvectl ]; then	# systemd-resolved forgets a device that is gone
		rm "$T/told/ttt0"
		in_client ip link del dev ttt0
		ok "resolvectl is told them again of a device that is made anew" within 5 has_been_told

		rm "$T/told/ttt0"
		touch "$T/refuse-slowly"
		in_client ip link del dev ttt0
		ok "when it is slow to refuse them, status says so" within 10 is_noted
		: >"$T/called"
		ok "a link that comes meanwhile is used at once" joins_at_once 1
		is "and resolvectl is not asked because of it" "$(cat "$T/called")" ""
		rm "$T/refuse-slowly"
		ok "it is told them later, although nothing happens" within 12 has_been_told
		is "and nothing is taken away before" "$(grep revert "$T/called")" ""
		ok "and status says no more" within 2 not is_noted
		ip -n "$(ns_name client)" link del dev wan1
	fi
	ok "$who: down" in_view down
	is "$who: down takes them back" "$(told $record)" ""
	unchanged "$who: after down" client
	in_view up
	kill -9 "$(status_of client .supervisor_pid)"
	ok "$who: down after a crash" in_view down
	[ $who = resolvectl ] && rm -f "$T/told/ttt0"	# systemd-resolved forgets a device that is gone
	is "$who: down takes them back after a crash, too" "$(told $record)" ""
	unchanged "$who: after a crash and down" client
	[ $who = resolvectl ] || begins_beside_down
	touch "$T/refuse"
	ok "$who: when it refuses, up says so" refuses 1 "cannot set the tunnel's DNS servers: " in_view up
	rm "$T/refuse"
	unchanged "$who: after that" client
	if [ $who = resolvectl ]; then
		touch "$T/hang"
		ok "when it comes to no end, up says so" refuses 1 "cannot set the tunnel's DNS servers: resolvectl" in_view up
		rm "$T/hang"
		unchanged "after that" client
	fi
	kill "$holder"
	wait "$holder" 2>/dev/null
done
done_testing
