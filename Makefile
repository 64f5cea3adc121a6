# ttt: one tunnel out of all your links.
#
#   make            build build/ttt          make demo     see it work, in network namespaces
#   make check      the whole suite          make install  put it on this machine
#   make grid       16 pairs of links, in the simulator; build/ttt-sim: whatever you like
#   make bars       the same against the bars that have to be reached, and real walks
#   make bench      beside other tunnels, on this machine; a quarter of an hour
#   make bench-engine  what the engine costs, without I/O
#
# `make demo` and `make check` install the packages they need (as root, on
# Debian); everything else expects them to be there: `make packages` installs what
# the build needs, `make test-packages` what the suite needs besides.

BUILD	?= build
CORES	:= $(shell nproc)
PREFIX	?= /usr
DESTDIR	?=
CC	?= cc
VERSION	:= 0.1.0

PKGS	:= libnl-3.0 libnl-route-3.0 libnftnl libmnl libsodium inih jansson libcap-ng libseccomp libcares
# libcrypto seals several times as fast as libsodium on the CPUs of today; which one is used is tried at start.
ifeq ($(shell pkg-config --exists libcrypto && echo yes),yes)
LIBCRYPTO := libcrypto
PKGS	+= $(LIBCRYPTO)
CRYPTO	:= -DTTT_LIBCRYPTO
endif
# And Intel's seals several times as fast again, on 64-bit x86 of any maker; pkg-config does not know it.
# (What stands for a comment's sign in a call is another thing to each version of make; a variable is not.)
HASH	:= \#
ifeq ($(shell echo '$(HASH)include <intel-ipsec-mb.h>' | $(CC) -E - >/dev/null 2>&1 && echo yes),yes)
IPSEC_MB := -lIPSec_MB
CRYPTO	+= -DTTT_IPSEC_MB
endif
WARN	:= -Wall -Wextra -Wshadow -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes \
	   -Wwrite-strings -Wvla
CFLAGS	?= -O2 -g
HARDEN	:= -fstack-protector-strong -fPIE
ifeq ($(SAN),)
HARDEN	+= -D_FORTIFY_SOURCE=2
else
# override: the suite says CFLAGS on the command line, where += alone is not heard
override CFLAGS	+= -fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer
LDFLAGS	+= -fsanitize=$(SAN)
endif
CPPFLAGS += -Isrc -I. -D_GNU_SOURCE $(CRYPTO) -DTTT_VERSION='"$(VERSION)"'
ALL_CFLAGS = -std=c11 $(CPPFLAGS) $(WARN) $(HARDEN) $(CFLAGS) $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
LIBS	= $(shell pkg-config --libs $(PKGS) 2>/dev/null) $(IPSEC_MB) -lev
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now $(LDFLAGS)

# The core and what it stands on are optimised as one where a program is linked: a
# packet passes a hundred small functions.  Their objects serve the tests as they are.
ifeq ($(SAN)$(shell $(CC) -flto=auto -ffat-lto-objects -E - </dev/null >/dev/null 2>&1 && echo yes),yes)
WHOLE	:= -flto=auto -ffat-lto-objects
endif

