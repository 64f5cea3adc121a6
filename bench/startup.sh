#!/bin/bash
# How long `ttt up` takes to return, how long until the first inner packet is
# answered, and how long `ttt down` takes: on links without delay, which is the
# program's own time, and on links with a round trip of 20 ms.

. "$(dirname "$0")/figures.sh"

needs ping

RUNS=${RUNS:-10}

# Every 2 ms, from before there is a tunnel.
probe_begin() {
	spawn_in client timeout -s INT 30 stdbuf -oL ping -n -D -i 0.002 "$INNER_SERVER4"
	probing=$SPAWNED probe_log=$SPAWN_LOG
	within 5 test -s "$probe_log"
}

probe_end() {
	kill -INT "$probing" 2>/dev/null
	within 3 not is_alive "$probing"
}

is_answered() { grep -q " bytes from " "$probe_log"; }

first_answer() { # in microseconds since 1970
	sed -n '/ bytes from /{s/^\[\([0-9]*\)\.\([0-9]*\)\].*/\1\2/p;q}' "$probe_log"
}

measure_up() { # measure_up KIND
	local begin
	probe_begin
	begin=$(microseconds)
	client up || { failed "client up"; probe_end; return 1; }
	sample ms "$1: client up returns" "$(milliseconds_since "$begin")"
	within 5 is_answered || failed "$1: an answer"
	sample ms "$1: client's first packet is answered" "$(calculate %.1f "($(first_answer) - $begin) / 1000")"
	probe_end
}

# timed: a command that must succeed.
timed() { # timed NAME COMMAND...
	local begin
	begin=$(microseconds)
	"${@:2}" || { failed "$1"; return 1; }
	sample ms "$1" "$(milliseconds_since "$begin")"
}

measure() { # measure KIND
	timed "$1: server up returns" server up || return
	measure_up "$1" && timed "$1: client down" client down
	timed "$1: server down" server down
}

measure_all() { # measure_all KIND
	local run
	for ((run = 0; run < RUNS; run++)); do measure "$1" || return; done
	figures
}

tunnel_files
topology 2 || exit
timed "starting a program that does nothing" ttt_in client --version >/dev/null
measure_all "no delay"
topology 2 netem || exit
for wan in wan0 wan1; do link_shape "$wan" "delay 10ms" || exit; done
measure_all "RTT 20 ms"
