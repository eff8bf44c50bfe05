//! The attackers: one thread drives all their connections, and sleeps in between, so that what the
//! server loses to it is what the attack takes and not what making it costs.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use slab::Slab;

use super::attack::{Attack, Manner};
use super::attacker::{Attacker, Fate};
use super::config::AttackPlan;
use super::dial::{self, Sources};
use super::pace::Pace;

/// The first address of the attackers; honest clients have others.
const FIRST_SOURCE: Ipv4Addr = Ipv4Addr::new(127, 1, 0, 1);
/// How long a turn sleeps, unless connections are due that it had no time to open.
const TICK: Duration = Duration::from_millis(2);
/// Connections that one turn opens: their answers are read in between.
const OPENS_PER_TURN: usize = 256;
const EVENTS_PER_TURN: usize = 1024;
const BUFFER_LEN: usize = 4096;

/// An attack under way.
pub(super) struct Flood {
    attack: &'static Attack,
    server: SocketAddr,
    /// Connections held at once.
    most: usize,
    sources: Sources,
    attackers: Slab<Attacker>,
    /// When to open connections, and when to send to one that is open.
    opening: Pace,
    sending: Pace,
    /// Whose turn it is to send; it goes round once a second.
    sender: usize,
    poll: Poll,
    buffer: Vec<u8>,
    opened: u64,
}

impl Flood {
    /// An attack on `server` from `sources` addresses.
    pub(super) fn new(
        attack: &'static Attack,
        plan: &AttackPlan,
        sources: u32,
        server: SocketAddr,
    ) -> io::Result<Self> {
        let now = Instant::now();
        let burst = if attack.holds { plan.connections } else { 0 };
        Ok(Self {
            attack,
            server,
            most: plan.connections,
            sources: Sources::new(FIRST_SOURCE, sources),
            attackers: Slab::with_capacity(plan.connections),
            opening: Pace::new(f64::from(plan.rate), burst, now),
            sending: Pace::new(plan.connections as f64, 0, now),
            sender: 0,
            poll: Poll::new()?,
            buffer: vec![0; BUFFER_LEN],
            opened: 0,
        })
    }

    /// Attacks until `stop`; returns how many connections were made. Connections that end are replaced,
    /// at the attack's rate.
    ///
    /// # Errors
    /// This process ran out of something.
    pub(super) fn run(mut self, stop: &AtomicBool) -> io::Result<u64> {
        let mut events = Events::with_capacity(EVENTS_PER_TURN);
        while !stop.load(Relaxed) {
            let now = Instant::now();
            let more = self.open(now)?;
            self.send(now);
            if !more {
                thread::sleep(TICK);
            }
            match self.poll.poll(&mut events, Some(Duration::ZERO)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                result => result?,
            }
            for event in &events {
                self.on_event(event);
            }
        }
        for (_, attacker) in &self.attackers {
            attacker.will_reset();
        }
        Ok(self.opened)
    }

    /// Opens the connections that are due; returns whether some are left.
    fn open(&mut self, now: Instant) -> io::Result<bool> {
        let due = self.opening.due(now).min(self.most - self.attackers.len());
        let count = due.min(OPENS_PER_TURN);
        self.opening.spend(count);
        for _ in 0..count {
            match dial::start(self.sources.next(), self.server) {
                Ok(socket) => self.add(socket)?,
                Err(error) if dial::is_exhausted(&error) => return Err(error),
                // One that the server or the kernel turns away, another may replace.
                Err(_) => {}
            }
        }
        Ok(due > count)
    }

    fn add(&mut self, mut socket: TcpStream) -> io::Result<()> {
        // Who is never told that there is something to read never reads.
        let interest = match self.attack.manner {
            Manner::NeverReads => Interest::WRITABLE,
            _ => Interest::READABLE | Interest::WRITABLE,
        };
        let entry = self.attackers.vacant_entry();
        let token = Token(entry.key());
        self.poll
            .registry()
            .register(&mut socket, token, interest)?;
        entry.insert(Attacker::new(socket));
        Ok(())
    }

