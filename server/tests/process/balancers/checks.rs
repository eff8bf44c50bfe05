//! Guards the health checks of HAProxy: it marks a gate up or down as `/healthz` says, and its own
//! connections cause no complaint.

use std::os::unix::net::UnixListener;

use powtcp_common::refusal::Refusal;
use powtcp_testkit::scratch::Scratch;

use super::haproxy::{BALANCER, Haproxy};
use crate::support::answers::refusal;
use crate::support::client::Client;
use crate::support::gate::{CONNECTED, Gate, paid};
use crate::support::messages::{ACCEPTED, BAD_HEADER, PUZZLE_SENT};
use crate::support::page::Page;
use crate::support::server::{ServerProcess, serve};

const SUCCEEDED: &str = "Health check for server gates/gate1 succeeded";
const FAILED: &str = "Health check for server gates/gate1 failed";
const DOWN: &str = "Server gates/gate1 is DOWN";
const UP: &str = "Server gates/gate1 is UP";

/// Asks `/healthz`.
const HTTP: &str = "option httpchk GET /healthz\nhttp-check expect status 200";

/// The interval only bounds how long the tests take.
const OFTEN: &str = "check inter 20ms fall 1 rise 1";

/// Starts a gate with `/healthz`, and HAProxy that asks there.
fn checked(arguments: &[&str]) -> Option<(ServerProcess, Haproxy)> {
    let fixed = ["--accept-proxy", BALANCER, "--metrics", "127.0.0.1:0"];
    let mut gate = serve(&[&fixed, arguments].concat());
    let port = Page::of(&mut gate).address().port();
    let options = format!("send-proxy-v2 {OFTEN} port {port}");
    let mut haproxy = Haproxy::in_front_of(gate.address(), HTTP, &options)?;
    let line = haproxy.wait_for(SUCCEEDED);
    assert!(line.contains("code: 200"), "{line}");
    Some((gate, haproxy))
}

/// Expects that `/healthz` answers 503, and HAProxy acts on it.
#[track_caller]
fn expect_marked_down(haproxy: &mut Haproxy) {
    let line = haproxy.wait_for(FAILED);
    assert!(line.contains("code: 503"), "{line}");
    haproxy.wait_for(DOWN);
}

#[test]
fn checks_that_only_connect_find_a_gate_up_and_cause_no_complaint() {
    for header in ["send-proxy", "send-proxy-v2"] {
        let arguments = ["--accept-proxy", BALANCER, "--log-level", "debug"];
        let mut gate = Gate::new(&arguments);
        let options = format!("{header} {OFTEN}");
        let Some(mut haproxy) = Haproxy::in_front_of(gate.server.address(), "", &options) else {
            return;
        };
        haproxy.wait_for(SUCCEEDED);
        for _ in 0..10 {
            gate.server.wait_for(ACCEPTED);
        }
        haproxy.client_from("127.0.0.5").puzzle();
        gate.server.wait_for(PUZZLE_SENT);
        let complaint = gate
            .server
            .log()
            .iter()
            .find(|line| line.contains(BAD_HEADER));
        assert_eq!(complaint, None, "{header}");
    }
}

#[test]
fn a_gate_that_shuts_down_is_marked_down() {
    let Some((gate, mut haproxy)) = checked(&["--shutdown-timeout", "1h"]) else {
        return;
    };
    let mut holder = haproxy.client_from("127.0.0.5");
    holder.puzzle();
    gate.signal("TERM");
    expect_marked_down(&mut haproxy);
}

/// The upstream is a Unix socket: another test could take the port of one that has ended.
#[test]
fn a_gate_without_its_upstream_is_marked_down_until_the_upstream_is_back() {
    let scratch = Scratch::new();
    let path = scratch.path().join("upstream");
    let upstream = format!("unix:{}", path.display());
    let Some((gate, mut haproxy)) = checked(&["--upstream", &upstream]) else {
        return;
    };
    let mut client = haproxy.client_from("127.0.0.5");
    assert_eq!(paid(&mut client), refusal(Refusal::ServiceUnavailable));
    expect_marked_down(&mut haproxy);

    let _upstream = UnixListener::bind(path).expect("a new path");
    assert_eq!(paid(&mut Client::connect(gate.address())), CONNECTED);
    haproxy.wait_for(UP);
}
