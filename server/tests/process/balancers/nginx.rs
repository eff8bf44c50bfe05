//! Guards a gate in front of nginx: nginx learns the address of the client from the header of the gate.

use powtcp_testkit::nginx::Nginx;

use crate::support::client::Client;
use crate::support::gate::{CONNECTED, paid};
use crate::support::server::serve;

/// What stands before the address of a client in the log of nginx.
const CLIENT: &str = "client of the gate: ";

/// An nginx that expects headers of a gate on a Unix socket, and logs the clients that they name.
pub(super) struct Upstream {
    nginx: Nginx,
    /// The address as an option of a gate.
    pub(super) address: String,
}

impl Upstream {
    /// Starts nginx. Returns `None` if it is not installed.
    #[track_caller]
    pub(super) fn start() -> Option<Self> {
        let format = "$proxy_protocol_addr:$proxy_protocol_port";
        let log = format!("log_format client '{CLIENT}{format}';\naccess_log /dev/stderr client;");
        let server = "listen unix:$dir/socket proxy_protocol;\nreturn 204;";
        let nginx = Nginx::start(&log, server)?;
        let address = format!("unix:{}", nginx.socket().display());
        Some(Self { nginx, address })
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
        let line = self.nginx.program.wait_for(CLIENT);
        assert_eq!(line.strip_prefix(CLIENT), Some(&*address));
    }
}

#[test]
fn nginx_logs_the_address_of_the_client_of_a_gate() {
    for version in ["v1", "v2"] {
        let Some(mut upstream) = Upstream::start() else {
            return;
        };
        let gate = serve(&["--upstream", &upstream.address, "--send-proxy", version]);
        let source = "127.0.0.5".parse().expect("an address");
        upstream.expect_to_learn(Client::connect_from(source, gate.address()));
    }
}
