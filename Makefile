# SPDX-License-Identifier: MIT
# A thin front for CMake: `make help` lists what it can do.

PREFIX ?= /usr/local
DESTDIR ?=
# For `make power`: which random mutants, and for how long.
SEED ?= 1
MINUTES ?= 10
SEGMENTS ?= 20000000
JOBS ?= $(shell nproc 2>/dev/null || echo 2)

.DEFAULT_GOAL := release
.PHONY: release demo test test-long power coverage sim soak check-analyzers fuzz bench bench-loss install help format clean

release:
	@cmake --preset release -DCMAKE_INSTALL_PREFIX=$(PREFIX) $(CMAKE_FLAGS)
	@cmake --build build/release -j $(JOBS)

# Quiet while it goes well: the demo's own output is what one wants to see.
demo:
	@scripts/demo $(DEMO)

test:
	@scripts/test

test-long:
	@scripts/test-long $(PARTS)

power:
	@scripts/plant-bugs --random 10000 --seed $(SEED) --minutes $(MINUTES) --slow 5 --jobs $(JOBS)

sim: release
	build/release/gander sim --segments $(SEGMENTS) --jobs $(JOBS) --out build/sim

soak:
	@scripts/soak $(PARTS)

check-analyzers:
	@scripts/check-analyzers

coverage:
	@scripts/coverage

fuzz:
	@scripts/fuzz
	@scripts/fuzz --afl

bench: release
	build/release/gander-bench --json build/bench.json

bench-loss: release
	build/release/gander-bench-loss --json build/bench-loss.json --plots build/bench-loss $(BENCH_LOSS)

install: release
	DESTDIR=$(DESTDIR) cmake --install build/release --prefix $(PREFIX)

help:
	@echo 'make            build the libraries and the gander command: build/release'
	@echo 'make demo       build, then watch two hosts talk; DEMO="--udp --seed 7" passes options'
	@echo 'make test       install what the tests need (as root), run all tests'
	@echo 'make test-long  all compilers, sanitizers, processors, analyzers; PARTS="msan fuzz": these alone'
	@echo 'make sim        worlds by chance: SEGMENTS [20000000] segments, a few minutes; what fails goes to build/sim'
	@echo 'make soak       for days: SOAK_HOURS [1] for each part, PARTS="worlds fuzz": these alone'
	@echo 'make fuzz       search for inputs that break the stack, FUZZ_SECONDS [60] for each target'
	@echo 'make power      plant random bugs for MINUTES [10] and see whether the tests notice'
	@echo 'make coverage   which branches the tests without tests/unit never take'
	@echo 'make bench      compare with the kernel on this machine; about 3 minutes'
	@echo 'make bench-loss goodput over lossy paths, beside the kernel (as root); BENCH_LOSS=--full: all paths, hours'
	@echo 'make install    install to PREFIX [$(PREFIX)] below DESTDIR []'
	@echo 'make format     clang-format over all C files'
	@echo 'make clean      remove build/'
	@echo
	@echo 'JOBS=n sets how many compilers run at once [$(JOBS)], CMAKE_FLAGS adds to the configuration.'
	@echo 'For other kinds of build: cmake --list-presets'

format:
	scripts/check-format --fix

clean:
	rm -rf build
