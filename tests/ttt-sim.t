#!/bin/bash
# ttt-sim as people run it: exit codes, the same seed, files it reads and writes, gnuplot.
cd "$(dirname "$0")/.." || exit 1
SIM=$(realpath "${BUILD:-build}/ttt-sim")
. tests/tap.sh
echo 1..13

links=(--link 20mbit,20ms±2ms,1% --link 8mbit,40ms --seconds 5)

helps() {
	"$SIM" --help >"$T/help" || return 1
	for word in --link --flow --strategy --set --at --seconds --seed --repeat --csv --plot aggregate redundant; do
		grep -q -e "$word" "$T/help" || { echo "no $word in --help"; return 1; }
	done
	"$SIM" --version | grep -qE '^ttt-sim [0-9]'
}
ok "--help says every option and strategy" helps

in_the_manual() { # every option of --help has its entry
	for word in $("$SIM" --help | sed -n 's/^  --\([a-z]*\).*/\1/p'); do
		sed 's/\\-/-/g' docs/man/ttt-sim.1 | grep -qE "^\.(TP|B|BI|BR|RB).*--$word" || { echo "no $word"; return 1; }
	done
}
ok "every option is in the manual" in_the_manual

refuses() { # refuses "line" WORDS…: exit 2, nothing on standard output, that one line
	local code
	"$SIM" "${@:2}" >"$T/out" 2>"$T/err"
	code=$?
	cat "$T/err"
	[ "$code" = 2 ] && [ ! -s "$T/out" ] && [ "$(cat "$T/err")" = "ttt-sim: $1" ]
}
ok "a wrong argument is exit code 2 and one line" \
	refuses "--link 5mbit,20: 20 is nothing that a link has; write RATE,DELAY,LOSS%, as in 50mbit,20ms,1%, and behind it jitter 5ms, queue 1000, mtu 1400, netem, reorder, down FILE" --link 5mbit,20

same() {
	"$SIM" "${links[@]}" --flow tcp --flow call --seed 3 --csv "$T/a.csv" >"$T/a" &&
		"$SIM" "${links[@]}" --flow tcp --flow call --seed 3 --csv "$T/b.csv" >"$T/b" &&
		"$SIM" "${links[@]}" --flow tcp --flow call --seed 4 --csv "$T/c.csv" >"$T/c" || return 1
	cmp "$T/a" "$T/b" && cmp "$T/a.csv" "$T/b.csv" && ! cmp -s "$T/a.csv" "$T/c.csv"
}
ok "the same seed prints the same to the last byte, another one does not" same

csv() {
	head -1 "$T/a.csv" | grep -q '^seconds,flow1_tcp_up_mbit,.*,link2_rtt_ms,backlog_up_kb,backlog_down_kb$' || return 1
	awk -F, 'NR == 1 { columns = NF } NF != columns { exit 1 } END { exit NR != 51 || $1 != "5.0" }' "$T/a.csv"
}
ok "the CSV has a heading and a row for every 0.1 s" csv

unwritable() {
	local code
	"$SIM" "${links[@]}" --csv "$T/none/a.csv" >"$T/out" 2>"$T/err"
	code=$?
	cat "$T/err"
	[ "$code" = 1 ] && [ ! -s "$T/out" ] && grep -q "^ttt-sim: $T/none/a.csv: cannot write it: No such file" "$T/err"
}
ok "a file that cannot be written is said before anything runs" unwritable

full() { # on standard output, too
	local code
	"$SIM" "${links[@]}" 2>"$T/err" >/dev/full
	code=$?
	cat "$T/err"
	[ "$code" = 1 ] && [ "$(cat "$T/err")" = "ttt-sim: standard output: cannot write it: No space left on device" ]
}
ok "figures that cannot be written are not lost without a word" full

mahimahi() { # one packet in 3 ms: 4 Mbit/s
	seq 3 3 3000 >"$T/up.trace"
	seq 12 12 3000 >"$T/down.trace"
	"$SIM" --link "$T/up.trace,10ms,down $T/down.trace" --flow tcp --flow udp,500kbit,down --seconds 6 >"$T/out" || return 1
	cat "$T/out"
	awk '$2 == "tcp" { tcp = $4 } $2 == "udp" { udp = $4 }
	     END { exit !(tcp > 3 && tcp < 4.01 && udp > 0.45) }' "$T/out"
}
ok "a link follows mahimahi's recordings, another for each way" mahimahi

