#!/bin/bash
# What goes wrong is told in one line, that says what and what to do, with an
# exit code of its own; and nothing has changed.  The daemon outlives whatever
# is written to its control socket.

. "$(dirname "$0")/tunnel.sh"

needs flock ping perl setpriv unshare

# A place where everybody finds the program and the runtime directories.
chmod 711 "$T"
install -m 755 "$TTT" "$T/ttt"
as_nobody() { # as_nobody NAME COMMAND...
	in_ns "$1" setpriv --reuid=65534 --regid=65534 --clear-groups "${@:2}"
}

# says: the command refuses, in one line, and the host is as before.
says() { # says HOST CODE REGEX COMMAND...
	remember "$1"
	ok "exit $2: $3" refuses "$2" "$3" "${@:4}"
	unchanged "and" "$1"
}

topology 2
tunnel_files
server up
in_inet nft -f - <<-RULES
	table inet hole { chain f { type filter hook forward priority 0; udp dport 7475 drop; }; }
RULES

# ---- who does not answer: all of them wait, side by side ----

config() { # config NUMBER KEY-OF-CLIENT KEY-OF-SERVER PSK ENDPOINT
	cat >"$T/client$1.conf" <<-CONF
		[tunnel]
		private-key-file = $2.key
		interface = ttt$1
		[peer vps]
		public-key = $("$TTT" pubkey <"$T/$3.key")
		preshared-key-file = $4
		endpoint = $5
	CONF
}
remember client server
cases=0 what=() wanted=() waiting=()
hopeless() { # hopeless WHAT REGEX KEY-OF-CLIENT KEY-OF-SERVER PSK ENDPOINT
	local n=$cases
	cases=$((cases + 1)) what+=("$1") wanted+=("$2")
	config "$n" "${@:3}"
	{
		ttt_in client up -c "$T/client$n.conf" >"$T/wait$n.out" 2>"$T/wait$n.err"
		echo $? >"$T/wait$n.code"
	} &
	waiting+=($!)
}
(umask 077; "$TTT" genkey >"$T/other.key"; "$TTT" genpsk >"$T/other.psk")
no_answer="vps: no answer from .* port [0-9]+: check the endpoint, that UDP gets through, and the public keys"
refused="vps: .* says over wan[01]: Connection refused: is the server running"
hopeless "another server's key" "$no_answer" client other psk "$SERVER4"
hopeless "a key that the server does not know" "$no_answer" other server psk "$SERVER4"
hopeless "another preshared key" "$no_answer" client server other.psk "$SERVER4"
hopeless "a port where nobody listens" "$refused" client server psk "$SERVER4:7999"
hopeless "an IPv6 port where nobody listens" "$refused" client server psk "[$SERVER6]:7999"
hopeless "a black hole" "$no_answer" client server psk "$SERVER4:7475"
hopeless "an address that is nowhere" "vps: .* says over wan[01]: (Network is unreachable|No route to host)" \
	client server psk 192.0.2.1

# ---- wrong usage: meanwhile, on a host without a link ----

says host 2 "no command fly: see ttt --help" ttt_in host fly
says host 2 "--fly.*: see ttt --help" ttt_in host status --fly
says host 2 "-i.*: see ttt --help" in_host "$TTT" status -i
says host 2 "--json.*: see ttt --help" in_host "$TTT" genkey --json
says host 2 "one word too many: now: see ttt --help" ttt_in host status now
says host 2 "a/b: see ttt --help" ttt_in host status -i a/b
says host 4 "ttt0 is not up" ttt_in host status
says host 4 "ttt0 is not up" ttt_in host strategy weighted
says host 4 "ttt0 is not up" ttt_in host link
says host 2 "a link is named by its interface, and a change is KEY=VALUE" ttt_in host link wan0 $'tier=\xff'
says host 4 "ttt7 is not up" ttt_in host status -i ttt7
cp "$T/client.conf" "$T/host.conf"
says host 4 "ttt0 is not up" ttt_in host down

# ---- a broken configuration ----

broken() { # broken REGEX EDIT-OF-CLIENT.CONF
	sed "$2" "$T/client.conf" >"$T/host.conf"
	says host 2 "$1" ttt_in host up
}
says host 2 "$T/none.conf: .*No such file" ttt_in host up -c "$T/none.conf"
broken "host.conf:2: .*colour" "2i colour = red"
broken "host.conf:[0-9]+: .*public-key" "s/^public-key = .*/public-key = abc/"
broken "host.conf:[0-9]+: .*endpoint" "s/^endpoint.*/endpoint = 192.0.2.1:99999/"
broken "host.conf:2: .*strategy" "2i strategy = fastest"
broken "host.conf:2: .*none.key: No such file" "s/client.key/none.key/"
broken "host.conf.*public-key" "/^public-key/d"
cp "$T/client.key" "$T/open.key"
chmod 644 "$T/open.key"
broken "host.conf:2: .*open.key: .*run: chmod 600 $T/open.key" "s/client.key/open.key/"

# ---- what the host does not give ----

cp "$T/client.conf" "$T/host.conf"
says host 1 "no link: no interface has carrier, an address and a default route" ttt_in host up

without_tun() {
	in_ns "$1" unshare -m sh -c 'mount -t tmpfs none /dev/net && exec "$@"' sh "${@:2}"
}
says host 1 "no TUN device .*/dev/net/tun.*: load the module tun" \
	without_tun host "$TTT" up -c "$T/host.conf" -r "$T/run-host"

for kind in "link add ttt0 type veth peer name ttt0-peer" "tuntap add dev ttt0 mode tun"; do
	# shellcheck disable=SC2086
	ip -n "$(ns_name host)" $kind
	says host 1 "ttt0: that interface is there already: choose another with -i" ttt_in host up
	says host 4 "ttt0 is not up" ttt_in host down
	ip -n "$(ns_name host)" link del ttt0
