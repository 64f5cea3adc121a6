#!/bin/bash
# Memory of the tunnel's four processes, at rest and after a transfer, and how
# often each is woken when there is nothing to do.

. "$(dirname "$0")/figures.sh"
. "$(dirname "$0")/load.sh"
. "$(dirname "$0")/processes.sh"

REST=5 TRANSFER=5 WATCH=10

sample_memory() { # sample_memory WHEN
	local p
	for p in $PROCESSES; do
		sample kB "$1: $p, RSS" "$(memory_of "$p" Rss)"
		sample kB "$1: $p, PSS" "$(memory_of "$p" Pss)"
	done
}

sample_wakeups() {
	local p begin
	declare -A before=()
	begin=$(microseconds)
	for p in $PROCESSES; do before[$p]=$(sleeps_of "$p"); done
	sleep "$WATCH"
	for p in $PROCESSES; do
		sample /s "at rest: $p, wakeups" "$(calculate %.2f \
			"($(sleeps_of "$p") - ${before[$p]}) / (($(microseconds) - $begin) / 1e6)")"
	done
}

sample_transfer() { # sample_transfer up|down
	load "$1" "$TRANSFER"
	sample MB "transfer of $TRANSFER s $1" "$(calculate %.0f "$(flow_bytes) / 1e6")"
	sample_memory "after $1"
}

topology 2 || exit
load_server || exit
tunnel_files
both_up || exit
find_processes
sleep "$REST"
sample_memory "at rest"
sample_wakeups
sample_transfer up
sample_transfer down
figures
