#!/usr/bin/env bash
# Builds what the load test needs and runs it; arguments pass through (see --help).
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --release --bin powtcp-server --bin powtcp-loadtest
# Thousands of connections at both ends take more descriptors than a shell starts with.
ulimit -n "$(ulimit -Hn)"
exec "${CARGO_TARGET_DIR:-target}/release/powtcp-loadtest" "$@"
