# shellcheck shell=bash
# box.sh: the namespace `box` that the links of `topology N netem` run through,
# and where real netem comes from.  A part of lib.sh.
#
# The kernel has netem:
#
#	client     box                                 inet
#	wan0 ----- c0 --[bridge j0]-- b0 ------------- w0
#	           netem, down        netem, up
#
# It has not, but User-Mode Linux (Debian package user-mode-linux) is there: one
# such kernel with netem, as a process that opens two TAP devices for each link.
#
#	client     box                                 inet
#	wan0 ----- c0 --[j0]-- t0 =[UML]= t1 --[k0]-- b0 --- w0
#	                  netem, down | netem, up
#
# Why not a TAP for wan0 itself: its carrier would be UML's, and wan0 would be no
# ordinary interface.  So c0 set down takes the carrier from wan0 in both cases.
# Ready after some 8 s, once; good for about 150 Mbit/s a link.  TTT_NETEM=box
# or =kernel decides where both are there.

BOX_SOURCE=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
BOX_KERNEL=${TTT_UML:-linux.uml}
BOX_MODULES=/usr/lib/uml/modules
# The environment of its init, and so of all there: glibc must not use the registers that
# xstate.c takes from the box on some processors, and that nobody keeps for a process.
BOX_TUNABLES=glibc.cpu.hwcaps=-AVX_Fast_Unaligned_Load,-AVX2,-AVX512F,-AVX512VL,-AVX512BW

box_kind=		# kernel or box
box_pid=		# of the kernel in the box
box_requests=0
declare -A box_words=()	# port -> the words of its netem, without figures

kernel_has_netem() {
	ip netns exec "$(ns_name box)" tc qdisc add dev lo root netem delay 1ms 2>/dev/null &&
		ip netns exec "$(ns_name box)" tc qdisc del dev lo root
}

box_choose() {
	box_kind=${TTT_NETEM:-}
	[ -z "$box_kind" ] || return 0
	if kernel_has_netem; then box_kind=kernel
	elif command -v "$BOX_KERNEL" >/dev/null; then box_kind=box
	else skip_all "no netem: neither in this kernel nor in $BOX_KERNEL (package user-mode-linux)"
	fi
}

box_ip() { ip -n "$(ns_name box)" "$@"; }

# Returns while the kernel in the box is still booting: see box_ready.
box_start() { # box_start LINKS
	ns_add box || return
	# What is only bridged must not get addresses, nor say that it is there.
	in_ns box sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	box_choose
	[ "$box_kind" = kernel ] || box_boot $((2 * $1))
}

box_boot() { # box_boot PORTS
	local port devices=()
	mkdir "$T/box"
	mkfifo "$T/box/in" "$T/box/out"
	cp "$BOX_SOURCE/init.sh" "$T/box/init"	# a path without spaces, whatever ours is
	chmod +x "$T/box/init"
	cc -o "$T/box/xstate" "$BOX_SOURCE/xstate.c" -lseccomp || return
	# Both ways open at this end: nobody waits for, or loses, the other.
	exec {box_in}<>"$T/box/in" {box_out}<>"$T/box/out"
	for ((port = 0; port < $1; port++)); do
		box_ip tuntap add "t$port" mode tap
		box_quiet_offloads box "t$port"
		box_ip link set dev "t$port" txqueuelen 5000 up
		devices+=("vec$port:transport=tap,ifname=t$port,depth=128,gro=0")
	done
	in_ns_exec box "$T/box/xstate" "$BOX_KERNEL" "umid=box" "uml_dir=$T/box" mem=256M \
		rootfstype=hostfs rootflags=/ ro init="$T/box/init" \
		con=null con0=fd:0,fd:1 quiet loglevel=3 \
		"GLIBC_TUNABLES=$BOX_TUNABLES" \
		"box.ports=$1" "box.modules=$BOX_MODULES" "${devices[@]}" \
		<"$T/box/in" >"$T/box/out" 2>"$T/box/err" &
	box_pid=$!
	track "$box_pid"
	disown "$box_pid"	# bash need not tell how it ended
}

