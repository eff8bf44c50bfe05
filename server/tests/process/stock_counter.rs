//! Guards that the server accepts a stamp from another hashcash program: it checks the hash, and not how
//! the counter is spelled.

use powtcp_common::refusal::Refusal;

use crate::support::answers::refusal;
use crate::support::client::{Client, assert_served};
use crate::support::server::serve;
use crate::support::solving::line_with_counter;

#[test]
fn counters_as_the_stock_program_spells_them_are_served() {
    let spellings: [fn(u64) -> String; 3] = [
        // As in the manual page's example, `1:20:040806:foo::65f460d0726f420d:13a6b8`.
        |counter| format!("{counter:x}"),
        // Padded with zeros, as in version 1.22.
        |counter| format!("{counter:016x}"),
        |counter| format!("{counter:032X}"),
    ];
    for dialect in ["hashcash", "powtcp"] {
        let server = serve(&["--dialect", dialect]);
        for spell in spellings {
            let mut client = Client::connect(server.address());
            let line = line_with_counter(&client.puzzle(), (0..).map(spell));
            client.send(&line);
            assert_served(&client.rest());
        }
    }
}

#[test]
fn a_counter_of_33_characters_is_refused_even_with_a_right_hash() {
    let server = serve(&[]);
    let mut client = Client::connect(server.address());
    let counters = (0_u64..).map(|counter| format!("{counter:033x}"));
    let line = line_with_counter(&client.puzzle(), counters);
    client.send(&line);
    assert_eq!(client.rest(), [refusal(Refusal::StampNotCorrect)]);
}
