//! What the tests of the server share: the server as a process, a client that blocks, and a session
//! driven without either.

#![allow(
    dead_code,
    reason = "each test file is a crate of its own, and uses a part of this"
)]

pub(crate) mod client;
pub(crate) mod conversation;
pub(crate) mod fail2ban;
pub(crate) mod fairness;
pub(crate) mod page;
pub(crate) mod pipe;
pub(crate) mod protocol;
pub(crate) mod scratch;
pub(crate) mod server_process;
pub(crate) mod solving;
pub(crate) mod table;
pub(crate) mod tools;

use std::time::Duration;

/// How long a test waits for what must happen. It is no measure of speed: it is reached only where
/// something does not happen at all.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
