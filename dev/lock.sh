#!/bin/sh
# Resolves pyproject's dependencies into requirements.lock: every platform, every hash, and no registry's host name.
set -eu
cd "$(dirname "$0")/.."
uv=$(command -v uv || echo .cache/bootstrap/bin/uv)
compile() {
    "$uv" pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 "$@"
}
compile --group dev --output-file requirements.lock pyproject.toml
echo uv | compile --output-file dev/uv.txt -
