//! The tables that are printed.

pub(crate) mod attacks;
pub(crate) mod load;
mod table;
