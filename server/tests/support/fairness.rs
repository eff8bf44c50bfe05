//! Who may come in and who gives way, written from the words of the rule and as plainly as can be: one
//! list, searched from end to end. It is what `Limits` is held against.

use powtcp_server::limits::{Bounds, Source, Standing, Verdict, WhenFull};

/// All connections, in no order that matters.
pub(crate) struct Fairness {
    bounds: Bounds,
    held: Vec<Held>,
    /// Counts changes, to tell which came first.
    changes: u64,
}

/// One connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    pub(crate) key: usize,
    pub(crate) source: Source,
    pub(crate) standing: Standing,
    /// When it came to this standing.
    since: u64,
}

impl Fairness {
    pub(crate) const fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            held: Vec::new(),
            changes: 0,
        }
    }

    pub(crate) fn held(&self) -> &[Held] {
        &self.held
    }

    pub(crate) fn count(&self, standing: Standing) -> usize {
        let with = |held: &&Held| held.standing == standing;
        self.held.iter().filter(with).count()
    }

    pub(crate) fn standing(&self, key: usize) -> Option<Standing> {
        let held = self.held.iter().find(|held| held.key == key)?;
        Some(held.standing)
    }

    /// Lingering connections count for nobody.
    pub(crate) fn held_by(&self, source: Source) -> u32 {
        let counts = |held: &&Held| held.source == source && held.standing != Standing::Lingering;
        self.held.iter().filter(counts).count() as u32
    }

    pub(crate) fn verdict(&self, newcomer: Source) -> Verdict {
        let Bounds {
            connections,
            per_source,
            when_full,
        } = self.bounds;
        if per_source != 0 && self.held_by(newcomer) >= per_source {
            return Verdict::TurnAway;
        }
        if self.held.len() < connections {
            return Verdict::Admit;
        }
        let lingering = self.oldest(|held| held.standing == Standing::Lingering);
        let victim = match when_full {
            WhenFull::Refuse => lingering,
            WhenFull::Evict => lingering.or_else(|| self.victim(newcomer)),
        };
        victim.map_or(Verdict::TurnAway, Verdict::AdmitInsteadOf)
    }

    pub(crate) fn enter(&mut self, key: usize, source: Source) {
        self.changes += 1;
        self.held.push(Held {
            key,
            source,
            standing: Standing::Fresh,
            since: self.changes,
        });
    }

    pub(crate) fn place(&mut self, key: usize, standing: Standing) {
        self.changes += 1;
        for held in &mut self.held {
            if held.key == key && held.standing != standing {
                (held.standing, held.since) = (standing, self.changes);
            }
        }
    }

    pub(crate) fn leave(&mut self, key: usize) {
        self.held.retain(|held| held.key != key);
    }

    /// The source that holds most, the newcomer counted for its own, among those that have anybody to
    /// give up; within it, and between sources that hold equally many, those that never asked before
    /// those that hold a puzzle; then the oldest.
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
