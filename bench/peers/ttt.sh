# shellcheck shell=bash
# ttt: as a user has it: keys, an endpoint, nothing else configured.

peer_is_there() { [ -x "$TTT" ] || { echo "is not built"; return 1; }; }
peer_about() { echo "$("$TTT" --version | head -n 1), no settings"; }
peer_up() {
	tunnel_files
	both_up && within 10 paths_up "$peer_links"
}
peer_down() { both_down; }
peer_pids() { status_of "$1" '.supervisor_pid, .worker_pid'; }
