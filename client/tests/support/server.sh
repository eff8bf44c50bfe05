#!/bin/sh
# A server to start with --program: the test program $TEST_PROGRAM, which becomes one where it is
# told these arguments. A test of this package can count on no other program to be built.
SERVER_ARGUMENTS="$*"
export SERVER_ARGUMENTS
exec "$TEST_PROGRAM" the_server_itself --exact --ignored --nocapture --test-threads=1 >/dev/null
