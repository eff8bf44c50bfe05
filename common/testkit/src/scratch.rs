//! A directory for the temporary files of one test.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// A directory that no other test uses. Dropping it removes the directory.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// Creates a directory.
    ///
    /// # Panics
    /// The directory cannot be created.
    #[expect(clippy::new_without_default, reason = "a default makes no directory")]
    #[track_caller]
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Relaxed);
        let path = env::temp_dir().join(format!("powtcp-test-{}-{count}", process::id()));
        if let Err(error) = fs::create_dir(&path) {
            panic!("{}: {error}", path.display());
        }
        Self { path }
    }

    /// Returns the path of the directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file in the directory and returns its path, as text for an argument.
    ///
    /// # Panics
    /// The file cannot be written, or its path is not UTF-8.
    #[track_caller]
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path.join(name);
        if let Err(error) = fs::write(&path, content) {
            panic!("{}: {error}", path.display());
        }
        match path.into_os_string().into_string() {
            Ok(path) => path,
            Err(path) => panic!("not UTF-8: {}", path.display()),
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A directory that cannot be removed stays: that is no reason to fail a test.
        let _ = fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_lasts_as_long_as_its_value() {
        let (one, other) = (Scratch::new(), Scratch::new());
        let file = one.file("name", "content");
        assert!(Path::new(&file).starts_with(one.path()));
        assert_eq!(fs::read(&file).unwrap(), b"content");
        let path = one.path().to_path_buf();
        drop(one);
        assert!(!path.exists());
        assert!(other.path().exists());
    }
}
