# qlog.pl: of the qlog that who receives a QUIC stream has written (ngtcp2, JSON-SEQ):
# "MBIT-5-TO-20 MBIT-1-TO-3 DEEPEST DEEPER LATE PACKETS".
#
#	perl bench/qlog.pl FILE.sqlog
#
# Mbit/s are those of the stream's bytes as its reader got them, in order, by seconds
# since the connection began; "-" where the log ends before.  A packet is late when one
# with a larger number came before it, by how many numbers is its depth: DEEPEST is the
# greatest depth, DEEPER how many packets had more than 2.  A packet that is lost on the
# way takes its number with it: a QUIC never sends it again, so none is late by that.

use strict;
use warnings;

my ($newest, $deepest, $deeper, $late, $packets) = (-1, 0, 0, 0, 0);
my ($next, @ahead) = (0);	# all below went to the reader; [from, to] of what came beyond, by from
my @had;			# bytes that the reader had at the end of each second

# Those that came beyond are few: the end of the list is looked at first.
sub take {
	my ($from, $to) = @_;

	return if $to <= $next;
	if ($from > $next) {
		my $i = @ahead;
		$i-- while $i > 0 && $ahead[$i - 1][0] > $from;
		if ($i > 0 && $ahead[$i - 1][1] >= $from) {
			$ahead[$i - 1][1] = $to if $ahead[$i - 1][1] < $to;
		} else {
			splice @ahead, $i, 0, [$from, $to];
		}
		return;
	}
	$next = $to;
	while (@ahead && $ahead[0][0] <= $next) {
		my $run = shift @ahead;
		$next = $run->[1] if $run->[1] > $next;
	}
}

sub number {
	my ($n) = @_;

	$packets++;
	if ($n < $newest) {
		my $depth = $newest - $n;
		$late++;
		$deeper++ if $depth > 2;
		$deepest = $depth if $depth > $deepest;
	}
	$newest = $n if $n > $newest;
}

sub rate {
	my ($from, $to) = @_;

	return '-' if @had < $to;
	return sprintf '%.1f', ($had[$to - 1] - $had[$from - 1]) * 8 / ($to - $from) / 1e6;
}

die "usage: qlog.pl FILE\n" unless @ARGV == 1;
open my $in, '<', $ARGV[0] or die "$ARGV[0]: $!\n";
while (<$in>) {
	next unless /^\x1e\{"time":(\d+),"name":"transport:packet_received"/;
	my $second = int($1 / 1000);
	push @had, $next while @had < $second;
	next unless /"packet_type":"1RTT","packet_number":(\d+)/;
	number($1);
	# the request's stream is the first one that a client opens in both directions
	take($1, $1 + $2) while /"frame_type":"stream","stream_id":0,"offset":(\d+),"length":(\d+)/g;
}
die "$ARGV[0]: no packet of a connection\n" unless $packets;
print join(' ', rate(5, 20), rate(1, 3), $deepest, $deeper, $late, $packets), "\n";
