//! The kinds of log lines that peers can cause, in any number. Each kind has a quota of its own, so that a
//! flood of one kind does not hide the others.

use powtcp_common::log_line::Level;
use powtcp_common::refusal::Refusal;

use crate::relay::Ending;

/// The event that a log line reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A connection was admitted.
    Accepted,
    /// A connection was closed.
    Closed,
    /// A client got a puzzle.
    Puzzle,
    /// A client got a resource.
    Resource,
    /// Accepting paused because descriptors ran out or accepting kept failing.
    Paused,
    /// Accepting resumed after a pause.
    Resumed,
    /// A connection was closed because of its PROXY protocol header.
    BadHeader,
    /// A client that is exempt from the proof of work was reset, because there was no place for it.
    ExemptReset,
    /// The level of prices has risen or fallen.
    LevelChanged,
    /// A connection was refused, for this reason.
    Refused(Refusal),
    /// A relay ended, in this way.
    RelayEnded(Ending),
}

impl Kind {
    /// The number of kinds.
    pub(super) const COUNT: usize = Self::RELAYS + Ending::ALL.len();
    const RELAYS: usize = Self::PLAIN.len() + Refusal::ALL.len();
    const PLAIN: [Self; 9] = [
        Self::Accepted,
        Self::Closed,
        Self::Puzzle,
        Self::Resource,
        Self::Paused,
        Self::Resumed,
        Self::BadHeader,
        Self::ExemptReset,
        Self::LevelChanged,
    ];

    /// Returns all kinds, in the order of their indices.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let refused = Refusal::ALL.into_iter().map(Self::Refused);
        let relays = Ending::ALL.into_iter().map(Self::RelayEnded);
        Self::PLAIN.into_iter().chain(refused).chain(relays)
    }

    pub(super) fn index(self) -> usize {
        match self {
            Self::Accepted => 0,
            Self::Closed => 1,
            Self::Puzzle => 2,
            Self::Resource => 3,
            Self::Paused => 4,
            Self::Resumed => 5,
            Self::BadHeader => 6,
            Self::ExemptReset => 7,
            Self::LevelChanged => 8,
            Self::Refused(why) => Self::PLAIN.len() + why as usize,
            Self::RelayEnded(ending) => Self::RELAYS + ending as usize,
        }
    }

    pub(super) fn level(self) -> Level {
        match self {
            Self::Accepted | Self::Closed => Level::Debug,
            Self::Puzzle
            | Self::Resource
            | Self::Resumed
            | Self::BadHeader
            | Self::ExemptReset
            | Self::LevelChanged
            | Self::Refused(_)
            | Self::RelayEnded(_) => Level::Info,
            Self::Paused => Level::Warn,
        }
    }

    /// Returns the text of the line.
    pub fn message(self) -> &'static str {
        match self {
            Self::Accepted => "connection accepted",
            Self::Closed => "connection closed",
            Self::Puzzle => "puzzle sent",
            Self::Resource => "resource sent",
            Self::Paused => "accepting paused",
            Self::Resumed => "accepting resumed",
            Self::BadHeader => "bad PROXY protocol header",
            Self::ExemptReset => "exempt client reset",
            Self::LevelChanged => "difficulty changed",
            Self::Refused(_) => "connection refused",
            Self::RelayEnded(_) => "relay ended",
        }
    }

    /// Returns the name that metrics and the line about suppressed lines use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Closed => "closed",
            Self::Puzzle => "puzzle_sent",
            Self::Resource => "resource_sent",
            Self::Paused => "accepting_paused",
            Self::Resumed => "accepting_resumed",
            Self::BadHeader => "bad_header",
            Self::ExemptReset => "exempt_reset",
            Self::LevelChanged => "difficulty_changed",
            Self::Refused(why) => why.name(),
            Self::RelayEnded(ending) => ending.name(),
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
