//! Tests of the command `powtcp-client` as a process, against the real server and against fake
//! servers.

mod client;
mod echo;
mod forwarder;
mod script;
#[path = "../../../tests/support"]
mod support {
    pub(crate) mod fake_server;
    pub(crate) mod ports;
    pub(crate) mod program;
    pub(crate) mod puzzles;
    pub(crate) mod readme;
    pub(crate) mod real_server;
}

mod final_errors;
mod gate_faults;
mod honest;
mod hostile;
mod hostile_puzzle;
mod hostile_silence;
mod kept_stamp;
mod listen;
mod listen_queue;
mod names;
mod readme;
mod retry;
mod services;
mod settings;
mod signals;
mod stdio;
mod terminal;
mod transcript;
mod usage;
