//! A flow over scripted streams: every step of a side is a partial read or write, `WouldBlock`,
//! `Interrupted`, an end or an error, and a plain list of bytes says what must have arrived.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io::ErrorKind;

use super::*;

/// The size of one read.
const BUFFER: usize = 4;
/// What the source sends.
const SENT: &[u8] = b"abcdefghij";
/// Bytes that come before those of the source.
const FIRST: &[u8] = b"12";

/// What a side does at one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Takes or gives up to this many bytes.
    Some(usize),
    Blocks,
    IsInterrupted,
    Fails,
}

const STEPS: [Step; 6] = [
    Step::Some(1),
    Step::Some(3),
    Step::Some(100),
    Step::Blocks,
    Step::IsInterrupted,
    Step::Fails,
];

/// A source that follows a script, and then gives all it has.
struct Source {
    left: &'static [u8],
    script: VecDeque<Step>,
    /// Whether the last call would block, so that an event is due.
    is_blocked: bool,
    reads: usize,
    has_failed: bool,
}

/// A sink that follows a script, and then takes everything.
struct Target {
    taken: Vec<u8>,
    script: VecDeque<Step>,
    is_blocked: bool,
    has_failed: bool,
    ends: Cell<usize>,
    /// The bytes taken when the stream ended.
    taken_at_end: Cell<usize>,
}

