//! Guards the rings: the pure rooms import nothing that has a socket, a clock, randomness or I/O.

use std::fs;
use std::path::{Path, PathBuf};

/// The pure rooms of the server, and the rooms that each may import.
const ROOMS: [(&str, &[&str]); 3] = [
    ("time", &["crate::time"]),
    ("admission", &["crate::time", "crate::admission"]),
    (
        "protocol",
        &["crate::time", "crate::admission", "crate::protocol"],
    ),
];

/// The pure part of `powtcp-common`: everything but the log lines of the programs.
const COMMON: [&str; 6] = [
    "address.rs",
    "hashcash",
    "line.rs",
    "message.rs",
    "refusal.rs",
    "utc.rs",
];

/// What any pure code may import.
const PURE: [&str; 17] = [
    "super",
    "slab::",
    "sha1::",
    "hmac::",
    "base64::",
    "powtcp_common::",
    "std::array",
    "std::borrow",
    "std::cmp",
    "std::collections",
    "std::fmt",
    "std::net::IpAddr",
    "std::net::SocketAddr",
    "std::net::{IpAddr",
    "std::num",
    "std::ops",
    "std::time::Duration",
];

/// The solver searches with several threads, whose panics it passes on, and with the vectors of the
/// processor.
const SOLVER: [&str; 5] = [
    "std::arch",
    "std::panic::resume_unwind",
    "std::sync::LazyLock",
    "std::sync::atomic",
    "std::thread",
];

/// Paths that pure code does not name, imported or not.
const IMPURE: [&str; 8] = [
    "Instant",
    "SystemTime",
    "TcpStream",
    "std::io",
    "std::fs",
    "std::env",
    "getrandom",
    "mio::",
];

fn files_below(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_path_buf()];
    }
    let entries = fs::read_dir(path).expect("a room of this name");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.flat_map(|path| files_below(&path)).collect()
}

/// Returns the code of a file without comments and tests.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("a source file");
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    code.lines().filter(is_code).collect::<Vec<_>>().join("\n")
}

/// Returns the imported paths of `code`; a list in braces counts as one path. A `pub use` only names what
/// the room itself contains.
fn imports(code: &str) -> impl Iterator<Item = &str> {
    code.split(';').filter_map(|statement| {
        let (before, path) = statement.rsplit_once("use ")?;
        let line = before.lines().last().unwrap_or_default().trim();
        line.is_empty().then_some(path)
    })
}

#[track_caller]
fn assert_pure(path: &Path, allowed: &[&str]) {
    let code = code(path);
    for import in imports(&code) {
        let is_allowed = allowed.iter().any(|prefix| import.starts_with(prefix));
        assert!(is_allowed, "{} imports {import}", path.display());
    }
    for name in IMPURE {
        assert!(!code.contains(name), "{} names {name}", path.display());
    }
}

#[test]
fn pure_rooms_of_the_server_import_nothing_impure() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (room, rooms) in ROOMS {
        for file in files_below(&src.join(room)) {
            assert_pure(&file, &[&PURE[..], rooms].concat());
        }
    }
}

#[test]
fn the_pure_part_of_the_common_crate_imports_nothing_impure() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("../common/src");
    for room in COMMON {
        for file in files_below(&src.join(room)) {
            assert_pure(&file, &[&PURE[..], &SOLVER, &["crate::"]].concat());
        }
    }
}
