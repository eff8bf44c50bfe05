//! Guards fairness between sources: first the rule in single examples, then `Limits` against a model
//! through random connects, changes and disconnects.

use std::net::{IpAddr, Ipv4Addr};

use powtcp_server::admission::Limits;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::support::fairness::{Admission, Bounds, Fairness, Source, Standing, WhenFull};

const SOURCES: u8 = 3;

fn source(number: u8) -> Source {
    Source::from(IpAddr::V4(Ipv4Addr::new(10, 0, 0, number)))
}

fn limits(connections: usize, per_source: u32, when_full: WhenFull) -> Limits {
    Limits::new(Bounds {
        connections,
        per_source,
        when_full,
    })
}

/// Returns a full table that evicts. Its connections are keyed by their index in `sources`, which
/// holds the source of each.
fn full(sources: &[u8]) -> Limits {
    let mut limits = limits(sources.len(), 0, WhenFull::Evict);
    for (key, &number) in sources.iter().enumerate() {
        limits.enter(key, source(number));
    }
    limits
}

/// Expects a newcomer to evict the connection with `key`.
#[track_caller]
fn gives_way(limits: &mut Limits, newcomer: u8, key: usize) {
    assert_eq!(limits.admission(source(newcomer), 0), Admission::Evict(key));
}

#[test]
fn all_newcomers_are_admitted_until_all_slots_are_taken() {
    let mut limits = limits(2, 0, WhenFull::Refuse);
    for key in 0..2 {
        assert_eq!(limits.admission(source(1), 0), Admission::Admit);
        limits.enter(key, source(1));
    }
    assert_eq!(limits.admission(source(1), 0), Admission::TurnAway);
    assert_eq!(limits.admission(source(2), 0), Admission::TurnAway);
    limits.leave(0);
    assert_eq!(limits.admission(source(2), 0), Admission::Admit);
}

/// Returns a full table that evicts: `crowd` connections of source 1, then those of `others`.
fn crowded(crowd: usize, others: &[u8]) -> Limits {
    full(&[&vec![1; crowd], others].concat())
}

#[test]
fn the_source_with_most_connections_gives_way_to_a_new_source() {
    gives_way(&mut crowded(9, &[2, 3]), 4, 0);
    gives_way(&mut full(&[&[2, 3][..], &[1; 9]].concat()), 4, 2);
}

#[test]
fn sources_with_up_to_eight_connections_count_as_equal() {
    let mut limits = full(&[&[2][..], &[1; 8]].concat());
    gives_way(&mut limits, 3, 0);
    gives_way(&mut limits, 2, 0);
    // The newcomer is the ninth of its source.
    gives_way(&mut limits, 1, 1);
}

#[test]
fn a_flood_of_one_source_evicts_its_own_connections() {
    let mut limits = full(&[&[2][..], &[1; 9]].concat());
    for newest in 0..100 {
        let oldest = 1 + newest % 9;
        gives_way(&mut limits, 1, oldest);
        limits.leave(oldest);
        limits.enter(oldest, source(1));
    }
    assert_eq!(limits.standing(0), Some(Standing::Fresh));
}

#[test]
fn a_source_with_nothing_to_give_up_evicts_nothing_of_a_smaller_one() {
    let mut limits = crowded(9, &[2, 3]);
    for key in 0..9 {
        limits.place(key, Standing::Delivering);
    }
    assert_eq!(limits.admission(source(1), 0), Admission::TurnAway);
    gives_way(&mut limits, 2, 9);
    gives_way(&mut limits, 4, 9);
}

#[test]
fn a_puzzle_holder_counts_as_younger_by_seven_eighths_of_the_table() {
    // Of 16 connections, the first holds a puzzle: it is as young as the connection admitted 14 later.
    let sources: Vec<u8> = (0..16).collect();
    let mut limits = full(&sources);
    limits.place(0, Standing::Puzzled);
    for newcomer in 1..=13 {
        gives_way(&mut limits, 100 + newcomer, usize::from(newcomer));
        limits.leave(newcomer.into());
        limits.enter(newcomer.into(), source(100 + newcomer));
    }
    // Keys 0 (0 + 14) and 14 are equally old now, and the one that was admitted first goes first.
    gives_way(&mut limits, 200, 0);
    limits.leave(0);
    limits.enter(0, source(200));
    gives_way(&mut limits, 201, 14);
}

#[test]
fn a_client_has_an_eighth_of_the_table_to_ask_in_a_flood_of_single_clients_that_all_ask() {
    let sources: Vec<u8> = (0..64).collect();
    let mut limits = full(&sources);
    for key in 0..64 {
        limits.place(key, Standing::Puzzled);
    }
    // The honest client is the next newcomer. It evicts key 0, and takes its place.
    gives_way(&mut limits, 100, 0);
    limits.leave(0);
    limits.enter(0, source(100));
    for newcomer in 1..=8_u8 {
        assert_eq!(limits.standing(0), Some(Standing::Fresh), "{newcomer}");
        let Admission::Evict(victim) = limits.admission(source(100 + newcomer), 0) else {
            panic!("a full table evicts");
        };
        assert_ne!(victim, 0, "after {newcomer} newcomers");
        limits.leave(victim);
        limits.enter(victim, source(100 + newcomer));
        limits.place(victim, Standing::Puzzled);
    }
}

#[test]
fn another_puzzle_makes_no_connection_younger() {
    let mut limits = full(&[1, 2]);
    limits.place(0, Standing::Puzzled);
    limits.place(1, Standing::Puzzled);
    limits.place(0, Standing::Puzzled);
    gives_way(&mut limits, 3, 0);
}

