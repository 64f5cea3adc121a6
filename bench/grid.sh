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
needs iperf3 ping awk

SECONDS_EACH=${SECONDS_EACH:-20} PLAIN=${PLAIN:-yes} WAY=${WAY:-up} RUNS=${RUNS:-1}
ways=$WAY options=()
case $WAY in
up) ;;
down) options=(-R) ;;
both) ways="up down" options=(--bidir) ;;
*) echo "grid.sh: WAY is up, down or both, not '$WAY'" >&2; exit 2 ;;
esac

# name      link A: delay jitter rate loss     link B                 bar goal, ping over idle, bar of seconds 30-60
PAIRS="
baseline      20 0 50 0        20 0 50 0         88 95 20 -
rtt_40        20 0 50 0        40 0 50 0         84 90 20 -
rtt_70        20 0 50 0        70 0 50 0         84 94 20 -
rtt_120       20 0 50 0        120 0 50 0        77 89 20 83
rtt_320       20 0 50 0        320 0 50 0        50 66 20 66
jit_5         20 5 50 0        20 5 50 0         84 91 20 -
jit_20        20 20 50 0       20 20 50 0        68 84 60 84
loss_05       20 0 50 0.5      20 0 50 0.5       84 90 20 -
loss_2        20 0 50 2        20 0 50 2         77 85 20 -
bw_4to1       20 0 50 0        20 0 12 0         54 57 20 -
bw_10to1      20 0 100 0       20 0 10 0         96 101 20 -
dual_lte      30 5 40 0.5      45 8 25 0.5       56 61 20 -
fiber_lte     8 0 100 0        40 8 30 0.5       110 119 20 -
lte_starlink  35 8 40 0        50 25 100 1       63 110 20 -
lte_geo       35 0 40 0        320 20 20 0.5     42 51 20 50
congested     50 20 20 2       60 25 15 2        24 30 60 -
"

shape_of() { # shape_of DELAY JITTER RATE LOSS
	local spec="delay $1ms"
	[ "$2" = 0 ] || spec="$spec $2ms distribution normal"
	[ "$4" = 0 ] || spec="$spec loss $4%"
	echo "$spec rate $3mbit limit 1000"
}

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

idle_ping() { # ms p95 of the better link, beside the tunnel
	local wan least=
	for wan in wan0 wan1; do
		ping_begin -I "$wan"
		sleep 4
		ping_end
		least=$(printf '%s\n' $least "$(ping_percentile 95)" | sort -g | head -n 1)
	done
	echo "$least"
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
		-f "$(dirname "$0")/grid.awk"
}

measure_pair() { # measure_pair NAME 4×A 4×B BAR GOAL SLACK LATE
	local run lines=""
	link_shape wan0 "$(shape_of "${@:2:4}")" && link_shape wan1 "$(shape_of "${@:6:4}")" || return
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
while read -r name rest; do
	[ -n "$name" ] || continue
	[ $# = 0 ] || [[ " $* " == *" $name "* ]] || continue
	# shellcheck disable=SC2086
	measure_pair "$name" $rest
done <<<"$PAIRS"
