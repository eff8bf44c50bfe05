//! The tables that are printed.

pub(crate) mod attacks;
pub(crate) mod load;
pub(crate) mod prices;
pub(crate) mod relays;
mod table;
