//! The line on a terminal that shows how far a search is. It is rewritten in place, so it must never
//! be wider than the terminal: a line that wraps cannot be rewritten.

use std::env;
use std::ffi::OsString;

use powtcp_client::Effort;

/// The width of a terminal that does not tell it. `COLUMNS` is the only source that needs no unsafe
/// code, and most shells do not export it. No terminal in use is narrower.
const NARROW: usize = 20;

/// Columns that stay free: two for the `^C` that a terminal shows when it is typed, and one for the
/// cursor.
const FREE: usize = 3;

/// How a terminal is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Terminal {
    columns: usize,
    /// Whether it understands escape sequences, and the user wants them.
    has_escapes: bool,
}

/// A line of progress on a terminal.
#[derive(Debug)]
pub struct ProgressLine {
    terminal: Terminal,
    /// The column of the cursor, behind what is shown; 0 if nothing is.
    shown: usize,
}

impl ProgressLine {
    /// Creates a line that is not shown yet, for the terminal that the environment describes.
    pub fn from_environment() -> Self {
        Self::new(Terminal::of(|name| env::var_os(name)))
    }

    fn new(terminal: Terminal) -> Self {
        let shown = 0;
        Self { terminal, shown }
    }

    /// Returns the bytes that show `effort`, in place of what the line shows now.
    pub fn show(&mut self, effort: &Effort) -> String {
        let room = self.terminal.columns.saturating_sub(FREE);
        let text = fitting(effort, room);
        if self.terminal.has_escapes {
            self.shown = text.len();
            // Erase the rest of the line (ECMA-48, 8.3.41).
            return format!("\r{text}\x1b[K");
        }
        // The cursor stays behind the longest text so far, where a terminal shows `^C`.
        self.shown = self.shown.max(text.len());
        format!("\r{text:0$}", self.shown)
    }

    /// Returns whether the line shows something.
    pub fn is_shown(&self) -> bool {
        self.shown > 0
    }

    /// Returns the bytes that erase the line, with a `^C` behind it if there is one. The cursor is at
    /// the start of the line then.
    pub fn erase(&mut self) -> String {
        let before = std::mem::take(&mut self.shown);
        if self.terminal.has_escapes {
            "\r\x1b[K".to_string()
        } else {
            format!("\r{:1$}\r", "", before + "^C".len())
        }
    }
}

impl Terminal {
    /// Returns the terminal that these variables describe.
    fn of(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let columns = variable("COLUMNS").and_then(|text| text.to_str()?.parse().ok());
        let is_set = |name| variable(name).is_some_and(|value| !value.is_empty());
        let is_dumb = variable("TERM").is_some_and(|term| term == "dumb");
        Self {
            columns: columns.filter(|columns| *columns > 0).unwrap_or(NARROW),
            has_escapes: !is_dumb && !is_set("NO_COLOR"),
        }
    }
}

