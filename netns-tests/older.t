#!/bin/bash
# Kernels whose tables of nftables have no owner (before Linux 5.12), or none that
# they outlive (before 6.9): there everybody can delete ours.  Who loads his rules
# anew does not mean them: they are put back.  And who takes the tunnel down by
# another runtime directory hears that it is up, as with an owner.

. "$(dirname "$0")/tunnel.sh"

needs cc ping

cc -shared -fPIC -O1 -o "$T/older.so" "$NETNS_TESTS/older.c" || skip_all "no compiler that makes shared objects"
real=$TTT
kernel_knows() { # kernel_knows FLAGS: of tables, and no others
	printf '#!/bin/sh\nOLDER_KNOWS=%s LD_PRELOAD=%s exec %s "$@"\n' "$1" "$T/older.so" "$real" >"$T/ttt"
	chmod 755 "$T/ttt"
	TTT=$T/ttt
}

reaches_host() { in_client ping -q -c 1 -W 1 "$HOST4" && in_client ping -q -c 1 -W 1 "$HOST6"; }
bound_gets_out() { in_client ping -q -c 1 -W 0.3 -I wan0 "$HOST4"; }
table_of() { in_ns "$1" nft -s list table inet "$2" | sed 's/ # progname.*//'; } # table_of END TABLE
is_back() { [ "$(table_of "$1" "$2")" = "$3" ]; }
supervisor_of() { status_of "$1" .supervisor_pid; }

loads_rules_anew() { # loads_rules_anew END TABLE
	local was
	was=$(table_of "$1" "$2")
	ok "the $1's table $2 is deleted with all others" in_ns "$1" nft flush ruleset
	ok "it is there again" within 2 is_back "$1" "$2" "$was"
	{ echo "flush ruleset"; grep -v " drop$" <<<"$was"; } >"$T/saved"
	ok "rules that were saved once are loaded, with one like it" in_ns "$1" nft -f "$T/saved"
	ok "it is as it has to be again" within 2 is_back "$1" "$2" "$was"
}

elsewhere="ttt0 is up, with another runtime directory: see -r"
topology 2
tunnel_files
for flags in 3 1; do
	kernel_knows $flags
	remember client server
	both_up
	ok "where flags $flags are known the tunnel carries data" within 5 reaches_host
	is "the server's table has no owner" "$(table_of server ttt-ttt0 | sed -n 2p)" $'\tchain prerouting {'
	is "nor has the kill switch's" "$(table_of client ttt-ttt0-closed | sed -n 2p)" $'\tchain prerouting {'

	loads_rules_anew server ttt-ttt0
	ok "the server translates addresses as before" within 2 reaches_host
	loads_rules_anew client ttt-ttt0-closed
	[ $flags = 3 ] || loads_rules_anew client ttt-ttt0
	ok "no socket of a device gets out" not bound_gets_out
	ok "the tunnel carries data as before" within 2 reaches_host

	for end in server client; do
		before=$(whole_state $end)
		ok "who looks elsewhere hears that the $end is up" refuses 1 "$elsewhere" $end down -r "$T/run-elsewhere"
		ok "an up hears it, too" refuses 1 "$elsewhere" $end up -r "$T/run-elsewhere"
		is "and has changed nothing" "$(whole_state $end)" "$before"
		kill -9 "$(supervisor_of $end)"
		ok "after the $end's daemon was killed it comes up" $end up
		ok "and the tunnel carries data" within 5 reaches_host
	done
	for end in server client; do
		kill -9 "$(supervisor_of $end)"
		ok "after the $end's daemon was killed down cleans up" $end down
	done
	unchanged "where flags $flags are known, in the end" client server
done

# Before its first session a client has no table, but rules that are its own.
spawn_in client "$TTT" up -c "$T/client.conf" -r "$T/run-client"
ok "a client waits for its server" within 5 eval 'in_client ip rule | grep -q 7401'
before=$(whole_state client)
ok "who looks elsewhere hears that it is up" refuses 1 "$elsewhere" client down -r "$T/run-elsewhere"
is "and has changed nothing" "$(whole_state client)" "$before"
kill "$SPAWNED"
wait "$SPAWNED"
unchanged "without it" client
done_testing
