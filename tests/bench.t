#!/bin/bash
# The engine's bench, briefly: a tunnel that is up and warm asks for no memory, whatever passes
# through it.  How fast it is, which a busy machine would decide, is not asked here.
cd "$(dirname "$0")/.." || exit 1
B=${BUILD:-build}
n=0 bad=0
ok() { # ok "sentence" COMMAND…
	n=$((n + 1))
	local said
	if said=$("${@:2}" 2>&1); then echo "ok $n - $1"; else
		echo "not ok $n - $1"
		bad=1
	fi
	sed 's/^/# /' <<<"$said"
}
echo 1..6
bench() { "$B/bench/engine" --runs 1 "$@"; }

ok "the bench is built" make -s BUILD="$B" "$B/bench/engine"
ok "over four links nothing is allocated" bench -l 4 -c none -p 50000
ok "nor for what has to be put in order" bench -l 4 -c none -p 50000 -S round-robin
ok "nor with any cipher, from the server" bench -l 2 -d -p 20000
ok "nor for flows whose links lose 1 %, once all have met that" bench -l 4 -c none -p 100000 -r 2 -f 8 -x 10
ok "nor for copies of what is sparse, and for their loss" bench -l 4 -c none -p 50000 -S adaptive -x 10
exit $bad
