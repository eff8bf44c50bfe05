//! The load of a gate: what relaying costs, beside the same traffic without a gate.
//!
//! ```text
//!   traffic ==> gate (a child process) ==> echo (a thread)
//!   traffic =============================> echo              alternately
//! ```

mod echo;
pub(crate) mod measure;
mod payment;
mod traffic;
