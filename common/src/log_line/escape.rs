//! Escapes bytes of a peer, so that they cannot end a line, leave a value or act on a terminal.

use std::fmt::{Arguments, Write};

use super::invisible::is_invisible;

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
                // A character beyond U+FFFF is two of these, a surrogate pair.
                for unit in c.encode_utf16(&mut [0; 2]) {
                    push(out, format_args!("\\u{unit:04x}"));
                }
            }
            _ => out.push(c),
        }
    }
}

fn push(out: &mut String, text: Arguments<'_>) {
    // Writing to a `String` never fails.
    let _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(c: char) -> [String; 2] {
        [escape, escape_json].map(|escape| {
            let mut out = String::new();
            escape(&mut out, c.to_string().as_bytes());
            out
        })
    }

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

    #[test]
    fn every_character_is_printable_once_escaped() {
        for c in '\0'..=char::MAX {
            for text in escaped(c) {
                let bad = text.chars().find(|&c| c.is_control() || is_invisible(c));
                assert_eq!(bad, None, "{c:?} is written as {text:?}");
                assert!(text == c.to_string() || text.starts_with('\\'), "{text:?}");
            }
        }
    }

    #[test]
    fn characters_that_once_passed_are_escaped() {
        let cases = [
            ('\u{61c}', r"\u{61c}", r"\u061c"),
            ('\u{ad}', r"\u{ad}", r"\u00ad"),
            ('\u{180e}', r"\u{180e}", r"\u180e"),
            ('\u{fff9}', r"\u{fff9}", r"\ufff9"),
            ('\u{e0041}', r"\u{e0041}", r"\udb40\udc41"),
            ('\u{10ffff}', r"\u{10ffff}", r"\udbff\udfff"),
        ];
        for (c, text, json) in cases {
            assert_eq!(escaped(c), [text, json]);
        }
    }
}
