//! Who may come in, and who gives way where there is no room: the server's fairness between sources.
//!
//! Where all slots are taken, room is made by longest-queue-drop: the source that holds most
//! connections, the newcomer counted, gives up the one that has shown least for longest. So a flood from
//! a few sources turns over its own connections, whatever its rate. Connections that were refused wait
//! only for their peers to close; they count for nobody and go first.
//!
//! Each step takes time logarithmic in the number of sources, and none in that of connections; only
//! when the table becomes full, which half of it must have been free before, are all sources ranked.

mod ring;
mod source;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use ring::{Member, Ring, Seniority};
pub use source::Source;

/// How far a connection has come. The order is that in which connections of one source give way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It was refused and told so, and is kept for as long as nobody wants its slot.
    Lingering,
    /// It has asked for nothing yet.
    Fresh,
    /// It holds a puzzle.
    Puzzled,
    /// Its last answer is on the way. It never gives way.
    Delivering,
}

/// What to do when all slots are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenFull {
    /// Make room by fairness.
    Evict,
    /// Turn the newcomer away.
    Refuse,
}

/// What is allowed; set by the operator.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Connections held at once: it bounds memory, whoever connects.
    pub connections: usize,
    /// Connections held at once by one source, 0 for no bound: it stops the single peer that would
    /// hold all slots of a server that does not evict.
    pub per_source: u32,
    /// What to do at the first of these bounds.
    pub when_full: WhenFull,
}

/// What becomes of a newcomer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// There is a slot for it.
    Admit,
    /// There is one once the connection with this key is gone.
    AdmitInsteadOf(usize),
    /// There is none for it.
    TurnAway,
}

/// All connections, by source and standing. Connections are named by small keys, which are used again
/// when a connection is gone, as those of a slab.
#[derive(Debug)]
pub struct Limits {
    bounds: Bounds,
    /// By key. 24 bytes for each connection.
    members: Vec<Member>,
    /// Sources that hold a slot. With `ranking` some 60 bytes for each.
    sources: BTreeMap<Source, Holding>,
    /// Every source that has a connection to give up, the first to do so first. It is kept from when all
    /// slots are taken until half of them are free: who is not under attack does not pay for it.
    ranking: Option<BTreeSet<Rank>>,
    lingering: Ring,
    counts: [usize; Standing::ALL.len()],
    changes: u64,
}

/// What one source holds.
#[derive(Debug, Default)]
struct Holding {
    /// Its connections, lingering ones left out.
    count: u32,
    fresh: Ring,
    puzzled: Ring,
}

/// How good a victim is: the best is the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    count: Reverse<u32>,
    seniority: Seniority,
    key: u32,
}

impl Standing {
    /// All standings, in their order.
    pub const ALL: [Self; 4] = [
        Self::Lingering,
        Self::Fresh,
        Self::Puzzled,
        Self::Delivering,
    ];

    /// One word, for metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lingering => "lingering",
            Self::Fresh => "fresh",
            Self::Puzzled => "puzzled",
            Self::Delivering => "delivering",
        }
    }

    /// Whether it takes a slot away from others.
    const fn holds_slot(self) -> bool {
        !matches!(self, Self::Lingering)
    }
}

