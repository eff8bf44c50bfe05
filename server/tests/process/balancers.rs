//! Real programs of both sides of a gate: HAProxy in front of it and nginx behind it. A test is skipped where
//! one of its programs is missing, except in CI.

mod both;
mod checks;
mod example;
mod haproxy;
mod in_front;
mod nginx;
