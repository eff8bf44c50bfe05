//! Escapes bytes of a peer, so that they cannot end a line, leave a value or act on a terminal.

use std::fmt::{Arguments, Write};

/// Appends `bytes` so that they are harmless on a terminal and in a line. Printable characters stay
/// as they are; `"` and `\` get a backslash; others become `\n`, `\x1b` or `\u{202e}`.
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

/// Appends `bytes` as the contents of a JSON string (RFC 8259, 7). Bytes that are not UTF-8 become
/// U+FFFD.
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

/// Returns whether `c` is invisible but changes how a line is displayed: a mark of writing
/// direction, a line or paragraph separator, or a character of zero width. All of these are below
/// U+10000, so JSON writes them as one `\u`.
fn is_invisible(c: char) -> bool {
    let is_mark = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}');
    is_mark || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn push(out: &mut String, text: Arguments<'_>) {
    // Writing to a `String` never fails.
    let _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_invisible_characters_are_escaped() {
        let mut out = String::new();
        escape(
            &mut out,
            "é\u{1b}[31m\u{202e}\u{2028}\u{85}\"\\\t".as_bytes(),
        );
        escape(&mut out, b"\xff\xc3");
        assert_eq!(out, r#"é\x1b[31m\u{202e}\u{2028}\u{85}\"\\\t\xff\xc3"#);
    }
}
