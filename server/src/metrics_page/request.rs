//! The part of HTTP/1.1 (RFC 9112) that `GET` and `HEAD` of `/metrics` and `/healthz` need.

use crate::telemetry::health::Health;

/// The longest head of a request; Prometheus sends about 300 bytes. It stops a head without an end.
pub(super) const MAX_HEAD: usize = 4096;

/// The answer to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answer {
    status: Status,
    /// Whether the response is its head alone, as `HEAD` asks for.
    head_only: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Page,
    Health,
    BadRequest,
    NotFound,
    MethodNotAllowed,
    HeadTooLarge,
}

impl Answer {
    /// Returns the answer to a request of which `received` has arrived, or `None` while its head is
    /// incomplete.
    pub(super) fn to(received: &[u8]) -> Option<Self> {
        let whole = |status| Self {
            status,
            head_only: false,
        };
        if received.len() > MAX_HEAD {
            return Some(whole(Status::HeadTooLarge));
        }
        let ends = |end: &[u8]| received.windows(end.len()).any(|window| window == end);
        if !ends(b"\n\r\n") && !ends(b"\n\n") {
            return None;
        }
        let line = received.split(|&byte| byte == b'\n').next()?;
        let mut words = line.trim_ascii_end().split(|&byte| byte == b' ');
        let (method, target, version) = (words.next(), words.next(), words.next());
        let path = target.and_then(|target| target.split(|&byte| byte == b'?').next());
        Some(match (method, path, version, words.next()) {
            (Some(method), Some(path), Some(version), None) if version.starts_with(b"HTTP/1.") => {
                let status = match (method, path) {
                    (b"GET" | b"HEAD", b"/metrics") => Status::Page,
                    (b"GET" | b"HEAD", b"/healthz") => Status::Health,
                    (b"GET" | b"HEAD", _) => Status::NotFound,
                    _ => Status::MethodNotAllowed,
                };
                Self {
                    status,
                    head_only: method == b"HEAD",
                }
            }
            _ => whole(Status::BadRequest),
        })
    }

    /// Returns the whole response. `page` creates the text of the page, if that is the answer.
    pub(super) fn response(self, health: Health, page: impl FnOnce() -> String) -> Vec<u8> {
        let (status, mut body) = match self.status {
            Status::Page => ("200 OK", page()),
            Status::Health if health == Health::Serving => ("200 OK", health_body(health)),
            Status::Health => ("503 Service Unavailable", health_body(health)),
            Status::BadRequest => ("400 Bad Request", "bad request\n".to_string()),
            Status::NotFound => (
                "404 Not Found",
                "the pages are /metrics and /healthz\n".to_string(),
            ),
            Status::MethodNotAllowed => {
                ("405 Method Not Allowed", "GET and HEAD only\n".to_string())
            }
            Status::HeadTooLarge => (
                "431 Request Header Fields Too Large",
                format!("at most {MAX_HEAD} bytes\n"),
            ),
        };
        let allow = if self.status == Status::MethodNotAllowed {
            "Allow: GET, HEAD\r\n"
        } else {
            ""
        };
        let length = body.len();
        if self.head_only {
            body.clear();
        }
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n\
             Content-Length: {length}\r\n{allow}Connection: close\r\n\r\n{body}"
        )
        .into_bytes()
    }
}

fn health_body(health: Health) -> String {
    format!("{}\n", health.text())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_has_its_answer() {
        let cases = [
            ("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", Status::Page),
            ("GET /metrics?name[]=x HTTP/1.0\r\n\r\n", Status::Page),
            ("GET /metrics HTTP/1.1\n\n", Status::Page),
            ("GET / HTTP/1.1\r\n\r\n", Status::NotFound),
            ("GET /metrics/ HTTP/1.1\r\n\r\n", Status::NotFound),
            (
                "POST /metrics HTTP/1.1\r\n\r\nbody",
                Status::MethodNotAllowed,
            ),
            ("HEAD /metrics HTTP/1.1\r\n\r\n", Status::Page),
            ("GET /healthz HTTP/1.0\r\n\r\n", Status::Health),
            ("HEAD /healthz HTTP/1.1\r\n\r\n", Status::Health),
            ("POST /healthz HTTP/1.1\r\n\r\n", Status::MethodNotAllowed),
            ("HEAD / HTTP/1.1\r\n\r\n", Status::NotFound),
            ("get /metrics HTTP/1.1\r\n\r\n", Status::MethodNotAllowed),
            ("GET /metrics\r\n\r\n", Status::BadRequest),
            ("GET /metrics HTTP/2\r\n\r\n", Status::BadRequest),
            ("GET /metrics HTTP/1.1 x\r\n\r\n", Status::BadRequest),
            ("\r\n\r\n", Status::BadRequest),
            ("1:\n\n", Status::BadRequest),
        ];
        for (request, status) in cases {
            let head_only = request.starts_with("HEAD ");
            let answer = Answer { status, head_only };
            assert_eq!(Answer::to(request.as_bytes()), Some(answer), "{request:?}");
        }
    }

    #[test]
    fn an_incomplete_head_has_no_answer_until_it_is_too_large() {
        let request = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
        for len in 0..request.len() {
            assert_eq!(Answer::to(&request[..len]), None, "{len}");
        }
        assert_eq!(Answer::to(&[b'x'; MAX_HEAD]), None);
        let answer = Answer::to(&[b'x'; MAX_HEAD + 1]);
        let status = answer.map(|answer| answer.status);
        assert_eq!(status, Some(Status::HeadTooLarge));
    }

    fn response_to(request: &str) -> String {
        response_in(Health::Serving, request)
    }

    fn response_in(health: Health, request: &str) -> String {
        let answer = Answer::to(request.as_bytes()).unwrap();
        String::from_utf8(answer.response(health, || "a 1\n".to_string())).unwrap()
    }

    #[test]
    fn a_health_check_is_told_why_no_new_client_is_served() {
        let get = "GET /healthz HTTP/1.1\r\n\r\n";
        for (health, status) in [
            (Health::Serving, "200 OK"),
            (Health::ShuttingDown, "503 Service Unavailable"),
            (Health::UpstreamUnreachable, "503 Service Unavailable"),
        ] {
            let text = response_in(health, get);
            assert!(
                text.starts_with(&format!("HTTP/1.1 {status}\r\n")),
                "{text}"
            );
            let body = format!("\r\n\r\n{}\n", health.text());
            assert!(text.ends_with(&body), "{text}");
        }
    }

    #[test]
    fn a_response_states_its_length() {
        let text = response_to("GET /metrics HTTP/1.1\r\n\r\n");
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
        assert!(text.contains("\r\nContent-Length: 4\r\n"), "{text}");
        assert!(text.ends_with("\r\n\r\na 1\n"), "{text}");
    }

    #[test]
    fn the_response_to_head_is_the_head_of_the_one_to_get() {
        for path in ["/metrics", "/healthz", "/other"] {
            let get = response_to(&format!("GET {path} HTTP/1.1\r\n\r\n"));
            let head = response_to(&format!("HEAD {path} HTTP/1.1\r\n\r\n"));
            let (expected, body) = get.split_once("\r\n\r\n").unwrap();
            assert_eq!(head, format!("{expected}\r\n\r\n"));
            assert!(!body.is_empty());
        }
    }

    #[test]
    fn other_methods_are_told_the_allowed_ones() {
        let refused = response_to("POST /metrics HTTP/1.1\r\n\r\n");
        assert!(refused.contains("\r\nAllow: GET, HEAD\r\n"), "{refused}");
    }
}