/// Returns the most detailed text of at most `room` columns. All texts are ASCII.
fn fitting(effort: &Effort, room: usize) -> String {
    let Effort { bits, elapsed, .. } = effort;
    let share = effort.share() * 100.0;
    let (rate, seconds) = (effort.rate() / 1e6, elapsed.as_secs());
    let mut shortest = format!("{bits} bits {share:.0}% {seconds} s");
    shortest.truncate(room);
    let texts = [
        format!("solving {effort}, {share:.0} % of the expected work"),
        format!("solving {bits} bits: {share:.0} % of the expected work, {rate:.2} MH/s"),
        format!("solving {bits} bits: {share:.0} % in {seconds} s"),
    ];
    let fits = |text: &String| text.len() <= room;
    texts.into_iter().find(fits).unwrap_or(shortest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use powtcp_client::Kernel;
    use std::time::Duration;

    /// What a terminal shows in its only line.
    #[derive(Default)]
    struct Screen {
        cells: Vec<char>,
        cursor: usize,
    }

    impl Screen {
        fn write(&mut self, bytes: &str) {
            let mut rest = bytes.chars();
            while let Some(c) = rest.next() {
                match c {
                    '\r' => self.cursor = 0,
                    '\x1b' => {
                        assert_eq!(rest.by_ref().take(2).collect::<String>(), "[K");
                        self.cells.truncate(self.cursor);
                    }
                    c => {
                        self.cells
                            .resize(self.cells.len().max(self.cursor + 1), ' ');
                        self.cells[self.cursor] = c;
                        self.cursor += 1;
                    }
                }
            }
        }

        fn text(&self) -> String {
            let text: String = self.cells.iter().collect();
            text.trim_end().to_string()
        }
    }

    fn effort(bits: u8, attempts: u64, seconds: u64) -> Effort {
        Effort {
            bits,
            attempts,
            elapsed: Duration::from_secs(seconds),
            kernel: Kernel::Portable,
        }
    }

    fn terminal(columns: usize, has_escapes: bool) -> Terminal {
        Terminal {
            columns,
            has_escapes,
        }
    }

    #[test]
    fn the_line_leaves_columns_free_at_every_width() {
        let efforts = [
            effort(1, 1, 0),
            effort(24, 1 << 25, 9),
            effort(64, u64::MAX, 86_400),
            effort(160, u64::MAX, u64::MAX),
        ];
        for columns in 1..200 {
            let mut line = ProgressLine::new(terminal(columns, false));
            for effort in &efforts {
                line.show(effort);
                assert!(
                    line.shown + FREE <= columns.max(FREE),
                    "{columns}: {line:?}"
                );
            }
        }
    }

    #[test]
    fn a_wide_terminal_shows_more_than_a_narrow_one() {
        let effort = effort(24, 6_291_456, 2);
        for (columns, text) in [
            (20, "24 bits 38% 2 s"),
            (40, "solving 24 bits: 38 % in 2 s"),
            (80, "solving 24 bits: 38 % of the expected work, 3.15 MH/s"),
            (
                100,
                "solving 24 bits: 6291456 attempts in 2.000 s, 3.15 MH/s, 38 % of the expected work",
            ),
        ] {
            let mut line = ProgressLine::new(terminal(columns, true));
            assert_eq!(line.show(&effort), format!("\r{text}\x1b[K"));
        }
    }

    #[test]
    fn a_line_replaces_the_one_before_and_is_erased_with_what_was_typed() {
        for has_escapes in [true, false] {
            let mut line = ProgressLine::new(terminal(20, has_escapes));
            let mut screen = Screen::default();
            screen.write(&line.show(&effort(24, 1 << 24, 1_000)));
            assert_eq!(screen.text(), "24 bits 100% 1000");
            screen.write(&line.show(&effort(24, 1 << 20, 1)));
            assert_eq!(screen.text(), "24 bits 6% 1 s");
            screen.write("^C");
            screen.write(&line.erase());
            assert_eq!((screen.text().as_str(), screen.cursor), ("", 0));
            screen.write(&line.erase());
            assert_eq!((screen.text().as_str(), screen.cursor), ("", 0));
        }
    }

    #[test]
    fn without_escapes_there_are_none() {
        let mut line = ProgressLine::new(terminal(80, false));
        let bytes = line.show(&effort(24, 1, 1)) + &line.erase();
        assert!(!bytes.contains('\x1b'), "{bytes:?}");
    }

    #[test]
    fn the_environment_describes_the_terminal() {
        let of = |variables: &[(&str, &str)]| {
            Terminal::of(|name| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| value.into())
            })
        };
        let xterm = ("TERM", "xterm");
        assert_eq!(of(&[xterm]), terminal(NARROW, true));
        assert_eq!(of(&[xterm, ("COLUMNS", "80")]), terminal(80, true));
        assert_eq!(of(&[xterm, ("COLUMNS", "0")]), terminal(NARROW, true));
        assert_eq!(of(&[xterm, ("COLUMNS", "x")]), terminal(NARROW, true));
        assert_eq!(of(&[xterm, ("NO_COLOR", "")]), terminal(NARROW, true));
        assert_eq!(of(&[xterm, ("NO_COLOR", "1")]), terminal(NARROW, false));
        assert_eq!(of(&[("TERM", "dumb")]), terminal(NARROW, false));
        assert_eq!(of(&[]), terminal(NARROW, true));
    }
}