# A frame that is longer than the link's, as offloads make them, would enter
# netem whole or die in the box.
box_quiet_offloads() { # box_quiet_offloads NAME DEVICE
	in_ns "$1" ethtool -K "$2" tx off gso off gro off >/dev/null
}

box_bridge() { # box_bridge BRIDGE DEVICE DEVICE
	box_ip link add "$1" type bridge forward_delay 0 mcast_snooping 0
	box_ip link set dev "$2" master "$1" up
	box_ip link set dev "$3" master "$1" up
	box_ip link set dev "$1" up
}

# The link N, from wanN in client to wN in inet.
box_join() { # box_join N
	veth client "wan$1" box "c$1"
	veth inet "w$1" box "b$1"
	box_quiet_offloads client "wan$1"
	box_quiet_offloads inet "w$1"
	if [ "$box_kind" = kernel ]; then
		box_bridge "j$1" "c$1" "b$1"
	else
		box_bridge "j$1" "c$1" "t$((2 * $1))"
		box_bridge "k$1" "t$((2 * $1 + 1))" "b$1"
	fi
}

# The answer to TAG; other lines are the kernel's.  A console brings a line in pieces,
# and on a busy machine late ones: what `read` had when its time was over is the beginning.
box_answer() { # box_answer TAG SECONDS
	local piece line='' end=$(($(microseconds) + $2 * 1000000))
	while [ "$(microseconds)" -lt "$end" ]; do
		IFS= read -r -t 0.2 -u "$box_out" piece || {
			line+=$piece
			is_alive "$box_pid" || break
			continue
		}
		line+=$piece
		line=${line%$'\r'}
		case $line in
		"=$1 ok") return 0 ;;
		"=$1 "*) echo "netem: ${line#=* }" >&2; return 1 ;;
		esac
		line=
	done
	echo "the netem box does not answer" >&2
	cat "$T/box/err" >&2
	return 1
}

box_ready() {
	[ "$box_kind" = kernel ] || box_answer ready 60
}

# One at a time, so that whoever asks gets his own answer, a job in the
# background that replays a trace as well.
box_request() { # box_request VERB PORT [SPEC]
	local tag
	{
		flock 9
		box_requests=$((box_requests + 1))
		tag=$BASHPID.$box_requests
		echo "$tag $*" >&"$box_in"
		box_answer "$tag" 15
	} 9>"$T/box/lock"
}

# Port 2N is the end of link N towards the client, 2N+1 the one towards inet.
kernel_request() { # kernel_request VERB PORT [SPEC]
	local verb=$1 device=c$(($2 / 2))
	[ $(($2 % 2)) = 0 ] || device=b$(($2 / 2))
	shift 2
	if [ "$verb" = change ]; then
		# shellcheck disable=SC2048,SC2086
		in_ns box tc qdisc change dev "$device" root netem $*
		return
	fi
	in_ns box tc qdisc del dev "$device" root 2>/dev/null
	# shellcheck disable=SC2048,SC2086
	[ -z "$*" ] || in_ns box tc qdisc add dev "$device" root netem $*
}

# netem keeps what a change does not name, a rate for instance.  So only the
# figures of the same words are changed.
box_port() { # box_port PORT SPEC
	local verb=new words
	words=$(sed -E 's/(^| )[0-9.][^ ]*/\1#/g' <<<"$2")
	[ -z "$2" ] || [ "$words" != "${box_words[$1]:-}" ] || verb=change
	"${box_kind}_request" "$verb" "$1" "$2" || { box_words[$1]=; return 1; }
	box_words[$1]=$words
}

box_shape() { # box_shape N UP DOWN
	box_port $((2 * $1 + 1)) "$2" && box_port $((2 * $1)) "$3"
}

# Nothing in it is worth an orderly end, and that would take seconds.
box_stop() {
	[ -n "$box_pid" ] || return 0
	! is_alive "$box_pid" || kill -KILL "$box_pid"
	exec {box_in}>&- {box_out}>&-
	rm -rf "$T/box"
	box_pid= box_words=()
}
