//! The shape of a log line: `key=value` text in the style of Go's slog, or JSON, one line each,
//! whatever bytes a peer put into the values.

use std::fmt::Write;
use std::str::FromStr;
use std::time::Duration;

use crate::utc::Utc;

/// How grave a line is, the gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The program cannot go on, or not as it was told to.
    Error,
    /// Something an operator should look at.
    Warn,
    /// What the program does.
    Info,
    /// What it does in detail.
    Debug,
}

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `key=value`, values quoted where needed.
    Text,
    /// One JSON object a line.
    Json,
}

/// A value as it was given: text of our own, or bytes of a peer, which are escaped and cut.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    /// Text of our own; text that came from elsewhere goes to [`Value::Peer`].
    Text(&'a str),
    /// Whatever a peer sent. At most [`MAX_PEER_BYTES`] of it are written.
    Peer(&'a [u8]),
    /// A number; quoted in neither format.
    Number(u64),
}

/// How many bytes of a peer's input stand in one log line: a flood must not fill a disk.
pub const MAX_PEER_BYTES: usize = 128;

/// Appends one line to `out`, `\n` included: time, level, message, then the fields in their order.
/// `time` counts from the Unix epoch.
pub fn write_line(
    out: &mut String,
    format: Format,
    time: Duration,
    level: Level,
    message: &str,
    fields: &[(&str, Value<'_>)],
) {
    let mut line = Line {
        out,
        format,
        first: true,
    };
    line.timestamp(time);
    line.field("level", Value::Text(level.name()));
    line.field("msg", Value::Text(message));
    for (key, value) in fields {
        line.field(key, *value);
    }
    line.out
        .push_str(if format == Format::Json { "}\n" } else { "\n" });
}

/// Appends `bytes` so that they are harmless on a terminal and in a line: printable characters as
/// they are, anything else as `\n`, `\x1b` or `\u{202e}`, and `"` and `\` behind a backslash.
pub fn escape(out: &mut String, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '"' | '\\' => out.extend(['\\', c]),
                '\n' | '\r' | '\t' => out.extend(c.escape_default()),
                _ if !c.is_control() && !is_invisible(c) => out.push(c),
                _ if c.is_ascii() => push(out, format_args!("\\x{:02x}", u32::from(c))),
                _ => push(out, format_args!("{}", c.escape_unicode())),
            }
        }
        for byte in chunk.invalid() {
            push(out, format_args!("\\x{byte:02x}"));
        }
    }
}

impl Level {
    /// The name that stands in a line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::Warn => "WARN",
            Self::Info => "INFO",
            Self::Debug => "DEBUG",
        }
    }
}

/// A name as `--log-level` takes it.
impl FromStr for Level {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        match name {
            "error" => Ok(Self::Error),
            "warn" => Ok(Self::Warn),
            "info" => Ok(Self::Info),
            "debug" => Ok(Self::Debug),
            _ => Err(()),
        }
    }
}

struct Line<'a> {
    out: &'a mut String,
    format: Format,
    first: bool,
}

impl Line<'_> {
    fn timestamp(&mut self, since_epoch: Duration) {
        self.key("time");
        let Utc {
            year,
            month,
            day,
            hour,
            minute,
            second,
        } = Utc::from_unix(since_epoch.as_secs());
        let quote = if self.format == Format::Json {
            "\""
        } else {
            ""
        };
        let milliseconds = since_epoch.subsec_millis();
        push(
            self.out,
            format_args!(
                "{quote}{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milliseconds:03}Z{quote}"
            ),
        );
    }

    fn field(&mut self, key: &str, value: Value<'_>) {
        self.key(key);
        let (bytes, cut) = match value {
            Value::Number(number) => return push(self.out, format_args!("{number}")),
            Value::Text(text) => (text.as_bytes(), false),
            Value::Peer(bytes) if bytes.len() > MAX_PEER_BYTES => (&bytes[..MAX_PEER_BYTES], true),
            Value::Peer(bytes) => (bytes, false),
        };
        let quoted = self.format == Format::Json || cut || needs_quotes(bytes);
        if quoted {
            self.out.push('"');
        }
        match self.format {
            Format::Text => escape(self.out, bytes),
            Format::Json => escape_json(self.out, bytes),
        }
        if cut {
            self.out.push('…');
        }
        if quoted {
            self.out.push('"');
        }
    }

    fn key(&mut self, key: &str) {
        let first = std::mem::replace(&mut self.first, false);
        match self.format {
            Format::Text if first => push(self.out, format_args!("{key}=")),
            Format::Text => push(self.out, format_args!(" {key}=")),
            Format::Json if first => push(self.out, format_args!("{{\"{key}\":")),
            Format::Json => push(self.out, format_args!(",\"{key}\":")),
        }
    }
}

