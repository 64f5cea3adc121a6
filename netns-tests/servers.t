#!/bin/bash
# A client with several servers, or several ways to one: names, addresses that stop
# answering, another server that takes over, and what happens when none answers.
#
#	server    198.51.100.2, .3    hands out 10.84.0.2
#	server2   198.51.101.2        hands out 10.85.0.2
#	host      203.0.113.2         answers for names, too
. "$(dirname "$0")/tunnel.sh"
needs curl perl ping
topology 2
ns_add server2
add_behind_inet server2 s2 198.51.101 2001:db8:52
route server2 default via 198.51.101.1
route host 198.51.101.0/24 via 203.0.113.1
set_up server eth0 198.51.100.3/24
SECOND4=198.51.101.2 OTHER4=198.51.100.3

! resolvers_are_ours || SERVER_TUNNEL="dns = 192.0.2.1"
(umask 077; "$TTT" genkey >"$T/server2.key"; "$TTT" genkey >"$T/other.key")
SERVER_MORE="[peer other]
public-key = $("$TTT" pubkey <"$T/other.key")
address = 10.84.0.3"
tunnel_files
sed -e 's/10\.84\./10.85./g; s/fd84/fd85/g; s/server.key/server2.key/' "$T/server.conf" >"$T/server2.conf"
server2() { ttt_in server2 "$@"; }
second_peer="[peer second]
public-key = $("$TTT" pubkey <"$T/server2.key")
preshared-key-file = psk
endpoint = $SECOND4"
client_with() { # client_with ENDPOINTS [LINES-OF-TUNNEL [MORE-PEERS]]
	ENDPOINT=$1 CLIENT_TUNNEL=${2:-} CLIENT_MORE=${3:-} tunnel_files
}

# In the foreground, so that its log can be read.
client_up() {
	spawn_in client "$TTT" up -f -c "$T/client.conf" -r "$T/run-client"
	daemon=$SPAWNED log=$SPAWN_LOG
	within "${1:-5}" is_up && reaches_host
}
is_up() { [ "$(status_of client .state 2>/dev/null)" = up ]; }
client_down() { client down && within 2 not is_alive "$daemon"; }
reaches_host() { in_client ping -q -c 1 -W 0.5 "$HOST4"; }
paths_to() { status_of client '[.peers[0].paths[] | select(.state == "up") | .remote] | unique | join(" ")'; }
goes_to() { [[ $(paths_to) == "$1"* ]]; }
because() { client status | grep -qxE "because $1"; }

# The tunnel's port falls silent there, both ways.
cut() { # cut ADDRESS...
	in_inet nft -f - <<-RULES
		add table inet cut
		delete table inet cut
		table inet cut {
			set silent { type ipv4_addr; elements = { $(IFS=,; echo "$*") } }
			chain f { type filter hook forward priority 0; 
				udp sport 7474 ip saddr @silent drop; udp dport 7474 ip daddr @silent drop; }
		}
	RULES
}
mend() { in_inet nft delete table inet cut; }

# What leaves in clear over the links: but for questions for names and answers of who is no longer there.
count_leaks() {
	in_inet nft -f - <<-RULES
		table inet leaks {
			counter leaked { }
			chain in {
				type filter hook prerouting priority raw;
				iifname != "w*" accept
				udp dport { 7474, 53 } accept
				icmp type destination-unreachable accept
				icmpv6 type { destination-unreachable, mld2-listener-report } accept
				icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert } accept
				counter name leaked
			}
		}
	RULES
}
leaks() { in_inet nft -j list counter inet leaks leaked | jq '.nftables[1].counter.packets'; }

# Answers for the name in the file beside it: as many A as there are addresses.
# shellcheck disable=SC2016
dns='use Socket; use IO::Socket::INET; my $s = IO::Socket::INET->new(LocalPort => 53, Proto => "udp") or die;
	print "listening\n"; STDOUT->flush;
	while ($s->recv(my $q, 512)) {
		my ($id) = unpack "n", $q; my $end = 12; $end += 1 + ord substr $q, $end, 1 while ord substr $q, $end, 1;
		my $type = unpack "n", substr $q, $end + 1, 2;
		open my $f, "<", $ARGV[0]; chomp(my @a = $type == 1 ? <$f> : ());
		$s->send(pack("n6", $id, 0x8180, 1, scalar @a, 0, 0) . substr($q, 12, $end - 7) .
			join "", map { pack "n3Nna4", 0xc00c, 1, 1, 1, 4, inet_aton($_) } @a);
		print $s->peerhost, "\n"; STDOUT->flush;
	}'

