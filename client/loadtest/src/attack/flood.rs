//! The attackers of one attack: connections are opened, and bytes sent, at the pace of the attack.
//!
//! A flood has a driver and a thread of its own, beside those of the honest clients, for two reasons: a
//! burst of attackers in the same loop would delay the honest clients and so count as the server's
//! latency; and this loop sleeps between its turns, so that the server loses processor time to the attack
//! and not to the making of it.

use std::io;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use super::pace::Pace;
use super::{Attack, Manner};
use crate::config::AttackPlan;
use crate::driver::Driver;
use crate::driver::dial::{Sources, Target};

/// The first address of the attackers; honest clients have others.
pub(super) const FIRST_SOURCE: Ipv4Addr = Ipv4Addr::new(127, 1, 0, 1);
/// How long the loop sleeps after a turn, unless connections are due that it had no time to open.
const TICK: Duration = Duration::from_millis(2);
/// Connections opened in one turn. Between turns, their answers are read.
const OPENS_PER_TURN: usize = 256;
/// The same for attackers that pay: they solve in this loop, so they are few enough for it to notice in
/// time that the attack is over.
const PAYING_OPENS_PER_TURN: usize = 4;

/// An attack in progress.
pub(crate) struct Flood {
    attack: &'static Attack,
    /// Connections held at the same time.
    most: usize,
    sources: Sources,
    opening: Pace,
    sending: Pace,
    /// The key of the attacker that sends next. It takes a second to go through all.
    sender: usize,
    driver: Driver,
}

impl Flood {
    /// Prepares an attack on `target` from `sources` addresses, or from the attack's own number.
    ///
    /// # Errors
    /// The operating system's.
    pub(crate) fn new(
        attack: &'static Attack,
        plan: &AttackPlan,
        sources: Option<u32>,
        target: Target,
    ) -> io::Result<Self> {
        let now = Instant::now();
        let burst = if attack.holds { plan.connections } else { 0 };
        Ok(Self {
            attack,
            most: plan.connections,
            sources: Sources::new(FIRST_SOURCE, sources.unwrap_or(attack.sources)),
            opening: Pace::new(f64::from(plan.rate.unwrap_or(attack.rate)), burst, now),
            sending: Pace::new(plan.connections as f64, 0, now),
            sender: 0,
            // The timeout is for exchanges: an attacker has no deadline.
            driver: Driver::new(target, Duration::ZERO)?,
        })
    }

    /// Attacks until `stop` is set, and replaces connections that end. Returns how many connections
    /// were established.
    ///
    /// # Errors
    /// There is no free descriptor, or another call of the operating system failed.
    pub(crate) fn run(mut self, stop: &AtomicBool) -> io::Result<u64> {
        while !stop.load(Relaxed) {
            let now = Instant::now();
            let more_due = self.open(now)?;
            self.send(now);
            if !more_due {
                thread::sleep(TICK);
            }
            self.driver.turn(Some(now))?;
        }
        self.driver.reset_attackers();
        Ok(self.driver.attackers_connected())
    }

    /// Opens connections that are due. Returns whether more are due than one turn opens.
    fn open(&mut self, now: Instant) -> io::Result<bool> {
        let room = self.most - self.driver.len();
        let due = self.opening.due(now).min(room);
        let count = due.min(if self.attack.manner == Manner::Pays {
            PAYING_OPENS_PER_TURN
        } else {
            OPENS_PER_TURN
        });
        self.opening.spend(count);
        for _ in 0..count {
            self.driver
                .open_attacker(self.attack, self.sources.next())?;
        }
        Ok(due > count)
    }

    /// Lets attackers send, each once a second. Their keys are less than `most`: the driver reuses the
    /// keys of closed connections first.
    fn send(&mut self, now: Instant) {
        if self.attack.each_second.is_empty() {
            return;
        }
        let due = self.sending.due(now);
        self.sending.spend(due);
        for _ in 0..due {
            self.driver.send_as_attacker(self.sender);
            self.sender = (self.sender + 1) % self.most;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attack::{ATTACKS, named};
    use powtcp_testkit::PATIENCE;
    use std::io::{ErrorKind, Read, Write};
    use std::net::{TcpListener, TcpStream as Peer};
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

    /// Attacks a server that plays `script`, with at most a hundred connections.
    fn attacked(attack: &'static Attack, script: impl FnOnce(TcpListener)) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let target = Target::new(listener.local_addr().unwrap(), false);
        let plan = AttackPlan {
            attacks: &[],
            connections: 100,
            rate: Some(1000),
            time: Duration::ZERO,
        };
        let flood = Flood::new(attack, &plan, Some(3), target).unwrap();
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let flood = scope.spawn(|| flood.run(&stop));
            // If the script fails, the flood must end too.
            let played = catch_unwind(AssertUnwindSafe(|| script(listener)));
            stop.store(true, Relaxed);
            assert!(flood.join().unwrap().unwrap() > 0);
            played.unwrap_or_else(|panic| resume_unwind(panic));
        });
    }

    fn the(name: &str) -> &'static Attack {
        &named(name).unwrap()[0]
    }

    /// Accepts an attacker, and expects that it begins as its attack says.
    fn next(listener: &TcpListener, attack: &Attack) -> Peer {
        let (mut peer, _) = listener.accept().unwrap();
        peer.set_read_timeout(Some(PATIENCE)).unwrap();
        expect(&mut peer, attack.first);
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
    fn some_send_each_second_even_if_the_server_has_closed_its_half() {
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
    fn linger_pays_and_stays_when_the_server_has_closed_its_half() {
        let attack = the("linger");
        attacked(attack, |listener| {
            let mut peer = next(&listener, attack);
            let puzzle = "1:1:261122105400:127.0.0.1/52386::YWJjZGVmZ2hpamts:";
            peer.write_all(format!("2:{puzzle}MA==\n").as_bytes())
                .unwrap();
            expect(&mut peer, format!("3:{puzzle}").as_bytes());
            peer.write_all(b"4:paid\n").unwrap();
            peer.shutdown(std::net::Shutdown::Write).unwrap();
            let mut rest = Vec::new();
            while rest.split(|byte| *byte == b'\n').nth(1) != Some(b"XX") {
                let mut byte = [0];
                peer.read_exact(&mut byte).unwrap();
                rest.extend(byte);
            }
        });
    }

    #[test]
    fn a_crowd_keeps_its_puzzles() {
        let attack = the("crowd");
        attacked(attack, |listener| {
            let mut peer = next(&listener, attack);
            peer.write_all(b"2:1:16:x:MA==\n").unwrap();
            peer.set_read_timeout(Some(Duration::from_millis(20)))
                .unwrap();
            assert_eq!(
                peer.read(&mut [0]).unwrap_err().kind(),
                ErrorKind::WouldBlock
            );
        });
    }

    #[test]
    fn churn_resets_its_connections() {
        let attack = the("churn");
        attacked(attack, |listener| {
            let mut peer = next(&listener, attack);
            let error = peer.read(&mut [0]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        });
    }
}
