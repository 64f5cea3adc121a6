#!/bin/bash
# Where the workers' CPU time goes while one TCP flow goes up over one link that
# nothing limits: by program or library, then the first functions, for each end.

. "$(dirname "$0")/figures.sh"
. "$(dirname "$0")/load.sh"

needs perf iperf3

SECONDS_EACH=${SECONDS_EACH:-4} FUNCTIONS=${FUNCTIONS:-12}

profile() { # profile client|server
	local pid
	pid=$(status_of "$1" .worker_pid)
	perf record -q -o "$T/$1.perf" -F 10000 -e cpu-clock -p "$pid" -- sleep "$SECONDS_EACH" 2>"$T/$1.log"
}

report() { # report client|server
	local by
	for by in dso symbol; do
		echo "$1, per cent by $by:"
		perf report -q -i "$T/$1.perf" --stdio --no-children --sort "$by" 2>/dev/null | grep '%' | head -n "$FUNCTIONS"
	done
}

topology 1 || exit
tunnel_files
load_server && both_up || exit
load up $((2 * SECONDS_EACH + 4)) &
loading=$!
sleep 1		# the flow's slow start is not what is asked for
profile client
profile server
wait "$loading"
both_down
report client
report server