# The layers, lowest first; an archive holds one layer (tests/layers.t looks at them).
BASE_SRC	:= $(wildcard src/base/*.c)
OFFLOAD_SRC	:= $(wildcard src/offload/*.c)
CORE_SRC	:= $(wildcard src/core/*.c src/core/*/*.c src/strategy/*.c)
CONFIG_SRC	:= $(wildcard src/config/*.c)
OUTSIDE_SRC	:= $(wildcard src/io/*.c src/control/*.c routing/*.c nft/*.c)
TOP_SRC		:= $(wildcard src/cli/*.c src/supervisor/*.c src/worker/*.c src/host/*.c)
# The simulator stands beside them, and its tool: no part of the daemon.
SIM_SRC		:= $(filter-out src/sim/main.c,$(wildcard src/sim/*.c)) $(wildcard src/sim/tool/*.c)
SIM_ARCHIVES	:= $(BUILD)/libsim.a $(BUILD)/libconfig.a $(BUILD)/libcore.a $(BUILD)/libbase.a
SIM_LIBS	= $(shell pkg-config --libs libsodium inih $(LIBCRYPTO) 2>/dev/null) $(IPSEC_MB) -lm

objects	= $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
LAYERS	:= top outside config core offload base
ARCHIVES := $(LAYERS:%=$(BUILD)/lib%.a)

all: $(BUILD)/ttt $(BUILD)/ttt-sim

$(BUILD)/ttt: $(call objects,src/main.c) $(ARCHIVES)
	$(CC) $(ALL_LDFLAGS) $(WHOLE) -O2 -o $@ $^ $(LIBS)

$(BUILD)/ttt-sim: $(call objects,src/sim/main.c) $(SIM_ARCHIVES)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(SIM_LIBS)

$(BUILD)/libbase.a: $(call objects,$(BASE_SRC))
$(BUILD)/liboffload.a: $(call objects,$(OFFLOAD_SRC))
$(BUILD)/libcore.a: $(call objects,$(CORE_SRC))
$(BUILD)/libconfig.a: $(call objects,$(CONFIG_SRC))
$(BUILD)/liboutside.a: $(call objects,$(OUTSIDE_SRC))
$(BUILD)/libtop.a: $(call objects,$(TOP_SRC))
$(BUILD)/libsim.a: $(call objects,$(SIM_SRC))
$(ARCHIVES) $(BUILD)/libsim.a:
	@mkdir -p $(@D)
	@rm -f $@
	$(AR) rcs $@ $^

$(call objects,$(BASE_SRC) $(OFFLOAD_SRC) $(CORE_SRC)): WITH := $(WHOLE)
$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(WITH) -MMD -MP -c -o $@ $<

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

# Unit tests: tests/NAME_test.c is a program; every other file in tests/ is
# support that they share, but NAME_run.c.  tests/NAME_bars.c, too, are programs:
# minutes of simulated traffic against the bars that it has to reach.
UNIT_SRC	:= $(wildcard tests/*_test.c)
BARS_SRC	:= $(wildcard tests/*_bars.c)
SUPPORT_SRC	:= $(filter-out $(UNIT_SRC) $(BARS_SRC) $(wildcard tests/*_fuzz.c tests/*_run.c),$(wildcard tests/*.c))
UNIT_BIN	:= $(patsubst tests/%.c,$(BUILD)/tests/%,$(UNIT_SRC))
BARS_BIN	:= $(patsubst tests/%.c,$(BUILD)/tests/%,$(BARS_SRC))

$(BUILD)/libsupport.a: $(call objects,$(SUPPORT_SRC))
	@mkdir -p $(@D)
	@rm -f $@
	$(AR) rcs $@ $^

# Tests run for less time than it takes to optimise them as one; the bars do not.
$(UNIT_BIN): APART := -fno-lto
$(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(BUILD)/libsupport.a $(BUILD)/libsim.a $(ARCHIVES)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) $(APART) -o $@ $^ $(LIBS) -lcmocka -lm

# The 16 pairs of links, in the simulator: build/grid --help.
$(BUILD)/grid: $(BUILD)/obj/tests/grid_run.o $(SIM_ARCHIVES)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(SIM_LIBS)

grid: $(BUILD)/grid
	$<

# What a client costs its server, by how many there are: build/crowd --help.
$(BUILD)/crowd: $(BUILD)/obj/tests/crowd_run.o $(BUILD)/libsupport.a $(SIM_ARCHIVES)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(SIM_LIBS) -lcmocka

crowd: $(BUILD)/crowd
	$<

# What the engine costs, without I/O: build/bench/engine --help.
$(BUILD)/bench/engine: $(call objects,$(wildcard bench/*.c)) $(BUILD)/libsim.a $(BUILD)/liboutside.a $(BUILD)/libcore.a $(BUILD)/libbase.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) $(WHOLE) -O2 -o $@ $^ $(LIBS)

bench-engine: $(BUILD)/bench/engine
	$<

# What a tunnel is made of, part by part, and a flood of UDP packets.
BENCH_TOOLS := $(BUILD)/bench/engine $(BUILD)/bench/parts $(BUILD)/bench/flood

$(BUILD)/bench/parts: $(call objects,bench/net/parts.c $(wildcard bench/net/part_*.c) bench/net/netns.c bench/stopwatch.c) \
		$(BUILD)/libcore.a $(BUILD)/liboffload.a $(BUILD)/libbase.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) $(WHOLE) -O2 -o $@ $^ $(LIBS)

$(BUILD)/bench/flood: $(call objects,bench/net/flood.c bench/net/netns.c)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ -pthread

unit: $(UNIT_BIN)
	prove --directives --failures --comments --jobs $(CORES) --exec '' $(UNIT_BIN)

unit-programs: $(UNIT_BIN)

# For who links with the archives: tests/strategies.t.
print-libs:
	@echo $(LIBS)
print-layers:
	@echo $(LAYERS)

# What the simulator makes of the grid and of real walks; -v says each figure.
bars: $(BARS_BIN)
	prove --directives --failures --comments --jobs $(CORES) --timer --exec '' $(BARS_BIN)

# Fuzz targets: tests/NAME_fuzz.c.  `make fuzz` builds them all, and runs each
# for FUZZ_SECONDS; what they find stays in $(BUILD)/fuzz.
FUZZ_SECONDS	?= 10
FUZZ_BIN	:= $(patsubst tests/%.c,$(BUILD)/fuzz/%,$(wildcard tests/*_fuzz.c))
FUZZ_LIB_SRC	:= $(BASE_SRC) $(OFFLOAD_SRC) $(CORE_SRC) $(CONFIG_SRC) $(wildcard src/control/message.c) \
		   src/sim/trace.c src/sim/must.c
FUZZ_CFLAGS	= -std=c11 $(CPPFLAGS) -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all

$(BUILD)/fuzz/obj/%.o: %.c
	@mkdir -p $(@D)
	clang $(FUZZ_CFLAGS) -MMD -MP -c -o $@ $<

-include $(shell find $(BUILD)/fuzz/obj -name '*.d' 2>/dev/null)

$(BUILD)/fuzz/libttt.a: $(patsubst %.c,$(BUILD)/fuzz/obj/%.o,$(FUZZ_LIB_SRC))
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/fuzz/%: $(BUILD)/fuzz/obj/tests/%.o $(BUILD)/fuzz/libttt.a
	clang -fsanitize=fuzzer,address,undefined -o $@ $^ $(LIBS)

fuzz: $(FUZZ_BIN:%=%.run)

$(FUZZ_BIN:%=%.run): %.run: %
	@mkdir -p $<.corpus
	@if $< -max_total_time=$(FUZZ_SECONDS) -max_len=2048 -artifact_prefix=$<- -verbosity=0 \
		-print_final_stats=1 $<.corpus >$<.log 2>&1; \
	then echo "$<: $$(sed -n 's/^stat::number_of_executed_units: //p' $<.log) inputs, nothing found"; \
	else cat $<.log; exit 1; fi

# The main job, to look at; as root.
demo: test-packages
	$(MAKE) all
	bash netns-tests/demo.sh

# The real program between network namespaces; as root.  Each file has its own namespaces
# and mostly waits, so they run beside one another, but in three rows: of those that load
# links and assert rates, of those that assert times, and of all others one at a time.
NETNS_RATES	:= demo,failover,grid,strategy
NETNS_TIMES	:= budget,crash,ecn,idle,leaks,mtu

netns: all
	prove --directives --failures --comments --jobs $(CORES) --timer --exec bash \
		--rules 'seq=netns-tests/{$(NETNS_RATES)}.t' --rules 'seq=netns-tests/{$(NETNS_TIMES)}.t' --rules 'seq=**' \
		netns-tests/*.t

# Everything that can be proven: the unit tests and the simulator, plain and
# under AddressSanitizer and UndefinedBehaviorSanitizer, the fuzzers, the real
# program between network namespaces.
ASAN	:= BUILD=$(BUILD)/asan SAN=address,undefined CFLAGS='-O1 -g'

check: test-packages
	$(MAKE) -j$(CORES) all $(UNIT_BIN) $(BARS_BIN)
	$(MAKE) unit
	$(MAKE) bars
	$(MAKE) -j$(CORES) $(ASAN) unit-programs
	$(MAKE) $(ASAN) unit
	prove --directives --failures --comments --jobs $(CORES) --timer --exec bash tests/*.t
	$(MAKE) -j$(CORES) fuzz
	$(MAKE) netns

# The real program on another kernel than this machine's, one that Debian has, in QEMU: by
# default the distribution's own, 6.1 in Debian 12.  As root.  All is emulated, so it takes
# most of an hour, and tests that assert times or rates are not among them.
# VM_TESTS="tunnel crash" for some, VM_KERNEL=PACKAGE for another kernel.
VM_KERNEL	= $(shell apt-cache depends linux-image-amd64 | sed -n 's/ *Depends: \(linux-image-[0-9].*\)/\1/p')
VM_TESTS	?= tunnel restore closed crash leaks events errors unused older outside neighbours segments \
		   offload idle beside

check-vm:
	./.ci/packages vm
	$(MAKE) all
	BUILD=$(BUILD) bash netns-tests/vm/boot.sh $(VM_KERNEL) \
		prove --directives --failures --comments --timer --exec bash $(VM_TESTS:%=netns-tests/%.t)

# ttt beside what a user would pick instead; as root, a quarter of an hour.  PEERS="ttt fastd" for
# some, RUNS=1 SECONDS_EACH=2 for a look.  bench-readme puts the newest table into README.md.
bench: test-packages
	./bench/packages
	$(MAKE) $(BUILD)/ttt $(BENCH_TOOLS)
	BUILD=$(BUILD) bash bench/bench.sh $(PEERS)

bench-readme:
	bench/table --readme README.md $$(ls bench/results/*.csv | tail -n 1)

# Figures, printed and kept nowhere: bench/README.md.  As root; some ten minutes.
BENCHES	:= size startup overhead memory throughput goodput tax

bench-basic: $(BUILD)/ttt
	@failed=; for b in $(BENCHES); do \
		BUILD=$(BUILD) bash bench/$$b.sh || failed="$$failed $$b"; \
	done; [ -z "$$failed" ] || { echo "failed:$$failed"; exit 1; }

# One TCP flow over 16 pairs of links with real netem; twenty minutes.
bench-grid: $(BUILD)/ttt
	BUILD=$(BUILD) bash bench/grid.sh $(PAIRS)

# A real QUIC beside one TCP, over pairs of the grid; three minutes a pair, PLAIN=no one.
bench-quic: $(BUILD)/ttt test-packages
	./bench/packages quic
	BUILD=$(BUILD) bash bench/quic.sh $(PAIRS)

# Nine faults, and how long what is inside notices them; eight minutes.
bench-failover: $(BUILD)/ttt
	BUILD=$(BUILD) bash bench/failover.sh $(ROWS)

packages:
	./.ci/packages build

test-packages:
	./.ci/packages

# What goes onto a machine.  /etc/ttt is the user's own, and stays.  The program is where
# everybody's shell looks for it: all may ask for the status.  Earlier versions put it into sbin.
BIN	= $(DESTDIR)$(PREFIX)/bin
SBIN	= $(DESTDIR)$(PREFIX)/sbin
MAN	= $(DESTDIR)$(PREFIX)/share/man
EXAMPLES = $(DESTDIR)$(PREFIX)/share/doc/ttt/examples
UNITS	= $(DESTDIR)$(PREFIX)/lib/systemd/system

install: all
	install -d $(BIN) $(MAN)/man8 $(MAN)/man5 $(MAN)/man1 $(EXAMPLES) $(UNITS) $(DESTDIR)/etc/ttt
	rm -f $(SBIN)/ttt
	install -s -m 755 $(BUILD)/ttt $(BIN)/ttt
	install -s -m 755 $(BUILD)/ttt-sim $(BIN)/ttt-sim
	install -m 644 docs/man/ttt.8 $(MAN)/man8
	install -m 644 docs/man/ttt.conf.5 $(MAN)/man5
	install -m 644 docs/man/ttt-sim.1 $(MAN)/man1
	install -m 644 docs/examples/client.conf docs/examples/server.conf $(EXAMPLES)
	sed 's,/usr/bin/ttt,$(PREFIX)/bin/ttt,' docs/systemd/ttt.service >$(UNITS)/ttt.service
	chmod 644 $(UNITS)/ttt.service

uninstall:
	rm -f $(BIN)/ttt $(SBIN)/ttt $(BIN)/ttt-sim $(MAN)/man1/ttt-sim.1 $(MAN)/man8/ttt.8 $(MAN)/man5/ttt.conf.5 $(UNITS)/ttt.service
	rm -rf $(DESTDIR)$(PREFIX)/share/doc/ttt
	-rmdir $(DESTDIR)/etc/ttt 2>/dev/null

clean:
	rm -rf $(BUILD)

.PHONY: $(FUZZ_BIN:%=%.run) all print-libs print-layers demo netns unit unit-programs bars grid crowd check check-vm fuzz bench bench-readme bench-basic bench-engine bench-grid bench-quic bench-failover packages test-packages install uninstall clean
.SECONDARY:
.DELETE_ON_ERROR:
