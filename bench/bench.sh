#!/bin/bash
# bench: ttt beside what a user would pick instead, each between the same network
# namespaces, in turns; and what the parts of a tunnel cost alone.  Prints the
# table and writes it, every single measurement and a plot to bench/results.
#
#	bash bench/bench.sh [NAME...]		# of NAMES; all
#
# RUNS, SECONDS_EACH (a TCP flow), WHAT (of ping, tcp, udp, parts) and RESULTS
# (a folder) in the environment.  See bench/README.md.

. "$(dirname "$0")/figures.sh"
. "$(dirname "$0")/load.sh"
. "$(dirname "$0")/peers/common.sh"

NAMES="raw ttt ttt-2-links wireguard-go fastd openvpn"
RUNS=${RUNS:-3} SECONDS_EACH=${SECONDS_EACH:-4} WHAT=${WHAT:-ping tcp udp parts}
BENCH=$(dirname "$(readlink -f "$0")")
RESULTS=${RESULTS:-$BENCH/results}
TOOLS=$(dirname "$TTT")/bench
csv=$T/results.csv

needs iperf3 ping gnuplot awk
[ -x "$TOOLS/parts" ] && [ -x "$TOOLS/flood" ] && [ -x "$TOOLS/engine" ] || skip_all "$TOOLS is not built"

# ---- what is kept -----------------------------------------------------------

remark() { # remark KEY TEXT: about all of the run
	echo "# $1: ${*:2}" >>"$csv"
}

begin_csv() {
	remark date "$(date +%F)"
	remark kernel "Linux $(uname -r)"
	remark cpu "$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1)"
	remark cores "$(nproc)"
	remark command "$command"
	remark runs "$RUNS, of $SECONDS_EACH s for each TCP flow"
	echo run,what,links,metric,unit,value >>"$csv"
}

record() { # record METRIC UNIT VALUE: of $what
	[[ $3 =~ ^-?[0-9.]+$ ]] || { failed "$what, $1, run $run"; return; }
	echo "$run,$what,$peer_links,$1,$2,$3" >>"$csv"
	printf '%s: %s %s %s\n' "$what" "$1" "$3" "$2"
}

# ---- what is measured of each -----------------------------------------------

is_wanted() { [[ " $WHAT " == *" $1 "* ]]; }	# is_wanted ping|tcp|udp|parts

ping_median() { # ping_median COUNT INTERVAL: µs; the first ones, for which caches are cold, do not count
	in_client timeout 20 ping -n -c "$1" -i "$2" "$HOST4" |
		sed -n '11,${s/.* time=\([0-9.]*\) ms$/\1/p}' | percentile 50 | awk '{ printf "%.0f\n", $1 * 1000 }'
}

idle_ping() { ping_median 70 0.05; }
awake_ping() { ping_median 1000 0.001; }	# one follows the other, so nothing falls asleep

ticks() { # ticks PID...: user and system, all threads
	[ $# -gt 0 ] || return
	local pid stat fields sum=0
	for pid; do
		read -r stat <"/proc/$pid/stat" || return
		read -ra fields <<<"${stat##*) }"	# the name before may hold anything
		sum=$((sum + fields[11] + fields[12]))
	done
	echo "$sum"
}

# shellcheck disable=SC2046
ticks_of_end() { ticks $(peer_pids "$1"); }	# ticks_of_end client|server

flow_gigabits() { # all that arrived, in either direction
	jq '[.end.sum_received, .end.sum_received_bidir_reverse | .bits_per_second? // 0] | add / 1e9' "$T/flow"
}

flow_gigabytes() {
	jq '[.end.sum_received, .end.sum_received_bidir_reverse | .bytes? // 0] | add / 1e9' "$T/flow"
}

# CPU time of iperf3 at both ends, which has all of TCP in it.
flow_cpu_seconds() {
	jq '.end | (.cpu_utilization_percent | .host_total + .remote_total) / 100 * .sum_sent.seconds' "$T/flow"
}

record_cpu() { # record_cpu WAY BEFORE-CLIENT BEFORE-SERVER
	local per_gb client server
	per_gb="$(getconf CLK_TCK) / $(flow_gigabytes)"
	client=$(calculate %.3f "($(ticks_of_end client) - $2) / $per_gb")
	server=$(calculate %.3f "($(ticks_of_end server) - $3) / $per_gb")
	record "cpu-$1-client" s/GB "$client"
	record "cpu-$1-server" s/GB "$server"
	record "cpu-$1" s/GB "$(calculate %.3f "$client + $server")"
}

measure_flow() { # measure_flow up|down|both
	local way=$1 options=() client="" server=""
	[ "$1" != both ] || { way=up options=(--bidir); }
	[ "$what" = raw ] || { client=$(ticks_of_end client) server=$(ticks_of_end server); }
	load "$way" "$SECONDS_EACH" "${options[@]}" || { failed "$what, TCP $1, run $run"; return; }
	record "tcp-$1" Gbit/s "$(calculate %.4f "$(flow_gigabits)")"
	if [ "$what" != raw ]; then
		record_cpu "$1" "$client" "$server"
	elif [ "$1" = up ]; then
		record load s/GB "$(calculate %.4f "$(flow_cpu_seconds) / $(flow_gigabytes)")"
	fi
}

# Of the process that has most: its peak, and what is its share of what it has now.
measure_memory() {
	local pid end
	[ "$what" != raw ] || return
	for end in client server; do
		for pid in $(peer_pids "$end"); do
			echo "$(awk '$1 == "VmHWM:" { print $2 }' "/proc/$pid/status")" \
				"$(awk '$1 == "Pss:" { print $2 }' "/proc/$pid/smaps_rollup")"
		done
	done >"$T/memory"
	record memory MiB "$(sort -g "$T/memory" | awk 'END { printf "%.1f", $1 / 1024 }')"
	record memory-pss MiB "$(sort -g -k 2 "$T/memory" | awk 'END { printf "%.1f", $2 / 1024 }')"
}

measure_udp() {
	local size passed
	for size in 64 1400; do
		passed=$("$TOOLS/flood" "$(ns_name client)" "$(ns_name host)" "$HOST4" "$size")
		record "udp-$size" packets/s "$passed"
	done
}

# ---- one after the other ----------------------------------------------------

take_up() { # take_up NAME: its functions, and how many links it has
	what=$1 peer_links=1
	[ "$1" != ttt-2-links ] || { what=ttt peer_links=2; }
	# shellcheck disable=SC1090
	. "$BENCH/peers/$what.sh"
}

links_are() { # links_are COUNT
	if [ "$1" = 2 ]; then link_up wan1; within 5 link_has_carrier wan1
	else link_down wan1; within 5 not link_has_carrier wan1; fi
}

measure_all() { # what is running now
	local way
	if is_wanted ping && [ "$what" != raw ]; then
		record rtt-added µs "$(calculate %.0f "$(idle_ping) - $beside")"
		record rtt-added-awake µs "$(calculate %.0f "$(awake_ping) - $beside_awake")"
	fi
	if is_wanted tcp; then
		for way in up down both; do measure_flow "$way"; done
		measure_memory
	fi
	if is_wanted udp; then measure_udp; fi
}

measure() { # measure NAME
	local beside=0 beside_awake=0
	take_up "$1"
	links_are "$peer_links" >/dev/null || { failed "$1: its links"; return; }
	if is_wanted ping; then
		beside=$(idle_ping)
		beside_awake=$(awake_ping)
		[ "$what" != raw ] || record rtt µs "$beside"
	fi
	if peer_up >"$T/up" 2>&1; then measure_all; else
		failed "$1, run $run: it does not come up"
		diag "$(tail -n 20 "$T/up" "$SPAWN_LOG")"
	fi
	peer_down >/dev/null 2>&1
}

# The cipher is what ttt takes here, the engine is without one.
measure_parts() {
	local name value
	what=parts peer_links=1
	"$TOOLS/parts" "$(ns_name client)" "$(ns_name server)" "$SERVER4" >"$T/parts" || failed "the parts, run $run"
	while read -r name value; do
		if [ "$name" = cipher ]; then cipher=$value; else record "$name" s/GB "$value"; fi
	done <"$T/parts"
	# Nanoseconds for a packet of 1400 bytes.
	record engine s/GB "$("$TOOLS/engine" -l 1 -c none -r 3 | awk '$2 == "none" { printf "%.4f", $8 / 1400 }')"
}

# Those that are there; what is not stays in the table, with the reason.
choose() { # choose NAME...
	local name reason
	chosen=()
	for name; do
		[[ " $NAMES " == *" $name "* ]] || { echo "bench.sh: '$name' is none of: $NAMES" >&2; exit 2; }
		take_up "$name"
		if reason=$(peer_is_there); then
			chosen+=("$name")
			remark "about $what" "$(peer_about)"
		else
			failed "$what: $reason"
			remark "missing $what" "$reason"
		fi
	done
}

# It was to be there, and nothing came of it.
remark_silent() {
	local name
	for name in "${chosen[@]}"; do
		take_up "$name"
		grep -q "^[0-9]*,$what,$peer_links," "$csv" || remark "missing $what" "it does not come up over $peer_links link(s)"
	done
}

all_results() {
	local name
	name=$RESULTS/$(date +%F)
	mkdir -p "$RESULTS" && cp "$csv" "$name.csv" || return
	"$BENCH/plot" "$name.csv" "$name.svg" || failed "the plot"
	echo
	"$BENCH/table" "$name.csv" || failed "the table"
	echo
	echo "All measurements: $name.csv, a plot: $name.svg"
}

command="make bench"
[ $# = 0 ] || command="$command PEERS=\"$*\""
[ "$RUNS $SECONDS_EACH" = "3 4" ] || command="RUNS=$RUNS SECONDS_EACH=$SECONDS_EACH $command"
# shellcheck disable=SC2086
[ $# != 0 ] || set -- $NAMES
begin_csv
choose "$@"
topology 2 && load_server >/dev/null || exit
cipher=
for ((run = 1; run <= RUNS; run++)); do
	for name in "${chosen[@]}"; do measure "$name"; done
	if is_wanted parts; then measure_parts; fi
done
[ -z "$cipher" ] || remark cipher "$cipher"
remark_silent
all_results
