#!/bin/bash
# Packets that go through the TUN in one piece: large transfers arrive whole, in
# both directions and families, and so do small packets, datagrams and marks; with
# it off, everything is the same but the size of what the device shows.
. "$(dirname "$0")/tunnel.sh"
needs iperf3 ping jq tcpdump ethtool
topology 1

offload() { status_of "$1" .offload_tun; }
says() { client status | grep -q "^offload: tun $1"; }

# The largest packet that ttt0 shows while a command runs, by its length on the device.
watch() { # watch NAME FILTER...
	local name=$1
	shift
	spawn_in "$name" timeout 60 tcpdump --immediate-mode -i ttt0 -n -q -l -v -s 128 "$@"
	WATCH=$SPAWNED WATCH_LOG=$SPAWN_LOG
	within 3 grep -q 'listening on' "$WATCH_LOG"
}
largest() {
	kill "$WATCH" 2>/dev/null
	within 2 not is_alive "$WATCH"
	sed -nE 's/.*(length|payload length:) ([0-9]+)\).*/\2/p' "$WATCH_LOG" | sort -n | tail -1
}

# What a sender's bytes come to is compared by their digest.
head -c 20000000 /dev/urandom >"$T/bytes"
digest=$(sha256sum <"$T/bytes" | cut -c1-64)
serve_bytes() { # serve_bytes NAME ADDRESS: who connects gets them
	spawn_in "$1" perl -MIO::Socket::IP -e '
		my $s = IO::Socket::IP->new(LocalHost => $ARGV[0], LocalPort => 7001, Listen => 5, ReuseAddr => 1) or die;
		while (my $c = $s->accept) {
			open my $f, "<", $ARGV[1]; local $/ = \65536;
			while (my $part = <$f>) { print $c $part }
			close $c;
		}' "$2" "$T/bytes"
}
gets_bytes() { # gets_bytes NAME ADDRESS
	local got
	got=$(in_ns "$1" timeout 20 perl -MIO::Socket::IP -e '
		my $s = IO::Socket::IP->new(PeerHost => $ARGV[0], PeerPort => 7001) or die "$@";
		my $part; print $part while sysread($s, $part, 65536)' "$2" | sha256sum | cut -c1-64)
	echo "$got"
	[ "$got" = "$digest" ]
}

# Datagrams of every size there and back, each with a number and bytes of its own.
echo_datagrams() { # echo_datagrams NAME ADDRESS
	spawn_in "$1" perl -MIO::Socket::IP -e '
		my $s = IO::Socket::IP->new(LocalHost => $ARGV[0], LocalPort => 7002, Proto => "udp") or die;
		while (my $from = $s->recv(my $d, 65536)) { $s->send($d, 0, $from) }' "$2"
}
datagrams_return() { # datagrams_return NAME ADDRESS
	in_ns "$1" timeout 20 perl -MIO::Socket::IP -MIO::Select -e '
		my $s = IO::Socket::IP->new(PeerHost => $ARGV[0], PeerPort => 7002, Proto => "udp") or die "$@";
		my $ready = IO::Select->new($s);
		for my $size (0 .. 40, map({ 1300 + $_ } 0 .. 72), (1200) x 200) {
			my %sent;
			for my $i (0 .. 3) {
				my $d = pack("n", $i) . chr(($size + $i) & 255) x $size;
				$sent{$d} = 1;
				$s->send($d);
			}
			while (%sent) {
				$ready->can_read(2) or die "of size $size " . %sent . " are missing\n";
				$s->recv(my $d, 65536);
				delete $sent{$d} or die "of size $size one came that was not sent, or twice\n";
			}
		}' "$2"
}
# USO: the sender gives the kernel many at once.
# Before Linux 6.11 the kernel refuses such a send itself where a device makes no checksums.
kernel_refuses() { # kernel_refuses NAME
	[ "$(printf '6.11\n%s\n' "$(uname -r)" | sort -V | head -n 1)" != 6.11 ] &&
		in_ns "$1" ethtool -k ttt0 | grep -q 'tx-checksumming: off'
}
burst() { # burst NAME ADDRESS
	local refused=0
	! kernel_refuses "$1" || refused=1
	in_ns "$1" timeout 20 perl -MIO::Socket::IP -MIO::Select -MSocket -MErrno -e '
		my $s = IO::Socket::IP->new(PeerHost => $ARGV[0], PeerPort => 7002, Proto => "udp") or die "$@";
		setsockopt($s, 17, 103, pack("i", 1000)) or die "UDP_SEGMENT: $!";
		my $large = join("", map { chr($_) x 1000 } 1 .. 20) . "tail";
		my $sent = send($s, $large, 0);
		exit !$!{EIO} if $ARGV[1] && !$sent;
		$sent or die "send: $!";
		my ($ready, $n, %got) = (IO::Select->new($s), 0);
		while ($n < 21 && $ready->can_read(2)) { recv($s, my $d, 65536, 0); $n++; $got{$d}++ }
		for my $i (1 .. 20) { $got{chr($i) x 1000} == 1 or die "datagram $i of $n" }
		$got{"tail"} == 1 or die "the last of $n"' "$2" "$refused"
}

drops() { status_of "$1" '.drops | [."tun-invalid", ."tun-failed", ."too-long", ."inner-invalid"] | add'; }

# WHAT is what the device shows of a download and an upload: "large" or "small"
transfers() { # transfers HOW WHAT
	local how=$1 what=$2 inner address size low=1 high=1420
	[ "$what" = large ] && low=5000 high=65535
	for inner in "4 $HOST4" "6 $HOST6"; do
		address=${inner#* } inner=${inner% *}
		serve_bytes host "$address"
		echo_datagrams host "$address"
		watch client tcp
		ok "$how, a download over IPv$inner arrives whole" within 3 gets_bytes client "$address"
		size=$(largest)
		ok "and the device shows $what packets" between "$size" "$low" "$high"
		watch server tcp
		gets_bytes client "$address" >/dev/null
		size=$(largest)
		ok "of the sender, too" between "$size" "$low" "$high"
		ok "datagrams of all sizes arrive, as they were sent" within 3 datagrams_return client "$address"
		ok "so do those that are sent at once" burst client "$address"
		ok "small packets with a mark, and large ones" in_client ping -q -Q 2 -s 1300 -c 20 -i 0.01 -W 2 "$address"
		end_of host
	done
	is "nothing of it was invalid at the client" "$(drops client)" 0
	is "nor at the server" "$(drops server)" 0
}
end_of() { # end_of NAME: what serves there
	ip netns pids "$(ns_name "$1")" | xargs -r kill
	within 2 not pids_in "$1"
}
pids_in() { [ -n "$(ip netns pids "$(ns_name "$1")")" ]; }

tunnel_files
ok "both ends come up" both_up
like "the client says what goes in one piece" "$(offload client)" '^tso'
ok "in words, too" says tso
like "so does the server" "$(offload server)" '^tso'
ok "the device's features are those" in_client sh -c "ethtool -k ttt0 | grep -q 'tcp-segmentation-offload: on'"
transfers "with offload" large

old=$(status_of client .worker_pid)
in_client kill -9 "$old"
new_worker() { [ "$(status_of client .worker_pid)" -gt 0 ] && [ "$(status_of client .worker_pid)" != "$old" ] && paths_up 1; }
ok "the next worker begins" within 5 new_worker
serve_bytes host "$HOST4"
watch client tcp
ok "and knows how the device's packets look" within 5 gets_bytes client "$HOST4"
ok "which are as large as before" between "$(largest)" 5000 65535
end_of host
ok "both ends go down" both_down

CLIENT_TUNNEL='offload = off' SERVER_TUNNEL='offload = off' tunnel_files
ok "both ends come up without it" both_up
is "the client says so" "$(offload client)" "none (offload = off)"
ok "in words, too" says 'none (offload = off)'
transfers "without it" small
ok "both ends go down again" both_down

# One end leaves checksums to the other, whose device makes none.
mixed() { # mixed END: which has none
	local address
	ok "both ends come up, the $1 without it" both_up
	is "the $1 says so" "$(offload "$1")" "none (offload = off)"
	for address in "$HOST4" "$HOST6"; do
		serve_bytes host "$address"
		echo_datagrams host "$address"
		ok "a download from $address arrives whole" within 3 gets_bytes client "$address"
		ok "datagrams of all sizes go there and back" within 3 datagrams_return client "$address"
		ok "so do those that are sent at once" burst client "$address"
		end_of host
	done
	is "nothing of it was invalid at the client" "$(drops client)" 0
	is "nor at the server" "$(drops server)" 0
	ok "both ends go down" both_down
}
CLIENT_TUNNEL='offload = off' tunnel_files
mixed client
SERVER_TUNNEL='offload = off' tunnel_files
mixed server
done_testing
