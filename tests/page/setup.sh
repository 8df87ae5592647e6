#!/usr/bin/env bash
# Makes sure of a chromium, of Node and of playwright-core, and prints the folder where the latter lies; quick when all are there.
# Exit code 3 where one cannot be had: the caller says loudly that the page was not tried in a browser.
set -euo pipefail
version=1.65.1
cache="${GAINSAY_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gainsay-tests}/page-$version"

install() {
    command -v apt-get >/dev/null || return 1
    apt-get install -y --no-install-recommends "$@" >&2 2>&1 ||
        { apt-get update >&2 && apt-get install -y --no-install-recommends "$@" >&2; }
}

chromium="$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)"
if [ -z "$chromium" ]; then
    install chromium fonts-noto-core >&2 || { echo "chromium is missing and cannot be installed" >&2; exit 3; }
fi
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    install nodejs npm >&2 || { echo "node and npm are missing and cannot be installed" >&2; exit 3; }
fi
if [ ! -f "$cache/node_modules/playwright-core/package.json" ]; then
    mkdir -p "$cache"
    (cd "$cache" && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm install --no-audit --no-fund --no-save "playwright-core@$version" >&2) ||
        { echo "playwright-core cannot be installed" >&2; exit 3; }
fi
echo "$cache"
