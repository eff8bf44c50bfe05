//! The kinds of lines that peers can cause, and so cause in any number: each has a limit of its own, so
//! that a flood of one hides no other.

use powtcp_common::log_line::Level;
use powtcp_common::refusal::Refusal;

/// What a line that a peer caused tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A connection came in.
    Accepted,
    /// A connection is gone.
    Closed,
    /// A client got a puzzle.
    Puzzle,
    /// A client got a resource.
    Resource,
    /// Accepting paused for want of descriptors.
    Paused,
    /// A connection was refused, and why.
    Refused(Refusal),
}

impl Kind {
    /// How many there are.
    pub(super) const COUNT: usize = Self::UNREFUSED.len() + Refusal::ALL.len();
    const UNREFUSED: [Self; 5] = [
        Self::Accepted,
        Self::Closed,
        Self::Puzzle,
        Self::Resource,
        Self::Paused,
    ];

    /// All kinds, each at its index.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let refused = Refusal::ALL.into_iter().map(Self::Refused);
        Self::UNREFUSED.into_iter().chain(refused)
    }

    pub(super) const fn index(self) -> usize {
        match self {
            Self::Accepted => 0,
            Self::Closed => 1,
            Self::Puzzle => 2,
            Self::Resource => 3,
            Self::Paused => 4,
            Self::Refused(why) => Self::UNREFUSED.len() + why as usize,
        }
    }

    pub(super) const fn level(self) -> Level {
        match self {
            Self::Accepted | Self::Closed => Level::Debug,
            Self::Puzzle | Self::Resource | Self::Refused(_) => Level::Info,
            Self::Paused => Level::Warn,
        }
    }

    pub(super) const fn message(self) -> &'static str {
        match self {
            Self::Accepted => "connection accepted",
            Self::Closed => "connection closed",
            Self::Puzzle => "puzzle sent",
            Self::Resource => "resource sent",
            Self::Paused => "accepting paused",
            Self::Refused(_) => "connection refused",
        }
    }

    /// One word, for the line that sums up and for metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Closed => "closed",
            Self::Puzzle => "puzzle_sent",
            Self::Resource => "resource_sent",
            Self::Paused => "accepting_paused",
            Self::Refused(why) => why.name(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn each_kind_has_an_index_and_a_name_of_its_own() {
        let indices: Vec<_> = Kind::all().map(Kind::index).collect();
        assert_eq!(indices, (0..Kind::COUNT).collect::<Vec<_>>());
        let names: HashSet<_> = Kind::all().map(Kind::name).collect();
        assert_eq!(names.len(), Kind::COUNT);
    }
}
