#!/bin/bash
# SPDX-License-Identifier: MIT
# What the READMEs show is what the program prints, and their program compiles, runs and is the example.
. "$(dirname "$0")/lib.sh"

"$SOURCE/scripts/check-readme" "$GANDER" || fail "check-readme"
hello=$(dirname "$GANDER")/example-hello
[ -x "$hello" ] || fail "$hello was not built"
[ "$("$hello")" = "Hello from far away!" ] || fail "example-hello says $("$hello")"

finish
