//! The queue between the event loop and standard error, and the thread that empties it: writing to a
//! full pipe, or to a terminal that is stopped by Ctrl-S, must not stop the service.

use std::io::{self, ErrorKind, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

/// Bytes of lines that wait to be written. It bounds the memory that a stuck standard error costs, and
/// holds the lines that peers can cause in 17 seconds (see `quota`).
const MAX_QUEUED: usize = 256 * 1024;
/// How long the end of the server waits for the writer. It stops a stuck standard error from keeping
/// the server alive.
const EXIT_WAIT: Duration = Duration::from_millis(200);
/// The pause before another attempt, where another process has made standard error non-blocking. The
/// server never does that itself, because other processes may share the open file.
const WRITE_RETRY: Duration = Duration::from_millis(10);
/// The writer calls little more than `write`.
const STACK_SIZE: usize = 64 * 1024;

/// Lines on their way to a writer thread. It takes no memory for lines while it is empty.
#[derive(Debug)]
pub(super) struct LineQueue {
    lines: Sender<QueuedLine>,
    counts: Arc<LineCounts>,
    /// Disconnected once the writer has ended.
    ended: Receiver<()>,
    /// Whether a line did not fit, and more than half of the queue has been full since. Without it a
    /// slow reader would get a report for each dropped line.
    refusing: bool,
}

#[derive(Debug)]
struct QueuedLine {
    text: Box<str>,
    /// The number of dropped lines that this line reports.
    reports: u64,
}

/// What the loop and the writer both count.
#[derive(Debug, Default)]
struct LineCounts {
    /// Bytes in the queue, with the line that is being written.
    queued: AtomicUsize,
    /// Lines dropped since the start, reports not counted.
    dropped: AtomicU64,
    /// Dropped lines that no line has reported.
    unreported: AtomicU64,
}

impl LineQueue {
    /// Starts a thread that writes to `out`.
    ///
    /// # Errors
    /// The system allows no other thread.
    pub(super) fn start(out: impl Write + Send + 'static) -> io::Result<Self> {
        let (lines, received) = mpsc::channel();
        let (end, ended) = mpsc::channel();
        let counts = Arc::new(LineCounts::default());
        let shared = Arc::clone(&counts);
        let writer = thread::Builder::new()
            .name("log".to_string())
            .stack_size(STACK_SIZE);
        writer.spawn(move || {
            write_lines(out, &received, &shared);
            drop(end);
        })?;
        Ok(Self {
            lines,
            counts,
            ended,
            refusing: false,
        })
    }

    /// Hands over a line with its `\n`, or drops and counts it if the queue is full. It never waits.
    pub(super) fn push(&mut self, text: &str) {
        self.refusing |= self.queued() + text.len() > MAX_QUEUED;
        if self.refusing {
            self.counts.drop_line(0);
        } else {
            self.send(text, 0);
        }
    }

    /// Hands over a line that reports `count` dropped lines, as [`LineQueue::take_dropped`] gave them.
    pub(super) fn push_report(&self, text: &str, count: u64) {
        self.send(text, count);
    }

    /// Takes the number of dropped lines that can be reported now: 0 if there are none, or if the queue
    /// is still more than half full.
    pub(super) fn take_dropped(&mut self) -> u64 {
        if self.queued() > MAX_QUEUED / 2 {
            return 0;
        }
        self.refusing = false;
        self.counts.unreported.swap(0, Relaxed)
    }

    /// Returns whether there are dropped lines to be reported.
    pub(super) fn has_unreported(&self) -> bool {
        self.counts.unreported.load(Relaxed) > 0
    }

    /// Returns the number of lines dropped since the start.
    pub(super) fn dropped_total(&self) -> u64 {
        self.counts.dropped.load(Relaxed)
    }

    /// Waits until all lines are written, but not longer than [`EXIT_WAIT`].
    pub(super) fn finish(self) {
        drop(self.lines);
        // The writer sends nothing: this is its end, or the end of the wait.
        let _ = self.ended.recv_timeout(EXIT_WAIT);
    }

    fn queued(&self) -> usize {
        self.counts.queued.load(Relaxed)
    }

    fn send(&self, text: &str, reports: u64) {
        self.counts.queued.fetch_add(text.len(), Relaxed);
        let line = QueuedLine {
            text: text.into(),
            reports,
        };
        // The writer ends only after this sender.
        let _ = self.lines.send(line);
    }
}

impl LineCounts {
    /// Counts a line that is lost. A lost report is reported again.
    fn drop_line(&self, reports: u64) {
        self.dropped.fetch_add(u64::from(reports == 0), Relaxed);
        self.unreported.fetch_add(reports.max(1), Relaxed);
    }
}

/// Writes lines until the sender is gone. One call writes one line, so that lines of other processes
/// on the same pipe come between lines and not within one.
fn write_lines(mut out: impl Write, lines: &Receiver<QueuedLine>, counts: &LineCounts) {
    // Whether an error ended the last line before its `\n`.
    let mut torn = false;
    for QueuedLine { text, reports } in lines {
        torn = torn && write_whole(&mut out, b"\n").is_err();
        if torn {
            counts.drop_line(reports);
        } else if let Err(written) = write_whole(&mut out, text.as_bytes()) {
            torn = written > 0;
            counts.drop_line(reports);
        }
        counts.queued.fetch_sub(text.len(), Relaxed);
    }
}

/// Writes all bytes. An error tells how many were written before it.
fn write_whole(out: &mut impl Write, bytes: &[u8]) -> Result<(), usize> {
    let mut written = 0;
    while let Some(rest @ [_, ..]) = bytes.get(written..) {
        match out.write(rest) {
            Ok(0) => return Err(written),
            Ok(len) => written += len,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(WRITE_RETRY),
            Err(_) => return Err(written),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Mutex;

    use super::*;

    /// The length of the lines in these tests.
    const LINE: usize = 64;
    /// The number of lines that fit into the queue.
    const FITTING: usize = MAX_QUEUED / LINE;

    fn line(number: usize) -> String {
        format!("{number:0>63}\n")
    }

    /// A standard error that blocks until the test lets one write through.
    struct Gate {
        open: Receiver<()>,
        written: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // The test has ended if this is an error.
            let _ = self.open.recv();
            self.written.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn gated() -> (LineQueue, Sender<()>, Arc<Mutex<Vec<u8>>>) {
        let (opener, open) = mpsc::channel();
        let written = Arc::new(Mutex::new(Vec::new()));
        let gate = Gate {
            open,
            written: Arc::clone(&written),
        };
        (LineQueue::start(gate).unwrap(), opener, written)
    }

    #[test]
    fn lines_beyond_the_queue_are_dropped_and_reported_once_half_of_it_is_written() {
        let (mut queue, opener, written) = gated();
        for number in 0..FITTING + 10 {
            queue.push(&line(number));
        }
        assert_eq!(queue.dropped_total(), 10);
        for _ in 0..FITTING / 2 {
            assert_eq!(queue.take_dropped(), 0, "the queue is still too full");
            let before = queue.queued();
            opener.send(()).unwrap();
            while queue.queued() == before {
                thread::yield_now();
            }
        }
        assert_eq!(queue.take_dropped(), 10);
        queue.push_report("report\n", 10);
        queue.push(&line(FITTING + 10));
        drop(opener);
        queue.finish();
        let text = String::from_utf8(written.lock().unwrap().clone()).unwrap();
        let expected: String = (0..FITTING)
            .map(line)
            .chain(["report\n".to_string(), line(FITTING + 10)])
            .collect();
        assert!(text == expected, "the order of {} bytes", text.len());
    }

    #[test]
    fn a_stuck_writer_does_not_hold_up_the_end() {
        let (mut queue, _opener, written) = gated();
        queue.push(&line(0));
        queue.finish();
        assert!(written.lock().unwrap().is_empty());
    }

    /// A standard error whose writes have these results, then succeed.
    struct Script(VecDeque<io::Result<usize>>, Arc<Mutex<Vec<u8>>>);

    impl Write for Script {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let len = self.0.pop_front().unwrap_or(Ok(bytes.len()))?;
            self.1.lock().unwrap().extend_from_slice(&bytes[..len]);
            Ok(len)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Writes three lines with these results of `write`; returns what was written and the counts of
    /// dropped and of unreported lines.
    fn write_three(results: Vec<io::Result<usize>>) -> (String, u64, u64) {
        let written = Arc::new(Mutex::new(Vec::new()));
        let out = Script(results.into(), Arc::clone(&written));
        let (sender, lines) = mpsc::channel();
        for (text, reports) in [("one\n", 0), ("two\n", 7), ("three\n", 0)] {
            let text = text.into();
            sender.send(QueuedLine { text, reports }).unwrap();
        }
        drop(sender);
        let counts = LineCounts {
            queued: AtomicUsize::new(14),
            ..LineCounts::default()
        };
        write_lines(out, &lines, &counts);
        assert_eq!(counts.queued.into_inner(), 0);
        let text = String::from_utf8(written.lock().unwrap().clone()).unwrap();
        (
            text,
            counts.dropped.into_inner(),
            counts.unreported.into_inner(),
        )
    }

    #[test]
    fn a_short_or_delayed_write_is_continued() {
        let results = vec![
            Ok(2),
            Err(ErrorKind::WouldBlock.into()),
            Err(ErrorKind::Interrupted.into()),
            Ok(1),
        ];
        assert_eq!(write_three(results), ("one\ntwo\nthree\n".into(), 0, 0));
    }

    #[test]
    fn a_line_that_an_error_ends_does_not_run_into_the_next() {
        let full = || Err(ErrorKind::StorageFull.into());
        assert_eq!(
            write_three(vec![Ok(2), full()]),
            ("on\ntwo\nthree\n".into(), 1, 1)
        );
        assert_eq!(
            write_three(vec![Ok(2), full(), full()]),
            ("on\nthree\n".into(), 1, 8),
            "a lost report counts for the lines that it reports"
        );
    }
}
