#!/bin/bash
# The grid: 16 pairs of links on real packets, real netem, real CUBIC.  For each
# pair one TCP flow between client and host for 20 s: plain on each link alone,
# then through the tunnel with its defaults; and a ping beside it, at rest and at
# load.  The rate is the mean of seconds 5 to 20 as it arrived.
#
#	bash bench/grid.sh [PAIR...]
#	PLAIN=no		without the links alone
#	WAY=down		what the client gets; both: a flow each way at once, a line each
#	SECONDS_EACH=60		and a column of seconds 30 to 60
#	RUNS=3			the median of each figure
#
# of one, 1-3: times what plain TCP gets on the better link, in seconds 5 to 20 and
# 1 to 3.  of both: of what it gets on the two.  A bar that is reached has a *, a
# ping beyond its bound a !.

. "$(dirname "$0")/figures.sh"
. "$(dirname "$0")/load.sh"
. "$(dirname "$0")/pairs.sh"
needs iperf3 ping awk

SECONDS_EACH=${SECONDS_EACH:-20} PLAIN=${PLAIN:-yes} WAY=${WAY:-up} RUNS=${RUNS:-1}
ways=$WAY options=()
case $WAY in
up) ;;
down) options=(-R) ;;
both) ways="up down" options=(--bidir) ;;
*) echo "grid.sh: WAY is up, down or both, not '$WAY'" >&2; exit 2 ;;
esac

# The load, and what arrived in seconds 5 to 20, 1 to 3 and 30 to 60, for each way.
flow() { # flow [OPTION...]
	local way
	load_in_seconds "$SECONDS_EACH" "${options[@]}" "$@" || return
	for way in $ways; do
		flow_rate_in "$way" 5 20
		flow_rate_in "$way" 1 3
		flow_rate_in "$way" 30 60
	done
}

plain() { # plain WAN
	[ "$PLAIN" = yes ] || { echo - - - - - -; return; }
	flow -B "$(wan4 "$1")%$1"
}

# Each run a line of figures: per way the tunnel's three, then those of the two links
# alone; and ping p50, p95, p95 at rest.
measure_once() {
	local idle one two tunnel way
	idle=$(idle_ping) one=($(plain wan0)) two=($(plain wan1))
	client up || return
	within 5 paths_up 2 >/dev/null
	ping_begin
	tunnel=($(flow))
	ping_end
	client down
	set --
	for way in $ways; do
		echo "$way ${tunnel[*]:$#:3} ${one[*]:$#:3} ${two[*]:$#:3}" \
			"$(ping_percentile 50) $(ping_percentile 95) $idle"
		set -- "$@" 1 2 3
	done
}

print_pair() { # print_pair NAME BAR GOAL SLACK LATE: of the lines of some runs, the medians
	awk -v name="$1" -v bar="$2" -v goal="$3" -v slack="$4" -v late="$5" -v way="$WAY" \
		-f "$(dirname "$0")/rows.awk" -f "$(dirname "$0")/grid.awk"
}

measure_pair() { # measure_pair NAME 4×A 4×B BAR GOAL SLACK LATE
	local run lines=""
	shape_pair "${@:2:8}" || return
	for ((run = 0; run < RUNS; run++)); do
		lines+=$(measure_once)$'\n' || { failed "$1"; return; }
	done
	print_pair "$1" "${@:10}" < <(sed '/^$/d' <<<"$lines")
}

topology 2 netem || exit
load_server || exit
tunnel_files
server up || exit
printf '%-17s %6s %6s  %7s %6s %7s   %4s %4s  %6s %6s %7s  %5s %6s %5s\n' pair "A" "B" tunnel 1-3 30-60 \
	bar goal "of one" 1-3 "of both" p50 p95 idle
each_pair measure_pair "$@"
