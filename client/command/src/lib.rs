//! The command `powtcp-client`, a thin layer over the library `powtcp_client`: it reads options, tells
//! the progress on standard error, and prints the resource or relays the connection.

#![forbid(unsafe_code)]

pub mod complaint;
pub mod config;
pub mod gate;
pub mod leg;
pub mod listen;
pub mod mode;
pub mod places;
pub mod progress_line;
pub mod relay;
pub mod report;
pub mod resource;
pub mod signals;
pub mod stdio;
