//! Threads that read the output of a program, which would block once a pipe is full.

use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{self, Receiver};
use std::thread;

/// Reads `pipe` on a thread. Everything arrives at once when the pipe is closed.
pub(crate) fn all_of(pipe: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What came before an error is still worth reporting. The receiver may be gone.
        let _ = pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
        let _ = sender.send(bytes);
    });
    receiver
}

/// Reads `pipe` on a thread line by line, and adds up the bytes in `count`.
pub(crate) fn lines_of(
    pipe: Option<impl Read + Send + 'static>,
    count: Arc<AtomicU64>,
) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    let Some(pipe) = pipe else { return receiver };
    thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while pipe.read_until(b'\n', &mut line).is_ok_and(|len| len > 0) {
            count.fetch_add(line.len() as u64, Relaxed);
            let text = line.strip_suffix(b"\n").unwrap_or(&line);
            // The receiver may be gone; the pipe is read on, or the program would block.
            let _ = sender.send(String::from_utf8_lossy(text).into_owned());
            line.clear();
        }
    });
    receiver
}
