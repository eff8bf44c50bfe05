//! Which connections are admitted, and which one is evicted when the table is full: fairness between
//! sources.
//!
//! A full table of N connections makes room by longest-queue-drop: the source that holds the most
//! connections, the newcomer included, loses its oldest one. So a flood from a few sources evicts its own
//! connections, whatever its rate. Sources with up to eight connections count as equal: a client
//! behind a shared address is no worse off than one that is alone.
//!
//! Age is counted in admissions. A connection that holds a puzzle counts as younger by 7N/8 admissions
//! than one that has requested nothing. So in a flood from more sources than slots each client has N/8
//! admissions of time to request its puzzle, even if every other connection does so at once, and the
//! rest of the table's turnover to solve it.
//!
//! A connection that has got its last answer only waits for its peer to close; it counts against no
//! source and is evicted first.
//!
//! Each step takes time logarithmic in the number of sources and independent of the number of
//! connections. The one exception is ranking all sources, when a table that was half empty becomes full.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::ring::{Member, Progress, Ring};
use super::victim::{EQUAL_SOURCES, Holding, Rank, VictimOrder};
use super::{Source, Standing};

/// What to do with a newcomer when the table is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenFull {
    /// Evict a connection of the busiest source.
    Evict,
    /// Turn the newcomer away.
    Refuse,
}

/// The bounds of the table; set by the operator.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Connections held at once. It bounds memory.
    pub connections: usize,
    /// Connections held at once by one source, 0 for no bound. It stops a single source from holding
    /// all slots of a server that does not evict.
    pub per_source: u32,
    /// What to do when `connections` are held.
    pub when_full: WhenFull,
}

/// The decision about a newcomer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// There is a free slot.
    Admit,
    /// There is a slot once the connection with this key is evicted.
    Evict(usize),
    /// There is no slot.
    TurnAway,
}

/// All connections, by source and standing. They are identified by the keys of a slab, which reuses
/// the key of a connection that was removed.
#[derive(Debug)]
pub struct Limits {
    bounds: Bounds,
    /// By key; 24 bytes for each connection.
    members: Vec<Member>,
    /// Sources that hold a slot. Together with `ranking` about 60 bytes for each.
    sources: BTreeMap<Source, Holding>,
    /// The best victim of every source that has one, the best of all first. It exists from when the
    /// table is full until half of it is free, so that a server without an attack does not pay for it.
    ranking: Option<BTreeSet<Rank>>,
    lingering: Ring,
    counts: [usize; Standing::ALL.len()],
    /// Connections admitted so far.
    admitted: u64,
}

