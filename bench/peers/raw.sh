# shellcheck shell=bash
# raw: no tunnel at all, what the load makes of this machine without one.

peer_is_there() { :; }
peer_about() { echo "no tunnel: veth with all offloads, routed once"; }
peer_up() { :; }
peer_down() { :; }
peer_pids() { :; }
