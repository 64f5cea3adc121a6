#!/bin/bash
# The bench's table (bench/table) of measurements that are known: medians, who is
# missing, which bars are reached; and its place in a README.
cd "$(dirname "$0")/.." || exit 1
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
n=0 bad=0
verdict() { # verdict STATUS "sentence" SAID
	n=$((n + 1))
	if [ "$1" = 0 ]; then echo "ok $n - $2"; return; fi
	echo "not ok $n - $2"
	sed 's/^/# /' <<<"$3"
	bad=1
}
is() { # is "sentence" GOT WANTED
	[ "$2" = "$3" ]
	verdict $? "$1" "$(diff -U 1 --label wanted --label got <(echo "$3") <(echo "$2"))"
}
has_line() { # has_line "sentence" TEXT LINE
	grep -qxF -- "$3" <<<"$2"
	verdict $? "$1" "no line: $3"$'\n'"$2"
}

# Two cores and parts of 8 times 0.25 s/GB: 2 s/GB, so 8 Gbit/s.
measurements() {
	local part
	cat <<-CSV
		# date: 2026-01-02
		# kernel: Linux 6.0
		# cpu: Some CPU
		# cores: 2
		# command: make bench
		# runs: 3, of 4 s for each TCP flow
		run,what,links,metric,unit,value
		# about ttt: ttt 9, no settings
		# about openvpn: openvpn 8
		# missing fastd: fastd is not installed
		1,raw,1,tcp-up,Gbit/s,20
		1,ttt,1,tcp-up,Gbit/s,6
		1,ttt,2,tcp-up,Gbit/s,5
		1,openvpn,1,tcp-up,Gbit/s,0.5
		1,openvpn,1,cpu-up,s/GB,20
		2,openvpn,1,tcp-up,Gbit/s,0.25
		2,ttt,1,tcp-up,Gbit/s,4
		2,ttt,1,cpu-up-client,s/GB,1.25
		2,ttt,1,cpu-up,s/GB,2.5
		2,ttt,1,rtt-added,µs,151
		2,ttt,2,memory,MiB,64
		3,ttt,1,tcp-up,Gbit/s,30
		1,raw,1,load,s/GB,0.25
		1,ttt,1,udp-64,packets/s,250000
		1,openvpn,1,udp-64,packets/s,100000
	CSV
	for part in tun-read engine seal udp-send udp-receive open tun-write; do
		echo "1,parts,1,$part,s/GB,0.25"
	done
	echo "# cipher: aes-256-gcm-libcrypto"
}

echo "rtt: the machine was slow" >"$T/reasons"
export REASONS=$T/reasons
measurements >"$T/known.csv"
is "known measurements make the known table" "$(bench/table "$T/known.csv")" "$(cat <<'MARKDOWN'
2026-01-02, Linux 6.0, 2 × Some CPU: `make bench`, medians (least to most) of 3, of 4 s for each TCP flow.

| | raw veth | ttt, 1 link | ttt, 2 links | fastd | openvpn |
|---|--:|--:|--:|--:|--:|
| TCP up, Gbit/s | 20.0 | 6.00 (4.00 to 30.0) | 5.00 | – | 0.375 (0.250 to 0.500) |
| CPU s/GB up: client | – | 1.25 | – | – | – |
| UDP of 64 bytes, 1000 packets/s | – | 250 | – | – | 100 |
| RTT added when idle, µs | – | 151 | – | – | – |
| memory of its largest process, MiB | – | – | 64.0 | – | – |

- ttt: ttt 9, no settings
- **fastd**: not measured: fastd is not installed
- openvpn: openvpn 8

The ceiling: load 0.250, tun-read 0.250, engine 0.250, seal 0.250, udp-send 0.250, udp-receive 0.250, open 0.250, tun-write 0.250 s/GB (aes-256-gcm-libcrypto), together 2.00, so 2 cores could carry 8.00 Gbit/s.

| bar, within this run | measured | |
|---|--:|---|
| one TCP flow, one link ≥ 8 × the best other (without wireguard-go, fastd) | 16.0 × openvpn, up | reached |
| CPU s/GB, both ends ≤ 0.15 × the best other (without wireguard-go, fastd) | 0.125 × openvpn, up | reached |
| two links against one ≥ 0.95 × | 0.833 ×, up | **missed**: no reason is written down yet |
| share of the ceiling ≥ 70 % | 75.0 %, up | reached |
| UDP packets/s, 64 bytes ≥ 2.5 × the best other (without wireguard-go, fastd) | 2.50 × openvpn | reached |
| UDP packets/s, 1400 bytes ≥ 2.5 × the best other (without wireguard-go, fastd) | not measured | – |
| RTT added when idle ≤ 150 µs | 151 µs | **missed**: the machine was slow |
| memory of the worker, two links ≤ 64 MiB | 64.0 MiB | reached |
MARKDOWN
)"

{ measurements; echo "1,fastd,1,tcp-up,Gbit/s,0.6"; echo "1,ttt,1,tcp-down,Gbit/s,4"; echo "1,fastd,1,tcp-down,Gbit/s,1"; } |
	sed '/^# missing fastd/d' >"$T/more.csv"
has_line "the bar is against the best of the others, in the worse direction" "$(bench/table "$T/more.csv")" \
	"| one TCP flow, one link ≥ 8 × the best other (without wireguard-go) | 4.00 × fastd, down | **missed**: no reason is written down yet |"
is "half of an even number of runs is a median between two" "$(printf '%s\n' 1,a,1,m,u,4 2,a,1,m,u,1 3,a,1,m,u,2 4,a,1,m,u,100 |
	awk -f bench/medians.awk)" "a 1 m u 3 1 100 4"
said=$(echo "1,ttt,1,tcp-up,Gbit/s,fast" | awk -f bench/medians.awk 2>&1)
is "what is no measurement is refused" "$? $said" \
	"1 medians.awk: line 1 is no measurement: 1,ttt,1,tcp-up,Gbit/s,fast"

printf '%s\n' before '<!-- bench: written by bench/table -->' old '<!-- bench: end -->' after >"$T/README.md"
bench/table --readme "$T/README.md" "$T/known.csv"
is "the README gets the table in place of the one before" "$(cat "$T/README.md")" \
	"$(printf '%s\n' before '<!-- bench: written by bench/table -->' "$(bench/table "$T/known.csv")" '<!-- bench: end -->' after)"
echo alone >"$T/README.md"
! bench/table --readme "$T/README.md" "$T/known.csv" 2>/dev/null && [ "$(cat "$T/README.md")" = alone ]
verdict $? "a README without a place for it stays as it is, and that is said" ""
echo "1..$n"
exit $bad