/// A bare value must not be empty, nor hold a space, a quote, an equals sign or anything escaped.
fn needs_quotes(bytes: &[u8]) -> bool {
    let bare = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'=' | b'\\');
    bytes.is_empty() || !bytes.iter().all(bare)
}

/// Appends `bytes` as they stand between the quotes of a JSON string (RFC 8259, 7); those that are not
/// UTF-8 become U+FFFD.
pub fn escape_json(out: &mut String, bytes: &[u8]) {
    for c in String::from_utf8_lossy(bytes).chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            _ if c.is_control() || is_invisible(c) => {
                push(out, format_args!("\\u{:04x}", u32::from(c)));
            }
            _ => out.push(c),
        }
    }
}

/// Characters that show nothing but change how a line is shown or where it ends: marks of writing
/// direction, line and paragraph separators, zero-width ones. All lie below U+10000.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Writing to a `String` never fails.
fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(format: Format, fields: &[(&str, Value<'_>)]) -> String {
        let mut out = String::new();
        let time = Duration::from_millis(1_795_345_187_837);
        write_line(&mut out, format, time, Level::Info, "puzzle sent", fields);
        out
    }

    #[test]
    fn text_looks_like_slog() {
        let fields = [
            ("client", Value::Text("127.0.0.1:42312")),
            ("puzzle", Value::Text("1:20:x:MA==")),
            ("empty", Value::Text("")),
            ("count", Value::Number(7)),
        ];
        assert_eq!(
            line(Format::Text, &fields),
            "time=2026-11-22T10:59:47.837Z level=INFO msg=\"puzzle sent\" client=127.0.0.1:42312 \
             puzzle=\"1:20:x:MA==\" empty=\"\" count=7\n"
        );
        assert_eq!(
            line(Format::Json, &fields),
            "{\"time\":\"2026-11-22T10:59:47.837Z\",\"level\":\"INFO\",\"msg\":\"puzzle sent\",\
             \"client\":\"127.0.0.1:42312\",\"puzzle\":\"1:20:x:MA==\",\"empty\":\"\",\"count\":7}\n"
        );
    }

    #[test]
    fn no_byte_of_a_peer_leaves_its_value() {
        for first in 0..=u8::MAX {
            for second in [b' ', b'"', b'\\', b'\n', 0xa8, 0xff] {
                let bytes = [b'a', first, second, b' ', b'x', b'='];
                for format in [Format::Text, Format::Json] {
                    let line = line(format, &[("line", Value::Peer(&bytes))]);
                    let body = line.strip_suffix('\n').unwrap();
                    assert!(!body.chars().any(char::is_control), "{line:?}");
                    let value = &body[body.find("line").unwrap()..];
                    let quotes = value
                        .replace("\\\\", "")
                        .replace("\\\"", "")
                        .matches('"')
                        .count();
                    assert_eq!(
                        quotes,
                        if format == Format::Json { 3 } else { 2 },
                        "{line:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn odd_characters_are_spelled_out() {
        let mut out = String::new();
        escape(
            &mut out,
            "é\u{1b}[31m\u{202e}\u{2028}\u{85}\"\\\t".as_bytes(),
        );
        escape(&mut out, b"\xff\xc3");
        assert_eq!(out, r#"é\x1b[31m\u{202e}\u{2028}\u{85}\"\\\t\xff\xc3"#);
    }

    #[test]
    fn a_long_value_is_cut() {
        let long = [b'a'; MAX_PEER_BYTES + 1];
        let cut = format!(" line=\"{}…\"\n", "a".repeat(MAX_PEER_BYTES));
        assert!(line(Format::Text, &[("line", Value::Peer(&long))]).ends_with(&cut));
        let whole = format!(" line={}\n", "a".repeat(MAX_PEER_BYTES));
        let fields = [("line", Value::Peer(&long[1..]))];
        assert!(line(Format::Text, &fields).ends_with(&whole));
    }
}
