//! Sessions, connections, admission and deadlines, in this process: no test here starts a server.

#[path = "../support"]
mod support {
    pub(crate) mod answers;
    pub(crate) mod conversation;
    pub(crate) mod fairness;
    pub(crate) mod pipe;
    pub(crate) mod protocol;
    pub(crate) mod rules;
    pub(crate) mod solving;
    pub(crate) mod stamps;
    pub(crate) mod subject;
    pub(crate) mod table;
}

mod admission;
mod answers;
mod connection;
mod cuts;
mod deadlines;
mod dialects;
mod fuzz;
mod gate;
mod intake;
mod limits;
mod mint;
mod networks;
mod prices;
mod pricing;
mod proxy_header;
mod rings;
mod timer_wheel;
