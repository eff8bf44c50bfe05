//! The part of HTTP/1.1 (RFC 9112) that answering `GET /metrics` needs.

/// The longest head of a request; Prometheus sends about 300 bytes. It stops a head without an end.
pub(super) const MAX_HEAD: usize = 4096;

/// The answer to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Page,
    BadRequest,
    NotFound,
    MethodNotAllowed,
    HeadTooLarge,
}

impl Answer {
    /// Returns the answer to a request of which `received` has arrived, or `None` while its head is
    /// incomplete.
    pub(super) fn to(received: &[u8]) -> Option<Self> {
        if received.len() > MAX_HEAD {
            return Some(Self::HeadTooLarge);
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
                match (method, path) {
                    (b"GET", b"/metrics") => Self::Page,
                    (b"GET", _) => Self::NotFound,
                    _ => Self::MethodNotAllowed,
                }
            }
            _ => Self::BadRequest,
        })
    }

    /// Returns the whole response. `page` creates the text of the page, if that is the answer.
    pub(super) fn response(self, page: impl FnOnce() -> String) -> Vec<u8> {
        let (status, body) = match self {
            Self::Page => ("200 OK", page()),
            Self::BadRequest => ("400 Bad Request", "bad request\n".to_string()),
            Self::NotFound => ("404 Not Found", "the page is /metrics\n".to_string()),
            Self::MethodNotAllowed => ("405 Method Not Allowed", "GET only\n".to_string()),
            Self::HeadTooLarge => (
                "431 Request Header Fields Too Large",
                format!("at most {MAX_HEAD} bytes\n"),
            ),
        };
        let allow = if self == Self::MethodNotAllowed {
            "Allow: GET\r\n"
        } else {
            ""
        };
        let length = body.len();
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n\
             Content-Length: {length}\r\n{allow}Connection: close\r\n\r\n{body}"
        )
        .into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_has_its_answer() {
        let cases = [
            ("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", Answer::Page),
            ("GET /metrics?name[]=x HTTP/1.0\r\n\r\n", Answer::Page),
            ("GET /metrics HTTP/1.1\n\n", Answer::Page),
            ("GET / HTTP/1.1\r\n\r\n", Answer::NotFound),
            ("GET /metrics/ HTTP/1.1\r\n\r\n", Answer::NotFound),
            (
                "POST /metrics HTTP/1.1\r\n\r\nbody",
                Answer::MethodNotAllowed,
            ),
            ("HEAD /metrics HTTP/1.1\r\n\r\n", Answer::MethodNotAllowed),
            ("get /metrics HTTP/1.1\r\n\r\n", Answer::MethodNotAllowed),
            ("GET /metrics\r\n\r\n", Answer::BadRequest),
            ("GET /metrics HTTP/2\r\n\r\n", Answer::BadRequest),
            ("GET /metrics HTTP/1.1 x\r\n\r\n", Answer::BadRequest),
            ("\r\n\r\n", Answer::BadRequest),
            ("1:\n\n", Answer::BadRequest),
        ];
        for (request, answer) in cases {
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
        assert_eq!(
            Answer::to(&[b'x'; MAX_HEAD + 1]),
            Some(Answer::HeadTooLarge)
        );
    }

    #[test]
    fn a_response_states_its_length() {
        let response = Answer::Page.response(|| "a 1\n".to_string());
        let text = String::from_utf8(response).unwrap();
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
        assert!(text.contains("\r\nContent-Length: 4\r\n"), "{text}");
        assert!(text.ends_with("\r\n\r\na 1\n"), "{text}");
        let refused = Answer::MethodNotAllowed.response(String::new);
        assert!(
            String::from_utf8(refused)
                .unwrap()
                .contains("\r\nAllow: GET\r\n")
        );
    }
}
