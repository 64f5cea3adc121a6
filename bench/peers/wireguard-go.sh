# shellcheck shell=bash
# wireguard-go: the userland WireGuard, the kernel's is not asked.  Its control
# socket is the machine's, so both ends need names of their own.

peer_is_there() {
	command -v wireguard-go >/dev/null || { echo "wireguard-go is not installed"; return 1; }
	command -v wg >/dev/null || { echo "wg (wireguard-tools) is not installed"; return 1; }
}

peer_about() { echo "wireguard-go $(package_version wireguard-go), its defaults: ChaCha20-Poly1305, MTU 1420"; }

wireguard_name() { echo "tb$$${1:0:1}"; }	# wireguard_name client|server

wireguard_keys() {
	local end
	for end in client server; do
		(umask 077 && wg genkey >"$T/wg-$end.key") && wg pubkey <"$T/wg-$end.key" >"$T/wg-$end.pub" || return
	done
}

wireguard_start() { # wireguard_start END ADDRESS OTHER [OPTION...]
	local name
	name=$(wireguard_name "$1")
	spawn_in "$1" wireguard-go -f "$name"
	peer_spawned "$1"
	within 5 test -S "/var/run/wireguard/$name.sock" || return
	in_ns "$1" wg set "$name" listen-port 51820 private-key "$T/wg-$1.key" peer "$(cat "$T/wg-$3.pub")" "${@:4}" || return
	ip -n "$(ns_name "$1")" addr add "$2/24" dev "$name"
	ip -n "$(ns_name "$1")" link set dev "$name" mtu 1420 up
}

peer_up() {
	wireguard_keys || return
	wireguard_start server "$INNER_SERVER4" client allowed-ips "$INNER_CLIENT4/32" || return
	wireguard_start client "$INNER_CLIENT4" server endpoint "$SERVER4:51820" allowed-ips 0.0.0.0/0 || return
	peer_forward "$(wireguard_name client)"
}

peer_down() { peer_end; }
peer_pids() { peer_spawned_of "$1"; }