    /// Lets those send whose turn it is: a place in the table each, as it is never larger than `most`.
    fn send(&mut self, now: Instant) {
        let bytes = self.attack.each_second;
        if bytes.is_empty() {
            return;
        }
        let due = self.sending.due(now);
        self.sending.spend(due);
        for _ in 0..due {
            let key = self.sender;
            self.sender = (key + 1) % self.most;
            let attacker = self.attackers.get_mut(key);
            let connected = attacker.filter(|attacker| attacker.is_connected());
            if connected.is_some_and(|attacker| attacker.send(bytes) == Fate::Over) {
                self.attackers.remove(key);
            }
        }
    }

    fn on_event(&mut self, event: &Event) {
        let Token(key) = event.token();
        let Some(attacker) = self.attackers.get_mut(key) else {
            return;
        };
        let was_connected = attacker.is_connected();
        let fate = attacker.on_event(event, self.attack, &mut self.buffer);
        if !was_connected && attacker.is_connected() {
            self.opened += 1;
        }
        if fate == Fate::Over {
            self.attackers.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loadtest::attack::{ATTACKS, named};
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream as Peer};
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

    /// Attacks a server that plays `script`, with a hundred connections at most.
    fn attacked(attack: &'static Attack, script: impl FnOnce(TcpListener)) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = listener.local_addr().unwrap();
        let plan = AttackPlan {
            attacks: &[],
            connections: 100,
            rate: 1000,
            time: Duration::ZERO,
            json: false,
        };
        let flood = Flood::new(attack, &plan, 3, server).unwrap();
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let flood = scope.spawn(|| flood.run(&stop));
            // A script that fails must not leave the flood running.
            let played = catch_unwind(AssertUnwindSafe(|| script(listener)));
            stop.store(true, Relaxed);
            assert!(flood.join().unwrap().unwrap() > 0);
            played.unwrap_or_else(|panic| resume_unwind(panic));
        });
    }

    fn the(name: &str) -> &'static Attack {
        &named(name).unwrap()[0]
    }

    /// Takes in an attacker that has begun as its attack says.
    fn next(listener: &TcpListener, attack: &Attack) -> Peer {
        let (mut peer, _) = listener.accept().unwrap();
        // Reached only where an attacker sends nothing at all.
        peer.set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        expect(&mut peer, attack.at_once);
        peer
    }

    fn expect(peer: &mut Peer, bytes: &[u8]) {
        let mut read = vec![0; bytes.len()];
        peer.read_exact(&mut read).unwrap();
        assert_eq!(read, bytes);
    }

    #[test]
    fn attackers_come_from_their_addresses_in_turn_and_begin_as_their_attack_says() {
        for attack in &ATTACKS {
            attacked(attack, |listener| {
                let mut sources: Vec<_> = (0..3)
                    .map(|_| {
                        let peer = next(&listener, attack);
                        peer.peer_addr().unwrap().ip().to_string()
                    })
                    .collect();
                sources.sort_unstable();
                assert_eq!(sources, ["127.1.0.1", "127.1.0.2", "127.1.0.3"]);
            });
        }
    }

    #[test]
    fn attackers_whose_connections_end_are_replaced() {
        for attack in &ATTACKS {
            attacked(attack, |listener| {
                for _ in 0..300 {
                    drop(listener.accept().unwrap());
                }
            });
        }
    }

    #[test]
    fn some_send_once_a_second_even_if_the_server_has_closed_its_half() {
        for name in ["slowloris", "never-read", "endless-line"] {
            let attack = the(name);
            attacked(attack, |listener| {
                let mut peer = next(&listener, attack);
                if attack.manner == Manner::NeverReads {
                    peer.shutdown(std::net::Shutdown::Write).unwrap();
                }
                expect(&mut peer, attack.each_second);
            });
        }
    }

    #[test]
    fn a_puzzle_is_sent_back_as_a_stamp() {
        let attack = the("wrong-stamp");
        attacked(attack, |listener| {
            let mut peer = next(&listener, attack);
            peer.write_all(b"2:1:16:x:MA==\n").unwrap();
            expect(&mut peer, b"3:1:16:x:MA==\n");
        });
    }

    #[test]
    fn churn_resets_its_connections() {
        attacked(the("churn"), |listener| {
            let (mut peer, _) = listener.accept().unwrap();
            let error = peer.read(&mut [0]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        });
    }
}
