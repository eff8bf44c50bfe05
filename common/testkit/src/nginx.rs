//! nginx on a Unix socket, as a service behind a gate.

use std::path::PathBuf;

use crate::process::{Program, command};
use crate::scratch::Scratch;
use crate::tools::installed;

/// An nginx that listens. Dropping it ends it.
#[derive(Debug)]
pub struct Nginx {
    /// The process; its standard error is the error log.
    pub program: Program,
    /// The directory with its files and its socket.
    pub scratch: Scratch,
}

impl Nginx {
    /// Starts nginx with these directives in `http`, of which `server` are those of its only server: `$dir`
    /// is the directory, and the server listens on `unix:$dir/socket`. Returns `None` if nginx is not
    /// installed.
    ///
    /// # Panics
    /// nginx does not start.
    #[track_caller]
    pub fn start(http: &str, server: &str) -> Option<Self> {
        let nginx = installed("nginx")?;
        let scratch = Scratch::new();
        let directory = scratch.path().display().to_string();
        let config = scratch.file(
            "nginx.conf",
            config(http, server).replace("$dir", &directory),
        );
        let arguments = ["-p", &directory, "-c", &config, "-e", "stderr"];
        let started = Program::start(command(nginx.get_program(), &arguments));
        let mut program = started.expect("an installed program");
        // The last line that it writes before it serves. It listens already.
        program.wait_for("event method");
        Some(Self { program, scratch })
    }

    /// Returns the path of its socket.
    pub fn socket(&self) -> PathBuf {
        self.scratch.path().join("socket")
    }
}

fn config(http: &str, server: &str) -> String {
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path $dir/{name};\n"))
        .concat();
    format!(
        "daemon off;\n\
         master_process off;\n\
         pid $dir/pid;\n\
         error_log stderr notice;\n\
         events {{}}\n\
         http {{\n\
         {http}\n\
         {temporary}\
         server {{\n\
         {server}\n\
         }}\n\
         }}\n"
    )
}
