//! What the tests of both programs and the load test share: programs as child processes, a server
//! whose address and costs are known, and directories for temporary files.
//!
//! Functions that the load test needs return errors. Functions for tests alone panic and say so
//! under "Panics".

mod capture;
mod guard;
pub mod nginx;
mod outcome;
pub mod process;
pub mod scratch;
pub mod server;
mod settings;
pub mod tools;

use std::time::Duration;

/// How long to wait for something that must happen. It is not a measure of speed: only a program
/// that does not do what it should makes anything wait this long.
pub const PATIENCE: Duration = Duration::from_secs(30);
