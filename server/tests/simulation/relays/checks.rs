//! What must hold for relays after every step, and at the end of every turn.

use std::net::IpAddr;
use std::time::Duration;

use powtcp_common::refusal::Refusal;
use powtcp_server::relay::{Ending, Side};

use super::client::Client;
use super::link::{Close, Link, Phase};
use super::upstream::Mood;
use super::world::World;
use crate::support::answers::refusal;

/// A deadline fires up to two ticks late, and the clock jumps up to a millisecond too far.
const LATE: Duration = Duration::from_millis(34);
/// How long a client may take the answer of an upstream that is gone.
const ANSWER_TIME: Duration = Duration::from_secs(2);
/// Turns in which busy relays may move nothing: each may find that a side would block.
const IDLE_TURNS: u32 = 4;
/// Bytes that one relay may keep: a read in each direction.
const MAX_KEPT: usize = 2 * 128 * 1024;
/// The line that the client gets before the bytes of the upstream.
pub(super) const CONNECTED: &str = "4:connected";

impl World {
    /// Checks the relays that have ended in a step. `before`: the endings that were counted before.
    pub(super) fn observe(&mut self, before: [u64; Ending::ALL.len()]) {
        let now = self.now();
        let after = self.endings();
        let counted = |ending: &Ending| after[*ending as usize] > before[*ending as usize];
        let endings: Vec<Ending> = Ending::ALL.into_iter().filter(counted).collect();
        let mut over = Vec::new();
        for (index, client) in self.clients.iter_mut().enumerate() {
            let link = client.peer.link.borrow();
            if link.is_relayed && client.begun.is_none() {
                client.begun = Some(now);
            }
            if link.is_relayed && !client.is_over && link.relay().is_none() {
                client.is_over = true;
                over.push(index);
            }
        }
        let ended = after.iter().sum::<u64>() - before.iter().sum::<u64>();
        assert_eq!(ended, over.len() as u64, "each end is counted once");
        // Where relays have ended in several ways at once, it is not known which ended how.
        if let [ending] = endings[..] {
            for index in over {
                self.check_ending(index, ending);
            }
        }
        let limits = self.shared.relay_limits.as_ref().expect("a gate");
        let most = self.connections.len() + 2 * limits.total();
        assert!(self.air.sockets.get() <= most, "a descriptor is left");
    }

    /// Checks that a client that was just told that the server is busy finds no place.
    pub(super) fn check_busy(&self, link: &Link) {
        if link.ends_with(format!("{}\n", refusal(Refusal::ServerBusy)).as_bytes()) {
            let limits = self.shared.relay_limits.as_ref().expect("a gate");
            let source = self.clients[link.client].address.ip().into();
            assert!(limits.is_full_for(source), "busy while there is a place");
        }
    }

    /// Checks that a shutdown has told the clients whose upstream was being connected, and reset the others.
    pub(super) fn check_returned(&self, connecting: usize) {
        let is_returned = |client: &&Client| {
            let is_shutdown = client.ending == Some(Ending::Shutdown);
            is_shutdown && client.has_good_stamp == Some(true)
        };
        assert_eq!(self.clients.iter().filter(is_returned).count(), connecting);
    }

    /// Checks what must hold when the loop would sleep.
    pub(super) fn check_turn(&mut self) {
        let moved = |link: &Link| link.read + link.written;
        let moved: usize = self.links().map(|link| moved(&link.borrow())).sum();
        let (turns, before) = self.idle_turns;
        let is_idle = self.relays.is_busy() && moved == before;
        self.idle_turns = (if is_idle { turns + 1 } else { 0 }, moved);
        assert!(turns < IDLE_TURNS, "the loop is busy for nothing");
        let limits = self.shared.relay_limits.as_ref().expect("a gate");
        let is_relay = |client: &&Client| client.peer.link.borrow().relay().is_some();
        let relays: Vec<&Client> = self.clients.iter().filter(is_relay).collect();
        let [connecting, open] = self.relays.counts();
        assert_eq!(connecting + open, relays.len());
        assert_eq!(limits.total(), relays.len());
        assert!(limits.total() <= limits.max());
        for source in 0..4 {
            let source = IpAddr::from([10, 0, 0, source]);
            let of_source = |client: &&&Client| client.address.ip() == source;
            let held = relays.iter().filter(of_source).count();
            assert_eq!(limits.held_by(source.into()) as usize, held);
        }
        let timed = if self.idle_timeout.is_zero() {
            connecting
        } else {
            connecting + open
        };
        // A client whose upstream is gone is given some time to take the answer.
        let is_lost = |client: &&&Client| {
            let service = client.service.map(|index| &self.services[index].peer);
            service.is_some_and(|service| service.link.borrow().reset)
        };
        let lost = if self.idle_timeout.is_zero() {
            relays.iter().filter(is_lost).count()
        } else {
            0
        };
        let timers = self.shared.timers.waiting() - self.connections.len();
        assert!((timed..=timed + lost).contains(&timers), "{timers} timers");
        for client in &relays {
            let link = client.peer.link.borrow();
            assert!(!link.reset || link.event, "a reset is not noticed");
        }
        assert!(self.relays.kept() <= open * MAX_KEPT);
        if !self.relays.is_busy() {
            for client in relays {
                self.check_progress(client);
            }
        }
        if open == 0 {
            assert_eq!(self.relays.kept(), 0);
        }
    }

