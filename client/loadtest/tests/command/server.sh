#!/bin/sh
# Runs $TEST_PROGRAM, the test program, as a server with these arguments.
SERVER_ARGUMENTS="$*"
export SERVER_ARGUMENTS
exec "$TEST_PROGRAM" loadtest::the_server_itself --exact --ignored --nocapture --test-threads=1 >/dev/null
