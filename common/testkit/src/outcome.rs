//! What is left of a program that has ended.

use std::fmt;

/// How a run of a program ended.
pub struct Outcome {
    /// The exit status; `None` if a signal ended the program.
    pub status: Option<i32>,
    /// Everything that it wrote to standard output.
    pub stdout: Vec<u8>,
    /// The lines of standard error.
    pub stderr: Vec<String>,
}

impl Outcome {
    /// Returns standard output as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Returns standard error as one text.
    pub fn stderr_text(&self) -> String {
        self.stderr.join("\n")
    }
}

/// Readable in the message of a failed assertion.
impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, .. } = self;
        let (stdout, stderr) = (self.text(), self.stderr_text());
        write!(
            f,
            "status {status:?}\nstandard output:\n{stdout}\nstandard error:\n{stderr}"
        )
    }
}
