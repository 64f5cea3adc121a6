#!/bin/bash
# What the program says of itself and what the manual says is the same.
cd "$(dirname "$0")/.." || exit 1
TTT=$(realpath "${BUILD:-build}/ttt")
. tests/tap.sh

# The words of a section as they are read, on one line: macros of two fonts join theirs.
section() { # section NAME
	awk -v name="$1" '
		/^\.SH/ { on = $0 == ".SH " name; next }
		!on { next }
		/^\.(BR|RB|IR|RI|BI|IB) / {
			line = substr($0, 5); text = ""; quoted = 0
			for (i = 1; i <= length(line); i++) {
				c = substr(line, i, 1)
				if (c == "\"") quoted = !quoted
				else if (c != " " || quoted) text = text c
			}
			print text; next
		}
		{ sub(/^\.[A-Za-z]+ ?/, ""); print }
	' docs/man/ttt.8 | sed -E 's/\\f[A-Z]//g; s/\\-/-/g; s/\\&//g' | tr -s ' \n' '  ' | sed 's/ \.\.\./.../g'
}

"$TTT" --help >"$T/help"
commands() { sed -nE 's/^  ([a-z]+) .*/\1/p' "$T/help"; }

in_the_synopsis() {
	local line
	for c in $(commands); do
		section SYNOPSIS | grep -qE "(ttt|\|) $c( |$)" || { echo "no $c"; return 1; }
	done
	for c in up down status strategy link portal; do
		line=$(section SYNOPSIS | sed 's/ttt /\n/g' | grep "^$c ")
		for option in '-c FILE' '-i NAME' '-r DIR'; do
			[[ $line == *"[$option]"* ]] || { echo "no $option: $line"; return 1; }
		done
	done
}
ok "every command is in the synopsis, with the options that it takes" in_the_synopsis

options_are_told() {
	for word in $(sed -nE 's/^\t\{ "([a-z-]+)", (required|no)_argument.*/\1/p' src/main.c); do
		{ section COMMANDS; section OPTIONS; } | grep -qe "--$word" || { echo "no --$word"; return 1; }
		grep -qe "--$word" "$T/help" || { echo "no --$word in --help"; return 1; }
	done
}
ok "every option is in the manual and in --help" options_are_told

same_arguments() {
	local line
	while read -r line; do
		section COMMANDS | grep -qF "$line" || { echo "only in --help: $line"; return 1; }
	done < <(grep -E '^  [a-z]+ ' "$T/help" | cut -c 3-44 | tr -s ' ')
}
ok "the arguments of a command are the same in both" same_arguments

only_real_states() {
	local said
	said=$(section "JSON OF STATUS" | sed 's/.*The state of a tunnel or peer is//; s/; that of a path.*//')
	for word in $(sed -E 's/\([58]\)//g; s/\([^)]*\)//g; s/[^a-z ]//g' <<<"$said"); do
		[ "$word" = or ] || grep -qF "\"$word\"" src/supervisor/supervisor_control.c src/supervisor/report.c ||
			{ echo "never: $word"; return 1; }
	done
}
ok "the manual tells no state that there is not" only_real_states

# Whatever is named after the interface, or its table.
files_are_told() {
	local suffixes
	suffixes=$(grep -rhoE '/%[su]\.[a-z]+"' --include='*.c' src routing | grep -oE '[a-z]+"$' | tr -d '"' | sort -u)
	for suffix in $suffixes; do
		section FILES | grep -qE "(NAME|NUMBER)\.$suffix " || { echo "no .$suffix in FILES"; return 1; }
	done
	grep -qx dns <<<"$suffixes" || { echo "not found in the source: .dns"; return 1; }
	section FILES | grep -q '/run/ttt/lock' || { echo "no lock of the directory in FILES"; return 1; }
}
ok "every file that the daemon makes is under FILES" files_are_told
echo "1..$n"
exit $bad
