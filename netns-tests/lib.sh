# shellcheck shell=bash
# lib.sh: what the tests in network namespaces (*.t), the demo and the benches
# share: TAP, namespaces that clean up after themselves, one standard network,
# links that are shaped, cut and unplugged.  Source it; bash, as root.
#
#	. "$(dirname "$0")/lib.sh"
#	topology 2			# or: topology 2 netem
#	ok "the host answers" within 5 in_client ping -c 1 -W 1 "$HOST4"
#	done_testing
#
# The standard network (N links, 2 by default):
#
#	client            [box]           inet            server
#	wan0 10.71.0.2 ---------------- w0 10.71.0.1
#	     2001:db8:a0::2                2001:db8:a0::1
#	wan1 10.71.1.2 ---------------- w1 10.71.1.1
#	     2001:db8:a1::2                2001:db8:a1::1
#	...                             s0 198.51.100.1 - eth0 198.51.100.2
#	                                   2001:db8:51::1      2001:db8:51::2
#	                                h0 203.0.113.1 - eth0 203.0.113.2     host
#	                                   2001:db8:113::1     2001:db8:113::2
#
# client has a default route over each link, metrics 100, 101, ...; inet routes
# between all of them and knows no more; host knows inet's networks and has no
# default route, so what comes from an inner prefix gets no answer: behind the
# tunnel it must come from the server's public address, and what leaks past the
# tunnel comes from a link's.  box is only there for `topology N netem`: there a
# link runs through it and is made slow, late and lossy (netembox/box.sh).
#
# `ip netns exec` mounts /etc/netns/NAME/resolv.conf over /etc/resolv.conf, so
# a program's DNS stays in its namespace as long as it writes the file in place
# (a mount point cannot be renamed over).  One that talks to systemd-resolved
# would reach the machine's own.

export LC_ALL=C		# the point in $EPOCHREALTIME, and what tools print

NETNS_TESTS=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")

# The constants are for those who source this.
# shellcheck disable=SC2034
SERVER4=198.51.100.2 SERVER6=2001:db8:51::2 HOST4=203.0.113.2 HOST6=2001:db8:113::2

# ---- TAP --------------------------------------------------------------------

tests_run=0 tests_failed=0 tests_planned=

plan() { # plan N
	tests_planned=$1
	echo "1..$1"
}

done_testing() {
	[ -n "$tests_planned" ] || plan "$tests_run"
}

# After tests have run, it is the rest that is skipped.
skip_all() { # skip_all REASON
	if [ "$tests_run" = 0 ]; then
		tests_planned=0
		echo "1..0 # SKIP $*"
	else
		tests_run=$((tests_run + 1))
		echo "ok $tests_run # SKIP $*"
		done_testing
	fi
	exit 0
}

diag() { # diag TEXT
	printf '%s\n' "$*" | sed 's/^/# /'
}

verdict() { # verdict STATUS NAME
	tests_run=$((tests_run + 1))
	if [ "$1" = 0 ]; then echo "ok $tests_run - $2"; return 0; fi
	tests_failed=$((tests_failed + 1))
	echo "not ok $tests_run - $2"
	return 1
}

# The command runs in this shell, so that what it sets and spawns stays.
ok() { # ok NAME COMMAND...
	local name=$1 out=$T/ok.$((tests_run + 1)) status=0
	shift
	"$@" >"$out" 2>&1 || status=$?
	verdict "$status" "$name" && return
	diag "exit status $status of: $*"
	diag "$(tail -n 50 "$out")"
	return 1
}

is() { # is NAME GOT WANTED
	[ "$2" = "$3" ]
	verdict $? "$1" && return
	# A long text is better shown by what differs.
	if [[ $2$3 == *$'\n'* ]]; then
		diag "$(diff -U 1 --label wanted --label got <(echo "$3") <(echo "$2"))"
	else
		diag "got    $2"
		diag "wanted $3"
	fi
	return 1
}

like() { # like NAME GOT REGEX
	[[ $2 =~ $3 ]]
	verdict $? "$1" && return
	diag "got  $2"
	diag "like $3"
	return 1
}

between() { # between VALUE LOW HIGH: both included; not a number: no
	[[ $1 =~ ^-?[0-9.]+$ ]] && awk -v x="$1" -v low="$2" -v high="$3" \
		'BEGIN { print x " in " low ".." high "?"; exit !(x >= low && x <= high) }'
}

# ---- time -------------------------------------------------------------------

microseconds() { echo "${EPOCHREALTIME/./}"; }

# How many times as long a machine may take that is slower than most: vm/boot.sh's.
TTT_PATIENCE=${TTT_PATIENCE:-1}

