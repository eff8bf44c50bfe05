//! Guards a gate in front of nginx: nginx learns the address of the client from the header of the gate.

use powtcp_testkit::process::{Program, command};
use powtcp_testkit::scratch::Scratch;
use powtcp_testkit::tools::installed;

use crate::support::client::Client;
use crate::support::gate::{CONNECTED, paid};
use crate::support::server::serve;

/// What stands before the address of a client in the log of nginx.
const CLIENT: &str = "client of the gate: ";

/// An nginx that expects headers of a gate on a Unix socket, and logs whom they name.
pub(super) struct Nginx {
    program: Program,
    /// The address as an option of a gate.
    pub(super) upstream: String,
    _scratch: Scratch,
}

impl Nginx {
    /// Starts nginx. Returns `None` if it is not installed.
    #[track_caller]
    pub(super) fn start() -> Option<Self> {
        let nginx = installed("nginx")?;
        let scratch = Scratch::new();
        let config = scratch.file("nginx.conf", config(&scratch));
        let prefix = scratch.path().to_str().expect("a path in UTF-8");
        let arguments = ["-p", prefix, "-c", &config, "-e", "stderr"];
        let started = Program::start(command(nginx.get_program(), &arguments));
        let mut program = started.expect("an installed program");
        // The last line that it writes before it serves. It listens already.
        program.wait_for("event method");
        Some(Self {
            program,
            upstream: format!("unix:{prefix}/socket"),
            _scratch: scratch,
        })
    }

    /// Pays, sends a request through the relay, and expects that nginx logs the client's address.
    #[track_caller]
    pub(super) fn expect_to_learn(&mut self, mut client: Client) {
        let address = client.address().to_string();
        assert_eq!(paid(&mut client), CONNECTED);
        client.send("GET / HTTP/1.0\r\n\r\n");
        let response = client.rest();
        let status = response.first().map(|line| line.trim_end());
        assert_eq!(status, Some("HTTP/1.1 204 No Content"), "{response:?}");
        let line = self.program.wait_for(CLIENT);
        assert_eq!(line.strip_prefix(CLIENT), Some(&*address));
    }
}

fn config(scratch: &Scratch) -> String {
    let directory = scratch.path().display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {directory}/{name};\n"))
        .concat();
    format!(
        "daemon off;\n\
         master_process off;\n\
         pid {directory}/pid;\n\
         error_log stderr notice;\n\
         events {{}}\n\
         http {{\n\
         log_format client '{CLIENT}$proxy_protocol_addr:$proxy_protocol_port';\n\
         access_log /dev/stderr client;\n\
         {temporary}\
         server {{\n\
         listen unix:{directory}/socket proxy_protocol;\n\
         return 204;\n\
         }}\n\
         }}\n"
    )
}

#[test]
fn nginx_logs_the_address_of_the_client_of_a_gate() {
    for version in ["v1", "v2"] {
        let Some(mut nginx) = Nginx::start() else {
            return;
        };
        let gate = serve(&["--upstream", &nginx.upstream, "--send-proxy", version]);
        let source = "127.0.0.5".parse().expect("an address");
        nginx.expect_to_learn(Client::connect_from(source, gate.address()));
    }
}
