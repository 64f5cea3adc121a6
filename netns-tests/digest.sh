# shellcheck shell=bash
# digest.sh: a file over one TCP connection from the client to the host, beyond the
# tunnel, compared by what it is.  Sourced after tunnel.sh; needs perl and busybox.
#
#	ok "a file arrives whole" transfer

make_file "$T/file" 30M random
sum=$(md5sum <"$T/file" | cut -d ' ' -f 1)
cat >"$T/receive" <<'PERL'
use strict; use warnings; use IO::Socket::INET; use Digest::MD5;
my $s = IO::Socket::INET->new(LocalPort => shift, Listen => 1, ReuseAddr => 1)->accept or die "no connection: $!";
print Digest::MD5->new->addfile($s)->hexdigest, "\n";
PERL
port=9000
transfer() {
	port=$((port + 1))
	spawn_in host timeout 60 perl "$T/receive" "$port"
	local log=$SPAWN_LOG pid=$SPAWNED
	within 3 is_listening host "$port" || return
	in_client timeout 60 busybox sh -c "busybox nc $HOST4 $port <'$T/file'" || return
	within 5 not is_alive "$pid"
	cat "$log"
	[ "$(cat "$log")" = "$sum" ]
}
