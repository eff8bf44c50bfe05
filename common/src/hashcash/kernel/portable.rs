//! One counter at a time, by the compression function of the `sha1` crate.

use sha1::block_api::compress;

use super::engine::Engine;
use crate::hashcash::layout::{Head, Layout, QUADS};

/// The kernel of every machine.
pub(super) fn engine(layout: Layout, mask: u32) -> Engine {
    Box::new(move |batch| {
        let hits = |(head, quads): (usize, &Head)| {
            search_head(&layout, *quads, mask).map(move |quad| (head, quad))
        };
        batch.iter().enumerate().flat_map(hits).collect()
    })
}

/// The last quads that make `head` a hit, in order.
pub(in crate::hashcash) fn search_head(
    layout: &Layout,
    head: Head,
    mask: u32,
) -> impl Iterator<Item = usize> {
    (0..QUADS).filter(move |&quad| {
        let mut state = head.state;
        compress(&mut state, &[layout.with_quad(head.block, quad)]);
        state[0] & mask == 0
    })
}
