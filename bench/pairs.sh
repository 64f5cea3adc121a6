# shellcheck shell=bash
# pairs.sh: the grid's 16 pairs of links, and their shape.  Sourced after figures.sh.
#
#	each_pair measure_pair "$@"	# measure_pair NAME 4×A 4×B BAR GOAL SLACK LATE
#
# DELAY and JITTER in ms one way, RATE in Mbit/s, LOSS in per cent; BAR and GOAL of one
# TCP in seconds 5 to 20, in Mbit/s; SLACK in ms, of a ping at load over one at rest;
# LATE the bar of seconds 30 to 60.

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

shape_pair() { # shape_pair 4×A 4×B
	link_shape wan0 "$(shape_of "${@:1:4}")" && link_shape wan1 "$(shape_of "${@:5:4}")"
}

each_pair() { # each_pair COMMAND [PAIR...]: of those named, or of all
	local command=$1 name rest
	shift
	while read -r name rest; do
		[ -n "$name" ] || continue
		[ $# = 0 ] || [[ " $* " == *" $name "* ]] || continue
		# shellcheck disable=SC2086
		"$command" "$name" $rest
	done <<<"$PAIRS"
}