ok "both servers come up" eval 'server up && server2 up'
remember client

# --- several addresses of one server ------------------------------------------------

cut "$SERVER4"
client_with "192.0.2.1, $SERVER4, $OTHER4"
ok "of three addresses one answers, and that is enough" client_up 2
ok "the tunnel goes there" within 2 goes_to "$OTHER4"
mend
cut "$OTHER4"
ok "when it falls silent, another one carries the tunnel" within 3 reaches_host
ok "which is seen" within 5 goes_to "$SERVER4"
mend
ok "the client goes down" client_down

# --- names ---------------------------------------------------------------------------

echo "nameserver $HOST4" >"/etc/netns/$(ns_name client)/resolv.conf"
remember client
client_with vps.test
in_client "$TTT" up -c "$T/client.conf" -r "$T/run-client" 2>"$T/err" &
waiting=$!
listens() { [ -e "$T/run-client/ttt0.sock" ]; }
within 2 listens
at=$(microseconds)
kill -INT "$(pgrep -P $waiting || echo $waiting)"
wait "$waiting"
ok "without a DNS server, Ctrl-C ends it at once" [ $(($(microseconds) - at)) -lt 1000000 ]
unchanged "and" client

echo "$SERVER4" >"$T/vps.test"
spawn_in host perl -e "$dns" "$T/vps.test"
asked=$SPAWN_LOG
ok "a DNS server begins" within 5 grep -q listening "$asked"
ok "a name is looked up" client_up
ok "the tunnel goes to its address" within 2 goes_to "$SERVER4"
cat >"$T/other.conf" <<-CONF
	[tunnel]
	private-key-file = other.key
	full-tunnel = no
	[peer vps]
	public-key = $("$TTT" pubkey <"$T/server.key")
	endpoint = vps.test
CONF
other() { in_client timeout 40 "$TTT" "$1" -r "$T/run-client" -c "$T/other.conf" -i ttt1; }
ok "a second tunnel asks the host's resolver, not that of the first" other up
other down
count_leaks
cut "$SERVER4"
: >"$asked"
echo "$OTHER4" >"$T/vps.test"
ok "when the server has moved, its name is looked up again" within 10 reaches_host
is "and the tunnel goes to the new address" "$(paths_to)" "$OTHER4:7474"
is "it was asked for over the links, not through the tunnel" \
	"$(grep -c -e "$(wan4 wan0)" -e "$(wan4 wan1)" "$asked" | awk '{ print ($1 > 0) }') $(grep -c -e "$SERVER4" -e "$OTHER4" "$asked")" "1 0"
mend
ok "the client goes down" client_down

# --- several servers ---------------------------------------------------------------------