done
says host 1 "eth0: that interface is there already" ttt_in host up -i eth0

cp "$T/server.conf" "$T/host.conf"
for family in -4 -6; do
	in_host ip $family rule add pref 7450 lookup main
	says host 1 "a rule of another program .*7450.*: set rule-priority" ttt_in host up
	in_host ip $family rule del pref 7450
done

# shellcheck disable=SC2016
spawn_in host perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(Proto => "udp", LocalPort => 7474) or die; sleep'
port=$SPAWNED
within 5 eval 'in_host ss -Hlun sport = :7474 | grep -q .'
says host 1 "UDP port 7474 is taken by another program" ttt_in host up
kill "$port"

# ---- who may not ----

says host 3 "only root .*: sudo ttt up" as_nobody host "$T/ttt" up -c "$T/host.conf"
says host 3 "only root .*: sudo ttt down" as_nobody host "$T/ttt" down
says host 4 "ttt0 is not up" as_nobody host "$T/ttt" status -r "$T/run-host"
says host 3 "CAP_NET_ADMIN.* is missing: be root" \
	in_host setpriv --bounding-set=-net_admin "$TTT" up -c "$T/host.conf" -r "$T/run-host"

# Where a step of the worker's cage fails, behind whose bars there is no log.
says host 1 "the worker died 4 times: cannot shut itself in: .*: Operation not permitted" \
	in_host setpriv --bounding-set=-setpcap "$TTT" up -c "$T/host.conf" -r "$T/run-host"

# ---- those who waited ----

wait "${waiting[@]}"
for ((n = 0; n < cases; n++)); do
	ok "exit 1 for ${what[n]}" refused 1 "${wanted[n]}" "$(cat "$T/wait$n.code")" "$T/wait$n"
done
unchanged "after all of them" client server
tunnel_files
client up
says client 5 "ttt0 is already up" client up
ok "and the tunnel of a client with the right keys comes up" in_client ping -q -c 1 -W 2 "$HOST4"
client down
ENDPOINT=vpn.example.invalid tunnel_files
says client 1 "vpn.example.invalid: cannot find its address" client up
says server 1 "another tunnel uses the tables from 7400: set table" server up -i other
says server 1 "UDP port 7474 is taken by another program" server up -i ttt1
elsewhere="ttt0 is up, with another runtime directory: see -r"
says server 1 "$elsewhere" server up -r "$T/run-elsewhere"
says server 1 "$elsewhere" server down -r "$T/run-elsewhere"

# ---- garbage on the control socket ----

sock=$T/run-server/ttt0.sock
supervisor=$(status_of server .supervisor_pid)
answers() { [ "$(status_of server .supervisor_pid)" = "$supervisor" ]; }
# shellcheck disable=SC2016
write_to_socket() { # write_to_socket PERL-EXPRESSION: it is sent, and the answers are read
	timeout 10 perl -MIO::Socket::UNIX -e '$SIG{PIPE} = "IGNORE"; srand 7;
		my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die;
		print $s eval $ARGV[1]; shutdown $s, 1; 1 while sysread $s, my $b, 65536' "$sock" "$1"
}
for garbage in 'pack "C*", map { rand 256 } 1..50000' \
	'join "\n", map { pack "C*", map { rand 256 } 1..20 } 1..500' \
	'"x" x 1_000_000 . "\n"' '"[" x 60_000 . "\n"' '"\n" x 50_000' '"\0\n" x 1000' \
	'"{\"command\":" . "1" x 5000 . "}\n"' '"{\"command\":\"status\"}\n" x 1000' '"{\"command\":\"strategy\",\"name\":7}\n"'; do
	write_to_socket "$garbage"
	ok "the daemon answers after $garbage" answers
done

# shellcheck disable=SC2016
half_open='$| = 1; $SIG{PIPE} = "IGNORE"; my @s = map { my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die;
	print $s $_ % 2 ? "{" : ""; $s->flush; $s } 1..50; print "open\n"; sleep'
for who in root nobody; do
	run_as=(setpriv)
	[ $who = root ] || run_as+=(--reuid=65534 --regid=65534 --clear-groups)
	spawn_in server "${run_as[@]}" perl -MIO::Socket::UNIX -e "$half_open" "$sock"
	ok "50 connections of $who say nothing" within 5 grep -q open "$SPAWN_LOG"
	ok "the daemon still answers root" answers
	[ $who = root ] || ok "and everybody" as_nobody server "$T/ttt" status -r "$T/run-server"
	ok "who is nobody changes nothing" refuses 3 "only root may change the tunnel" \
		as_nobody server "$T/ttt" strategy weighted -r "$T/run-server"
	ok "nor how a link is used" refuses 3 "only root may change the tunnel" \
		as_nobody server "$T/ttt" link wan0 weight=2 -r "$T/run-server"
done

# ---- a lock on the runtime directory: whoever can read it can hold it ----

spawn_in server setpriv --reuid=65534 --regid=65534 --clear-groups flock -x "$T/run-server" sleep 100
holder=$SPAWNED
ok "a user locks the runtime directory" within 5 not flock -n "$T/run-server" true
ip -n "$(ns_name server)" addr add 198.51.100.9/32 dev eth0
goes_on() { local n; for n in 1 2 3 4 5 6 7 8 9 10; do answers || return; done; }
ok "the daemon follows its links, and answers" goes_on
ok "the daemon can be stopped" server down
ok "and begin again" server up
ok "and be stopped again" server down
ok "while the lock is held" is_alive "$holder"
done_testing