# Says what the last try said.  A try is not interrupted: give it its own limit.
within() { # within SECONDS COMMAND...
	local end out status=0
	out=$(mktemp "$T/within.XXXXXX")
	end=$(($(microseconds) + TTT_PATIENCE * $(printf '%.0f' "${1}e6")))
	shift
	until "$@" >"$out" 2>&1; do
		[ "$(microseconds)" -lt "$end" ] || { status=1; break; }
		sleep 0.03
	done
	cat "$out"
	rm -f "$out"
	return "$status"
}

# not: for `within 2 not in_client ping …`, where `!` is no command.
not() { ! "$@"; }

# ---- namespaces -------------------------------------------------------------

declare -A ns_full=()	# short name -> name unique to this run
spawned=()		# PID:STARTTIME of what spawn_in started

# What nearly every host runs, and what the figures of others were measured with.
# Where the machine's default is another one, cubic must be among the allowed
# ones while a namespace takes it, and that setting is the machine's.
use_cubic() { # use_cubic NAME
	local allowed=/proc/sys/net/ipv4/tcp_allowed_congestion_control was
	in_ns "$1" sysctl -qw net.ipv4.tcp_congestion_control=cubic 2>/dev/null && return
	{
		flock 9		# other runs do the same at the same time
		was=$(cat "$allowed") && echo "$was cubic" >"$allowed" || return
		in_ns "$1" sysctl -qw net.ipv4.tcp_congestion_control=cubic
		echo "$was" >"$allowed"
	} 9</proc/sys/net/ipv4/tcp_allowed_congestion_control
}

# A full name, or somebody else's namespace, stands for itself.
ns_name() { echo "${ns_full[$1]:-$1}"; }

ns_add() { # ns_add NAME
	local full=$1-$$
	ip netns add "$full" || return
	ns_full[$1]=$full
	mkdir -p "/etc/netns/$full"
	printf '# of namespace %s\nnameserver 192.0.2.53\n' "$1" >"/etc/netns/$full/resolv.conf"
	# New namespaces take over some of the machine's settings: make them known.
	# Without duplicate address detection an address is usable at once; kept on
	# a link that is down, it is there again when the link is.
	in_ns "$1" sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.disable_ipv6=0 \
		net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 \
		net.ipv6.conf.default.disable_ipv6=0 net.ipv6.conf.default.accept_dad=0 \
		net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.all.keep_addr_on_down=1 \
		net.ipv6.conf.default.keep_addr_on_down=1
	use_cubic "$1"
	ip -n "$full" link set dev lo up
}

in_ns() { # in_ns NAME COMMAND...
	local full
	full=$(ns_name "$1")
	shift
	ip netns exec "$full" "$@"
}

in_client() { in_ns client "$@"; }
in_server() { in_ns server "$@"; }
in_inet() { in_ns inet "$@"; }
in_host() { in_ns host "$@"; }

# The time since boot tells a process from a later one with the same number.
started_at() { # started_at PID
	local stat fields
	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null || return
	read -ra fields <<<"${stat##*) }"	# the name before may hold anything
	[ "${fields[0]}" != Z ] && echo "${fields[19]}"
}

track() { # track PID
	spawned+=("$1:$(started_at "$1")")
}

# Sets SPAWNED, the process's number, and SPAWN_LOG, where its output goes.
spawn_in() { # spawn_in NAME COMMAND...
	SPAWN_LOG=$(mktemp "$T/spawn.XXXXXX")
	in_ns_exec "$@" </dev/null >"$SPAWN_LOG" 2>&1 &
	SPAWNED=$!
	track "$SPAWNED"
}

# The shell that would wait for `ip` becomes it, and ip becomes the command:
# the number in $! is the command's own.
in_ns_exec() {
	local full
	full=$(ns_name "$1")
	shift
	exec ip netns exec "$full" "$@"
}

is_alive() { # is_alive PID
	[ -n "$(started_at "$1")" ]
}

our_processes() {
	local p full
	for p in "${spawned[@]}"; do
		[ "$(started_at "${p%:*}")" = "${p#*:}" ] && echo "${p%:*}"
	done
	for full in "${ns_full[@]}"; do ip netns pids "$full" 2>/dev/null; done
}

none_of_ours() { [ -z "$(our_processes)" ]; }

