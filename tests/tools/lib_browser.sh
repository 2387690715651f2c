# SPDX-License-Identifier: MIT
# A headless browser for scripts: sets NODE_PATH and CHROMIUM, or ends with 77. playwright-core is installed once, into BROWSER_HOME.
browser_skip() {
    echo "SKIPPED: $*" >&2
    exit 77
}

browser_setup() { # SOURCE
    local page=$1/tests/tools/page home=${BROWSER_HOME:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/gander-page-test}

    CHROMIUM=$(command -v chromium || command -v chromium-browser || command -v google-chrome) ||
        browser_skip "no Chromium (package chromium; scripts/install-test-deps installs it)"
    command -v node >/dev/null 2>&1 || browser_skip "no Node.js (package nodejs)"
    mkdir -p "$home" || browser_skip "cannot write $home"
    if ! cmp -s "$page/package-lock.json" "$home/installed.json"; then
        command -v npm >/dev/null 2>&1 || browser_skip "no npm (package npm)"
        cp "$page/package.json" "$page/package-lock.json" "$home/"
        (cd "$home" && timeout 100 npm ci --no-audit --no-fund) >"$home/log" 2>&1 ||
            browser_skip "npm cannot install playwright-core: $(tail -n 1 "$home/log")"
        cp "$page/package-lock.json" "$home/installed.json"
    fi
    export CHROMIUM NODE_PATH=$home/node_modules
}