impl Limits {
    /// Nobody yet.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            members: Vec::with_capacity(bounds.connections),
            sources: BTreeMap::new(),
            ranking: None,
            lingering: Ring::default(),
            counts: [0; Standing::ALL.len()],
            changes: 0,
        }
    }

    /// What is allowed.
    pub const fn bounds(&self) -> Bounds {
        self.bounds
    }

    fn len(&self) -> usize {
        self.counts.iter().sum()
    }

    /// How many connections have this standing.
    pub const fn count(&self, standing: Standing) -> usize {
        self.counts[standing as usize]
    }

    /// How far the connection with this key has come; `None` if there is none.
    pub fn standing(&self, key: usize) -> Option<Standing> {
        self.members.get(key)?.seniority.standing()
    }

    /// How many connections `source` holds, lingering ones left out.
    pub fn held_by(&self, source: Source) -> u32 {
        self.sources.get(&source).map_or(0, |holding| holding.count)
    }

    /// What is to become of a newcomer from `source`.
    pub fn verdict(&mut self, source: Source) -> Verdict {
        let Bounds {
            connections,
            per_source,
            when_full,
        } = self.bounds;
        if per_source > 0 && self.held_by(source) >= per_source {
            return Verdict::TurnAway;
        }
        if self.len() < connections {
            return Verdict::Admit;
        }
        let victim = match (self.lingering.oldest(&self.members), when_full) {
            (None, WhenFull::Evict) => self.victim(source),
            (lingering, _) => lingering,
        };
        victim.map_or(Verdict::TurnAway, |key| {
            Verdict::AdmitInsteadOf(key as usize)
        })
    }

    /// A connection came in: it is [`Standing::Fresh`].
    pub fn enter(&mut self, key: usize, source: Source) {
        if self.members.len() <= key {
            self.members.resize(key + 1, Member::default());
        }
        self.members[key].source = source;
        self.change(key as u32, None, Some(Standing::Fresh));
    }

    /// A connection that came in has this standing now, or still.
    pub fn place(&mut self, key: usize, standing: Standing) {
        let before = self.standing(key);
        if before != Some(standing) {
            self.change(key as u32, before, Some(standing));
        }
    }

    /// A connection is gone.
    pub fn leave(&mut self, key: usize) {
        self.change(key as u32, self.standing(key), None);
        if self.len() < self.bounds.connections / 2 {
            self.ranking = None;
        }
    }

    /// Whom the newcomer's source, or the one that holds most, is to give up.
    fn victim(&mut self, newcomer: Source) -> Option<u32> {
        let Self {
            sources, members, ..
        } = self;
        let rank = |holding: &Holding| holding.rank(holding.count, members);
        let ranking = || sources.values().filter_map(rank).collect();
        let most = self.ranking.get_or_insert_with(ranking).first().copied();
        let own = sources.get(&newcomer);
        let own = own.and_then(|holding| holding.rank(holding.count + 1, members));
        own.into_iter().chain(most).min().map(|rank| rank.key)
    }

    /// Takes a connection from one standing to another; `None` is outside.
    fn change(&mut self, key: u32, from: Option<Standing>, to: Option<Standing>) {
        let source = self.members[key as usize].source;
        let holding = self.sources.entry(source).or_default();
        let rank_before = holding.rank(holding.count, &self.members);
        if let Some(from) = from {
            self.counts[from as usize] -= 1;
            holding.count -= u32::from(from.holds_slot());
            if let Some(ring) = holding.ring(from, &mut self.lingering) {
                ring.remove(key, &mut self.members);
            }
        }
        self.changes += 1;
        let seniority = to.map_or(Seniority::NOBODY, |to| Seniority::new(to, self.changes));
        self.members[key as usize].seniority = seniority;
        if let Some(to) = to {
            self.counts[to as usize] += 1;
            holding.count += u32::from(to.holds_slot());
            if let Some(ring) = holding.ring(to, &mut self.lingering) {
                ring.push(key, &mut self.members);
            }
        }
        let (rank, count) = (holding.rank(holding.count, &self.members), holding.count);
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

impl Holding {
    /// The rank of the connection that gives way first, where the source counts as holding `count`.
    fn rank(&self, count: u32, members: &[Member]) -> Option<Rank> {
        let oldest = self.fresh.oldest(members);
        let key = oldest.or_else(|| self.puzzled.oldest(members))?;
        Some(Rank {
            count: Reverse(count),
            seniority: members[key as usize].seniority,
            key,
        })
    }

    /// The ring of the connections with this standing; those that deliver are in none.
    const fn ring<'a>(
        &'a mut self,
        standing: Standing,
        lingering: &'a mut Ring,
    ) -> Option<&'a mut Ring> {
        match standing {
            Standing::Lingering => Some(lingering),
            Standing::Fresh => Some(&mut self.fresh),
            Standing::Puzzled => Some(&mut self.puzzled),
            Standing::Delivering => None,
        }
    }
}