end_processes() { # end_processes SIGNAL
	local pids
	mapfile -t pids < <(our_processes | sort -u)
	[ ${#pids[@]} = 0 ] || kill "-$1" "${pids[@]}" 2>/dev/null
}

# Ends what runs in our namespaces, and them.  A test may go on with another
# topology afterwards.
tear_down() {
	local full
	box_stop
	end_processes TERM
	within 2 none_of_ours || { end_processes KILL; within 2 none_of_ours; }
	for full in "${ns_full[@]}"; do
		ip netns del "$full"
		rm -rf "/etc/netns/$full"
	done
	rmdir /etc/netns 2>/dev/null	# stays if it holds anything of others
	ns_full=() spawned=()
}

cleanup() {
	local status=$?
	trap '' HUP INT TERM
	trap - EXIT
	tear_down
	rm -rf "$T"
	[ "$status" = 0 ] && [ "$tests_failed" -gt 0 ] && status=1
	exit "$status"
}

# ---- the standard network ---------------------------------------------------

links=0 links_kind=plain

wan_number() { echo "${1#wan}"; }
wan4() { echo "10.71.$(wan_number "$1").2"; }	# wan4 wan0: the client's address there
gw4() { echo "10.71.$(wan_number "$1").1"; }
wan6() { printf '2001:db8:a%x::2\n' "$(wan_number "$1")"; }
gw6() { printf '2001:db8:a%x::1\n' "$(wan_number "$1")"; }

set_up() { # set_up NAME DEVICE [ADDRESS...]
	local full device=$2 address
	full=$(ns_name "$1")
	shift 2
	for address; do
		case $address in
		*:*) ip -n "$full" addr add "$address" dev "$device" nodad ;;
		*) ip -n "$full" addr add "$address" dev "$device" ;;
		esac
	done
	ip -n "$full" link set dev "$device" up
}

veth() { # veth NAME DEVICE NAME DEVICE
	ip -n "$(ns_name "$1")" link add "$2" type veth peer name "$4" netns "$(ns_name "$3")"
}

route() { # route NAME ROUTE...
	local full
	full=$(ns_name "$1")
	shift
	ip -n "$full" route add "$@"
}

add_wan() { # add_wan N
	local wan=wan$1 metric=$((100 + $1))
	if [ "$links_kind" = plain ]; then veth client "$wan" inet "w$1"; else box_join "$1"; fi
	set_up inet "w$1" "$(gw4 "$wan")/24" "$(gw6 "$wan")/64"
	set_up client "$wan" "$(wan4 "$wan")/24" "$(wan6 "$wan")/64"
	route client default via "$(gw4 "$wan")" dev "$wan" metric "$metric"
	route client default via "$(gw6 "$wan")" dev "$wan" metric "$metric"
}

add_behind_inet() { # add_behind_inet NAME DEVICE-IN-INET PREFIX4 PREFIX6
	veth "$1" eth0 inet "$2"
	set_up inet "$2" "$3.1/24" "$4::1/64"
	set_up "$1" eth0 "$3.2/24" "$4::2/64"
}

topology() { # topology [LINKS [netem]]
	local n name
	tear_down
	links=${1:-2} links_kind=${2:-plain}
	for name in client inet server host; do ns_add "$name" || return; done
	# Begin with what takes longest.
	[ "$links_kind" = plain ] || box_start "$links" || return
	in_inet sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	add_behind_inet server s0 198.51.100 2001:db8:51
	route server default via 198.51.100.1
	route server default via 2001:db8:51::1
	add_behind_inet host h0 203.0.113 2001:db8:113
	for n in 198.51.100.0/24 10.71.0.0/16; do route host "$n" via 203.0.113.1; done
	for n in 2001:db8:51::/64 2001:db8:a0::/44; do route host "$n" via 2001:db8:113::1; done
	for ((n = 0; n < links; n++)); do add_wan "$n" || return; done
	[ "$links_kind" = plain ] || box_ready || { ok "the links have their netem" false; exit 1; }
}

# ---- what happens to links --------------------------------------------------

# SPEC as netem takes it, "delay 10ms rate 20mbit limit 200"; UP is what the
# client sends, DOWN what it gets, the same if not given; none at all: as fast as
# it goes.  A change of figures alone keeps what the link's queue holds; other
# words than before begin a new queue.  limit is in packets of the whole queue,
# those under way included: without it 1000, half a second at 24 Mbit/s.
link_shape() { # link_shape WAN [UP [DOWN]]
	[ "$links_kind" = netem ] || { echo "link_shape: no netem in this topology" >&2; return 1; }
	box_shape "$(wan_number "$1")" "${2:-}" "${3-${2:-}}"
}

