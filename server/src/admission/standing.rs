//! The progress of a connection, as far as admission and metrics need it.

/// The progress of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Its last answer was sent. It is kept only until another connection needs its slot.
    Lingering,
    /// It has requested nothing yet.
    Fresh,
    /// It holds a puzzle.
    Puzzled,
    /// Its last answer waits to be sent. It is never evicted.
    Delivering,
}

impl Standing {
    /// All standings, in order.
    pub const ALL: [Self; 4] = [
        Self::Lingering,
        Self::Fresh,
        Self::Puzzled,
        Self::Delivering,
    ];

    /// Returns the name that metrics use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lingering => "lingering",
            Self::Fresh => "fresh",
            Self::Puzzled => "puzzled",
            Self::Delivering => "delivering",
        }
    }

    /// Returns whether a connection of this standing counts against its source.
    pub(super) fn holds_slot(self) -> bool {
        !matches!(self, Self::Lingering)
    }
}
