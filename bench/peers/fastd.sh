# shellcheck shell=bash
# fastd: its null method would not be a tunnel of the same kind; of those that
# encrypt, one; others can be tried (bench/README.md).

FASTD_METHOD=${FASTD_METHOD:-salsa2012+umac}

peer_is_there() { command -v fastd >/dev/null || { echo "fastd is not installed"; return 1; }; }

peer_about() {
	echo "fastd $(package_version fastd), mode tun, method $FASTD_METHOD, MTU 1440 (its default of 1500 would be fragmented)"
}

fastd_key() { # fastd_key END: secret and public key, on a line each
	[ -e "$T/fastd-$1.key" ] || fastd --generate-key 2>/dev/null | sed -n 's/^\(Secret\|Public\): *//p' >"$T/fastd-$1.key"
	cat "$T/fastd-$1.key"
}

fastd_start() { # fastd_start END OTHER LINE...: lines for the other one
	local secret public
	secret=$(fastd_key "$1" | head -n 1) public=$(fastd_key "$2" | tail -n 1)
	cat >"$T/fastd-$1.conf" <<-CONF
		mode tun;
		interface "fastd0";
		mtu 1440;
		method "$FASTD_METHOD";
		secret "$secret";
		bind 0.0.0.0:10000;
		peer "other" { key "$public"; ${*:3} }
	CONF
	chmod 600 "$T/fastd-$1.conf"
	spawn_in "$1" fastd --config "$T/fastd-$1.conf"
	peer_spawned "$1"
	within 5 in_ns "$1" ip link show dev fastd0
}

fastd_address() { # fastd_address END ADDRESS
	ip -n "$(ns_name "$1")" addr add "$2/24" dev fastd0 && ip -n "$(ns_name "$1")" link set dev fastd0 up
}

peer_up() {
	fastd_start server client || return
	fastd_start client server "remote $SERVER4:10000;" || return
	fastd_address server "$INNER_SERVER4" && fastd_address client "$INNER_CLIENT4" || return
	peer_forward fastd0
}

peer_down() { peer_end; }
peer_pids() { peer_spawned_of "$1"; }
