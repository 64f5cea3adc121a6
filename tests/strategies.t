#!/bin/bash
# The example of docs/strategies.md, followed as a reader would: its code, its lines, its commands, its tests.
cd "$(dirname "$0")/.." || exit 1
B=${BUILD:-build}
DOC=docs/strategies.md
. tests/tap.sh
echo 1..9

block() { # block N: the N-th piece of C of the document
	awk -v n="$1" '/^```/ { inside = /^```c$/ && ++count == n; next } inside' "$DOC"
}
line() { # line REGEX: the first one of the document that is to be written somewhere
	sed -n "s/^\t\t*\($1.*\)/\1/p" "$DOC" | head -1
}
commanded() { # commanded REGEX: the first one that begins so, in one line
	sed -n '/\\$/{N; s/\\\n\t*//}; s/^\t\$ //p' "$DOC" | grep -m 1 -e "^$1"
}

# A copy of the layer, which the linker finds before the one in the archive.
compile() { # compile FILE…: to objects in $T
	(cd "$T" && ${CC:-cc} -c -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -Wshadow -Werror \
		-I"$T" -I"$OLDPWD/src" -I"$OLDPWD/tests" "$@")
}
join() { # join NAME OBJECT…
	# shellcheck disable=SC2046
	${CC:-cc} -o "$T/$1" "${@:2}" "$T/nearest.o" "$T/strategy.o" \
		$(printf "$B/lib%s.a " support sim $(make -s print-layers)) \
		$(make -s print-libs) -lcmocka -lm
}
own() { compile "$T/strategy/nearest.c" "$T/strategy/strategy.c"; }

builds() {
	mkdir "$T/strategy"
	cp src/strategy/strategy.[ch] "$T/strategy" || return 1
	block 1 >"$T/strategy/nearest.c"
	sed -i "s/^extern .* strategy_aggregate;/&\n$(line 'extern ')/" "$T/strategy/strategy.h"
	sed -i "s/^\t&strategy_aggregate,/&\n\t\\$(line '&strategy_')/" "$T/strategy/strategy.c"
	own && join ttt-sim "$B/obj/src/sim/main.o"
}
ok "the example builds, without a warning, with two lines more" builds
ok "the tool lists it" grep -q 'nearest .*the shortest round trip' <("$T/ttt-sim" --help)

simulate() { # simulate REGEX WORDS…: that command of the document, with these words more
	local words
	words=$(commanded "build/ttt-sim $1")
	[ -n "$words" ] || { echo "no such command in the document: $1"; return 1; }
	# shellcheck disable=SC2086
	(cd "$T" && ./ttt-sim ${words#build/ttt-sim} "${@:2}") | tee "$T/out"
}
does() {
	simulate '--strategy nearest .*--flow call$' --seconds 10
	awk '$2 == "tcp" { tcp = $4 } $2 " " $3 == "call up" { p95 = $6 } /^1 50mbit/ { share = $4 }
		END { exit !(tcp > 40 && share > 70 && share < 95 && p95 > 50) }' "$T/out"
}
ok "it fills the near link first, and then the far one, with some of the call" does

is_better() {
	block 2 >"$T/better"
	sed -i -e '/^static bool is_better/,/^}/d' -e "/^.. A free one before/r $T/better" \
		-e "s/if (is_better(.*/$(line 'if (is_better(.*sparse' | sed 's/[&/]/\\&/g')/" -e '/(void)packet;/d' "$T/strategy/nearest.c"
	own && join ttt-sim "$B/obj/src/sim/main.o" &&
		simulate '--strategy nearest .*--flow call$' --seconds 10
	awk '$2 == "tcp" { tcp = $4 } $2 " " $3 == "call up" { p95 = $6 } END { exit !(tcp > 40 && p95 < 30) }' "$T/out"
}
ok "made better, it leaves the call on the near link" is_better

is_hard() {
	simulate '--strategy nearest .*--plot' --seconds 22 && grep -q '</svg>' "$T/nearest.svg" &&
		simulate '--strategy nearest .*--repeat' --seconds 3 && grep -q 'seeds 1 to 10' "$T/out"
}
ok "it can be made hard, and drawn" is_hard
on_the_grid() {
	local words
	words=$(commanded 'make build/grid' | sed 's/.*build.grid//')
	compile "$PWD/tests/grid_run.c" && join grid "$T/grid_run.o" || return 1
	# shellcheck disable=SC2086
	"$T/grid" $words --seconds 8 --tunnel-only baseline | tee "$T/out"
	grep -q '^strategy nearest' "$T/out" && grep -q '^baseline .*\*' "$T/out"
}
ok "the pairs of the grid can be run with it" on_the_grid

is_true() {
	block 3 | cat - <(echo) >"$T/test"
	sed -e "/^int main/{
		e cat $T/test
		}" -e "s/^\t\tTEST(\"every strategy is found/\t\t$(line 'TEST(')\n&/" tests/strategy_test.c >"$T/strategy_test.c"
	compile "$T/strategy_test.c" && join strategy_test "$T/strategy_test.o" &&
		"$T/strategy_test" && "$T/strategy_test" | grep '^ok .*nearest goes on'
}
ok "its test holds, beside those of the others" is_true
others() { # what takes all there are
	local test
	for test in $(grep -l 'strategy_at(n)' tests/*_test.c); do
		test=$(basename "$test" .c)
		[ "$test" != strategy_test ] || continue
		join "$test" "$B/obj/tests/$test.o" && "$T/$test" || { echo "in $test"; return 1; }
	done
}
ok "the tests that take every strategy take this one, too" others
is_used() {
	join ttt "$B/obj/src/main.o" && "$T/ttt" strategy | grep 'nearest .*the shortest round trip'
}
ok "the program lists it" is_used
exit $bad
