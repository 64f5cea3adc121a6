#!/bin/bash
# A link's budget: it is counted as it is on the link, closes the link when it is
# spent, and outlives whatever happens to the daemon.
. "$(dirname "$0")/tunnel.sh"
needs ping jq
topology 2

file=$T/run-client.state/ttt0.budget
of_link() { status_of client ".links[] | select(.name == \"wan1\").$1"; }
link_is() { [[ $(of_link "$1") =~ $2 ]]; }
used_at_least() { [ "$(of_link budget_used)" -ge "$1" ]; }
kept_at_least() { [ "$(jq .links.wan1.used "$file")" -ge "$1" ]; }
pings() { in_client ping -q -c "$1" -i 0.005 -s 1000 -W 2 "$HOST4" | grep -q " 0% packet loss"; }
# Both directions of wan1 as the kernel counts them, which knows of Ethernet headers and (some 42 bytes) ARP, too.
carried() { echo $(($(tx_bytes client wan1) + $(rx_bytes client wan1))); }
carries() { # carries LOW HIGH COMMAND...: so many bytes cross wan1 while the command runs
	local was
	was=$(carried)
	"${@:3}" && between "$(($(carried) - was))" "$1" "$2"
}
kill_all() { # the daemon and its worker, at once
	kill -KILL "$(status_of client .supervisor_pid)"
	within 5 daemon_is_gone
}
daemon_is_gone() { ! ip netns pids "$(ns_name client)" | xargs -I{} cat /proc/{}/comm 2>/dev/null | grep -qx ttt; }

CLIENT_TUNNEL='strategy = round-robin'
CLIENT_MORE='[link wan*]
budget = none
[link wan1]
budget = 3MB' tunnel_files
ok "both ends come up" both_up
ok "both links carry the tunnel" within 5 paths_up 2

# ---- counting --------------------------------------------------------------------

was=$(carried) was_used=$(of_link budget_used)
ok "packets go through" pings 300
counted() { # that many percent of what the kernel counts beyond its Ethernet headers
	between "$(((100 * ($(of_link budget_used) - was_used)) / ($(carried) - was)))" 95 100
}
ok "what crosses the link is counted, both ways and with its headers" counted
ok "the other link is not counted" test "$(status_of client '.links[] | select(.name == "wan0").budget_used')" = 0
used=$(of_link budget_used)
ok "it is written down soon" within 8 kept_at_least "$used"
like "status says what is left" "$(client status)" "budget wan1: [0-9]+ kB used, .* left until [0-9]+ [A-Z]"

# ---- what it outlives ------------------------------------------------------------

# Nobody asks between what is carried and the end: it must not get lost with that.
remember_count() { used=$(of_link budget_used) was=$(carried); }
nothing_was_forgotten() { used_at_least $((used + 95 * ($(carried) - was) / 100)); }

remember_count
ok "the worker is killed" kill -KILL "$(status_of client .worker_pid)"
ok "there is another" within 5 paths_up 2
remember_count
ok "packets go through, more than before" pings 400
ok "all of them are counted, though the worker's own figures began anew" nothing_was_forgotten
used=$(of_link budget_used)
ok "it is written down" within 8 kept_at_least "$used"
ok "the daemon is killed" kill_all
ok "it comes up again" client up
ok "the count goes on from where it was" used_at_least "$used"
ok "both links carry the tunnel again" within 5 paths_up 2
remember_count
ok "packets go through" pings 100
ok "a link is unplugged just then" link_down wan1
within 3 not paths_up 2 >/dev/null
ok "it takes nothing of its count along" nothing_was_forgotten
ok "it comes back" link_up wan1
ok "and carries" within 5 paths_up 2
daemon=$(status_of client .supervisor_pid)
remember_count
ok "packets go through" pings 100
ok "the daemon is told to end just then" kill -TERM "$daemon"
ok "it ends" within 5 daemon_is_gone
ok "and has written all of it" kept_at_least $((used + 100 * 1000))
ok "it comes up again" client up
ok "both links carry the tunnel again" within 5 paths_up 2

# ---- spent -----------------------------------------------------------------------

ok "the rest of it is used" pings 2000
ok "the link closes when it is spent" within 6 link_is reason "^budget spent until [0-9]+ (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
ok "that is written at once" within 1 kept_at_least 3000000
like "status says so in words" "$(client status)" "idle wan1: budget spent until [0-9]+ [A-Z][a-z]+"
is "and for programs" "$(status_of client '.peers[0].paths[] | select(.link == "wan1").tier')" never
ok "it carries nothing any more" carries 0 500 pings 200
because() { [[ $(status_of client .reason) =~ $1 ]]; }
ok "the other is not to be used, either" client link wan0 tier=never
ok "then status says that no link is left, not that the server is silent" within 15 because "^no link may carry the tunnel:"
ok "until one is" client link wan0 tier=primary
ok "packets go through" within 10 pings 1
ok "the daemon is killed" kill_all
ok "it comes up again" client up
ok "still nothing" carries 0 500 pings 200
ok "a larger budget opens it" client link wan1 budget=100MB
ok "at once" carries 200000 900000 pings 200
ok "a smaller one closes it" client link wan1 budget=2MB
ok "at once, too" carries 0 500 pings 200
ok "none opens it" client link wan1 budget=none
ok "at once, again" carries 200000 900000 pings 200
used=$(jq .links.wan1.used "$file")
ok "one that is set under way counts from then on" client link wan1 budget=1GB
ok "what was carried without one is not counted" between "$(of_link budget_used)" "$used" "$((used + 5000))"
ok "the client goes down" client down

# ---- files that others have written ----------------------------------------------

jq '.links.wan1.month = "2020-01-01"' "$file" >"$T/edited" && cp "$T/edited" "$file"
ok "it comes up in another month" client up
ok "the budget begins anew" between "$(of_link budget_used)" 0 50000
ok "and the link carries" within 5 paths_up 2
client down
echo '{"version": 1, "links": {"wan1": {"month": "yesterday"' >"$file"
spawn_in client "$TTT" up -f -r "$T/run-client" -c "$T/client.conf"
log=$SPAWN_LOG
ok "it comes up with a file that makes no sense" within 5 paths_up 2
like "and says so" "$(cat "$log")" "ttt0.budget: is not what ttt has written: budgets are counted from zero; .* kept as .*budget.bad"
ok "the file is kept aside" test -s "$file.bad"
ok "counting begins at zero" between "$(of_link budget_used)" 0 50000
client down
rm -rf "$T/run-client.state"
touch "$T/run-client.state"
spawn_in client "$TTT" up -f -r "$T/run-client" -c "$T/client.conf"
log=$SPAWN_LOG
ok "it comes up where nothing can be written" within 5 paths_up 2
ok "packets go through" pings 100
says() { grep -qE "$1" "$log"; }
ok "it says that it will forget" within 8 says "budgets will be forgotten .*run-client.state: (Not a directory|File exists)"
like "and so does status" "$(client status)" "note: what is used of budgets cannot be written down"
is "the log has it once" "$(grep -c "will be forgotten" "$log")" 1
ok "both ends go down" both_down
is "a server keeps no count" "$(ls "$T" | grep -c 'run-server.state')" 0
done_testing
