#!/bin/bash
# The example of docs/strategies.md, followed as a reader would: its code, its two lines, its command.
cd "$(dirname "$0")/.." || exit 1
B=${BUILD:-build}
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
echo 1..3

# A copy of the layer, which the linker finds before the one in the archive.
builds() {
	mkdir "$T/strategy"
	cp src/strategy/strategy.[ch] "$T/strategy" || return 1
	sed -n '/^```c$/,/^```$/p' docs/strategies.md | sed '/^```$/,$d; 1d' >"$T/strategy/nearest.c"
	sed -i "s/^extern .* strategy_aggregate;/&\n$(sed -n 's/^\t\(extern .*\)/\1/p' docs/strategies.md)/" "$T/strategy/strategy.h"
	sed -i "s/^\t&strategy_aggregate,/&\n\t\\$(sed -n 's/^\t\(&strategy_.*,\)/\1/p' docs/strategies.md)/" "$T/strategy/strategy.c"
	# shellcheck disable=SC2046
	${CC:-cc} -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -Wshadow -Werror -I"$T" -Isrc -o "$T/ttt-sim" \
		"$T/strategy/nearest.c" "$T/strategy/strategy.c" "$B/obj/src/sim/main.o" \
		"$B/libsim.a" "$B/libconfig.a" "$B/libcore.a" "$B/libbase.a" $(pkg-config --libs libsodium libcrypto inih) -lm
}
ok "the example builds, without a warning, with two lines more" builds
ok "the tool lists it" grep -q 'nearest .*the shortest round trip' <("$T/ttt-sim" --help)

does() { # the command of the document, for a shorter time
	local command
	command=$(sed -n 's,^\t\$ build/ttt-sim \(--strategy nearest .*--flow call\)$,\1,p' docs/strategies.md | head -1)
	[ -n "$command" ] || { echo "no command in the document"; return 1; }
	# shellcheck disable=SC2086
	"$T/ttt-sim" $command --seconds 10 | tee "$T/out"
	awk '$2 == "tcp" { tcp = $4 } /^1 50mbit/ { share = $4 } END { exit !(tcp > 40 && share > 70 && share < 95) }' "$T/out"
}
ok "it fills the near link first, and then the far one" does
exit $bad
