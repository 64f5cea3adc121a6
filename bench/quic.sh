#!/bin/bash
# A real QUIC through the tunnel: for pairs of the grid (pairs.sh), ngtcp2's example
# client and server with a stream of 20 s, beside one TCP of as long through the same
# tunnel, each with a ping; and both on each link alone, since what this QUIC can do
# there is what the tunnel may be held against.
#
#	bash bench/quic.sh [PAIR...]
#	PLAIN=no		without the links alone
#	WAY=down		what the client gets
#	CC=bbr			another congestion control of the QUIC's: cubic (its default), reno, bbr2
#	SENDER=caddy		quic-go sends, which is in the package caddy: down, and CUBIC
#	RUNS=3			the median of each figure
#	KEEP=DIR		keeps the last qlog of each flow and end there, as PAIR-WHERE-END.sqlog
#
# Mbit/s in seconds 5 to 20 (1-3: those) as the reader got them.  A * reaches its bar,
# 90 % of a TCP's; a ping beyond its bound has a !.  of TCP, of one: times what the TCP
# makes there, and times what this QUIC makes on the better link.  deep: by how many
# packets the latest one was too late inside (bar 2), and how many were more than 2 too
# late of all.  full: datagrams that the QUIC's own sockets had no room for.

. "$(dirname "$0")/figures.sh"
. "$(dirname "$0")/load.sh"
. "$(dirname "$0")/pairs.sh"
needs gtlsclient gtlsserver openssl iperf3 ping awk perl

SECONDS_EACH=20 PLAIN=${PLAIN:-yes} WAY=${WAY:-up} RUNS=${RUNS:-1} CC=${CC:-cubic} KEEP=${KEEP:-}
SENDER=${SENDER:-ngtcp2}
case $WAY in
up) receiver=host options=() ;;
down) receiver=client options=(-R) ;;
*) echo "quic.sh: WAY is up or down, not '$WAY'" >&2; exit 2 ;;
esac
case $SENDER:$WAY:$CC in
ngtcp2:*) ;;
caddy:down:cubic) needs caddy ;;
*) echo "quic.sh: SENDER is ngtcp2 or, with WAY=down and CC=cubic, caddy, not '$SENDER'" >&2; exit 2 ;;
esac

# As much as a gigabit needs over half a second: its windows are not what is measured.
WINDOWS=(--max-data=64M --max-window=64M --max-stream-window=64M
	--max-stream-data-bidi-local=64M --max-stream-data-bidi-remote=64M)
PORT=4433

quic_files() {
	mkdir "$T/www"
	truncate -s 4G "$T/www/much"	# nothing is stored, and it does not end before the time
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
		-subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout "$T/quic.key" -out "$T/quic.crt" 2>"$T/openssl" ||
		{ cat "$T/openssl" >&2; return 1; }
	# The name is what the client asks for when it is told an address.
	cat >"$T/Caddyfile" <<-CADDY
		{
			admin off
			auto_https off
			servers {
				protocols h3
			}
		}
		https://localhost:$PORT {
			tls $T/quic.crt $T/quic.key
			root * $T/www
			file_server
		}
	CADDY
}

server_listens() { in_host ss -Hlun "sport = :$PORT" | grep -q .; }
client_asks() { in_client ss -Hunap | grep -q gtlsclient; }

# A UDP socket has room for some ninety datagrams unless its program asks for more, as
# browsers do and this one does not.  How much it has when it is made is the machine's
# setting, so it is another one for that moment alone.
with_room() { # with_room COMMAND...
	local setting=/proc/sys/net/core/rmem_default was status=0
	{
		flock 9		# other runs do the same at the same time
		was=$(cat "$setting")
		# shellcheck disable=SC2064,SC2094
		trap "echo $was >$setting" EXIT
		echo $((4 << 20)) >"$setting"
		"$@" 9<&- || status=$?	# what it starts must not keep the lock
		echo "$was" >"$setting"
		trap - EXIT
	} 9<"$setting"
	return "$status"
}

start_server() {
	if [ "$SENDER" = caddy ]; then
		spawn_in host env XDG_DATA_HOME="$T" XDG_CONFIG_HOME="$T" \
			caddy run --config "$T/Caddyfile" --adapter caddyfile
	else
		spawn_in host gtlsserver -q --cc="$CC" "${WINDOWS[@]}" -d "$T/www" --qlog-dir="$T/qlog/host" \
			"$HOST4" "$PORT" "$T/quic.key" "$T/quic.crt"
	fi
	within 5 server_listens
}

