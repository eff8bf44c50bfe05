//! Guards `/healthz`, by which a load balancer learns whether to send clients here.

use std::os::unix::net::UnixListener;

use powtcp_common::refusal::Refusal;
use powtcp_testkit::scratch::Scratch;

use crate::support::answers::refusal;
use crate::support::client::Client;
use crate::support::gate::{CONNECTED, paid};
use crate::support::messages::SHUTTING_DOWN;
use crate::support::page::Page;
use crate::support::server::serve;

const METRICS: [&str; 2] = ["--metrics", "127.0.0.1:0"];

/// Returns the status code and the body of the response to a health check.
fn health(page: &Page) -> (String, String) {
    let response = page.ask("GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n");
    let (head, body) = response.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).expect("a status code");
    (status.to_string(), body.to_string())
}

fn answer(status: &str, body: &str) -> (String, String) {
    (status.to_string(), body.to_string())
}

#[test]
fn a_server_that_serves_is_well_until_it_shuts_down() {
    let mut server = serve(&[&METRICS[..], &["--shutdown-timeout", "1h"]].concat());
    let page = Page::of(&mut server);
    assert_eq!(health(&page), answer("200", "ok\n"));
    let head = page.ask("HEAD /healthz HTTP/1.0\r\n\r\n");
    assert!(
        head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"),
        "{head}"
    );
    let mut holder = Client::connect(server.address());
    holder.puzzle();
    server.signal("TERM");
    server.wait_for(SHUTTING_DOWN);
    assert_eq!(health(&page), answer("503", "shutting down\n"));
}

/// The upstream is a Unix socket: another test could take the port of one that has ended.
#[test]
fn a_gate_is_unwell_while_its_upstream_refuses() {
    let scratch = Scratch::new();
    let path = scratch.path().join("upstream");
    let upstream = format!("unix:{}", path.display());
    let mut gate = serve(&[&METRICS[..], &["--upstream", &upstream]].concat());
    let page = Page::of(&mut gate);
    assert_eq!(health(&page), answer("200", "ok\n"));
    let unavailable = refusal(Refusal::ServiceUnavailable);
    assert_eq!(paid(&mut Client::connect(gate.address())), unavailable);
    assert_eq!(health(&page), answer("503", "upstream unreachable\n"));
    let _upstream = UnixListener::bind(path).expect("a new path");
    assert_eq!(paid(&mut Client::connect(gate.address())), CONNECTED);
    assert_eq!(health(&page), answer("200", "ok\n"));
}
