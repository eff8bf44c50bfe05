//! The portable kernel: one counter at a time, with the compression function of the `sha1` crate.

use sha1::block_api::compress;

use super::engine::Engine;
use crate::hashcash::layout::{HEADS, Head, Layout, QUADS};

/// Starts the kernel, which has no tables.
pub(super) fn engine(layout: &Layout) -> Engine<'_> {
    Box::new(|batch| {
        let hits_of = |head| hits(layout, batch, head);
        (0..HEADS).flat_map(hits_of).collect()
    })
}

/// Returns the hits of one head of a batch, the smallest counter first.
pub(in crate::hashcash) fn hits(
    layout: &Layout,
    batch: u64,
    head: usize,
) -> impl Iterator<Item = u64> {
    let Head { state, block } = layout.head(batch, head);
    (0..QUADS).filter_map(move |quad| {
        let mut state = state;
        compress(&mut state, &[layout.with_quad(block, quad)]);
        if let Some(closing) = layout.closing {
            compress(&mut state, &[closing]);
        }
        (state[0] & layout.mask == 0).then(|| layout.counter(batch, head, quad))
    })
}
