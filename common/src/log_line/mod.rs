//! The format of a log line: `key=value` text in the style of Go's slog, or a JSON object. It
//! is always one line, because bytes of a peer are escaped.

mod escape;
mod invisible;

use std::fmt::{Arguments, Write};
use std::time::Duration;

pub use escape::{escape, escape_json};

use crate::utc::Utc;

/// The severity of a line, the most severe first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The program cannot continue, or not as configured.
    Error,
    /// Something that an operator should look at.
    Warn,
    /// An ordinary event.
    Info,
    /// A detail.
    Debug,
}

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `key=value`, with quotes around values that need them.
    Text,
    /// One JSON object per line (RFC 8259).
    Json,
}

/// The value of a field. All values are escaped; those of peers are also cut.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    /// Text of the program itself.
    Text(&'a str),
    /// Bytes from a peer, of which at most [`MAX_PEER_BYTES`] are written.
    Peer(&'a [u8]),
    /// A number, which has quotes in neither format.
    Number(u64),
}

/// The maximum number of bytes of a peer in one value. It stops a flood from filling the disk.
pub const MAX_PEER_BYTES: usize = 128;

/// Appends one line with its `\n` to `out`: the time, the level, the message, and then `fields` in
/// their order. `time` is the time since the Unix epoch.
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
    if format == Format::Json {
        line.out.push('}');
    }
    line.out.push('\n');
}

impl Level {
    /// Returns the name in a log line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::Warn => "WARN",
            Self::Info => "INFO",
            Self::Debug => "DEBUG",
        }
    }
}

/// A line that is being written.
struct Line<'a> {
    out: &'a mut String,
    format: Format,
    /// Whether no field has been written yet.
    first: bool,
}

impl Line<'_> {
    fn timestamp(&mut self, since_epoch: Duration) {
        self.key("time");
        let utc = Utc::from_unix(since_epoch.as_secs());
        let quote = match self.format {
            Format::Text => "",
            Format::Json => "\"",
        };
        self.push(format_args!(
            "{quote}{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z{quote}",
            utc.year,
            utc.month,
            utc.day,
            utc.hour,
            utc.minute,
            utc.second,
            since_epoch.subsec_millis()
        ));
    }

    fn field(&mut self, key: &str, value: Value<'_>) {
        self.key(key);
        let (bytes, cut) = match value {
            Value::Number(number) => return self.push(format_args!("{number}")),
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

    fn push(&mut self, text: Arguments<'_>) {
        // Writing to a `String` never fails.
        let _ = self.out.write_fmt(text);
    }

    fn key(&mut self, key: &str) {
        let first = std::mem::replace(&mut self.first, false);
        match self.format {
            Format::Text if first => self.push(format_args!("{key}=")),
            Format::Text => self.push(format_args!(" {key}=")),
            Format::Json if first => self.push(format_args!("{{\"{key}\":")),
            Format::Json => self.push(format_args!(",\"{key}\":")),
        }
    }
}

/// Returns whether a value in the text format needs quotes: if it is empty or contains a space, a
/// quote, an equals sign or a character that is escaped.
fn needs_quotes(bytes: &[u8]) -> bool {
    let bare = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'=' | b'\\');
    bytes.is_empty() || !bytes.iter().all(bare)
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
    fn a_line_is_slog_text_or_a_json_object() {
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
    fn bytes_of_a_peer_stay_within_their_value() {
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
    fn a_long_value_is_cut() {
        let long = [b'a'; MAX_PEER_BYTES + 1];
        let cut = format!(" line=\"{}…\"\n", "a".repeat(MAX_PEER_BYTES));
        assert!(line(Format::Text, &[("line", Value::Peer(&long))]).ends_with(&cut));
        let whole = format!(" line={}\n", "a".repeat(MAX_PEER_BYTES));
        let fields = [("line", Value::Peer(&long[1..]))];
        assert!(line(Format::Text, &fields).ends_with(&whole));
    }
}
