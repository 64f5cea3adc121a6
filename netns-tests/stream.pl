#!/usr/bin/perl
# stream.pl: 1000 numbered packets a second each way between two ends, and a
# download beside them; what became of them, by the clock that all namespaces of
# a machine share.  Used by faults.sh.
#
#	stream.pl far PORT LOG		waits for near, and sends to wherever that speaks from
#	stream.pl near HOST PORT LOG	until SIGUSR1; then both wait a second for stragglers
#	stream.pl fetch HOST PORT PATH LOG	a download; its log is written as it goes on
#	stream.pl gap FROM TO SENT LOG	what came: see gap; FROM and TO in µs since 1970
#	stream.pl resumed AT LOG	ms from AT until the download went on; nothing: not yet
#	stream.pl left HERE THERE DATA	what was captured at a link's ends: see left
#	stream.pl forget		this namespace's connection tracking, all of it
#
# A log of near and far: "sent N" first, then "NUMBER SENT CAME" of each packet in
# the order in which they came, times in µs.
use strict;
use warnings;
use Socket;
use IO::Socket::INET;
use Time::HiRes qw(time);

use constant { EVERY => 0.001, SIZE => 400, PATIENCE => 1, LAST => 0xffffffff };

my %verb = (far => \&far, near => \&near, fetch => \&fetch, gap => \&gap, resumed => \&resumed, left => \&left, forget => \&forget);

sub micro { return int(time * 1e6) }

# One end: it sends while it may, and notes what comes.
sub run {
	my ($socket, $to, $log, $stop) = @_;
	my ($number, $due, $ended, @came) = (0, time, 0);

	for (;;) {
		my $now = time;
		last if $ended && $now - $ended > PATIENCE;
		$ended ||= $$stop ? $now : 0;
		if ($now >= $due) {
			# who slept does not make up for all of it at once
			$due = $now - 0.02 if $due < $now - 0.02;
			$due += $ended ? 0.02 : EVERY;
			send($socket, pack('NQx' . (SIZE - 12), $ended ? LAST : $number++, micro()), 0, $$to) if $$to;
		}
		my ($ready, $wait) = ('', $due - time);
		vec($ready, fileno $socket, 1) = 1;
		next unless select($ready, undef, undef, $wait > 0 ? $wait : 0) > 0;
		while (defined(my $from = recv($socket, my $packet, 2048, MSG_DONTWAIT))) {
			my ($n, $sent) = unpack 'NQ', $packet;
			$$to = $from;
			if ($n == LAST) { $$stop = 1 } else { push @came, "$n $sent " . micro() }
		}
	}
	open my $out, '>', "$log.new" or die "$log: $!\n";
	print $out "sent $number\n", map { "$_\n" } @came;
	close $out;
	rename "$log.new", $log;
}

# With room for a second (SO_RCVBUFFORCE): what is lost is lost by the tunnel.
sub udp {
	my $socket = IO::Socket::INET->new(Proto => 'udp', @_) || die "socket: $!\n";
	setsockopt $socket, SOL_SOCKET, 33, 8 << 20;
	return $socket;
}

sub far {
	my ($port, $log) = @_;
	my ($to, $stop);

	run(udp(LocalPort => $port), \$to, $log, \$stop);
}

sub near {
	my ($host, $port, $log) = @_;
	my ($to, $stop) = (scalar sockaddr_in($port, inet_aton($host)), 0);

	$SIG{USR1} = sub { $stop = 1 };
	run(udp(), \$to, $log, \$stop);
}

# When it read something, at most once in 2 ms, and how much it has then.
sub fetch {
	my ($host, $port, $path, $log) = @_;
	my $tcp = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port, Proto => 'tcp', Timeout => 5) or die "$!\n";
	my ($all, $said) = (0, 0);

	open my $out, '>>', $log or die "$log: $!\n";
	$out->autoflush(1);
	print $tcp "GET $path HTTP/1.0\r\n\r\n";
	$tcp->flush;
	while (my $n = sysread $tcp, my $data, 1 << 18) {
		my $now = micro();
		$all += $n;
		next if $now - $said < 2000;
		print $out "$now $all\n";
		$said = $now;
	}
	die "the download ended after $all bytes: " . ($! || 'the other end closed it') . "\n";
}

sub lines {
	open my $in, '<', $_[0] or die "$_[0]: $!\n";
	my @lines = map { [split] } <$in>;
	return @lines;
}

