//! The command `powtcp-client`, a thin layer over the library `powtcp_client`: it reads options, tells
//! the progress on standard error, and prints the resource.

#![forbid(unsafe_code)]

pub mod complaint;
pub mod config;
pub mod progress_line;
pub mod report;
pub mod resource;
pub mod signals;
