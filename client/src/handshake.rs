//! The client's side of the protocol: ask for a puzzle, solve it, pay, receive the resource.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use powtcp_common::hashcash::{Challenge, Watch, solve};
use powtcp_common::log_line::Value;
use powtcp_common::message::{Command, Message};

use crate::config::Config;
use crate::conversation::Conversation;
use crate::error::ClientError;
use crate::report::{Effort, Reporter};

/// How often the client shows its progress and checks the server while it solves a puzzle.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// Gets a resource from the server; returns its bytes.
///
/// # Errors
/// The first thing that went wrong. This does not retry.
pub fn fetch(config: &Config, reporter: &Reporter) -> Result<Vec<u8>, ClientError> {
    let Config {
        server, timeout, ..
    } = config;
    let mut server_side = Conversation::connect(server, *timeout)?;
    reporter.step("connected", &[("server", Value::Text(server))]);

    server_side.send(
        Message {
            command: Command::RequestPuzzle,
            payload: b"",
        },
        *timeout,
    )?;
    let puzzle = server_side.receive(Command::ResponsePuzzle, "send a puzzle", *timeout)?;
    reporter.step("puzzle received", &[("puzzle", Value::Peer(&puzzle))]);

    let challenge = Challenge::parse(&puzzle).map_err(ClientError::BadPuzzle)?;
    if challenge.difficulty() > config.max_difficulty {
        return Err(ClientError::TooHard(
            challenge.difficulty(),
            config.max_difficulty,
        ));
    }
    let stamp = solve_watched(&challenge, &mut server_side, config, reporter)?;

    server_side.send(
        Message {
            command: Command::RequestResource,
            payload: &stamp,
        },
        *timeout,
    )?;
    reporter.step("stamp sent", &[("stamp", Value::Peer(&stamp))]);
    let resource = server_side.receive(Command::ResponseResource, "send a resource", *timeout)?;
    reporter.step(
        "resource received",
        &[("bytes", Value::Number(resource.len() as u64))],
    );
    Ok(resource)
}

/// Solves `challenge` on other threads, while this thread shows the progress and checks the time and the
/// server. The search ends early if the server sends an error or closes the connection.
fn solve_watched(
    challenge: &Challenge,
    server_side: &mut Conversation,
    config: &Config,
    reporter: &Reporter,
) -> Result<Vec<u8>, ClientError> {
    let watch = Watch::new();
    let start = Instant::now();
    let effort = || Effort {
        difficulty: challenge.difficulty(),
        attempts: watch.attempts(),
        elapsed: start.elapsed(),
        kernel: config.kernel,
    };
    let outcome = thread::scope(|scope| {
        let (done, solution) = channel();
        let watch = &watch;
        scope.spawn(move || done.send(solve(challenge, config.kernel, config.threads, watch)));
        let outcome = loop {
            let left = config.solve_timeout.saturating_sub(start.elapsed());
            match solution.recv_timeout(left.min(PROGRESS_INTERVAL)) {
                Ok(counter) => break counter.ok_or(ClientError::Unsolved),
                Err(RecvTimeoutError::Disconnected) => break Err(ClientError::Unsolved),
                Err(RecvTimeoutError::Timeout) => reporter.progress(&effort()),
            }
            if start.elapsed() >= config.solve_timeout {
                break Err(ClientError::Unsolved);
            }
            if server_side.was_interrupted() {
                break Err(interruption(server_side, config.timeout));
            }
        };
        watch.cancel();
        outcome
    });
    reporter.progress_ended();
    let counter = outcome?;
    reporter.solved(&effort());
    Ok(challenge.stamp(counter))
}

/// Returns the error for a server that sent something or closed while the client was solving.
fn interruption(server_side: &mut Conversation, timeout: Duration) -> ClientError {
    match server_side.receive(Command::Error, "wait for a solution", timeout) {
        Ok(text) => ClientError::Refused(text),
        Err(error) => error,
    }
}
