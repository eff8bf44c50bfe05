#!/usr/bin/env bash
# Starts a server on a free port, lets a client pay it, and shows the output of both.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --release --bin powtcp-server --bin powtcp-client
bin=${CARGO_TARGET_DIR:-target}/release
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT

# The log comes through a pipe, so that the script can wait for a line of it.
mkfifo "$work/log"
"$bin/powtcp-server" --listen 127.0.0.1:0 --bits 22 2>"$work/log" &
server=$!
exec 3<"$work/log"

address=
while [ -z "$address" ] && read -r line <&3; do
    echo "server | $line"
    case $line in
    *msg=listening*) address=${line#*address=} address=${address%% *} ;;
    esac
done
[ -n "$address" ] || exit 1

"$bin/powtcp-client" "$address" 2>&1 | sed 's/^/client | /'

kill -TERM "$server"
wait "$server"
server=
sed 's/^/server | /' <&3
