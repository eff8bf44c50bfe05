//! Guards that the server serves a stamp that another hashcash program finished: it looks at the hash,
//! and not at how that program spells its counter.

mod support;

use support::client::{Client, assert_served};
use support::server_process::ServerProcess;
use support::solving::line_with_counter;

#[test]
fn counters_as_the_stock_program_writes_them_are_served() {
    let spellings: [fn(u64) -> String; 3] = [
        // As in the manual page's example, `1:20:040806:foo::65f460d0726f420d:13a6b8`.
        |counter| format!("{counter:x}"),
        // Filled up with zeros, as version 1.22 does.
        |counter| format!("{counter:016x}"),
        |counter| format!("{counter:032X}"),
    ];
    for dialect in ["hashcash", "powtcp"] {
        let server = ServerProcess::start(&["--dialect", dialect]);
        for spell in spellings {
            let mut client = Client::connect(server.address());
            let line = line_with_counter(&client.puzzle(), (0..).map(spell));
            client.send(&line);
            assert_served(&client.rest());
        }
    }
}

#[test]
fn a_counter_of_33_characters_is_refused_whatever_its_hash() {
    let server = ServerProcess::start(&[]);
    let mut client = Client::connect(server.address());
    let counters = (0_u64..).map(|counter| format!("{counter:033x}"));
    let line = line_with_counter(&client.puzzle(), counters);
    client.send(&line);
    assert_eq!(client.rest(), ["0:hashcash header not correct"]);
}
