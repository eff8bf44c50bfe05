//! Tests of the library as a program that depends on it sees it, against servers that play scripts.

mod cancelling;
mod fake_server;
mod packages;
mod paying;
mod retrying;
mod turns;
