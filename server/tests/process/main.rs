//! The server as a process, and the files that are installed with it.

#[path = "../support"]
mod support {
    pub(crate) mod answers;
    pub(crate) mod client;
    pub(crate) mod descriptors;
    pub(crate) mod fail2ban;
    pub(crate) mod gate;
    pub(crate) mod honest;
    pub(crate) mod messages;
    pub(crate) mod page;
    pub(crate) mod server;
    pub(crate) mod solving;
    pub(crate) mod tools;
    pub(crate) mod unread;
}

mod accept_proxy;
mod addresses;
mod alerts;
mod balancers;
mod check;
mod config;
mod deadlines;
mod delivery;
mod descriptors;
mod eviction;
mod exempt;
mod fail2ban;
mod fail2ban_filter;
mod fail2ban_gate;
mod full;
mod gate;
mod gate_dialing;
mod gate_endings;
mod gate_limits;
mod half_close;
mod handshakes;
mod health;
mod log;
mod metrics;
mod price;
mod readme;
mod reset;
mod rolling_restart;
mod send_proxy;
mod shared_port;
mod signals;
mod stock_counter;
mod stopped;
mod stuck_log;
mod systemd;
mod usage;
