//! Guards a burst of newcomers, more than one turn of the loop accepts: nobody is left waiting.

mod support;

use support::client::Client;
use support::server_process::ServerProcess;

/// More than one turn accepts, and few enough for the descriptors of a test.
const BURST: usize = 400;

/// All but the last are silent, and no deadline is near: nothing but the burst itself wakes the server.
#[test]
fn a_burst_that_comes_in_one_turn_is_accepted_whole() {
    let server = ServerProcess::start(&["--handshake-timeout", "1h"]);
    server.signal("STOP");
    let silent: Vec<Client> = (1..BURST)
        .map(|_| Client::connect(server.address()))
        .collect();
    let mut last = Client::connect(server.address());
    last.send("1:\n");
    server.signal("CONT");
    let puzzle = last.line();
    assert!(puzzle.starts_with("2:"), "{puzzle}");
    drop(silent);
}
