//! What the tests of the client share: the programs as processes, servers for them to talk to, and
//! the puzzles that those set.

#![allow(
    dead_code,
    reason = "each test file is a crate of its own, and uses a part of this"
)]

pub(crate) mod fake_server;
pub(crate) mod json;
pub(crate) mod ports;
pub(crate) mod program;
pub(crate) mod puzzles;
pub(crate) mod real_server;

pub(crate) use powtcp_testkit::scratch;

use std::time::Duration;

/// How long a test waits for what must happen. It is no measure of speed: it is reached only where
/// something does not happen at all.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
