#!/bin/bash
# `ttt up` changes a host in some eighty steps.  Whichever of them fails, up says
# why in one line, or the tunnel comes up without it; and the host is as it was,
# after up or after down: rules, routes, addresses, tables, settings, resolvers,
# processes, files.  The same where what was wrong stays so: a file system that is
# full or read-only, a table of somebody else's.

. "$(dirname "$0")/tunnel.sh"

needs cc unshare

topology 2
cc -shared -fPIC -O1 -o "$T/faults.so" "$NETNS_TESTS/faults.c" || skip_all "no compiler that makes shared objects"
in_client sysctl -qw net.ipv4.conf.wan1.rp_filter=1
resolvers_are_ours && SERVER_TUNNEL="dns = 192.0.2.1"
tunnel_files
remember client server

up_with_fault() { # up_with_fault END STEP
	in_ns "$1" timeout 20 env FAULT="$2" FAULT_LOG="$T/steps" LD_PRELOAD="$T/faults.so" "$TTT" up -c "$T/$1.conf" \
		-r "$T/run-$1" >"$T/up.out" 2>"$T/up.err"
}
is_as_it_was() { # is_as_it_was END: or what is not
	local now
	now=$(whole_state "$1")
	[ "$now" = "${state_was[$1]}" ] && return
	diff -U 1 --label was --label is <(echo "${state_was[$1]}") <(echo "$now")
	return 1
}
says_one_line() { [ ! -s "$T/up.out" ] && [ "$(wc -l <"$T/up.err")" = 1 ] && grep -q "^ttt: ..." "$T/up.err"; }
# After that step has failed: nothing is left, at once or after down.
survives() { # survives END STEP
	local code=0
	: >"$T/steps"
	up_with_fault "$1" "$2" || code=$?
	cat "$T/up.err" "$T/up.out"
	case $code in
	0) "$1" down || return ;;
	1|3) says_one_line || return ;;
	*) echo "exit code $code"; return 1 ;;
	esac
	is_as_it_was "$1"
}

for end in client server; do
	[ $end = server ] || server up
	: >"$T/steps"
	up_with_fault $end 0
	steps=$(wc -l <"$T/steps")
	cp "$T/steps" "$T/all"
	$end down
	ok "up on a $end takes more than thirty steps" [ "$steps" -gt 30 ]
	for ((step = 1; step <= steps; step++)); do
		what=$(sed -n "s/^$step //p" "$T/all" | head -1)
		ok "$end, step $step, ${what/"$T"\//}: nothing is left of it" survives $end $step
	done
	[ $end = server ] || server down
done

# ---- what stays wrong ----

# The command runs in a view of the files of its own, once MOUNT was done there.
in_view() { # in_view MOUNT COMMAND...
	in_client unshare -m sh -c "$1"' && shift && exec "$@"' sh "$@"
}
fails_in_view() { # fails_in_view WHAT REGEX MOUNT
	ok "$1: up says so" refuses 1 "$2" in_view "$3" timeout 20 "$TTT" up -c "$T/client.conf" -r "$T/run-client"
	unchanged "$1:" client
}
server up
fails_in_view "settings cannot be written" "src_valid_mark: Read-only file system" \
	"mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys"
if resolvers_are_ours; then
	fails_in_view "resolv.conf cannot be written" "cannot set the tunnel's DNS servers: Read-only file system" \
		"mount -o remount,bind,ro /etc/resolv.conf"
fi
fails_in_view "the runtime directory is full" "No space left on device" \
	"mkdir -p $T/run-client && mount -t tmpfs -o size=4k,nr_inodes=4 none $T/run-client"
rmdir "$T/run-client" 2>/dev/null

# While up waits for its server, another program takes a name of ours.
# It has its table as long as it lives.
owner() { exec 7> >(exec ip netns exec "$(ns_name client)" nft -i >"$T/nft.out" 2>&1); echo "$1" >&7; }
is_there() { in_client nft list table inet "$1"; }
for table in ttt-ttt0-closed ttt-ttt0; do
	in_inet nft "add table inet hole; add chain inet hole f { type filter hook forward priority 0; };
		add rule inet hole f udp dport 7474 drop"
	spawn_in client "$TTT" up -c "$T/client.conf" -r "$T/run-client"
	within 5 eval 'in_client ip rule | grep -q 7401' >"$T/wait"
	owner "add table inet $table { flags owner; }"
	within 5 is_there $table >"$T/wait"
	in_inet nft delete table inet hole
	ok "a table $table of another process: up fails" not wait "$SPAWNED"
	like "and says so" "$(cat "$SPAWN_LOG")" "firewall: table inet $table: it belongs to another process"
	exec 7>&-
	within 5 not is_there $table >"$T/wait"
	unchanged "a table $table of another process:" client
done
done_testing
