//! What is known of a socket before it is read.

/// What an event said of a socket, or that there was none.
#[derive(Debug, Clone, Copy, Default)]
pub struct Readiness {
    /// The peer has ended its stream; the end comes after the bytes that are left.
    pub read_closed: bool,
    /// The stream contains urgent data. A read stops before it, though more bytes follow (tcp(7)).
    pub urgent: bool,
    /// No event has told of the bytes: the socket is read for another reason, such as a deadline, so
    /// that the stream may contain urgent data.
    pub unannounced: bool,
}

impl Readiness {
    /// The readiness of a socket that is read without an event.
    pub(in crate::net) const UNANNOUNCED: Self = Self {
        read_closed: false,
        urgent: false,
        unannounced: true,
    };

    /// Returns whether a read that does not fill its buffer may leave bytes or the end of the stream.
    pub(super) fn may_be_short(self) -> bool {
        self.read_closed || self.urgent
    }
}