#[test]
fn the_order_of_requests_does_not_change_the_order_of_age() {
    let mut limits = full(&[1, 1, 1]);
    for key in [2, 0, 1] {
        limits.place(key, Standing::Puzzled);
    }
    for key in 0..3 {
        gives_way(&mut limits, 2, key);
        limits.leave(key);
        limits.enter(key, source(2));
        limits.place(key, Standing::Delivering);
    }
}

#[test]
fn a_connection_with_an_answer_in_delivery_is_not_evicted() {
    let mut limits = full(&[1, 1, 2]);
    limits.place(0, Standing::Delivering);
    limits.place(1, Standing::Delivering);
    gives_way(&mut limits, 1, 2);
    limits.place(2, Standing::Delivering);
    assert_eq!(limits.admission(source(3), 0), Admission::TurnAway);
    assert_eq!(limits.admission(source(1), 0), Admission::TurnAway);
}

#[test]
fn lingering_connections_go_first_and_count_for_no_source_under_either_policy() {
    for when_full in [WhenFull::Evict, WhenFull::Refuse] {
        let mut limits = limits(3, 2, when_full);
        for (key, number) in [1, 1, 2].into_iter().enumerate() {
            limits.enter(key, source(number));
        }
        assert_eq!(limits.admission(source(1), 0), Admission::TurnAway);
        limits.place(2, Standing::Lingering);
        limits.place(1, Standing::Lingering);
        assert_eq!(limits.held_by(source(1)), 1);
        assert_eq!(limits.held_by(source(2)), 0);
        gives_way(&mut limits, 1, 2);
        limits.leave(2);
        assert_eq!(limits.admission(source(1), 0), Admission::Admit);
    }
}

#[test]
fn no_source_exceeds_its_share_even_if_there_is_room() {
    let mut limits = limits(10, 2, WhenFull::Evict);
    limits.enter(0, source(1));
    assert_eq!(limits.admission(source(1), 0), Admission::Admit);
    limits.enter(1, source(1));
    assert_eq!(limits.admission(source(1), 0), Admission::TurnAway);
    assert_eq!(limits.admission(source(2), 0), Admission::Admit);
    limits.place(0, Standing::Delivering);
    assert_eq!(limits.admission(source(1), 0), Admission::TurnAway);
    limits.leave(0);
    assert_eq!(limits.admission(source(1), 0), Admission::Admit);
}

/// One change.
#[derive(Debug, Clone)]
enum Step {
    /// A connection of this source arrives, and gets a free key if it is admitted.
    Connect(u8, Index),
    Place(Index, Standing),
    Leave(Index),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let standing = select(&Standing::ALL[..]);
    let step = prop_oneof![
        4 => (0..SOURCES, any::<Index>()).prop_map(|(number, key)| Step::Connect(number, key)),
        4 => (any::<Index>(), standing).prop_map(|(which, standing)| Step::Place(which, standing)),
        1 => any::<Index>().prop_map(Step::Leave),
    ];
    vec(step, 1..300)
}

fn bounds() -> impl Strategy<Value = Bounds> {
    let when_full = select(&[WhenFull::Evict, WhenFull::Evict, WhenFull::Refuse][..]);
    let per_source = prop_oneof![2 => Just(0), 1 => 1..6_u32];
    (1..32_usize, per_source, when_full).prop_map(|(connections, per_source, when_full)| Bounds {
        connections,
        per_source,
        when_full,
    })
}

/// `Limits` and its model.
struct Pair {
    limits: Limits,
    model: Fairness,
}

impl Pair {
    fn take(&mut self, step: Step) {
        let key_of = |which: Index| match self.model.held() {
            [] => None,
            held => Some(which.get(held).key),
        };
        match step {
            Step::Connect(number, key) => self.connect(source(number), key),
            Step::Place(which, standing) => {
                if let Some(key) = key_of(which) {
                    self.limits.place(key, standing);
                    self.model.place(key, standing);
                }
            }
            Step::Leave(which) => {
                if let Some(key) = key_of(which) {
                    self.leave(key);
                }
            }
        }
    }

    fn connect(&mut self, source: Source, key: Index) {
        match self.model.admission(source) {
            Admission::Admit => {}
            Admission::Evict(victim) => self.leave(victim),
            Admission::TurnAway => return,
        }
        let slots = 0..self.limits.bounds().connections;
        let free: Vec<usize> = slots
            .filter(|&key| self.model.standing(key).is_none())
            .collect();
        let key = *key.get(&free);
        self.limits.enter(key, source);
        self.model.enter(key, source);
    }

    fn leave(&mut self, key: usize) {
        self.limits.leave(key);
        self.model.leave(key);
    }

    fn check(&mut self) -> Result<(), TestCaseError> {
        let Self { limits, model } = self;
        for standing in Standing::ALL {
            prop_assert_eq!(limits.count(standing), model.count(standing));
        }
        for key in 0..=limits.bounds().connections {
            prop_assert_eq!(limits.standing(key), model.standing(key));
        }
        for source in (0..=SOURCES).map(source) {
            prop_assert_eq!(limits.held_by(source), model.held_by(source));
            prop_assert_eq!(limits.admission(source, 0), model.admission(source));
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn limits_agree_with_the_model_after_random_steps(bounds in bounds(), steps in steps()) {
        let mut pair = Pair { limits: Limits::new(bounds), model: Fairness::new(bounds) };
        for step in steps {
            pair.take(step);
            pair.check()?;
        }
    }
}
