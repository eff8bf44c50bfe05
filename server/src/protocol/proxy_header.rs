//! stub
use std::net::SocketAddr;
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderError {
    Late,
    Ended,
}
impl HeaderError {
    pub fn text(self) -> &'static str {
        ""
    }
}
#[derive(Debug, Default)]
pub struct HeaderParser;
pub enum HeaderProgress {
    Incomplete,
    Complete {
        header: ProxyHeader,
        consumed: usize,
    },
    Malformed(HeaderError),
}
#[derive(Debug, Clone, Copy)]
pub enum ProxyHeader {
    Local,
    Unknown,
    Client {
        client: SocketAddr,
        server: SocketAddr,
    },
}
impl HeaderParser {
    pub fn feed(&mut self, _: &[u8]) -> HeaderProgress {
        HeaderProgress::Incomplete
    }
}
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderVersion {
    V1,
    V2,
}
