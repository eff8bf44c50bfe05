//! What the tests of the client share: the client as a process, servers for it, and puzzles that fake
//! servers send.

pub(crate) mod fake_server;
pub(crate) mod ports;
pub(crate) mod program;
pub(crate) mod puzzles;
pub(crate) mod real_server;