bad_trace() {
	printf '1,5000\n2,nonsense\n' >"$T/bad.csv"
	refuses "--link $T/bad.csv: $T/bad.csv is neither a rate, as in 50mbit, nor a trace: line 2, 2,nonsense: write SECONDS,BYTES" \
		--link "$T/bad.csv"
}
ok "a broken recording is said with its line" bad_trace

repeats() {
	"$SIM" "${links[@]}" --flow udp,1mbit --repeat 3 >"$T/out" || return 1
	cat "$T/out"
	grep -q '^strategy aggregate, 5 s, seeds 1 to 3$' "$T/out" &&
		[ "$(grep -cE '^1 udp up +mean|^ +min|^ +max' "$T/out")" -ge 3 ]
}
ok "--repeat prints mean, min and max" repeats

no_gnuplot() {
	local code
	env PATH="$T" "$SIM" "${links[@]}" --plot "$T/none.svg" >"$T/out" 2>"$T/err"
	code=$?
	cat "$T/err"
	[ "$code" = 1 ] && [ ! -s "$T/out" ] && [ ! -e "$T/none.svg" ] &&
		grep -q '^ttt-sim: --plot: cannot run gnuplot: .*; install the package gnuplot-nox$' "$T/err"
}
ok "without gnuplot, --plot says what to install before anything runs" no_gnuplot

draws() {
	"$SIM" "${links[@]}" --flow tcp --flow call --at 2s link 1 down --at 3s link 1 up \
		--at 3.5s link 2 set weight=4,priority=3 --plot "$T/it's a plot.svg" >/dev/null || return 1
	head -5 "$T/it's a plot.svg"
	grep -q '<svg' "$T/it's a plot.svg" && tail -2 "$T/it's a plot.svg" | grep -q '</svg>' || return 1
	for text in 'strategy aggregate' 'link 1 down' 'link 2 set weight=4,priority=3' '1 tcp up' '2 call down' '20mbit,20ms±2ms,1%'; do
		grep -q -- "$text" "$T/it's a plot.svg" || { echo "no $text in the picture"; return 1; }
	done
}
# Eight links, all flows, events beside each other, latencies of seconds: whatever is written has to
# be on the page, which is 1200 wide; a letter is about 6.5 wide.  What is upright has its foot at x.
crowded() {
	local links=() flows=(--flow call --flow call --flow tcp --flow tcp,down --flow quic --flow udp,1mbit)
	for i in 1 2 3 4 5 6 7 8; do links+=(--link "${i}mbit/20mbit,20ms±5ms,0.$i%,queue 1000"); done
	"$SIM" "${links[@]}" "${flows[@]}" --seconds 8 --at 1s link 1 delay 9s --at 2s link 2 down --at 2.1s link 3 loss 3% \
		--at 2.2s link 4 cut --at 2.3s link 5 delay 3s --at 2.4s link 6 loss 1% --at 2.5s strategy redundant \
		--at 7s link 8 set tier=backup,metered=yes,max-latency=150ms,max-loss=5% --plot "$T/crowded.svg" >/dev/null || return 1
	awk -F'[(,)]' '
	/translate\(/ { x = $2; from = /text-anchor="start"/ ? 0 : /text-anchor="end"/ ? -1 : -0.5; upright = /rotate/ }
	/<text/ {
		text = $0
		gsub(/<[^>]*>|^[ \t]*| *$/, "", text)
		if (text == "") next
		width = upright ? 0 : 6.5 * length(text)
		if (x + from * width < (upright ? 12 : 0) || x + from * width + width > 1200) { print "not on the page: " text; bad = 1 }
	}
	END { exit bad }' "$T/crowded.svg" || return 1
	for i in 1 2 3 4 5 6 7 8; do
		grep -q ">link $i: ${i}mbit" "$T/crowded.svg" && grep -q ">link $i, round trip</tspan>" "$T/crowded.svg" ||
			{ echo "no link $i"; return 1; }
	done
}
if command -v gnuplot >/dev/null; then
	ok "what is written in a crowded picture is on the page" crowded
	ok "the picture is an SVG that names its links, flows and events" draws
else
	for what in "what is written in a crowded picture is on the page" "the picture is an SVG"; do
		n=$((n + 1))
		echo "ok $n - $what # SKIP no gnuplot on this machine"
	done
fi
exit $bad
