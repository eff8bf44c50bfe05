//! The file of `--config`: lines of `POWTCP_BITS=20`, blank lines and `#` comments. systemd's
//! `EnvironmentFile` and docker's `--env-file` read the same format.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use crate::given::{Given, Origin};
use crate::known::Name;
use crate::spec::{CONFIG, VARIABLE_PREFIX};
use crate::{Spec, UsageError};

/// The longest file of options. The bound ends the reading of a device.
const MAX_FILE_LEN: usize = 1 << 20;

/// Returns the values in the file that `file` names, in the order of its lines. A value in quotes is
/// returned without them, and an empty one as it is: it replaces that of an earlier line.
///
/// Keys of other software are skipped, because the file may be the environment of a whole service, and
/// those of our other programs too.
///
/// # Errors
/// [`UsageError`] for a file that cannot be read, a line without `=`, or a key that is none of ours
/// but looks like one.
pub(crate) fn read(file: &Given, specs: &'static [Spec]) -> Result<Vec<Given>, UsageError> {
    let text = read_text(Path::new(&file.value))
        .map_err(|error| UsageError::new(format!("{file} cannot be read: {error}")))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut values = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let place = format!("{}:{number}", file.value.escape_debug());
        let wrong = |what| UsageError::new(format!("{}: {place}: {what}", CONFIG.name()));
        let Some((key, value)) = line.split_once('=') else {
            let line = line.escape_debug();
            return Err(wrong(format!(
                "'{line}' is not of the form POWTCP_NAME=VALUE"
            )));
        };
        let (key, value) = (key.trim(), value.trim());
        check_key(key, specs).map_err(wrong)?;
        if let Some(spec) = find(specs, key) {
            let given = Given::new(spec.name(), value.into(), Origin::File, place)?;
            let Some(value) = unquote(value) else {
                return Err(given.wrong("a quote at both ends or at none"));
            };
            values.push(Given { value, ..given });
        }
    }
    Ok(values)
}

/// Returns the option that this variable sets.
fn find<'a>(specs: &'a [Spec], variable: &str) -> Option<&'a Spec> {
    let is_set = |spec: &&Spec| spec.variable().is_some_and(|name| name == variable);
    specs.iter().find(is_set)
}

/// Reads a text of at most [`MAX_FILE_LEN`] bytes.
fn read_text(path: &Path) -> io::Result<String> {
    let bytes = read_bounded(File::open(path)?, MAX_FILE_LEN)?;
    String::from_utf8(bytes).map_err(|_| io::Error::new(ErrorKind::InvalidData, "it is not UTF-8"))
}

/// Reads everything of `file`, or returns an error if that is more than `max` bytes.
///
/// # Errors
/// That of the operating system, or [`ErrorKind::FileTooLarge`].
pub fn read_bounded(file: impl Read, max: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(max as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > max {
        let text = format!("it has more than {max} bytes");
        return Err(io::Error::new(ErrorKind::FileTooLarge, text));
    }
    Ok(bytes)
}

/// Returns what is wrong with a key that is none of ours but looks like one.
fn check_key(key: &str, specs: &[Spec]) -> Result<(), String> {
    let shown = key.escape_debug();
    let unknown = |right: &str| Err(format!("unknown key '{shown}', expected {right}"));
    let exported = key.strip_prefix("export").map(str::trim_start);
    let name = exported.filter(|name| name.len() + "export".len() < key.len());
    let (name, is_exported) = (name.unwrap_or(key), name.is_some());
    if CONFIG.variable().is_some_and(|config| key == config) {
        return Err(format!("'{shown}' cannot be in a file of options"));
    }
    match Name::of(name) {
        Name::Known if is_exported => unknown(name),
        Name::Known => Ok(()),
        Name::NearMiss(known) => unknown(known),
        Name::Unknown => {
            let known: Vec<_> = specs.iter().filter_map(Spec::variable).collect();
            unknown(&format!("one of {}", known.join(", ")))
        }
        Name::Foreign => {
            // An option of this program without the prefix, or as a flag, which is no variable of
            // any software. Another case is another software's.
            let variable = format!("{VARIABLE_PREFIX}{name}");
            let mut own = specs.iter().filter(|spec| !spec.is_positional());
            let meant = own.find(|spec| {
                spec.variable().is_some_and(|own| own == variable) || spec.name() == name
            });
            match meant.and_then(|spec| spec.variable()) {
                Some(variable) => unknown(&variable),
                None => Ok(()),
            }
        }
    }
}

/// Removes quotes around a value as systemd does: in double quotes, a backslash escapes `"`, `\`, `$`
/// and `` ` ``. Returns `None` if the quotes do not match.
fn unquote(value: &str) -> Option<String> {
    let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        return Some(value.to_string());
    };
    let mut unquoted = String::new();
    let mut rest = value[1..].chars();
    loop {
        match rest.next()? {
            c if c == quote => break,
            '\\' if quote == '"' => match rest.next()? {
                c @ ('"' | '\\' | '$' | '`') => unquoted.push(c),
                c => unquoted.extend(['\\', c]),
            },
            c => unquoted.push(c),
        }
    }
    rest.next().is_none().then_some(unquoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_around_a_value_are_removed() {
        for (value, unquoted) in [
            ("24", Some("24")),
            ("", Some("")),
            (r#""24""#, Some("24")),
            ("'24'", Some("24")),
            ("''", Some("")),
            (r#"" a b ""#, Some(" a b ")),
            (r#"'a"b'"#, Some(r#"a"b"#)),
            (r#""a\"b\\c\n""#, Some(r#"a"b\c\n"#)),
            (r"'a\'", Some(r"a\")),
            (r"a'b", Some(r"a'b")),
            (r#""24"#, None),
            ("'", None),
            ("'24\"", None),
            (r#""24"x"#, None),
            (r#""24\""#, None),
        ] {
            assert_eq!(unquote(value).as_deref(), unquoted, "{value}");
        }
    }

    #[test]
    fn a_key_that_looks_like_ours_is_refused_with_the_right_one() {
        const SPECS: &[Spec] = &[Spec::new("-b, --bits N", "", ""), Spec::new("ADDR", "", "")];
        for key in [
            "POWTCP_BITS",
            "POWTCP_THREADS",
            "POWTCP_SERVER",
            "POWTCP_TTL",
            "PATH",
        ] {
            assert_eq!(check_key(key, SPECS), Ok(()), "{key}");
        }
        // Not exactly our option, or not an option of this program.
        for key in [
            "bits",
            "BIT",
            "SERVER",
            "TTL",
            "export PATH",
            "exportBITS",
            "MY_BITS",
            "--ttl",
            "ADDR",
        ] {
            assert_eq!(check_key(key, SPECS), Ok(()), "{key}");
        }
        for key in [
            "POWTCP_BIT",
            "export POWTCP_BITS",
            "export\tPOWTCP_BITS",
            "powtcp_bits",
            "Powtcp_Bits",
            "BITS",
            "export BITS",
            "POWTCPBITS",
            "--bits",
            "export --bits",
        ] {
            let shown = key.escape_debug();
            let text = format!("unknown key '{shown}', expected POWTCP_BITS");
            assert_eq!(check_key(key, SPECS), Err(text), "{key}");
        }
        let text = "unknown key 'POWTCP_NOPE', expected one of POWTCP_BITS, POWTCP_SERVER";
        assert_eq!(check_key("POWTCP_NOPE", SPECS), Err(text.into()));
        assert!(check_key("POWTCP_CONFIG", SPECS).is_err());
    }
}
