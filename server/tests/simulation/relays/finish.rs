//! What must hold when a world has ended: everything was given back, and every stream was what it seemed to be.

use std::ops::AddAssign;

use powtcp_common::refusal::Refusal;
use powtcp_server::relay::Ending;

use super::checks::CONNECTED;
use super::client::Client;
use super::link::Close;
use super::peer::stream;
use super::upstream::Mood;
use super::world::World;
use crate::support::answers::refusal;

/// How often what tests must cover has happened.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Tally {
    /// Relays, by how they ended.
    pub(crate) endings: [u64; Ending::ALL.len()],
    /// Relays whose first address failed, and that were connected.
    pub(crate) second_address: u64,
    /// Relays that were refused after a full backlog, and that were connected after one.
    pub(crate) retried: [u64; 2],
    /// Stamps that were presented again, and refused or accepted.
    pub(crate) stamps: [u64; 2],
    /// Clients that found no place.
    pub(crate) busy: u64,
}

impl World {
    /// Checks the end of a world: everything is given back, and every stream was what it seemed to be.
    pub(crate) fn check_end(&mut self) -> Tally {
        assert!(self.relays.is_empty() && !self.relays.is_busy());
        assert_eq!(self.relays.counts(), [0, 0]);
        assert_eq!(self.relays.kept(), 0);
        let limits = self.shared.relay_limits.as_ref().expect("a gate");
        assert_eq!(limits.total(), 0);
        assert_eq!(self.shared.timers.waiting(), self.connections.len());
        assert_eq!(self.air.sockets.get(), self.connections.len());
        for client in &self.clients {
            self.check_streams(client);
        }
        for index in 0..self.clients.len() {
            self.check_stamp(index);
        }
        self.tally()
    }

    fn tally(&self) -> Tally {
        let mut tally = Tally {
            endings: self.endings(),
            ..Tally::default()
        };
        let busy = refusal(Refusal::ServerBusy) + "\n";
        for client in &self.clients {
            tally.busy += u64::from(client.peer.link.borrow().ends_with(busy.as_bytes()));
            if let Some(is_good) = client.has_good_stamp {
                tally.stamps[usize::from(is_good)] += 1;
            }
            let was_full = client
                .attempts
                .iter()
                .any(|&(_, mood)| mood == Mood::IsFull);
            let is_connected = client.line(client.puzzles).as_deref() == Some(CONNECTED);
            if let Some(&(index, mood)) = client.attempts.last() {
                tally.second_address += u64::from(index > 0 && is_connected);
                if was_full && (mood.fails() || is_connected) {
                    tally.retried[usize::from(is_connected)] += 1;
                }
            }
        }
        tally
    }

    /// Presents a stamp again, and checks that it is accepted only if its client was not relayed.
    fn check_stamp(&mut self, index: usize) {
        let client = &self.clients[index];
        if let (Some(line), Some(is_good)) = (client.stamp.clone(), client.has_good_stamp) {
            let ending = client.ending;
            let is_accepted = self.present(client.address, &line);
            assert_eq!(is_accepted, is_good, "a stamp after {ending:?}");
        }
    }

    /// Checks what both peers of a relay have got, when nothing more comes.
    fn check_streams(&self, client: &Client) {
        let link = client.peer.link.borrow();
        let Some(line) = client.line(client.puzzles) else {
            return;
        };
        let unavailable = refusal(Refusal::ServiceUnavailable);
        if line != CONNECTED {
            let is_shutdown = line == refusal(Refusal::ShuttingDown);
            assert!(line == unavailable || is_shutdown || line == refusal(Refusal::ServerBusy));
            if link.is_relayed && line == unavailable {
                assert_ne!(client.has_good_stamp, Some(false));
            }
            return;
        }
        let service = client.service.map(|index| &self.services[index].peer);
        let service = service.expect("connected without a service");
        let other = service.link.borrow();
        let head = client.puzzles_len() + CONNECTED.len() + 1;
        let down = &link.received[head..];
        assert!(
            down == stream(service.number, 0, down.len()),
            "bytes differ"
        );
        let up = &other.received;
        assert!(
            *up == stream(client.peer.number, 0, up.len()),
            "bytes differ"
        );
        if !link.reset {
            let is_whole = other.ended && down.len() == service.sent;
            assert!(!link.shut || is_whole, "a cut stream looks complete");
            assert!(link.shut || link.closed == Some(Close::Rst));
        }
        if !other.reset {
            let is_whole = link.ended && up.len() == client.peer.sent;
            assert!(!other.shut || is_whole, "a cut stream looks complete");
            assert!(other.shut || other.closed == Some(Close::Rst));
        }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        let add = |sums: &mut [u64], more: &[u64]| {
            for (sum, more) in sums.iter_mut().zip(more) {
                *sum += more;
            }
        };
        add(&mut self.endings, &other.endings);
        add(&mut self.retried, &other.retried);
        add(&mut self.stamps, &other.stamps);
        self.second_address += other.second_address;
        self.busy += other.busy;
    }
}
