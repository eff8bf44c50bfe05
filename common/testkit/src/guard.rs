//! A guard that ends a server after this process, however this process ends: SIGKILL leaves no time for
//! destructors.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// Reads until the end of its standard input, which this process holds open, then kills its process
/// group. Signals of a terminal must not end it before.
const SCRIPT: &str = "trap '' HUP INT TERM; read -r _; kill -KILL 0";

/// A process that waits for the end of this one, in a process group of its own. Dropping it ends it, and
/// spares the rest of the group.
#[derive(Debug)]
pub(crate) struct Guard {
    shell: Child,
}

impl Guard {
    /// Starts a guard. It comes before what it guards: there is no moment without it.
    ///
    /// # Errors
    /// There is no shell.
    pub(crate) fn start() -> io::Result<Self> {
        let shell = Command::new("sh")
            .args(["-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Signals to the group of this process are not for the guard.
            .process_group(0)
            .spawn()?;
        Ok(Self { shell })
    }

    /// Puts the process that `command` will start into the group of the guard.
    pub(crate) fn watch(&self, command: &mut Command) {
        command.process_group(self.shell.id() as i32);
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Killed first: the end of its input, which `wait` closes, must not wake it.
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{Program, command};

    fn guarded() -> (Guard, Program) {
        let guard = Guard::start().unwrap();
        let mut sleeper = command("sleep", &["60"]);
        guard.watch(&mut sleeper);
        (guard, Program::start(sleeper).unwrap())
    }

    #[test]
    fn the_end_of_its_input_makes_a_guard_kill() {
        let (mut guard, program) = guarded();
        // What happens to the pipe when this process ends.
        drop(guard.shell.stdin.take());
        assert_eq!(program.finish().status, None);
    }

    #[test]
    fn a_dropped_guard_spares_what_it_guarded() {
        let (guard, mut program) = guarded();
        drop(guard);
        assert_eq!(program.end(), None);
    }
}
