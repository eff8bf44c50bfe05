//! Guards one direction of a relay: against a source and a sink that follow a script, every byte arrives
//! once and in order, whatever happens between.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};

use powtcp_server::relay::{Flow, FlowError, Sink};
use proptest::prelude::*;

/// The bytes of one read.
const BUFFER: usize = 8;
/// What a call of `pump` may read.
const BUDGET: usize = 20;

/// What a source or a sink does in one call.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Gives or takes up to this many bytes.
    Bytes(usize),
    /// Would block.
    Block,
    /// Is interrupted by a signal.
    Interrupt,
}

/// A source of numbered bytes.
struct Source {
    steps: VecDeque<Step>,
    next: u8,
    left: usize,
    /// Whether the last call has emptied it, so that an event must follow before more bytes.
    blocked: bool,
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let step = self.steps.pop_front().unwrap_or(Step::Bytes(BUFFER));
        let len = match step {
            Step::Block => {
                self.blocked = true;
                return Err(ErrorKind::WouldBlock.into());
            }
            Step::Interrupt => return Err(ErrorKind::Interrupted.into()),
            Step::Bytes(len) => len.max(1).min(self.left).min(buffer.len()),
        };
        self.left -= len;
        self.blocked = len < buffer.len();
        for byte in &mut buffer[..len] {
            *byte = self.next;
            self.next = self.next.wrapping_add(1);
        }
        Ok(len)
    }
}

#[derive(Default)]
struct Collected {
    steps: VecDeque<Step>,
    bytes: Vec<u8>,
    ended: Cell<bool>,
    blocked: bool,
}

impl Write for Collected {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        assert!(!self.ended.get(), "bytes after the end");
        let step = self.steps.pop_front().unwrap_or(Step::Bytes(BUFFER));
        let len = match step {
            Step::Block => {
                self.blocked = true;
                return Err(ErrorKind::WouldBlock.into());
            }
            Step::Interrupt => return Err(ErrorKind::Interrupted.into()),
            Step::Bytes(len) => len.max(1).min(bytes.len()),
        };
        self.bytes.extend(&bytes[..len]);
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Collected {
    fn end(&self) -> io::Result<()> {
        assert!(!self.ended.replace(true), "a second end");
        Ok(())
    }
}

fn steps() -> impl Strategy<Value = VecDeque<Step>> {
    let step = prop_oneof![
        3 => (1..=BUFFER + 2).prop_map(Step::Bytes),
        1 => Just(Step::Block),
        1 => Just(Step::Interrupt),
    ];
    prop::collection::vec_deque(step, 0..40)
}

/// The bytes that were sent first, and then those of a source with `len` bytes.
fn expected(first: &[u8], len: usize) -> Vec<u8> {
    let numbered = (0..len).map(|index| index as u8);
    first.iter().copied().chain(numbered).collect()
}

proptest! {
    #[test]
    fn all_bytes_arrive_once_and_in_order_before_the_end(
        first in prop::collection::vec(any::<u8>(), 0..12),
        len in 0_usize..200,
        reads in steps(),
        writes in steps(),
    ) {
        let mut source = Source { steps: reads, next: 0, left: len, blocked: false };
        let mut sink = Collected { steps: writes, ..Collected::default() };
        let mut flow = Flow::new(first.clone().into());
        let mut buffer = [0; BUFFER];
        let mut turns = 0;
        while !flow.has_ended() {
            turns += 1;
            prop_assert!(turns < 1_000, "no progress");
            let before = source.left;
            flow.pump(&mut source, &mut sink, &mut buffer, BUDGET).unwrap();
            prop_assert!(before - source.left < BUDGET + BUFFER, "more than the budget");
            prop_assert!(flow.kept() <= BUFFER.max(first.len()), "more than one read is kept");
            prop_assert_eq!(flow.relayed() as usize, sink.bytes.len());
            let is_done = sink.bytes == expected(&first, len);
            prop_assert!(!sink.ended.get() || is_done, "an end before the last byte");
            if !flow.can_continue() && !flow.has_ended() {
                prop_assert!(source.blocked || sink.blocked, "stopped without a reason");
                if std::mem::take(&mut source.blocked) {
                    flow.on_readable(source.left == 0);
                }
                if std::mem::take(&mut sink.blocked) {
                    flow.on_writable();
                }
            }
        }
        prop_assert_eq!(&sink.bytes, &expected(&first, len));
        prop_assert!(sink.ended.get());
    }
}

fn source(len: usize) -> Source {
    Source {
        steps: VecDeque::new(),
        next: 0,
        left: len,
        blocked: false,
    }
}

/// A side that fails in every call.
struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(ErrorKind::ConnectionReset.into())
    }
}

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Broken {
    fn end(&self) -> io::Result<()> {
        Err(ErrorKind::NotConnected.into())
    }
}

#[test]
fn nothing_is_read_while_the_sink_waits() {
    let (mut source, mut sink) = (source(100), Collected::default());
    sink.steps = [Step::Block; 9].into();
    let mut flow = Flow::new(Box::default());
    let mut buffer = [0; BUFFER];
    for _ in 0..5 {
        flow.on_readable(false);
        flow.pump(&mut source, &mut sink, &mut buffer, BUDGET)
            .unwrap();
        assert_eq!((source.left, flow.kept()), (100 - BUFFER, BUFFER));
        assert!(!flow.can_continue());
    }
}

#[test]
fn an_error_names_its_side() {
    let mut buffer = [0; BUFFER];
    let mut pump = |source: &mut dyn Read, sink: &mut Collected| {
        Flow::new(Box::default()).pump(&mut { source }, sink, &mut buffer, BUDGET)
    };
    let error = pump(&mut Broken, &mut Collected::default());
    assert!(matches!(error, Err(FlowError::Source(_))));
    for len in [0, 10] {
        let error =
            Flow::new(Box::default()).pump(&mut source(len), &mut Broken, &mut [0; BUFFER], BUDGET);
        assert!(matches!(error, Err(FlowError::Sink(_))), "{len}");
    }
}

#[test]
fn a_flow_that_discards_reads_to_the_end_and_ends_nothing() {
    let (mut source, mut sink) = (source(100), Collected::default());
    let mut flow = Flow::new(b"kept"[..].into());
    flow.discard();
    assert_eq!(flow.kept(), 0);
    while flow.can_continue() {
        flow.pump(&mut source, &mut sink, &mut [0; BUFFER], BUDGET)
            .unwrap();
        flow.on_readable(false);
    }
    assert!(flow.has_ended() && source.left == 0);
    assert!(sink.bytes.is_empty() && !sink.ended.get());
}
