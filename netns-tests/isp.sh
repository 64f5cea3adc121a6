# shellcheck shell=bash
# isp.sh: routers between the client's links and inet, each in a namespace of its
# own with a DHCP server (dnsmasq), and a real DHCP client (busybox udhcpc) on the
# client's interface.
#
#	topology 0
#	isp home 0 192.168.8		# wan0 --- home (192.168.8.1, NAT) --- inet
#	dhcp_serve home 192.168.8.100,192.168.8.100
#	dhcp_client wan0
#	ok "wan0 has a lease" within 5 has_address wan0 192.168.8.100
#
# A router's inner side is `lan`, its way out `wan`: 10.72.N.2, and inet's end is
# uN, 10.72.N.1.  Cut such a link with `ip link set` of one of them.

# shellcheck source=tunnel.sh
. "$(dirname "${BASH_SOURCE[0]}")/tunnel.sh"
needs dnsmasq busybox

# Sides of the client; their peers are ports of the router's `lan`, if there are several.
isp() { # isp NAME N PREFIX24 [no-nat]
	ns_add "$1" || return
	in_ns "$1" sysctl -qw net.ipv4.ip_forward=1
	veth "$1" wan inet "u$2"
	set_up inet "u$2" "10.72.$2.1/24"
	set_up "$1" wan "10.72.$2.2/24"
	route "$1" default via "10.72.$2.1"
	in_ns "$1" ip link add lan type bridge
	# Routers from one mould have one MAC address.
	in_ns "$1" ip link set dev lan address 02:00:5e:00:53:01
	set_up "$1" lan "$3.1/24"
	if [ "${4:-}" = no-nat ]; then
		route inet "$3.0/24" via "10.72.$2.2"
	else
		in_ns "$1" nft -f - <<-'RULES'
			table ip nat { chain out { type nat hook postrouting priority srcnat; oifname "wan" masquerade; }; }
		RULES
	fi
	plug "wan$2" "$1"
}

# plug: an interface of the client's, into the router's LAN.
plug() { # plug WAN ROUTER
	veth client "$1" "$2" "to-$1"
	ip -n "$(ns_name "$2")" link set dev "to-$1" master lan up
	# its own MAC address each time, by which a DHCP server knows it
	ip -n "$(ns_name client)" link set dev "$1" address "02:00:5e:00:54:$(printf %02x "${1#wan}")" up
}

unplug() { ip -n "$(ns_name "$2")" link del dev "to-$1"; } # unplug WAN ROUTER

# Sets SPAWNED and SPAWN_LOG, which tells of each lease.
dhcp_serve() { # dhcp_serve NAME RANGE [OPTION...]
	local leases
	leases=$(mktemp "$T/leases.XXXXXX")
	spawn_in "$1" dnsmasq --no-daemon --conf-file=/dev/null --port=0 --no-hosts --no-resolv --user=root --pid-file= \
		--no-ping --dhcp-authoritative --log-dhcp --dhcp-leasefile="$leases" \
		--dhcp-range="$2,2m" "${@:3}"
	within 5 eval "in_ns $1 ss -Hlun sport = :67 | grep -q ." >/dev/null
}

# As distributions' scripts do it: the address lives as long as its lease.
cat >"$T/dhcp-script" <<'SCRIPT'
#!/bin/sh
case $1 in
deconfig)
	ip link set dev "$interface" up
	ip -4 addr flush dev "$interface" scope global
	;;
bound|renew)
	ip -4 addr replace "$ip/$mask" dev "$interface" valid_lft "$lease" preferred_lft "$lease"
	[ -z "$router" ] || ip route replace default via "${router%% *}" dev "$interface" \
		metric $((100 + ${interface##*[a-z]}))
	;;
esac
echo "$1 $ip"
SCRIPT
chmod 755 "$T/dhcp-script"

declare -A dhcp_pid=() dhcp_log=()

dhcp_client() { # dhcp_client WAN
	spawn_in client busybox udhcpc -f -i "$1" -s "$T/dhcp-script" -t 20 -T 1 -A 1
	dhcp_pid[$1]=$SPAWNED dhcp_log[$1]=$SPAWN_LOG
}

dhcp_renew() { kill -USR1 "${dhcp_pid[$1]}"; } # dhcp_renew WAN
dhcp_end() { kill -KILL "${dhcp_pid[$1]}"; } # dhcp_end WAN: dead, not ended: the lease stays

has_address() { # has_address WAN ADDRESS
	in_client ip -4 -o addr show dev "$1" | grep -q " $2/"
}