# Silence, as when an ISP loses its way: every frame is dropped where the link
# meets inet, ARP and neighbour discovery too, and nobody's carrier changes.  up:
# only what the client sends; down: only what it gets.  What is under way to the
# client still arrives.
link_cut() { # link_cut WAN [up|down|both]
	local w up=drop down=drop
	w=w$(wan_number "$1")
	[ "${2:-both}" != up ] || down=accept
	[ "${2:-both}" != down ] || up=accept
	in_inet nft -f - <<-RULES
		add table netdev cut-$w
		delete table netdev cut-$w
		table netdev cut-$w {
			chain in { type filter hook ingress device $w priority 0; policy $up; }
			chain out { type filter hook egress device $w priority 0; policy $down; }
		}
	RULES
}

link_restore() { # link_restore WAN
	in_inet nft delete table netdev "cut-w$(wan_number "$1")"
}

# The end the client's is plugged into; only when that is down has the client's
# no carrier.  The kernel tells carrier events of one interface at most once a
# second, so the second of two may come late.
far_end() { # far_end WAN: namespace and device
	if [ "$links_kind" = plain ]; then echo "$(ns_name inet) w$(wan_number "$1")"
	else echo "$(ns_name box) c$(wan_number "$1")"; fi
}

link_set_far() { # link_set_far WAN up|down
	local full device
	read -r full device < <(far_end "$1")
	ip -n "$full" link set dev "$device" "$2"
}

link_down() { link_set_far "$1" down; }	# link_down WAN
link_up() { link_set_far "$1" up; }	# link_up WAN

link_has_carrier() { # link_has_carrier WAN
	in_client cat "/sys/class/net/$1/carrier" | grep -q 1
}

# ---- the state of a host ----------------------------------------------------

# All of what a program may change and must put back, in an order of its own:
#	before=$(state_of client); …; is "all is as it was" "$(state_of client)" "$before"
state_of() { # state_of NAME
	local family
	for family in -4 -6; do
		echo "== ip $family rule"
		in_ns "$1" ip "$family" -d rule
		echo "== ip $family route"
		in_ns "$1" ip "$family" -d route show table all | sed -E 's/ expires [0-9]+sec//; s/ +$//' | sort
	done
	echo "== ip addr"
	links_of "$1"
	echo "== nft"
	in_ns "$1" nft -s list ruleset
	echo "== sysctl"
	settings_of "$1"
	echo "== resolv.conf"
	in_ns "$1" cat /etc/resolv.conf
}

links_of() {	# an interface on a line; without what counts down, or counts
	in_ns "$1" ip -d -j addr | jq -cS '.[]
		| del(.linkinfo?.info_data?.hello_timer?, .linkinfo?.info_data?.tcn_timer?,
		      .linkinfo?.info_data?.topology_change_timer?, .linkinfo?.info_data?.gc_timer?,
		      .linkinfo?.info_slave_data?.forward_delay_timer?, .linkinfo?.info_slave_data?.hold_timer?,
		      .linkinfo?.info_slave_data?.message_age_timer?)
		| del(.addr_info[]?.valid_life_time, .addr_info[]?.preferred_life_time)'
}

settings_of() {
	# shellcheck disable=SC2016
	in_ns "$1" bash -c 'cd /proc/sys/net && grep -H "" ipv4/ip_forward \
		ipv4/conf/*/{rp_filter,src_valid_mark,arp_ignore,arp_announce,forwarding} \
		ipv6/conf/*/forwarding | sort'
}

# ---- servers and files ------------------------------------------------------

# busybox (Debian package busybox): starts in a millisecond, speaks IPv4 and IPv6.
http_serve() { # http_serve NAME DIRECTORY PORT
	spawn_in "$1" busybox httpd -f -p "$3" -h "$2"
	within 5 is_listening "$1" "$3"
}

is_listening() { # is_listening NAME PORT
	in_ns "$1" ss -Hltn "sport = :$2" | grep -q .
}

# Sparse is enough where only the length matters; random when content does.
make_file() { # make_file FILE SIZE [random]: SIZE as 500K, 20M
	if [ "${3:-}" = random ]; then head -c "$2" /dev/urandom >"$1"; else truncate -s "$2" "$1"; fi
}

# ---- at the start -----------------------------------------------------------

needs() { # needs COMMAND...: or skip
	local c
	for c; do command -v "$c" >/dev/null || skip_all "$c is not installed"; done
}

# shellcheck source=netembox/box.sh
. "$NETNS_TESTS/netembox/box.sh"
T=$(mktemp -d)		# for whoever sources this, too; gone at the end
trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
[ "$(id -u)" = 0 ] || skip_all "network namespaces need root"
needs ip nft jq ss sysctl
ip netns add "probe-$$" 2>/dev/null || skip_all "this kernel lets us make no network namespaces"
ip netns del "probe-$$"

