#!/bin/sh
# Makes .venv ready from nothing: a Python, system packages, uv, the locked dependencies, then Cove itself.
# Usage: dev/bootstrap.sh editable|wheel. Does nothing when all is there. `wheel` installs what users will install.
set -eu
cd "$(dirname "$0")/.."
how=${1:?editable or wheel}
stamp=.venv/.cove-is
PATH="$PATH:/usr/sbin:/sbin"
export UV_PYTHON_DOWNLOADS=never
export UV_COMPILE_BYTECODE=true # else whoever may not write into .venv, or is told not to, compiles it at every start
export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-true}" # a company's own certificates are in the system's store

say() { printf '%s\n' "$*" >&2; }
fail() { say "cove: $*"; exit 1; }

find_python() {
    for name in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    fail "needs Python 3.11 or newer, and finds none; on Debian: apt-get install python3 python3-venv; elsewhere name one: make PYTHON=/path/to/python3"
}

missing_packages() {
    while read -r package program _; do
        case $package in '' | '#'*) continue ;; esac
        command -v "$program" >/dev/null || printf '%s ' "$package"
    done <dev/system-packages.txt
}

install_packages() {
    packages=$*
    [ -n "$packages" ] || return 0
    command -v apt-get >/dev/null || fail "needs these programs, by their Debian names: $packages- install them with your package manager"
    [ "$(id -u)" = 0 ] || fail "needs system packages; run this once, then again what you ran: sudo apt-get install -y $packages"
    say "cove: installing $packages"
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086  # a list of names
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends $packages; } >&2 </dev/null
}

find_uv() {
    if command -v uv >/dev/null && uv --version >/dev/null 2>&1; then
        command -v uv
        return
    fi
    if [ ! -x .cache/bootstrap/bin/uv ]; then
        say "cove: installing uv into .cache/bootstrap"
        "$python" -m venv .cache/bootstrap >&2 || { install_packages python3-venv && "$python" -m venv --clear .cache/bootstrap >&2; }
        .cache/bootstrap/bin/pip install --quiet --require-hashes -r dev/uv.txt >&2
    fi
    echo "$PWD/.cache/bootstrap/bin/uv"
}

fingerprint() { # what .venv should be: a change of any of these makes it anew
    { echo "$how"; cat requirements.lock pyproject.toml dev/bootstrap.sh; [ "$how" = editable ] || find src -type f -name '*.py' -exec cat {} +; } | cksum
}

python=$(find_python)
# shellcheck disable=SC2046  # a list of names
install_packages $(missing_packages)
wanted=$(fingerprint)
[ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ] || exit 0

uv=$(find_uv)
[ -x .venv/bin/python ] || "$uv" venv --quiet --python "$python" .venv
rm -f "$stamp"
"$uv" pip sync --quiet --require-hashes --python .venv/bin/python requirements.lock
if [ "$how" = wheel ]; then
    rm -rf dist
    "$uv" build --quiet --wheel --no-build-isolation --python .venv/bin/python --out-dir dist .
    "$uv" pip install --quiet --no-deps --python .venv/bin/python dist/*.whl
else
    "$uv" pip install --quiet --no-deps --no-build-isolation --python .venv/bin/python --editable .
fi
echo "$wanted" >"$stamp"
