#!/bin/bash
# `make demo`'s script: it shows what it says, and leaves nothing, on Ctrl-C neither.
. "$(dirname "$0")/lib.sh"
demo=$NETNS_TESTS/demo.sh

# As on a terminal: a group of its own, all of which Ctrl-C reaches.  (A shell's
# background jobs ignore SIGINT unless told otherwise.)
begin() { # Sets SPAWNED and SPAWN_LOG
	SPAWN_LOG=$(mktemp "$T/demo.XXXXXX")
	TMPDIR=$T setsid env --default-signal=INT bash "$demo" >"$SPAWN_LOG" 2>&1 &
	SPAWNED=$!
	track "$SPAWNED"
}
left() {
	ip netns list | grep -e "-$SPAWNED\b"
	ls -d "$T"/tmp.* /etc/netns/*-"$SPAWNED" 2>/dev/null
	pgrep -af "$T/tmp\."
}

begin
ok "the download is shown" within 60 grep -qE '^ +[0-9.]+ +[0-9.]+ #+ +[0-9.]+ #+ +[0-9.]+' "$SPAWN_LOG"
kill -INT -- "-$SPAWNED"
ok "Ctrl-C ends it" within 15 not is_alive "$SPAWNED"
is "and nothing is left" "$(left)" ""

begin
ok "left alone it comes to its end" within 120 not is_alive "$SPAWNED"
log=$(cat "$SPAWN_LOG")
like "with a cut link" "$log" "wan0 is cut"
like "and a verdict" "$log" "All of 100 MB arrived, [0-9.]+ Mbit/s"
like "with the longest silence" "$log" "Longest silence in the download: [0-9]+ ms"
is "and nothing is left then either" "$(left)" ""
done_testing
