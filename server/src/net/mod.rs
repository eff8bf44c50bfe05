//! The shell around the pure rooms: sockets, clocks and random bytes of the operating system.

pub mod acceptor;
pub mod acceptors;
mod answer;
pub mod clock;
pub mod connection;
pub mod connections;
pub mod intake;
pub mod io;
mod random;
pub mod shared;
pub mod token;
