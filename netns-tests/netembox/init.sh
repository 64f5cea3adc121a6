#!/bin/sh
# init.sh: init of the User-Mode Linux kernel that is the netem box.  All it does
# is bridge pairs of network devices, vec0 with vec1, vec2 with vec3, ..., and
# delay, shape and lose what leaves them.  box.sh starts it and talks to it.
#
# From the kernel's command line: box.ports=N, box.modules=DIRECTORY.
# A command is a line on the console, TAG VERB PORT SPEC...; its answer a line
# "=TAG ok" or "=TAG failed: why".  The first answer, to nothing, has the tag "ready".
#	new PORT SPEC		netem SPEC, with an empty queue; without SPEC: none
#	change PORT SPEC	other figures for the same words; the queue stays
export PATH=/usr/sbin:/usr/bin:/sbin:/bin

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /run
stty -echo 2>/dev/null

# shellcheck disable=SC2013
for word in $(cat /proc/cmdline); do
	case $word in
	box.ports=*) ports=${word#*=} ;;
	box.modules=*) modules=${word#*=} ;;
	esac
done

# Not by modprobe: it looks in /lib/modules, which is of another kernel or not
# there, and the root is read-only.  A kernel that has all built in needs none.
# modules.dep lists what a module needs nearest first.
load() {	# load MODULE
	while read -r file needs; do
		case $file in
		*/"$1".ko*:) break ;;
		esac
	done <"$modules/modules.dep"
	order=${file%:}
	for file in $needs; do order="$file $order"; done
	for file in $order; do busybox insmod "$modules/$file" 2>/dev/null; done
}
modules=$modules/$(uname -r)
if [ -e "$modules/modules.dep" ]; then
	load bridge
	load sch_netem
fi

# The box must not talk on the links itself.
for file in /proc/sys/net/ipv6/conf/default/disable_ipv6 /proc/sys/net/ipv6/conf/all/disable_ipv6; do
	[ ! -e "$file" ] || echo 1 >"$file"
done

port=0
while [ "$port" -lt "$ports" ]; do
	bridge=br$((port / 2))
	if [ $((port % 2)) = 0 ]; then
		ip link add "$bridge" type bridge forward_delay 0 mcast_snooping 0
		ip link set dev "$bridge" up
	fi
	# The queue that counts is netem's; this one must not be the shorter.
	ip link set dev "vec$port" txqueuelen 10000
	ip link set dev "vec$port" master "$bridge" up
	port=$((port + 1))
done
if [ -e "/sys/class/net/vec$((ports - 1))/master" ] && tc qdisc add dev lo root netem; then
	echo "=ready ok"
else
	echo "=ready failed: no bridge, no netem or no vec$((ports - 1)) in kernel $(uname -r)"
fi

run() {	# run VERB PORT SPEC...: sets error
	verb=$1 dev=vec$2
	shift 2
	case $verb in
	new)	tc qdisc del dev "$dev" root 2>/dev/null
		[ $# = 0 ] || error=$(tc qdisc add dev "$dev" root netem "$@" 2>&1) ;;
	change)	error=$(tc qdisc change dev "$dev" root netem "$@" 2>&1) ;;
	*)	error="no such command: $verb"; false ;;
	esac
}

while read -r tag command; do
	error=
	# shellcheck disable=SC2086
	if run $command; then echo "=$tag ok"; else echo "=$tag failed: ${error%%?Usage*}"; fi
done
