#!/bin/bash
# What `make packages` asks for, and where `make install` puts things.
cd "$(dirname "$0")/.." || exit 1
. tests/tap.sh

# --- packages: on a machine that has none, where apt-get only says what it was asked -------

mkdir "$T/bin"
printf '#!/bin/sh\nexit 1\n' >"$T/bin/dpkg-query"
printf '#!/bin/sh\necho "$*" >>"%s"\n' "$T/asked" >"$T/bin/apt-get"
chmod 755 "$T/bin/"*
asked_by() { # asked_by TARGET: what would be installed
	: >"$T/asked"
	PATH=$T/bin:$PATH make -s "$1" >/dev/null && grep install "$T/asked"
}
asks() { # asks TARGET PACKAGE…
	local all
	all=" $(asked_by "$1") "
	for p in "${@:2}"; do [[ $all == *" $p "* ]] || { echo "not $p:$all"; return 1; }; done
}
asks_not() { # asks_not TARGET PACKAGE…
	local all
	all=" $(asked_by "$1") "
	for p in "${@:2}"; do [[ $all != *" $p "* ]] || { echo "$p:$all"; return 1; }; done
}
tools=(clang user-mode-linux gnuplot-nox libcmocka-dev tcpdump iperf3)
ok "make packages installs what the build needs" asks packages build-essential libsodium-dev libnftnl-dev
ok "and nothing of the suite's" asks_not packages "${tools[@]}"
ok "make test-packages installs both" asks test-packages build-essential "${tools[@]}"
ok "other words are refused" eval '! .ci/packages buidl 2>/dev/null'
needs() { make -n --no-print-directory "$1" 2>/dev/null | head -n 1 | grep -qx ./.ci/packages; }
for target in demo check bench; do ok "make $target begins with all of them" needs $target; done

# --- libraries that need not be there ------------------------------------------------------------

# A compiler that finds no header at all.
asks_for() { make -Bn all BUILD="$T/none" CC="$1" | grep -cE -- '-DTTT_IPSEC_MB|-lIPSec_MB'; }
ok "without ipsec-mb's header it is not built in" eval '[ "$(asks_for "cc -nostdinc")" = 0 ]'
has_header() { echo '#include <intel-ipsec-mb.h>' | cc -E - >/dev/null 2>&1; }
ok "with it, it is" eval '! has_header || [ "$(asks_for cc)" -gt 0 ]'

# --- install ----------------------------------------------------------------------------------

root=$T/root
put() { make -s "$1" BUILD="${BUILD:-build}" DESTDIR="$root" PREFIX="${2:-/usr}"; }
mkdir -p "$root/usr/sbin" && touch "$root/usr/sbin/ttt"
ok "make install" put install
ok "the program is where everybody's shell finds it" test -x "$root/usr/bin/ttt"
ok "and not also where an earlier version was" test ! -e "$root/usr/sbin/ttt"
unit_runs() { [ "$(sed -n 's/^ExecStart=\([^ ]*\) .*/\1/p' "$root$1/lib/systemd/system/ttt.service")" = "$1/bin/ttt" ]; }
ok "the unit runs it" unit_runs /usr
ok "make uninstall" put uninstall
left() { find "$root" ! -type d; }
ok "nothing of it is left" eval '[ -z "$(left)" ]'
ok "elsewhere, too, the unit runs it" eval 'put install /usr/local && unit_runs /usr/local'
echo "1..$n"
exit $bad
