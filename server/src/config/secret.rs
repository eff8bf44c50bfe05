//! The secret that signs puzzles: drawn at start, or the bytes of a file.

use std::env;
use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use powtcp_options::read_bounded;

/// The shortest secret in bytes. A client that has one puzzle could guess a shorter secret offline.
pub const MIN_SECRET_LEN: usize = 32;
/// The longest secret in bytes. The bound ends the reading of a device.
pub const MAX_SECRET_LEN: usize = 64 * 1024;
/// The permissions of the group and of all others.
const OTHERS: u32 = 0o077;

/// A secret, which `Debug` does not show.
#[derive(Clone)]
pub struct Secret(Box<[u8]>);

/// A secret from a file.
#[derive(Debug)]
pub(super) struct SecretFile {
    pub(super) secret: Secret,
    /// The permissions of the file, if they include others than its owner.
    pub(super) shared_mode: Option<u32>,
}

impl Secret {
    /// Draws a secret.
    ///
    /// # Errors
    /// The operating system has no random bytes.
    pub fn draw() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; MIN_SECRET_LEN];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes.into()))
    }

    /// Returns the bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl SecretFile {
    /// Reads a file, all bytes of which are the secret: a newline at its end too.
    ///
    /// # Errors
    /// The file cannot be read, or is too short or too long; the text has its length.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let mode = file.metadata()?.permissions().mode() & 0o777;
        let bytes = read_bounded(file, MAX_SECRET_LEN)?;
        if bytes.len() < MIN_SECRET_LEN {
            let len = bytes.len();
            let text = format!("it has {len} bytes, expected at least {MIN_SECRET_LEN}");
            return Err(io::Error::new(ErrorKind::InvalidData, text));
        }
        Ok(Self {
            secret: Secret(bytes.into()),
            shared_mode: Some(mode).filter(|mode| mode & OTHERS != 0 && !is_credential(path)),
        })
    }
}

/// Returns whether systemd keeps the file for this service alone. It does so by an access control list,
/// whose mask looks like a permission of the group.
fn is_credential(path: &Path) -> bool {
    let directory = env::var_os("CREDENTIALS_DIRECTORY");
    directory.is_some_and(|directory| !directory.is_empty() && path.starts_with(directory))
}

/// Shows the length only, so that no log can reveal the secret.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use powtcp_testkit::scratch::Scratch;

    use super::*;

    #[test]
    fn secrets_are_drawn_afresh_and_not_shown() {
        let secrets = [Secret::draw().unwrap(), Secret::draw().unwrap()];
        assert_ne!(secrets[0].as_bytes(), secrets[1].as_bytes());
        assert_eq!(format!("{:?}", secrets[0]), "Secret(32 bytes)");
    }

    #[test]
    fn all_bytes_of_a_file_count() {
        let scratch = Scratch::new();
        for len in [MIN_SECRET_LEN, MIN_SECRET_LEN + 1, MAX_SECRET_LEN] {
            let bytes = [vec![b' '; len - 2], b"\0\n".to_vec()].concat();
            let path = scratch.file("secret", &bytes);
            let read = SecretFile::read(path.as_ref()).unwrap();
            assert_eq!(read.secret.as_bytes(), bytes);
        }
    }

    #[test]
    fn a_file_that_is_too_short_or_too_long_is_refused_with_its_length() {
        let scratch = Scratch::new();
        let reason = |path: &str| SecretFile::read(path.as_ref()).unwrap_err().to_string();
        let short = scratch.file("short", [b'x'; MIN_SECRET_LEN - 1]);
        assert_eq!(reason(&short), "it has 31 bytes, expected at least 32");
        let long = scratch.file("long", [b'x'; MAX_SECRET_LEN + 1]);
        assert_eq!(reason(&long), "it has more than 65536 bytes");
        assert_eq!(reason("/dev/zero"), "it has more than 65536 bytes");
        assert!(reason("/dev/null").starts_with("it has 0 bytes"));
    }

    #[test]
    fn a_file_that_others_may_use_is_noticed() {
        let scratch = Scratch::new();
        let path = scratch.file("secret", [b'x'; MIN_SECRET_LEN]);
        for (mode, shared) in [(0o600, false), (0o400, false), (0o640, true), (0o602, true)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let read = SecretFile::read(path.as_ref()).unwrap();
            assert_eq!(read.shared_mode, shared.then_some(mode), "{mode:o}");
        }
    }
}
