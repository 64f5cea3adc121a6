#!/bin/bash
# Kernels whose tables of nftables have no owner (before Linux 5.12), or none that
# they outlive (before 6.9): there everybody can delete ours.  Who loads his rules
# anew does not mean them: they are put back, also where he does it again and again,
# but then neither as often nor with a line of the log each time.  And who takes the tunnel down by
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

# What others do as often as they like, and what the kernel cannot tell us of in full.
tables() { in_client nft -j list tables | jq -c '[.nftables[].table | values | .handle]'; }
both_stand() { [ "$(tables | jq length)" = 2 ]; }
others_stand() { both_stand && [ "$(tables)" != "$1" ]; }	# others_stand TABLES: than those
newest() { tables | jq max; }	# the kernel numbers the tables that are made
says_deleted() { grep -cF "somebody has deleted a table of ours" "$log"; }
flushes() { # flushes SECONDS: again and again
	in_client bash -c "until [ \$SECONDS = $1 ]; do nft flush ruleset || exit; done"
}
up_with_log() {
	spawn_in client "$TTT" up -f -c "$T/client.conf" -r "$T/run-client"
	log=$SPAWN_LOG
	within 5 both_stand && within 5 reaches_host
}

kernel_knows 1
server up
ok "a client is up whose tables are anybody's" up_with_log
before=$(newest)
ok "somebody deletes them for three seconds, as often as he can" flushes 3
ok "they are back" within 2 both_stand
ok "they were put back once a second" between $((($(newest) - before) / 2)) 2 6
is "the log has said it once" "$(says_deleted)" 1
client down

for n in {1..300}; do echo "route add 172.$((20 + n / 256)).$((n % 256)).0/24 dev wan0"; done | ip -n "$(ns_name client)" -batch -
for buffer in 0 4096; do
	export OLDER_BUFFER=$buffer
	ok "a client with 300 networks is up (buffer $buffer)" up_with_log
	before=$(tables)
	{ echo "table ip others {"; for n in {1..2000}; do echo "chain chain$n { }"; done; echo "}"; } >"$T/others"
	ok "somebody loads a great deal of his own" in_client nft -f "$T/others"
	ok "and deletes it" in_client nft delete table ip others
	ok "which is not taken for ours" not within 1.5 others_stand "$before"
	is "nor does the log say so" "$(says_deleted)" 0
	ok "all is deleted" in_client nft flush ruleset
	ok "ours are there again" within 2 others_stand "$before"
	before=$(tables)
	ok "and what we said ourselves has nothing put back" not within 2.5 others_stand "$before"
	is "the log has said once that they were deleted" "$(says_deleted)" 1
	client down
done
unset OLDER_BUFFER
server down
for n in {1..300}; do echo "route del 172.$((20 + n / 256)).$((n % 256)).0/24 dev wan0"; done | ip -n "$(ns_name client)" -batch -

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
