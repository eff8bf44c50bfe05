//! What the server tells its operator: log lines, metrics, and what the kernel knows of the process.

pub mod clock_watch;
pub mod health;
pub mod log;
pub mod metrics;
pub mod process;
