//! Guards the way of an address through HAProxy, a gate and nginx.

use super::haproxy::{BALANCER, Haproxy};
use super::nginx::Upstream;
use crate::support::server::serve;

#[test]
fn nginx_logs_the_address_of_a_client_of_haproxy() {
    for (received, sent) in [("send-proxy", "v2"), ("send-proxy-v2", "v1")] {
        let Some(mut upstream) = Upstream::start() else {
            return;
        };
        let passed = ["--accept-proxy", BALANCER, "--send-proxy", sent];
        let gate = serve(&[&["--upstream", &upstream.address], &passed[..]].concat());
        let Some(haproxy) = Haproxy::in_front_of(gate.address(), "", received) else {
            return;
        };
        upstream.expect_to_learn(haproxy.client_from("127.0.0.5"));
    }
}
