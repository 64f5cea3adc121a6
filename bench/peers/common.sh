# shellcheck shell=bash
# common.sh: what the files beside it share.  Each of them is what a user would
# run, and gives, for the standard network of netns-tests/lib.sh:
#
#	peer_is_there		# or says in a line what is missing
#	peer_about		# its version and settings, in a line
#	peer_up			# until the host is reached through it; $peer_links of them
#	peer_down
#	peer_pids client|server
#
# Inside, all have the same addresses (INNER_* of tunnel.sh), and the host is
# behind a server that masquerades.

package_version() { # package_version PACKAGE
	dpkg-query -W -f '${Version}' "$1" 2>/dev/null || echo "(version unknown)"
}

declare -A peer_processes=()

peer_spawned() { # peer_spawned client|server: what spawn_in has just started
	peer_processes[$1]=$SPAWNED
}

peer_spawned_of() { echo "${peer_processes[$1]}"; }

# The route, and what a server has to do for a client: the same for all that do not do it themselves.
peer_forward() { # peer_forward CLIENTS-DEVICE
	in_server sysctl -qw net.ipv4.ip_forward=1
	in_server nft -f - <<-RULES || return
		table ip peer {
			chain out {
				type nat hook postrouting priority srcnat;
				oifname eth0 ip saddr $INNER_CLIENT4 masquerade
			}
		}
	RULES
	route client "$HOST4" dev "$1" && within 10 in_client ping -c 1 -W 1 "$HOST4"
}

peer_end() {
	local p
	for p in "${peer_processes[@]}"; do kill "$p" 2>/dev/null; done
	for p in "${peer_processes[@]}"; do
		within 5 not is_alive "$p" || { kill -KILL "$p"; within 5 not is_alive "$p"; }
	done
	in_server nft delete table ip peer 2>/dev/null
	peer_processes=()
}
