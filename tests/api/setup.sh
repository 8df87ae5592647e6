#!/usr/bin/env bash
# Makes sure of schemathesis in a virtual environment of its own, and prints its program; quick when it is there.
# Exit code 3 where it cannot be had: the caller says loudly that the API was not fuzzed.
set -euo pipefail
version=4.32.5
cache="${GAINSAY_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gainsay-tests}/api-$version"

if [ ! -x "$cache/bin/schemathesis" ]; then
    # Made beside and moved when whole is no way: the programs of an environment know their folder.
    rm -rf "$cache"
    python3 -m venv "$cache" >&2 || { echo "python3 cannot make a virtual environment" >&2; exit 3; }
    "$cache/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$version" >&2 ||
        { rm -rf "$cache"; echo "schemathesis $version cannot be installed" >&2; exit 3; }
fi
echo "$cache/bin/schemathesis"
