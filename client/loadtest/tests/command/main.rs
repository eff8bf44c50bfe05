//! The command `powtcp-loadtest` as a process, against the real server and against scripted ones.

mod loadtest;
#[path = "../../../tests/support"]
mod support {
    pub(crate) mod fake_server;
    pub(crate) mod ports;
    pub(crate) mod program;
    pub(crate) mod puzzles;
    pub(crate) mod readme;
    pub(crate) mod real_server;
}

mod attacks;
mod handshakes;
mod own_server;
mod paid;
mod processes;
mod readme;
mod relay;
mod usage;