    /// Checks that a relay ended for a reason, and tells both sides what happened.
    fn check_ending(&mut self, index: usize, ending: Ending) {
        use Ending::{
            ClientClosed, ClientReset, Idle, Shutdown, UpstreamClosed, UpstreamRefused,
            UpstreamReset, UpstreamTimedOut,
        };
        let now = self.now();
        let client = &self.clients[index];
        check_order(&client.attempts);
        let link = client.peer.link.borrow();
        let service = client.service.map(|index| &self.services[index]);
        let service = service.map(|service| service.peer.link.borrow());
        let is_given_back = !link.closes_with_reset;
        let (last_index, last_mood) = *client.attempts.last().expect("an attempt");
        let dialed_for = now - client.begun.expect("a time");
        match (ending, service) {
            (ClientClosed | UpstreamClosed, Some(service)) => {
                assert!(link.ended && link.shut && link.closed == Some(Close::Fin));
                assert!(service.ended && (service.shut || service.reset));
                assert!(!service.closes_with_reset);
            }
            (ClientReset, _) => assert!(link.reset),
            (UpstreamReset, Some(service)) => {
                let is_delivered = service.inbound.is_empty() && link.shut;
                let waited = now - link.last_write;
                let is_clean = service.ended && !(is_delivered && waited >= ANSWER_TIME);
                assert!(service.reset && !is_clean, "a clean end became a reset");
            }
            (Idle, Some(service)) => {
                let last_write = link.last_write.max(service.last_write);
                let idle = now - last_write;
                // Bytes that an upstream took and then refused are no traffic.
                assert!(service.reset || idle >= self.idle_timeout);
                assert!(!self.idle_timeout.is_zero());
                let is_recent = last_write >= client.begun.unwrap_or_default();
                assert!(!is_recent || idle <= self.idle_timeout + self.connect_timeout + LATE);
            }
            (Shutdown, _) => assert!(self.is_shutting_down),
            (UpstreamRefused, _) => {
                assert_eq!(last_index, self.addresses - 1, "an address was not tried");
                assert!(last_mood.fails(), "{last_mood:?} is no refusal");
                assert!(dialed_for <= self.connect_timeout + LATE);
            }
            (UpstreamTimedOut, _) => {
                let has_time = self.connect_timeout >= Duration::from_millis(500);
                assert!(
                    !has_time || last_index == self.addresses - 1,
                    "an address got no time"
                );
                let moods = client.attempts.iter().map(|&(_, mood)| mood);
                assert!(moods.into_iter().any(Mood::takes_time));
                assert!(dialed_for <= self.connect_timeout + LATE);
            }
            (_, None) => panic!("{ending:?} without an upstream"),
        }
        let is_unserved = matches!(ending, UpstreamRefused | UpstreamTimedOut);
        assert!(!is_unserved || is_given_back);
        let is_good = is_unserved || ending == Shutdown && is_given_back;
        drop(link);
        let client = &mut self.clients[index];
        client.ending = Some(ending);
        client.has_good_stamp = Some(is_good);
    }

    /// Checks that bytes wait in the server only while their receiver has no room, and an end never.
    fn check_progress(&self, client: &Client) {
        let Some(service) = client.service.map(|index| &self.services[index].peer) else {
            return;
        };
        let (link, other) = (client.peer.link.borrow(), service.link.borrow());
        let is_open = other.relay().is_some_and(|(side, key)| {
            side == Side::Upstream && link.relay() == Some((Side::Client, key))
        });
        let is_quiet = |link: &Link| !link.event && !link.reset && link.phase == Phase::Established;
        if !is_open || !is_quiet(&link) || !is_quiet(&other) {
            return;
        }
        let stamp = client.stamp.as_ref().map_or(0, String::len);
        if other.has_room() {
            assert!(
                link.inbound.is_empty(),
                "bytes for the upstream are forgotten"
            );
            assert_eq!(link.read - stamp - 3 * client.puzzles, other.written);
            assert_eq!(link.ended, other.shut, "the client's end");
        }
        if link.has_room() {
            assert!(
                other.inbound.is_empty(),
                "bytes for the client are forgotten"
            );
            assert_eq!(
                other.read + CONNECTED.len() + 1,
                link.written - client.puzzles_len()
            );
            assert_eq!(other.ended, link.shut, "the upstream's end");
        }
    }
}

/// Checks that addresses were tried one after the other, and again only if their backlog was full.
fn check_order(attempts: &[(usize, Mood)]) {
    assert_eq!(attempts[0].0, 0);
    for pair in attempts.windows(2) {
        let step = usize::from(pair[0].1 != Mood::IsFull);
        assert_eq!(pair[1].0, pair[0].0 + step, "{attempts:?}");
    }
}
