# shellcheck shell=bash
# processes.sh: memory, time and wakeups of the four processes that are a
# tunnel: supervisor and worker, at the client and at the server.
# Sourced after figures.sh, used while both ends are up.

PROCESSES="client-supervisor client-worker server-supervisor server-worker"

pid_of() { # pid_of END-KIND, one of PROCESSES
	status_of "${1%-*}" ".${1#*-}_pid"
}

# The numbers may be asked for once: a worker that is started anew has another.
declare -A pids=()
find_processes() {
	local p
	for p in $PROCESSES; do pids[$p]=$(pid_of "$p"); done
}

memory_of() { # memory_of PROCESS Rss|Pss: kB
	awk -v what="$2:" '$1 == what { print $2 }' "/proc/${pids[$1]}/smaps_rollup"
}

# How often it went to sleep, so how often it was woken.
sleeps_of() { # sleeps_of PROCESS
	awk '$1 == "voluntary_ctxt_switches:" { print $2 }' "/proc/${pids[$1]}/status"
}

ticks_of() { # ticks_of PROCESS: user and system
	local stat fields
	read -r stat <"/proc/${pids[$1]}/stat"
	read -ra fields <<<"${stat##*) }"	# the name before may hold anything
	echo $((fields[11] + fields[12]))
}

# Of both processes of an end, since it began.
cpu_seconds() { # cpu_seconds client|server
	calculate %.2f "($(ticks_of "$1-supervisor") + $(ticks_of "$1-worker")) / $(getconf CLK_TCK)"
}
