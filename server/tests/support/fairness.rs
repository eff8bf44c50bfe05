//! The rule of admission and eviction as a model: one list, searched from end to end. Tests compare
//! `Limits` with it.

pub(crate) use powtcp_server::admission::{Admission, Bounds, Source, Standing, WhenFull};

/// All connections, in no particular order.
pub(crate) struct Fairness {
    bounds: Bounds,
    held: Vec<Held>,
    /// The number of changes so far: the clock of this model.
    changes: u64,
}

/// One connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    pub(crate) key: usize,
    pub(crate) source: Source,
    pub(crate) standing: Standing,
    /// The change that gave it this standing.
    since: u64,
}

impl Fairness {
    /// Creates a model without connections.
    pub(crate) const fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            held: Vec::new(),
            changes: 0,
        }
    }

    /// Returns all connections.
    pub(crate) fn held(&self) -> &[Held] {
        &self.held
    }

    /// Returns how many connections have `standing`.
    pub(crate) fn count(&self, standing: Standing) -> usize {
        let with = |held: &&Held| held.standing == standing;
        self.held.iter().filter(with).count()
    }

    /// Returns the standing of a connection; `None` if there is none with this key.
    pub(crate) fn standing(&self, key: usize) -> Option<Standing> {
        let held = self.held.iter().find(|held| held.key == key)?;
        Some(held.standing)
    }

    /// Returns how many connections count for `source`. Lingering ones do not.
    pub(crate) fn held_by(&self, source: Source) -> u32 {
        let counts = |held: &&Held| held.source == source && held.standing != Standing::Lingering;
        self.held.iter().filter(counts).count() as u32
    }

    /// Returns what happens to a new connection of `newcomer`.
    pub(crate) fn admission(&self, newcomer: Source) -> Admission {
        let Bounds {
            connections,
            per_source,
            when_full,
        } = self.bounds;
        if per_source != 0 && self.held_by(newcomer) >= per_source {
            return Admission::TurnAway;
        }
        if self.held.len() < connections {
            return Admission::Admit;
        }
        let lingering = self.oldest(|held| held.standing == Standing::Lingering);
        let victim = match when_full {
            WhenFull::Refuse => lingering,
            WhenFull::Evict => lingering.or_else(|| self.victim(newcomer)),
        };
        victim.map_or(Admission::TurnAway, Admission::Evict)
    }

    /// Adds a fresh connection.
    pub(crate) fn enter(&mut self, key: usize, source: Source) {
        self.changes += 1;
        self.held.push(Held {
            key,
            source,
            standing: Standing::Fresh,
            since: self.changes,
        });
    }

    /// Changes the standing of a connection.
    pub(crate) fn place(&mut self, key: usize, standing: Standing) {
        self.changes += 1;
        for held in &mut self.held {
            if held.key == key && held.standing != standing {
                (held.standing, held.since) = (standing, self.changes);
            }
        }
    }

    /// Removes a connection.
    pub(crate) fn leave(&mut self, key: usize) {
        self.held.retain(|held| held.key != key);
    }

    /// Returns the connection to evict. Candidates belong to a source with the most connections, where
    /// the newcomer counts for its own source, and sources without a connection to evict do not count.
    /// A fresh connection goes before one that holds a puzzle, and among equals the oldest goes.
    fn victim(&self, newcomer: Source) -> Option<usize> {
        let holds = |held: &Held| self.held_by(held.source) + u32::from(held.source == newcomer);
        let gives_way = |held: &&Held| matches!(held.standing, Standing::Fresh | Standing::Puzzled);
        let most = self.held.iter().filter(gives_way).map(holds).max()?;
        let of_most =
            |standing| self.oldest(|held| held.standing == standing && holds(held) == most);
        of_most(Standing::Fresh).or_else(|| of_most(Standing::Puzzled))
    }

    fn oldest(&self, which: impl Fn(&Held) -> bool) -> Option<usize> {
        let held = self.held.iter().filter(|held| which(held));
        held.min_by_key(|held| held.since).map(|held| held.key)
    }
}
