# SPDX-License-Identifier: MIT
# A thin front for CMake: `make help` lists what it can do.

PREFIX ?= /usr/local
DESTDIR ?=
JOBS ?= $(shell nproc 2>/dev/null || echo 2)

.DEFAULT_GOAL := release
.PHONY: release demo test fuzz bench bench-loss install help format clean

release:
	@cmake --preset release -DCMAKE_INSTALL_PREFIX=$(PREFIX) $(CMAKE_FLAGS)
	@cmake --build build/release -j $(JOBS)

# Quiet while it goes well: the demo's own output is what one wants to see.
demo:
	@scripts/demo $(DEMO)

test:
	@scripts/test

fuzz:
	@scripts/fuzz

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
	@echo 'make fuzz       search for inputs that break the stack, FUZZ_SECONDS [60] for each target'
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
