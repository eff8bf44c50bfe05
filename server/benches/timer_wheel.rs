//! The cost of a deadline that is armed and cancelled, as in a handshake, and of one that is popped.

use divan::Bencher;
use divan::counter::ItemsCount;
use powtcp_server::time::TimerWheel;

/// Timers that wait during the bench, as many as connections in a full table.
const WAITING: u64 = 10_000;

fn main() {
    divan::main();
}

fn full_wheel() -> TimerWheel<u32> {
    let mut wheel = TimerWheel::new();
    for tick in 0..WAITING {
        wheel.arm(tick, 0);
    }
    wheel
}

#[divan::bench]
fn arm_and_cancel(bencher: Bencher<'_, '_>) {
    let mut wheel = full_wheel();
    let mut tick = 0;
    bencher.bench_local(|| {
        tick = (tick + 619) % WAITING;
        let id = wheel.arm(tick, 1);
        wheel.cancel(id)
    });
}

#[divan::bench]
fn pop_all(bencher: Bencher<'_, '_>) {
    bencher
        .counter(ItemsCount::new(WAITING))
        .with_inputs(full_wheel)
        .bench_local_refs(|wheel| while wheel.pop(WAITING).is_some() {});
}
