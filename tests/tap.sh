# shellcheck shell=bash
# tap.sh: TAP of the tests that are scripts, and a folder that goes with them.  Source it
# in the tree's top folder; at the end: exit $bad.
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
n=0 bad=0
ok() { # ok "sentence" COMMAND…
	n=$((n + 1))
	local said
	if said=$("${@:2}" 2>&1); then echo "ok $n - $1"; else
		echo "not ok $n - $1"
		sed 's/^/# /' <<<"$said"
		bad=1
	fi
}
