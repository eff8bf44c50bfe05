//! Prints the resource.

use std::io::{self, IsTerminal, Write};

use powtcp_common::log_line::escape;

/// Prints the resource and a newline to standard output: byte for byte into a pipe or a file, and
/// without control characters on a terminal.
///
/// # Errors
/// That of the operating system.
pub fn print(resource: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    if stdout.is_terminal() {
        stdout.write_all(harmless(resource).as_bytes())?;
    } else {
        stdout.write_all(resource)?;
    }
    stdout.write_all(b"\n")?;
    stdout.flush()
}

/// Escapes bytes that act on a terminal or are not text. All other characters stay as they are,
/// quotes and backslashes too.
fn harmless(resource: &[u8]) -> String {
    let mut out = String::new();
    for chunk in resource.utf8_chunks() {
        for c in chunk.valid().chars() {
            if matches!(c, '"' | '\\') {
                out.push(c);
            } else {
                escape(&mut out, c.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        escape(&mut out, chunk.invalid());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_as_it_is() {
        let text = "Don’t Panic: \"42\" \\ is the answer.";
        assert_eq!(harmless(text.as_bytes()), text);
        assert_eq!(harmless(b""), "");
    }

    #[test]
    fn control_characters_are_escaped() {
        let nasty = b"\x1b[2J\x1b]0;title\x07\x9b31m\xc2\x9b\x08\r\t\0\x7f\xe2\x80\xae\xff";
        let shown = r"\x1b[2J\x1b]0;title\x07\x9b31m\u{9b}\x08\r\t\x00\x7f\u{202e}\xff";
        assert_eq!(harmless(nasty), shown);
    }
}
