#!/bin/bash
# demo.sh: the main job, to look at.  A client with two links of 20 Mbit/s, one
# slower to answer than the other, a server, a host behind it: first each link
# alone, then one download through the tunnel, in whose middle a link is cut.
. "$(dirname "$0")/tunnel.sh"
needs curl tc
trap 'echo; echo "interrupted: cleaning up"; exit 130' INT

MEGABYTES=100
LINK0="delay 10ms rate 20mbit limit 100"
LINK1="delay 25ms rate 20mbit limit 100"

say() { printf '%s\n' "$*"; }

# Types a command and runs it where it belongs.
types() { # types NAME COMMAND...
	local name=$1
	shift
	say "$name# $*"
	case $1 in
	ttt) shift && in_ns "$name" env TTT_RUNTIME_DIR="$T/run-$name" "$TTT" "$@" ;;
	*) in_ns "$name" "$@" ;;
	esac
}

# Mbit/s of a download that begins now and is broken off.
alone() { # alone LINK
	local speed
	speed=$(in_client curl -s --max-time 5 --interface "$1" -o /dev/null -w '%{speed_download}' "http://$HOST4/file")
	awk -v s="$speed" 'BEGIN { printf "%.1f\n", s * 8 / 1e6 }'
}

# One line every half second: what came in over each link; until the download ends.
# Besides, every few milliseconds, whether anything came out of the tunnel: the
# longest silence goes into $T/gap, the moments of cut and return are told by files.
watch_download() { # watch_download PID
	# shellcheck disable=SC2016
	in_client bash -c '
		pid=$1 dir=$2
		at() { local t=${EPOCHREALTIME/./}; now=$((t / 1000)); }
		count() { read -r bytes <"/sys/class/net/$1/statistics/rx_bytes"; }
		bar() { printf -v bars "%*s" "$(($1 / 10))" ""; bars=${bars// /#}; }
		at; start=$now next=$((now + 500)) quiet=$now gap=0
		count wan0; a=$bytes; count wan1; b=$bytes; count ttt0; t=$bytes
		exec {wait}<> <(:)
		printf "%6s   %-32s %-32s %s\n" "s" "wan0 Mbit/s" "wan1 Mbit/s" "sum"
		while [ -d "/proc/$pid" ]; do
			read -r -t 0.005 -u "$wait"
			at; count ttt0
			if [ "$bytes" != "$t" ]; then
				[ $((now - quiet)) -le "$gap" ] || gap=$((now - quiet))
				t=$bytes quiet=$now
			fi
			[ "$now" -ge "$next" ] || continue
			span=$((now - next + 500))
			count wan0; x=$((bytes - a)) a=$bytes; count wan1; y=$((bytes - b)) b=$bytes
			x=$((x * 80 / span / 1000)) y=$((y * 80 / span / 1000)) note=
			[ ! -e "$dir/note" ] || { read -r note <"$dir/note"; rm "$dir/note"; }
			bar "$x"; p=$bars; bar "$y"; q=$bars
			printf "%4d.%d   %3d.%d %-26s %3d.%d %-26s %3d.%d  %s\n" $(((now - start) / 1000)) \
				$(((now - start) / 100 % 10)) $((x / 10)) $((x % 10)) "$p" $((y / 10)) $((y % 10)) "$q" \
				$(((x + y) / 10)) $(((x + y) % 10)) "$note"
			next=$((next + 500))
		done
		echo "$gap" >"$dir/gap"' watch "$1" "$T"
}

cut_and_restore() {
	sleep 7
	link_cut wan0
	echo "<- wan0 is cut" >"$T/note"
	sleep 6
	link_restore wan0
	echo "<- wan0 is back" >"$T/note"
}

say "A client with two links of 20 Mbit/s (round trips of 20 and 50 ms), a server, a host behind"
say "it: network namespaces on this machine, with real delay, rate and queues.  Takes a minute."
say
topology 2 netem || exit 1
link_shape wan0 "$LINK0"
link_shape wan1 "$LINK1"
tunnel_files
mkdir "$T/www"
make_file "$T/www/file" "${MEGABYTES}M"
http_serve host "$T/www" 80

say "Each link alone, without the tunnel:"
one=$(alone wan0) two=$(alone wan1)
say "  wan0 $one Mbit/s, wan1 $two Mbit/s"
say
cd "$T" || exit 1
types server ttt up -c server.conf || exit 1
types client ttt up -c client.conf || exit 1
types client ttt status
say
say "client# curl -o file http://$HOST4/file     ($MEGABYTES MB)"
spawn_in client curl -sS --max-time 120 -o /dev/null -w '%{size_download} %{speed_download}' "http://$HOST4/file"
download=$SPAWNED log=$SPAWN_LOG
cut_and_restore &
track $!
watch_download "$download"
wait "$download"
read -r size speed <"$log"
say
types client ttt down
types server ttt down
say
awk -v size="$size" -v speed="$speed" -v one="$one" -v two="$two" -v gap="$(cat "$T/gap")" -v wanted="$MEGABYTES" 'BEGIN {
	mbit = speed * 8 / 1e6
	printf "%s of %d MB arrived, %.1f Mbit/s on average, the cut included.\n",
	       size == wanted * 1048576 ? "All" : sprintf("%.1f", size / 1048576), wanted, mbit
	printf "Against the links alone: %.2f x wan0, %.2f x wan1.  Longest silence in the download: %d ms.\n",
	       mbit / one, mbit / two, gap
	exit size != wanted * 1048576
}'
