//! A directory of one test's own, gone when the test is over.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// A directory that nobody else uses.
pub(crate) struct Scratch {
    path: PathBuf,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "powtcp-test-{}-{}",
            process::id(),
            COUNT.fetch_add(1, Relaxed)
        );
        let path = env::temp_dir().join(name);
        fs::create_dir(&path).expect("a directory for temporary files");
        Self { path }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A file in it; returns its path.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path.join(name);
        fs::write(&path, content).expect("room for a small file");
        path.to_str().expect("a path of our own").to_string()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed stays; no test has failed by it.
        let _ = fs::remove_dir_all(&self.path);
    }
}
