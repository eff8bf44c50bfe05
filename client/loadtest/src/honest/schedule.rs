//! Honest clients that start at a fixed rate, whatever became of those before: the load that measures
//! latency.
//!
//! Clients that wait for each other would start fewer handshakes while a server is slow, and so leave
//! out the samples that matter (coordinated omission). Each client here is timed from the moment it was
//! due. A client that holds a puzzle when its connection is lost presents its stamp on a new one.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use super::client::{Client, Proof, Step};
use super::exchange::First;
use super::failure::Failure;
use super::results::{Results, Service};
use super::solvers::Solvers;
use crate::driver::dial::{Sources, Target};
use crate::driver::{Driver, News};

/// The first of the addresses. Attackers have none of them.
const FIRST_SOURCE: Ipv4Addr = Ipv4Addr::new(127, 2, 0, 1);
/// More addresses than clients that are not served yet, so that each client is alone at its source.
const SOURCES: u32 = 50_000;
/// The pause before a client connects again. Without it, clients would be a load themselves.
const PAUSE: Duration = Duration::from_millis(20);

/// When clients start, and how far away they are.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Clients that start per second, at least one.
    pub(crate) rate: u32,
    /// How long clients start. At least one does.
    pub(crate) time: Duration,
    /// The distances of the clients, in turn; at least one.
    pub(crate) distances: &'static [Duration],
    /// How long a client may wait for the server, over all its connections.
    pub(crate) timeout: Duration,
}

/// Lets clients start as `plan` says, and waits for the end of each. The latencies exclude solving and
/// distance.
///
/// # Errors
/// The operating system's, except those of a connection.
pub(crate) fn run(target: Target, plan: &Plan) -> io::Result<Results> {
    let driver = Driver::new(target, plan.timeout)?;
    let solvers = Solvers::start(driver.waker()?);
    let mut clients = Clients {
        driver,
        solvers,
        sources: Sources::new(FIRST_SOURCE, SOURCES),
        clients: BTreeMap::new(),
        timers: BTreeSet::new(),
        timeout: plan.timeout,
        results: Results::default(),
        start: Instant::now(),
    };
    clients.run(plan)?;
    Ok(clients.results.conclude(clients.start.elapsed()))
}

struct Clients {
    driver: Driver,
    solvers: Solvers,
    sources: Sources,
    /// Those not served yet, by their number.
    clients: BTreeMap<u64, Client>,
    /// When which of them does its next step.
    timers: BTreeSet<(Instant, u64)>,
    /// How long a client may wait for the server, over all its connections.
    timeout: Duration,
    results: Results,
    start: Instant,
}

impl Clients {
    fn run(&mut self, plan: &Plan) -> io::Result<()> {
        let count = (plan.time.as_secs_f64() * f64::from(plan.rate))
            .ceil()
            .max(1.0) as u64;
        let mut started = 0;
        let start = self.start;
        let due = |number| start + Duration::from_secs_f64(number as f64 / f64::from(plan.rate));
        let mut distances = plan.distances.iter().cycle();
        loop {
            while started < count && due(started) <= Instant::now() {
                let distance = distances.next().copied().unwrap_or_default();
                self.start_client(started, due(started), distance)?;
                started += 1;
            }
            self.step()?;
            if started == count && self.clients.is_empty() && self.driver.is_done() {
                return Ok(());
            }
            let timer = self.timers.first().map(|(at, _)| *at);
            let next_due = (started < count).then(|| due(started));
            let wake = next_due.into_iter().chain(timer).min();
            for news in self.driver.turn(wake)? {
                self.on_news(news);
            }
            let solved: Vec<_> = self.solvers.stamps().collect();
            for (number, stamp) in solved {
                self.on_stamp(number, stamp);
            }
        }
    }

    fn start_client(&mut self, number: u64, due: Instant, distance: Duration) -> io::Result<()> {
        self.results.intervals.add_due(due - self.start);
        let client = Client::new(self.sources.next(), distance, due);
        self.clients.insert(number, client);
        self.connect(number)
    }

