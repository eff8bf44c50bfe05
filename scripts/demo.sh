#!/usr/bin/env bash
# Lets a client pay a server, then a gate in front of that server, and shows the output of all of them.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --release --bin powtcp-server --bin powtcp-client
bin=${CARGO_TARGET_DIR:-target}/release
work=$(mktemp -d)
pids=()
trap '[ "${#pids[@]}" = 0 ] || kill "${pids[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT

# start NAME OPTIONS: starts a server on a free port, and sets $pid, $log (a descriptor) and $address.
start() {
    local name=$1 line
    shift
    # The log comes through a pipe, so that the script can wait for a line of it.
    mkfifo "$work/$name"
    "$bin/powtcp-server" --listen 127.0.0.1:0 "$@" 2>"$work/$name" &
    pid=$!
    pids+=("$pid")
    exec {log}<"$work/$name"
    address=
    while [ -z "$address" ] && read -r line <&"$log"; do
        echo "$name | $line"
        case $line in
        *msg=listening*) address=${line#*address=} address=${address%% *} ;;
        esac
    done
    [ -n "$address" ]
}

# stop NAME PID LOG: ends a server in order, and shows the rest of its log.
stop() {
    kill -TERM "$2"
    wait "$2"
    sed "s/^/$1 | /" <&"$3"
}

start server --bits 22
server=$pid server_log=$log
"$bin/powtcp-client" "$address" 2>&1 | sed 's/^/client | /'

echo
# The server is the service behind the gate. The client pays the gate, asks the server for a puzzle, and leaves.
start gate --bits 20 --max-relays 100 --upstream "$address"
printf '1:\n' | "$bin/powtcp-client" --stdio "$address" 2>&1 | sed 's/^/client | /'
stop gate "$pid" "$log"

echo
stop server "$server" "$server_log"
pids=()
