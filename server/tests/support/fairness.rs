//! The rule of admission and eviction as a model: one list, searched from end to end. Tests compare
//! `Limits` with it.

pub(crate) use powtcp_server::admission::{Admission, Bounds, Source, Standing, WhenFull};

/// Connections up to which all sources count as holding equally many.
const EQUAL_SOURCES: u32 = 8;
/// Connections of one source that a puzzle holder is compared with to find its place.
const COMPARISONS: usize = 8;

/// All connections.
pub(crate) struct Fairness {
    bounds: Bounds,
    /// In the order in which they came to their standing; puzzle holders of one source in the order of
    /// their admission, as far as [`COMPARISONS`] finds it.
    held: Vec<Held>,
    admitted: u64,
}

/// One connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    pub(crate) key: usize,
    pub(crate) source: Source,
    pub(crate) standing: Standing,
    /// The number of its admission.
    admission: u64,
}

impl Fairness {
    /// Creates a model without connections.
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            held: Vec::new(),
            admitted: 0,
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
        let is_lingering = |held: &&Held| held.standing == Standing::Lingering;
        let lingering = self.held.iter().find(is_lingering).map(|held| held.key);
        let victim = match when_full {
            WhenFull::Refuse => lingering,
            WhenFull::Evict => lingering.or_else(|| self.victim(newcomer)),
        };
        victim.map_or(Admission::TurnAway, Admission::Evict)
    }

    /// Adds a fresh connection.
    pub(crate) fn enter(&mut self, key: usize, source: Source) {
        self.held.push(Held {
            key,
            source,
            standing: Standing::Fresh,
            admission: self.admitted,
        });
        self.admitted += 1;
    }

    /// Changes the standing of a connection.
    pub(crate) fn place(&mut self, key: usize, standing: Standing) {
        let is_it = |held: &Held| held.key == key;
        let Some(index) = self.held.iter().position(is_it) else {
            return;
        };
        if self.held[index].standing == standing {
            return;
        }
        let mut held = self.held.remove(index);
        held.standing = standing;
        let is_peer = |other: &Held| other.source == held.source && other.standing == standing;
        let mut place = self.held.len();
        if standing == Standing::Puzzled {
            let peers = self.held.iter().enumerate().rev();
            let peers = peers.filter(|(_, other)| is_peer(other));
            for (index, other) in peers.take(COMPARISONS) {
                if other.admission < held.admission {
                    break;
                }
                place = index;
            }
        }
        self.held.insert(place, held);
    }

    /// Removes a connection.
    pub(crate) fn leave(&mut self, key: usize) {
        self.held.retain(|held| held.key != key);
    }

    /// Returns the connection to evict: the oldest of the source with the most connections, where the
    /// newcomer counts for its own source, and a source without a connection to evict does not count.
    /// Nothing is evicted from a source that is smaller than the newcomer's.
    fn victim(&self, newcomer: Source) -> Option<usize> {
        let crowd = |source: Source| {
            let count = self.held_by(source) + u32::from(source == newcomer);
            count.max(EQUAL_SOURCES)
        };
        let candidates = self.held.iter().filter(|held| self.is_first(held));
        let best = candidates.min_by_key(|held| {
            let largest_first = u32::MAX - crowd(held.source);
            let is_fresh = held.standing == Standing::Fresh;
            (largest_first, self.age(held), is_fresh)
        })?;
        (crowd(best.source) >= crowd(newcomer)).then_some(best.key)
    }

    /// Returns whether a connection can be evicted, and before all others of its source and standing.
    fn is_first(&self, held: &Held) -> bool {
        let is_peer =
            |other: &&Held| other.source == held.source && other.standing == held.standing;
        let first = self.held.iter().find(is_peer);
        matches!(held.standing, Standing::Fresh | Standing::Puzzled)
            && first.is_some_and(|first| first.key == held.key)
    }

    fn age(&self, held: &Held) -> u64 {
        let head_start = self.bounds.connections as u64 * 7 / 8;
        match held.standing {
            Standing::Puzzled => held.admission + head_start,
            _ => held.admission,
        }
    }
}
