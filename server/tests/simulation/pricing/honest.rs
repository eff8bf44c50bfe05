//! Honest clients: each comes once, from an address of its own.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use powtcp_server::time::Moment;

use super::server::Puzzle;
use super::tally::Side;
use super::world::{Actor, Stage};

/// The hashes a second of an honest client: a few cores of a laptop.
const HASH_RATE: f64 = 5e7;

/// How long an honest client tries.
const PATIENCE: Duration = Duration::from_secs(60);

/// Honest clients that arrive at random times, at this rate a second, without end.
pub(crate) struct Arrivals(pub(crate) f64);

impl Actor for Arrivals {
    fn act(&mut self, stage: &mut Stage, now: Moment) -> Option<Moment> {
        let address = Ipv4Addr::from_bits(stage.random.next() as u32);
        stage.enter(Client {
            address: IpAddr::V4(address),
            began: now,
            puzzle: None,
        });
        Some(now.after(stage.random.exponential(1.0 / self.0)))
    }
}

/// Requests a puzzle and solves it. If it is too late with its stamp, it starts again.
struct Client {
    address: IpAddr,
    began: Moment,
    puzzle: Option<Puzzle>,
}

impl Actor for Client {
    fn act(&mut self, stage: &mut Stage, now: Moment) -> Option<Moment> {
        let began = self.began.since(Moment::START).as_secs();
        let wait = now.since(self.began);
        if wait > PATIENCE || stage.server.is_full() {
            stage.tally.waits.push((began, None));
            return None;
        }
        if let Some(puzzle) = self.puzzle
            && stage.present(Side::Honest, &puzzle, now)
        {
            let wait = Some(wait.as_secs_f64());
            stage.tally.waits.push((began, wait));
            return None;
        }
        let puzzle = stage.ask(self.address, now);
        self.puzzle = Some(puzzle);
        Some(now.after(stage.solving_time(&puzzle, HASH_RATE)))
    }
}
