#!/bin/sh
# Runs $TEST_PROGRAM, the test program, as a server with these arguments.
SERVER_ARGUMENTS="$*"
export SERVER_ARGUMENTS
# The program keeps the process identifier of this shell.
[ -z "$PID_FILE" ] || echo $$ >"$PID_FILE"
exec "$TEST_PROGRAM" loadtest::the_server_itself --exact --ignored --nocapture --test-threads=1 >/dev/null