fn error(step: Step) -> io::Error {
    match step {
        Step::Blocks => ErrorKind::WouldBlock.into(),
        Step::IsInterrupted => ErrorKind::Interrupted.into(),
        Step::Fails | Step::Some(_) => ErrorKind::ConnectionReset.into(),
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reads += 1;
        let step = self.script.pop_front().unwrap_or(Step::Some(100));
        self.is_blocked = step == Step::Blocks;
        self.has_failed |= step == Step::Fails;
        let Step::Some(most) = step else {
            return Err(error(step));
        };
        let len = most.min(buffer.len()).min(self.left.len());
        buffer[..len].copy_from_slice(&self.left[..len]);
        self.left = &self.left[len..];
        Ok(len)
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        assert_eq!(self.ends.get(), 0, "a write behind the end");
        let step = self.script.pop_front().unwrap_or(Step::Some(100));
        self.is_blocked = step == Step::Blocks;
        self.has_failed |= step == Step::Fails;
        let Step::Some(most) = step else {
            return Err(error(step));
        };
        let len = most.min(bytes.len());
        self.taken.extend(&bytes[..len]);
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Target {
    fn end(&self) -> io::Result<()> {
        self.ends.set(self.ends.get() + 1);
        self.taken_at_end.set(self.taken.len());
        Ok(())
    }
}

fn source(script: &[Step]) -> Source {
    Source {
        left: SENT,
        script: script.iter().copied().collect(),
        is_blocked: false,
        reads: 0,
        has_failed: false,
    }
}

fn target(script: &[Step]) -> Target {
    Target {
        taken: Vec::new(),
        script: script.iter().copied().collect(),
        is_blocked: false,
        has_failed: false,
        ends: Cell::new(0),
        taken_at_end: Cell::new(0),
    }
}

fn expected() -> Vec<u8> {
    [FIRST, SENT].concat()
}

impl Flow {
    /// Returns the number of bytes that the sink has still to take.
    fn waiting(&self) -> usize {
        self.pending.len() - self.taken
    }
}

/// Pumps until the flow has ended or fails, with an event only where a side has said that it would block.
/// Between two pumps everything that the module promises must hold.
fn run(source: &mut Source, target: &mut Target, budget: usize) -> Result<Flow, FlowError> {
    let mut flow = Flow::new(FIRST.into());
    // The kernel reports the end of a stream that was sent whole.
    flow.on_readable(true);
    for _ in 0..200 {
        let kept = flow.waiting();
        let (reads, taken) = (source.reads, target.taken.len());
        target.is_blocked = false;
        flow.pump(source, target, &mut [0; BUFFER], budget)?;
        if kept > target.taken.len() - taken {
            assert_eq!(source.reads, reads, "a read while bytes are kept");
        }
        assert!(flow.kept() <= BUFFER.max(FIRST.len()), "{flow:?}");
        assert!(expected().starts_with(&target.taken), "{flow:?}");
        assert_eq!(flow.relayed(), target.taken.len() as u64);
        let read = SENT.len() - source.left.len();
        assert_eq!(target.taken.len() + flow.waiting(), FIRST.len() + read);
        assert_eq!(
            flow.kept() > 0,
            flow.waiting() > 0,
            "memory without a purpose"
        );
        if flow.has_ended() {
            assert!(!flow.can_continue());
            return Ok(flow);
        }
        if flow.can_continue() {
            continue;
        }
        // Without an event a side must have blocked, or the flow would wait for ever.
        assert!(source.is_blocked || target.is_blocked, "{flow:?}");
        if std::mem::take(&mut source.is_blocked) {
            flow.on_readable(false);
        }
        if target.is_blocked {
            flow.on_writable();
        }
    }
    panic!("no end: {flow:?}");
}

/// Calls `check` with every script of up to `len` steps.
fn scripts(len: usize, check: &mut impl FnMut(&[Step])) {
    for number in 0..STEPS.len().pow(len as u32) {
        let script: Vec<_> = (0..len as u32)
            .map(|digit| STEPS[number / STEPS.len().pow(digit) % STEPS.len()])
            .collect();
        check(&script);
    }
}

#[test]
fn every_script_of_both_sides_gives_all_bytes_once_and_in_order_or_names_the_side_that_failed() {
    for budget in [1, 5, 1_000] {
        scripts(3, &mut |reads| {
            scripts(3, &mut |writes| {
                let (mut source, mut target) = (source(reads), target(writes));
                match run(&mut source, &mut target, budget) {
                    Ok(_) => {
                        assert!(!source.has_failed && !target.has_failed);
                        assert_eq!(target.taken, expected(), "{reads:?} {writes:?}");
                        assert_eq!(target.ends.get(), 1);
                        assert_eq!(target.taken_at_end.get(), expected().len());
                    }
                    Err(FlowError::Source(_)) => assert!(source.has_failed && !target.has_failed),
                    Err(FlowError::Sink(_)) => assert!(target.has_failed && !source.has_failed),
                }
                if source.has_failed || target.has_failed {
                    assert_eq!(target.ends.get(), 0, "a cut stream looks complete");
                }
            });
        });
    }
}

#[test]
fn a_sink_that_takes_nothing_costs_one_read_and_no_more() {
    let mut flow = Flow::new(Box::default());
    let (mut source, mut target) = (source(&[]), target(&[Step::Blocks; 9]));
    for _ in 0..3 {
        flow.on_readable(true);
        let result = flow.pump(&mut source, &mut target, &mut [0; BUFFER], 1_000);
        assert!(result.is_ok());
        assert_eq!((flow.kept(), source.reads), (BUFFER, 1));
        assert!(!flow.can_continue());
    }
}

#[test]
fn a_budget_bounds_what_one_call_reads_and_the_rest_waits_for_no_event() {
    let mut flow = Flow::new(Box::default());
    let (mut source, mut target) = (source(&[]), target(&[]));
    let result = flow.pump(&mut source, &mut target, &mut [0; BUFFER], 1);
    assert!(result.is_ok());
    assert_eq!(target.taken, SENT[..BUFFER]);
    assert!(flow.can_continue());
}

#[test]
fn a_short_read_saves_the_read_that_would_block_unless_the_end_was_reported() {
    for (is_closing, reads) in [(false, 1), (true, 2)] {
        let mut flow = Flow::new(Box::default());
        flow.on_readable(is_closing);
        let (mut source, mut target) = (source(&[Step::Some(3), Step::Blocks]), target(&[]));
        let result = flow.pump(&mut source, &mut target, &mut [0; BUFFER], 1_000);
        assert!(result.is_ok());
        assert_eq!(source.reads, reads);
    }
}

#[test]
fn a_flow_that_discards_reads_to_the_end_and_writes_nothing() {
    for script in [&[][..], &[Step::Blocks], &[Step::Some(1), Step::Blocks]] {
        let mut flow = Flow::new(FIRST.into());
        let (mut source, mut target) = (source(script), target(&[Step::Fails; 9]));
        flow.discard();
        assert_eq!(flow.kept(), 0);
        for _ in 0..9 {
            flow.on_readable(true);
            let result = flow.pump(&mut source, &mut target, &mut [0; BUFFER], 3);
            assert!(result.is_ok());
        }
        assert!(flow.has_ended() && source.left.is_empty() && target.taken.is_empty());
    }
}

#[test]
fn a_flow_that_discards_after_the_end_of_its_source_has_ended() {
    let mut flow = Flow::new(Box::default());
    let (mut source, mut target) = (source(&[]), target(&[Step::Blocks]));
    source.left = b"";
    assert!(
        flow.pump(&mut source, &mut target, &mut [0; BUFFER], 9)
            .is_ok()
    );
    assert!(flow.has_ended());
    flow.discard();
    assert!(flow.has_ended() && !flow.can_continue());
}
