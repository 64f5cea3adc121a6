# shellcheck shell=bash
# openvpn: TLS between two peers, since a static key has no AEAD.  Without the
# kernel's data channel, which is no userland tunnel.

peer_is_there() {
	command -v openvpn >/dev/null || { echo "openvpn is not installed"; return 1; }
	command -v openssl >/dev/null || { echo "openssl, for openvpn's keys, is not installed"; return 1; }
}

peer_about() {
	echo "openvpn $(package_version openvpn), UDP, TLS, AES-256-GCM, its default MTU and mssfix, buffers of 4 MiB, no DCO"
}

openvpn_keys() {
	local end
	for end in client server; do
		[ -e "$T/ovpn-$end.crt" ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
			-subj "/CN=$end" -days 2 -keyout "$T/ovpn-$end.key" -out "$T/ovpn-$end.crt" 2>/dev/null || return
		chmod 600 "$T/ovpn-$end.key"
	done
}

openvpn_fingerprint() { # openvpn_fingerprint END
	openssl x509 -in "$T/ovpn-$1.crt" -noout -fingerprint -sha256 | sed 's/.*=//'
}

openvpn_start() { # openvpn_start END OTHER ADDRESS OTHERS-ADDRESS [OPTION...]
	spawn_in "$1" openvpn --dev ovpn0 --dev-type tun --proto udp4 --ifconfig "$3" "$4" \
		--cert "$T/ovpn-$1.crt" --key "$T/ovpn-$1.key" --peer-fingerprint "$(openvpn_fingerprint "$2")" \
		--data-ciphers AES-256-GCM --cipher AES-256-GCM --disable-dco --fast-io \
		--sndbuf 4194304 --rcvbuf 4194304 --verb 3 "${@:5}"
	peer_spawned "$1"
}

peer_up() {
	openvpn_keys || return
	openvpn_start server client "$INNER_SERVER4" "$INNER_CLIENT4" --tls-server --dh none
	openvpn_start client server "$INNER_CLIENT4" "$INNER_SERVER4" --tls-client --remote "$SERVER4" 1194
	within 10 in_client ping -c 1 -W 1 "$INNER_SERVER4" || return
	peer_forward ovpn0
}

peer_down() { peer_end; }
peer_pids() { peer_spawned_of "$1"; }