start_client() {
	local what=()
	[ "$WAY" = down ] || what=(-d "$T/www/much" -m POST)
	spawn_in client timeout -k 1 60 gtlsclient -q --cc="$CC" "${WINDOWS[@]}" --qlog-dir="$T/qlog/client" \
		"${what[@]}" "$HOST4" "$PORT" "https://localhost:$PORT/much"
	within 5 client_asks
}

no_room() { # datagrams that no socket of client or host had room for
	{ in_client cat /proc/net/snmp; in_host cat /proc/net/snmp; } |
		awk '/^Udp: [0-9]/ { n += $6 } END { print n }'
}

quic_end() { # quic_end PID: it says goodbye and closes its log
	kill -INT "$1" 2>/dev/null
	within 3 not is_alive "$1" || { kill -KILL "$1"; within 3 not is_alive "$1"; }
}

# A server for each flow, so that each end writes one qlog.  Prints what qlog.pl does,
# and what no_room grew by.
quic_flow() ( # quic_flow NAME: a shell of its own, for with_room's trap
	full=$(no_room)
	rm -rf "$T/qlog"
	mkdir -p "$T/qlog/client" "$T/qlog/host"
	with_room start_server || exit
	server=$SPAWNED
	with_room start_client || exit
	client=$SPAWNED log=$SPAWN_LOG
	sleep $((SECONDS_EACH + 1))
	is_alive "$client" || { cat "$log" >&2; quic_end "$server"; exit 1; }
	quic_end "$client"
	quic_end "$server"
	[ -z "$KEEP" ] || for log in "$T"/qlog/*/*.sqlog; do
		cp "$log" "$KEEP/$1-$(basename "$(dirname "$log")").sqlog"
	done
	echo "$(perl "$(dirname "$0")/qlog.pl" "$T/qlog/$receiver/"*.sqlog) $(($(no_room) - full))"
)

tcp_flow() { # tcp_flow [OPTION...]: Mbit/s in seconds 5 to 20
	load_in_seconds "$SECONDS_EACH" "${options[@]}" "$@" && flow_rate_in "$WAY" 5 20
}

# Prints the Mbit/s of a TCP and of a QUIC.  A QUIC's socket goes where the host's route does.
alone() { # alone NAME WAN
	local tcp quic
	[ "$PLAIN" = yes ] || { echo - -; return; }
	tcp=$(tcp_flow -B "$(wan4 "$2")%$2") || tcp=-
	route client "$HOST4" via "$(gw4 "$2")" dev "$2"
	quic=($(quic_flow "$1-$2"))
	ip -n "$(ns_name client)" route del "$HOST4"
	echo "$tcp ${quic[0]:--}"
}

# A tunnel of its own for each, so that neither finds what the other has taught it.
# Prints what COMMAND does, then the ping's p95.
through() { # through COMMAND [ARGUMENT...]
	local got status=0
	client up || return
	within 5 paths_up 2 >/dev/null
	ping_begin
	got=$("$@") || status=$?
	ping_end
	client down
	echo "$got $(ping_percentile 95)"
	return "$status"
}

# Each run a line of figures: what quic.awk takes.
measure_once() { # measure_once NAME
	local idle a b tcp quic
	idle=$(idle_ping) a=$(alone "$1" wan0) b=$(alone "$1" wan1)
	tcp=($(through tcp_flow)) && quic=($(through quic_flow "$1-tunnel")) || return
	echo "$WAY ${tcp[0]} ${quic[0]} $a $b ${quic[1]} ${tcp[1]} ${quic[7]} $idle" \
		"${quic[2]} ${quic[3]} ${quic[5]} ${quic[6]}"
}

measure_pair() { # measure_pair NAME 4×A 4×B BAR GOAL SLACK LATE
	local run line lines=""
	shape_pair "${@:2:8}" || return
	for ((run = 0; run < RUNS; run++)); do
		line=$(measure_once "$1") || { failed "$1"; return; }
		lines+=$line$'\n'
	done
	awk -v name="$1" -v bar="${10}" -v slack="${12}" -v way="$WAY" \
		-f "$(dirname "$0")/rows.awk" -f "$(dirname "$0")/quic.awk" <<<"${lines%$'\n'}"
}

topology 2 netem || exit
quic_files || exit
load_server || exit
tunnel_files
server up || exit
echo "# $(dpkg-query -W -f '${Package} ${Version}' ngtcp2-client 2>/dev/null || echo "ngtcp2, version unknown"), $SENDER sends by $CC"
printf '%-18s %6s %6s  %6s %7s %6s  %5s %5s %6s  %5s %7s %5s  %5s %8s %5s\n' pair "1:TCP" "1:QUIC" TCP QUIC 1-3 \
	bar "of TCP" "of one" "p95 T" "p95 Q" idle deep deeper full
each_pair measure_pair "$@"