client_with "$SERVER4" "" "$second_peer"
ok "with two servers the first one is taken" client_up 2
is "whose addresses are the client's" "$(status_of client '.address[0]')" "$INNER_CLIENT4/24"
for n in 0 1; do link_cut "wan$n"; done
ok "when all links are silent, the other one is asked" within 8 eval '! reaches_host && because "vps does not answer: asking second"'
for n in 0 1; do link_restore "wan$n"; done
ok "when they come back" within 3 reaches_host
sleep 1
is "the first one still has the tunnel" "$(status_of client '.address[0]')" "$INNER_CLIENT4/24"
worker=$(status_of client .worker_pid)
cut "$SERVER4"
at=$(microseconds)
ok "when it falls silent, the other one takes over" within 6 reaches_host
diag "after $((($(microseconds) - at) / 1000)) ms"
is "whose addresses are the client's now" "$(status_of client '.address | sort | join(" ")')" "10.85.0.2/24 fd85::2/64"
is "and its device has no other" "$(in_client ip -j addr show dev ttt0 | jq -r '[.[].addr_info[] | select(.scope == "global") | .local] | sort | join(" ")')" "10.85.0.2 fd85::2"
ok "status tells whose" eval 'client status | grep -q "the server is second, one of 2"'
ok "and so does the log" grep -q "second answers: it takes over from vps" "$log"
ok "the former worker is gone" not is_alive "$worker"
mend
ok "there is no going back without need" not within 3 goes_to "$SERVER4"
cut "$SERVER4" "$SECOND4"
nobody_answers() { ! reaches_host && because "(second|vps) does not answer.*"; }	# only who asks notices
ok "when none answers, status says so" within 8 nobody_answers
workers() { pgrep -P "$daemon" | tr '\n' ' '; }
others_ask() { [ "$(workers)" != "$were" ]; }
asked_again() { # each server is asked by a worker of its own
	were=$(workers)
	within 8 others_ask
}
asked_again
told() { grep -cE ": asking |: joins" "$log"; }
told_of=$(told)
ok "they are asked again" asked_again
ok "and again" asked_again
is "of which the log says no more" "$(told)" "$told_of"
ok "and the host stays closed" not reaches_host
mend
ok "until one answers" within 8 reaches_host
is "nothing has left in clear" "$(leaks)" 0
ok "the client goes down" client_down

cut "$SERVER4"
ok "a first server that is silent from the beginning is passed over" client_up 4
ok "for the second" within 2 goes_to "$SECOND4"
mend
ok "the client goes down" client_down

# --- none of them --------------------------------------------------------------------------

echo hello >"$T/hello"
mkdir "$T/www" && mv "$T/hello" "$T/www"
http_serve host "$T/www" 80
leaves_by() { in_client ip route get "$HOST4" | grep -oE 'dev [a-z0-9]+' | head -1; }
client_with "$SERVER4" "fallback = direct" "$second_peer"
ok "with fallback = direct the client comes up" client_up 3
is "everything goes into the tunnel" "$(leaves_by)" "dev ttt0"
cut "$SERVER4" "$SECOND4"
directly() { [ "$(leaves_by)" = "dev wan0" ] && reaches_host; }
at=$(microseconds)
ok "when none of the servers answers, traffic leaves by the best link" within 12 directly
diag "after $((($(microseconds) - at) / 1000)) ms"
like "status says so" "$(client status)" $'^ttt0 direct .*\nbecause no server answers: traffic leaves directly, not through the tunnel'
ok "and so does the log" grep -q "no server answers: traffic leaves directly" "$log"
mend
through() { [ "$(leaves_by)" = "dev ttt0" ] && reaches_host; }
ok "when one answers, traffic goes through the tunnel again" within 8 through
like "status says no more of it" "$(client status)" '^ttt0 up '
ok "the client goes down" client_down

# --- a server without IPv6, and no kill switch ---------------------------------------------

server down
sed -i -e 's/, fd84::1\/64//; s/, fd84::2//' "$T/server.conf"
ok "a server has only IPv4 inside" server up
client_with "$SERVER4" "fallback = direct"
ok "with fallback = direct the client comes up" client_up 3
fetch() { in_ns "$1" curl -gsS -m 2 -o /dev/null "$2"; }
at_once() { # at_once COMMAND...: fails, within 300 ms
	local begin
	begin=$(microseconds)
	! "$@" && between $((($(microseconds) - begin) / 1000)) 0 300
}
before=$(leaks)
ok "IPv4 goes through the tunnel" fetch client "http://$HOST4/hello"
ok "IPv6 is refused at once" at_once fetch client "http://[$HOST6]/hello"
like "also what is no TCP" "$(in_client ping -c 1 -W 1 "$HOST6" 2>&1)" "not permitted|nreachable"
is "and nothing of it has left in clear" "$(leaks)" "$before"
http_serve client "$T/www" 80
ok "who reaches a link over IPv6 has an answer by that link" fetch host "http://[$(wan6 wan1)]/hello"
kill "$SPAWNED"
kill -9 "$(status_of client .supervisor_pid)"
ok "after a crash IPv4 is not closed" within 3 fetch client "http://$HOST4/hello"
ok "neither is IPv6" fetch client "http://[$HOST6]/hello"
ok "down removes what is left" client down
unchanged "after all of it" client
done_testing