# The longest time without a packet between FROM and TO, how many never came, how
# many came behind a later one, twice, the latest one's time on its way, and the
# longest that the sender itself slept: "GAP LOST BEHIND TWICE LATEST SLEPT", ms.
sub gap {
	my ($from, $to, $sent_log, $log) = @_;
	my ($sent) = map { $_->[1] } (lines($sent_log))[0];
	my ($gap, $behind, $twice, $latest, $slept) = (0) x 5;
	my ($last, $newest, $left, %seen) = (undef, -1, undef);
	my @came = grep { $_->[0] ne 'sent' } lines($log);

	for (@came) {
		my ($n, $went, $at) = @$_;
		$twice++ if $seen{$n}++;
		$behind++ if $n < $newest;
		$newest = $n if $n > $newest;
		$gap = $at - $last if defined $last && $at >= $from && $last <= $to && $at - $last > $gap;
		$latest = $at - $went if $at >= $from && $at <= $to && $at - $went > $latest;
		$last = $at;
	}
	for (sort { $a <=> $b } map { $_->[1] } @came) {
		next if $_ < $from || $_ > $to;
		$slept = $_ - $left if defined $left && $_ - $left > $slept;
		$left = $_;
	}
	$gap = $to - $from unless defined $last && $last >= $from;	# nothing came any more
	printf "%.1f %d %d %d %.1f %.1f\n", $gap / 1000, $sent - keys %seen, $behind, $twice, $latest / 1000, $slept / 1000;
}

sub resumed {
	my ($at, $log) = @_;

	for (lines($log)) {
		next if $_->[0] < $at;
		printf "%.1f\n", ($_->[0] - $at) / 1000;
		last;
	}
}

# Datagrams of a capture (pcap, Ethernet, IPv4): [way, the 7 bytes that tell it from others, ms, length of UDP].
sub datagrams {
	open my $in, '<:raw', $_[0] or die "$_[0]: $!\n";
	local $/;
	my ($all, $at, @all) = (<$in>, 24);

	while ($at + 16 <= length $all) {
		my ($s, $us, $kept) = unpack 'VVV', substr $all, $at, 12;
		my $frame = substr $all, $at + 16, $kept;
		$at += 16 + $kept;
		next if length $frame < 49;
		my ($to, $len) = unpack 'nn', substr $frame, 36, 4;
		push @all, [$to == 7474 ? 'up' : 'down', substr($frame, 42, 7), $s * 1e3 + $us / 1e3, $len];
	}
	return @all;
}

# A link's latency has jumped by 60 ms at least, in one direction or both.  When the
# ends put data (datagrams of DATA bytes and more) onto it last, since then:
# "UP DOWN", ms.  A single one is a probe, or said again; data comes in trains.
sub left {
	my ($here, $there, $data) = @_;
	my (%sent, %came, %least, $jump, %last, %before);

	for (map { [0, @$_] } datagrams($here)) { ($_->[1] eq 'up' ? \%sent : \%came)->{"$_->[1]$_->[2]"} = $_ }
	for (map { [0, @$_] } datagrams($there)) { ($_->[1] eq 'up' ? \%came : \%sent)->{"$_->[1]$_->[2]"} = $_ }
	my @sent = sort { $a->[3] <=> $b->[3] } values %sent;
	for (@sent) {
		my ($way, $arrival) = ($_->[1], $came{"$_->[1]$_->[2]"}) or next;
		next unless $arrival;
		my $took = $arrival->[3] - $_->[3];
		$least{$way} = $took if !defined $least{$way} || $took < $least{$way};
		next if $took < $least{$way} + 60 || defined $jump && $_->[3] >= $jump;
		$jump = $_->[3];
	}
	die "no jump\n" unless defined $jump;
	for (grep { $_->[4] >= $data } @sent) {
		my $way = $_->[1];
		$last{$way} = $_->[3] if $_->[3] >= $jump && $_->[3] - ($before{$way} // 0) < 10;
		$before{$way} = $_->[3];
	}
	printf "%.1f %.1f\n", map { defined $last{$_} ? $last{$_} - $jump : 0 } qw(up down);
}

# IPCTNL_MSG_CT_DELETE without a tuple: as `conntrack -F`.
sub forget {
	socket my $netlink, 16, SOCK_RAW, 12 or die "netlink: $!\n";
	send $netlink, pack('LSSLLCCn', 20, 1 << 8 | 2, 1 | 4, 1, 0, 0, 0, 0), 0, pack('SSLL', 16, 0, 0, 0) or die "send: $!\n";
	recv $netlink, my $answer, 4096, 0;
	my (undef, $type, undef, undef, undef, $error) = unpack 'LSSLLl', $answer;
	die "conntrack: error $error\n" if $type != 2 || $error != 0;
}

my $name = shift // '';
die "which of: @{[sort keys %verb]}?\n" unless $verb{$name};
$verb{$name}->(@ARGV);
