//! Tests of the command `powtcp-client` as a process, against the real server and against fake
//! servers.

mod honest;
mod hostile;
mod hostile_puzzle;
mod hostile_silence;
mod kept_stamp;
mod names;
mod readme;
mod retry;
mod settings;
mod signals;
mod support;
mod terminal;
mod transcript;
mod usage;