    /// Connects a client. Its first message is sent at once or, if it is far away, later.
    fn connect(&mut self, number: u64) -> io::Result<()> {
        let Some(client) = self.clients.get_mut(&number) else {
            return Ok(());
        };
        let now = Instant::now();
        client.stamp_is_sent(now);
        client.started += client.distance;
        let first = match client.stamp() {
            _ if !client.distance.is_zero() => First::Later,
            Some(stamp) => First::Stamp(stamp),
            None => First::Request,
        };
        let (source, started) = (client.source, client.started);
        let at = (!client.distance.is_zero()).then(|| now + client.distance);
        client.connection = self.driver.open(number, source, started, first)?;
        if let Some(at) = at {
            self.schedule(number, at, Step::Begin);
        }
        Ok(())
    }

    fn reconnect(&mut self, number: u64) -> io::Result<()> {
        if let Some(client) = self.clients.get_mut(&number) {
            client.reconnections += 1;
        }
        self.connect(number)
    }

    /// Does the steps that are due.
    fn step(&mut self) -> io::Result<()> {
        let now = Instant::now();
        while let Some(&(at, number)) = self.timers.first()
            && at <= now
        {
            self.timers.pop_first();
            let Some(client) = self.clients.get_mut(&number) else {
                continue;
            };
            let step = client.next.take().map(|(_, step)| step);
            match (step, client.connection) {
                (Some(Step::Begin), Some(id)) => {
                    let stamp = client.stamp();
                    self.driver.begin(id, stamp);
                }
                (Some(Step::Pay), Some(id)) => {
                    let own = client.stamp_is_sent(now);
                    let stamp = client.stamp().unwrap_or_default();
                    self.driver.pay(id, &stamp, own);
                }
                (Some(Step::Pay | Step::Reconnect), None) => self.reconnect(number)?,
                (Some(Step::Begin), None) | (Some(Step::Reconnect), Some(_)) | (None, _) => {}
            }
        }
        Ok(())
    }

    fn schedule(&mut self, number: u64, at: Instant, step: Step) {
        if let Some(client) = self.clients.get_mut(&number) {
            if let Some((old, _)) = client.next.replace((at, step)) {
                self.timers.remove(&(old, number));
            }
            self.timers.insert((at, number));
        }
    }

    fn on_news(&mut self, news: News) {
        match news {
            News::Puzzle {
                client, challenge, ..
            } => {
                if let Some(client) = self.clients.get_mut(&client) {
                    client.proof = Proof::Solving(Instant::now());
                }
                self.results.add_puzzle(challenge.difficulty());
                self.solvers.solve(client, challenge);
            }
            News::Served { client, latency } => {
                if let Some(client) = self.remove(client) {
                    // The client's own time is excluded, as in the latency.
                    let served = client.due + latency - self.start;
                    self.results.intervals.add_served(served);
                    self.results.succeed(Service {
                        latency,
                        wait: latency + (client.started - client.due),
                        reconnections: client.reconnections,
                    });
                }
            }
            News::Failed { client, failure } => self.on_failure(client, failure),
        }
    }

    fn on_failure(&mut self, number: u64, failure: Failure) {
        let Some(client) = self.clients.get_mut(&number) else {
            return;
        };
        client.connection = None;
        // A server that refuses connections fails before the time limit of a connection is looked at.
        let is_late = client.started.elapsed() >= self.timeout;
        match client.proof {
            Proof::Solving(_) | Proof::Solved(..) if failure.is_passing => {}
            Proof::Sent(_) if failure.is_passing && !is_late => {
                self.schedule(number, Instant::now() + PAUSE, Step::Reconnect);
            }
            _ => {
                self.remove(number);
                self.results.fail(failure.kind);
            }
        }
    }

    /// Lets a client pay with the stamp that was found, or connect again if it has lost its connection.
    fn on_stamp(&mut self, number: u64, stamp: Vec<u8>) {
        let Some(client) = self.clients.get_mut(&number) else {
            return;
        };
        if let Proof::Solving(received) = client.proof {
            client.proof = Proof::Solved(received, stamp);
            let pause = if client.connection.is_some() {
                client.distance
            } else {
                Duration::ZERO
            };
            self.schedule(number, Instant::now() + pause, Step::Pay);
        }
    }

    fn remove(&mut self, number: u64) -> Option<Client> {
        let client = self.clients.remove(&number)?;
        if let Some((at, _)) = client.next {
            self.timers.remove(&(at, number));
        }
        Some(client)
    }
}

#[cfg(test)]
mod tests;
