#!/usr/bin/env bash
# Builds the server and the load test, and runs the load test with the given arguments (see --help).
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --release --bin powtcp-server --bin powtcp-loadtest
# Every connection takes a descriptor at each end, and a shell's default limit is low.
ulimit -n "$(ulimit -Hn)"
exec "${CARGO_TARGET_DIR:-target}/release/powtcp-loadtest" "$@"