impl Limits {
    /// Creates an empty table.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            members: Vec::with_capacity(bounds.connections),
            sources: BTreeMap::new(),
            ranking: None,
            lingering: Ring::default(),
            counts: [0; Standing::ALL.len()],
            admitted: 0,
        }
    }

    /// Returns the bounds of the table.
    pub fn bounds(&self) -> Bounds {
        self.bounds
    }

    fn len(&self) -> usize {
        self.counts.iter().sum()
    }

    /// Returns the number of connections of this standing.
    pub fn count(&self, standing: Standing) -> usize {
        self.counts[standing as usize]
    }

    /// Returns the standing of the connection with this key, or `None` if there is no such connection.
    pub fn standing(&self, key: usize) -> Option<Standing> {
        self.members.get(key)?.progress.standing()
    }

    /// Returns the source and the standing of the connection with this key.
    pub fn position(&self, key: usize) -> Option<(Source, Standing)> {
        let member = self.members.get(key)?;
        Some((member.source, member.progress.standing()?))
    }

    /// Returns the number of connections of `source`, without lingering ones.
    pub fn held_by(&self, source: Source) -> u32 {
        self.sources.get(&source).map_or(0, |holding| holding.count)
    }

    /// Returns whether `source`, which has `relays` besides its connections here, has as many as one source
    /// may have.
    pub fn is_full_for(&self, source: Source, relays: u32) -> bool {
        let per_source = self.bounds.per_source;
        let is_limited = per_source > 0 && source != Source::UNNAMED;
        is_limited && self.held_by(source) + relays >= per_source
    }

    /// Decides about a newcomer from `source`, which has `relays` besides its connections here.
    pub fn admission(&mut self, source: Source, relays: u32) -> Admission {
        let Bounds {
            connections,
            when_full,
            ..
        } = self.bounds;
        if self.is_full_for(source, relays) {
            return Admission::TurnAway;
        }
        if self.len() < connections {
            return Admission::Admit;
        }
        let victim = match (self.lingering.oldest(&self.members), when_full) {
            (None, WhenFull::Evict) => self.victim(source),
            (lingering, _) => lingering,
        };
        victim.map_or(Admission::TurnAway, |key| Admission::Evict(key as usize))
    }

    /// Moves a connection to its source, which has become known, as a newcomer of that source. Returns
    /// whether there is a place for it.
    #[must_use]
    pub fn name(&mut self, key: usize, source: Source, relays: u32) -> bool {
        let unnamed = self.members[key].source;
        self.leave(key);
        let is_admitted = self.admission(source, relays) == Admission::Admit;
        self.enter(key, if is_admitted { source } else { unnamed });
        is_admitted
    }

    /// Adds a connection, which is [`Standing::Fresh`].
    pub fn enter(&mut self, key: usize, source: Source) {
        if self.members.len() <= key {
            self.members.resize(key + 1, Member::default());
        }
        self.members[key].source = source;
        self.members[key].progress = Progress::admitted_as(self.admitted);
        self.admitted += 1;
        self.change(key as u32, None, Some(Standing::Fresh));
    }

    /// Sets the standing of a connection, which may be the one that it has.
    pub fn place(&mut self, key: usize, standing: Standing) {
        let before = self.standing(key);
        if before != Some(standing) {
            self.change(key as u32, before, Some(standing));
        }
    }

    /// Removes a connection.
    pub fn leave(&mut self, key: usize) {
        self.change(key as u32, self.standing(key), None);
        if self.len() < self.bounds.connections / 2 {
            self.ranking = None;
        }
    }

    /// Returns the best victim among those of the newcomer's source and of the busiest source; `None` if
    /// only smaller sources have one.
    fn victim(&mut self, newcomer: Source) -> Option<u32> {
        let order = self.victim_order();
        let Self {
            sources, members, ..
        } = self;
        let rank = |holding: &Holding| order.best_of(holding, holding.count, members);
        let ranking = || sources.values().filter_map(rank).collect();
        let most = self.ranking.get_or_insert_with(ranking).first().copied();
        let held = sources.get(&newcomer);
        let count = held.map_or(0, |holding| holding.count) + 1;
        let own = held.and_then(|holding| order.best_of(holding, count, members));
        let victim = match (own, most) {
            (Some(own), Some(most)) => own.min(most),
            (own, most) => own.or(most)?,
        };
        (victim.crowd <= Reverse(count.max(EQUAL_SOURCES))).then_some(victim.key)
    }

    fn victim_order(&self) -> VictimOrder {
        VictimOrder {
            head_start: self.bounds.connections as u64 * 7 / 8,
        }
    }

    /// Moves a connection from one standing to another; `None` means outside the table.
    fn change(&mut self, key: u32, from: Option<Standing>, to: Option<Standing>) {
        let order = self.victim_order();
        let source = self.members[key as usize].source;
        let holding = self.sources.entry(source).or_default();
        let rank_before = order.best_of(holding, holding.count, &self.members);
        if let Some(from) = from {
            self.counts[from as usize] -= 1;
            holding.count -= u32::from(from.holds_slot());
            if let Some(ring) = holding.ring(from, &mut self.lingering) {
                ring.remove(key, &mut self.members);
            }
        }
        let progress = &mut self.members[key as usize].progress;
        *progress = to.map_or(Progress::VACANT, |to| progress.with(to));
        if let Some(to) = to {
            self.counts[to as usize] += 1;
            holding.count += u32::from(to.holds_slot());
            if let Some(ring) = holding.ring(to, &mut self.lingering) {
                if to == Standing::Puzzled {
                    ring.insert(key, &mut self.members);
                } else {
                    ring.push(key, &mut self.members);
                }
            }
        }
        let count = holding.count;
        let rank = order.best_of(holding, count, &self.members);
        if let Some(ranking) = &mut self.ranking
            && rank != rank_before
        {
            if let Some(rank) = rank_before {
                ranking.remove(&rank);
            }
            ranking.extend(rank);
        }
        if count == 0 {
            self.sources.remove(&source);
        }
    }
}
