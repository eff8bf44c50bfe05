//! Guards the session of a gate, where a right stamp buys a connection to the service behind it.

use powtcp_common::hashcash::Dialect::Hashcash;
use powtcp_common::refusal::Refusal;

use crate::support::answers::refusal;
use crate::support::conversation::{Conversation, End, PAID};
use crate::support::rules::rules;
use crate::support::solving::right_line;

fn gate() -> Conversation {
    let mut talk = Conversation::new(rules(Hashcash));
    talk.in_gate(false);
    talk
}

#[test]
fn a_right_stamp_pays_and_later_bytes_are_left_alone() {
    let mut talk = gate();
    let line = right_line(&talk.puzzle());
    assert_eq!(talk.send(line + "1:\n9:\nany bytes"), [PAID]);
    assert_eq!(talk.end(), Some(End::Paid));
}

#[test]
fn a_full_gate_refuses_before_the_client_has_paid() {
    let mut talk = gate();
    assert_eq!(
        talk.in_gate(true).send("1:\n"),
        [refusal(Refusal::ServerBusy)]
    );
}

#[test]
fn a_stamp_that_lost_the_last_place_is_not_spent() {
    let mut talk = gate();
    let line = right_line(&talk.puzzle());
    assert_eq!(
        talk.in_gate(true).send(&line),
        [refusal(Refusal::ServerBusy)]
    );
    talk.reconnect("127.0.0.1:40000").in_gate(false);
    assert_eq!(talk.send(&line), [PAID]);
    talk.reconnect("127.0.0.1:40001");
    assert_eq!(talk.send(&line), [refusal(Refusal::StampNotFound)]);
}

#[test]
fn a_wrong_stamp_at_a_full_gate_has_its_own_answer() {
    let mut talk = gate();
    talk.puzzle();
    let answers = talk.in_gate(true).send("3:no stamp\n");
    assert_eq!(answers, [refusal(Refusal::StampNotCorrect)]);
}
