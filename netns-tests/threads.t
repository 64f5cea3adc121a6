#!/bin/bash
# Threads that help to seal and open: what goes through is the same, they are as
# shut in as the worker is, and nothing is left of them.
. "$(dirname "$0")/tunnel.sh"
needs perl busybox jq
. "$(dirname "$0")/digest.sh"
topology 2
CLIENT_TUNNEL='threads = 2' SERVER_TUNNEL='threads = 2' tunnel_files

worker() { status_of "$1" .worker_pid; }
tasks() { find "/proc/$(worker "$1")/task" -mindepth 1 -maxdepth 1 | wc -l; }
# FIELD of every thread, each value once
of_threads() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$(worker "$1")"/task/*/status | sort -u; }
helped() { # CPU time of the threads that are not the worker's first
	local pid sum=0 run rest task
	pid=$(worker "$1")
	for task in "/proc/$pid/task"/*; do
		[ "${task##*/}" = "$pid" ] && continue
		read -r run rest <"$task/schedstat"
		sum=$((sum + run))
	done
	echo "$sum"
}

ok "both ends come up" both_up
ok "both links carry the tunnel" within 5 paths_up 2
for name in client server; do
	is "the $name's worker has two beside its own" "$(tasks "$name")" 3
	like "the $name says so" "$(ttt_in "$name" status)" "threads 2, which help to seal and open"
	is "all of them are under the filter" "$(of_threads "$name" Seccomp)" 2
	is "none has a right" "$(of_threads "$name" CapEff)" 0000000000000000
	is "all are of one user that is not root" "$(of_threads "$name" Uid | grep -cv '^0\b')" 1
done

before=($(helped client) $(helped server))
ok "a file arrives whole" transfer
for name in client server; do
	ok "the $name's threads have helped" test "$(helped "$name")" -gt "$([ "$name" = client ] && echo "${before[0]}" || echo "${before[1]}")"
done
is "nothing was taken for forged" "$(status_of server '.drops["not-authentic"]')" 0

in_inet nft 'table inet loss { chain c { type filter hook forward priority 0;
	udp dport 7474 numgen random mod 1000 < 5 counter drop; }; }'
ok "a file arrives whole where datagrams are lost" transfer
in_inet nft delete table inet loss

pids=("$(worker client)" "$(worker server)")
ok "both ends go down" both_down
for pid in "${pids[@]}"; do ok "a worker is gone with its threads" within 2 not test -e "/proc/$pid"; done

CLIENT_TUNNEL='threads = 0' tunnel_files
ok "both ends come up, the client without" both_up
is "its worker is alone" "$(tasks client)" 1
ok "both ends go down" both_down

CLIENT_TUNNEL='threads = 9' tunnel_files
client up 2>"$T/err"
is "more than eight are refused" "$?" 2
like "and that is said" "$(cat "$T/err")" "threads: 9 is neither auto nor a number from 0 to 8"
done_testing
