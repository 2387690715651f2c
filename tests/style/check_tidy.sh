#!/bin/bash
# SPDX-License-Identifier: MIT
# Shows that scripts/tidy and check-conformance find what they are for: a small tree without faults passes; then each
# fault alone must be found.
set -eu

source=$(cd "$(dirname "$0")/../.." && pwd)
top=$(mktemp -d)
trap 'rm -rf "$top"' EXIT
failed=0
spdx='/* SPDX-License-Identifier: MIT */'

fresh() {
    rm -rf "$top/tree"
    mkdir -p "$top"/tree/{include/gander,src/{base,wire,ip,tcp,udp,core},tests,tools,docs,scripts}
    cd "$top/tree"
    cp "$source/scripts/tidy" "$source/scripts/check-conformance" scripts/
    printf '%s\nDROP(late, "came too late")\n' "$spdx" >include/gander/drop_reasons.def
    printf '%s\n' "$spdx" >src/base/seq.h
    cp src/base/seq.h src/tcp/tcp.h
    cp src/base/seq.h include/gander/gander.h
    printf '%s\n#include "base/seq.h"\nint tcp_f(int reason)\n{\n    return reason == GANDER_DROP_late;\n}\n' "$spdx" \
        >src/tcp/a.c
    printf '%s\n/* late */\nstatic void test_late(void **state)\n{\n}\n' "$spdx" >tests/t.c
    for n in $(seq 69); do
        echo "| MUST-$n | 3.1 | \`tcp_f\` | \`test_late\` in \`t.c\` |"
    done >docs/conformance.md
}

# finds TEXT SCRIPT: after a fault was planted
finds() {
    if scripts/"${2:-tidy}" >out 2>&1 || ! grep -qF "$1" out; then
        echo "scripts/${2:-tidy} did not report: $1; it said:"
        cat out
        failed=1
    fi
    fresh
}

# plant FILE LINE: at the end
plant() {
    printf '%s\n' "$2" >>"$1"
}

fresh
for script in tidy check-conformance; do
    if ! scripts/$script >out; then
        echo "scripts/$script finds fault with a clean tree:"
        cat out
        failed=1
    fi
done
fresh

echo 'int x;' >src/tcp/b.c
finds "no 'SPDX-License-Identifier: MIT' line"
plant src/tcp/a.c '#include "udp/udp.h"'
finds 'src/tcp must not include "udp/udp.h"'
plant src/base/seq.h '#include "wire/wire.h"'
finds 'src/base must not include "wire/wire.h"'
plant src/ip/ip.h "$spdx"
plant src/ip/ip.h '#include "tcp/tcp.h"'
finds 'src/ip must not include "tcp/tcp.h"'
plant src/tcp/a.c '#include <stdio.h>'
finds '<stdio.h>: the core uses no library'
plant tools/t.c "$spdx"
plant tools/t.c '#include "tcp/tcp.h"'
finds '"tcp/tcp.h": tools/ uses public headers'
plant include/gander/gander.h '#include "base/seq.h"'
finds 'public headers include only public headers'
seq 601 | sed 's|.*|/* & */|' >>src/tcp/a.c
finds 'lines; at most 600'
{
    printf 'int g(void)\n{\n'
    seq 70 | sed 's|.*|    g();|'
    printf '}\n'
} >>src/tcp/a.c
finds 'function of 73 lines; at most 70'
plant src/tcp/a.c 'static int f(struct c *c) { return c->snd.una < c->snd.nxt; }'
finds 'sequence numbers are compared by'
plant src/tcp/a.c 'static int f(struct c *c, unsigned x) { return x >= c->rcv.nxt; }'
finds 'sequence numbers are compared by'
plant src/tcp/a.c '/* [RFC92930 3.4] */'
finds 'RFC 92930: unknown'
plant src/tcp/a.c '/* [RFC 9293 3.4] */'
finds "citation 'RFC 9293 3.4'"
plant src/tcp/a.c '/* MUST-70 */'
finds 'RFC 9293 has MUST-1 to MUST-69'
plant src/tcp/a.c "/* TO""DO: finish */"
finds 'leftover'
plant src/tcp/a.c 'static void *f(void) { return malloc(1); }'
finds 'malloc(): the core uses no library'
plant src/tcp/a.c 'static int counter;'
finds 'variable at file scope'
plant src/tcp/a.c 'static double f(int x) { return x; }'
finds 'floating point'
plant tests/t.c "/* /""work/main */"
finds 'path of one machine'
plant include/gander/drop_reasons.def 'DROP(never, "nobody")'
finds 'never: nothing in src/ drops for this reason'
plant include/gander/drop_reasons.def 'DROP(untried, "nobody")'
plant src/tcp/a.c '/* GANDER_DROP_untried */'
finds 'untried: no test shows that this can happen'

sed -i '/MUST-42 /d' docs/conformance.md
finds 'no row for MUST-42' check-conformance
sed -i '3s/tcp_f/tcp_g/' docs/conformance.md
finds 'no `tcp_g` in src/' check-conformance
sed -i '4s/test_late/test_early/' docs/conformance.md
finds 'no `test_early` in tests/' check-conformance
sed -i '5s/`test_late` in `t.c`//' docs/conformance.md
finds 'column 4 is empty' check-conformance
exit $failed
