#!/bin/bash
# What bench/qlog.pl makes of logs that are known: what a reader of the stream had in
# which second, and how much too late packets came.
cd "$(dirname "$0")/.." || exit 1
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
n=0 bad=0
is() { # is "sentence" GOT WANTED
	n=$((n + 1))
	if [ "$2" = "$3" ]; then echo "ok $n - $1"; return; fi
	echo "not ok $n - $1"
	echo "# got    $2"
	echo "# wanted $3"
	bad=1
}

came() { # came MS NUMBER OFFSET LENGTH [STREAM]
	printf '\x1e{"time":%d,"name":"transport:packet_received","data":{"frames":[{"frame_type":"stream","stream_id":%d,"offset":%d,"length":%d}],"header":{"packet_type":"1RTT","packet_number":%d},"raw":{"length":%d}}}\n' \
		"$1" "${5:-0}" "$3" "$4" "$2" $(($4 + 30))
}
before() {	# what is no packet of the stream
	printf '\x1e{"qlog_format":"JSON-SEQ","qlog_version":"0.3"}\n'
	printf '\x1e{"time":1,"name":"transport:packet_received","data":{"frames":[{"frame_type":"crypto","offset":0,"length":900}],"header":{"packet_type":"initial","packet_number":7},"raw":{"length":1200}}}\n'
	printf '\x1e{"time":2,"name":"transport:packet_sent","data":{"frames":[],"header":{"packet_type":"1RTT","packet_number":99},"raw":{"length":30}}}\n'
	came 3 0 0 500000 2
}
steady() {	# a million bytes a second, in the middle of it, for 21 seconds
	local s
	for ((s = 0; s < 21; s++)); do came $((s * 1000 + 500)) $((s + 1)) $((s * 1000000)) 1000000; done
}
qlog() { cat >"$T/log"; perl bench/qlog.pl "$T/log" 2>&1; }

is "a million bytes a second are 8 Mbit/s, in order" "$({ before; steady; } | qlog)" "8.0 8.0 0 0 0 22"
is "a log that ends early has no rate of what it lacks" "$({ before; steady; } | head -n 9 | qlog)" "- 8.0 0 0 0 6"
is "what comes before its turn is the reader's when the gap is filled, and twice is once" \
	"$({ came 10 1 0 1000; came 1500 3 2000 1000; came 1510 4 2500 1500; came 1520 5 5000 746000
		came 2500 6 1000 1000; came 2600 7 1000 500; came 2700 8 4000 1000; came 2800 9 4000 500
		came 4000 10 751000 1; } | qlog)" "- 3.0 0 0 0 9"
is "a gap that stays holds back what comes behind it" \
	"$({ came 10 1 0 1000; came 1500 3 2000 750000; came 4000 4 0 1; } | qlog)" "- 0.0 0 0 0 3"
is "one that is filled in time does not" \
	"$({ came 10 1 0 1000; came 1500 3 2000 748000; came 1600 4 1000 1000; came 4000 5 0 1; } | qlog)" "- 3.0 0 0 0 4"
is "two numbers too late are no deep reordering, three are; numbers that never came are none" \
	"$({ came 1 1 0 1; came 2 4 0 1; came 3 2 0 1; came 4 8 0 1; came 5 5 0 1; came 6 9 0 1; } | qlog)" \
	"- - 3 1 2 6"
is "a log without a connection says so" "$(printf '\x1e{}\n' | qlog)" "$T/log: no packet of a connection"
echo "1..$n"
exit "$bad"
