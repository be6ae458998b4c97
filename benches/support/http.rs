//! A small HTTP client.

use std::{
    borrow::Cow,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// What is sent, and the status that it must be answered with. Where it says [`NEW`], each time
/// another number stands.
#[derive(Clone)]
pub struct Request {
    pub bytes: Vec<u8>,
    pub status: u16,
    number_at: Option<usize>,
}

pub const NEW: &str = "bench0000000000@";
/// Where the number ends.
const END: usize = NEW.len() - 1;
static NUMBER: AtomicU64 = AtomicU64::new(1);

impl Request {
    pub fn new(bytes: Vec<u8>, status: u16) -> Self {
        let found = bytes.windows(NEW.len()).position(|part| part == NEW.as_bytes());
        Self { bytes, status, number_at: found.map(|at| at + END) }
    }

    /// What is sent this time.
    fn numbered(&self) -> Cow<'_, [u8]> {
        let Some(end) = self.number_at else { return Cow::Borrowed(&self.bytes) };
        let (mut bytes, number) = (self.bytes.clone(), NUMBER.fetch_add(1, Relaxed).to_string());
        bytes[end - number.len()..end].copy_from_slice(number.as_bytes());
        Cow::Owned(bytes)
    }
}

pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub async fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::with_capacity(64 * 1024) }
    }

    /// Sends one request; the head and the body of its answer, which must be a good one.
    pub async fn ask(&mut self, request: &Request) -> (&str, &str) {
        self.stream.write_all(&request.numbered()).await.unwrap();
        self.buffer.clear();
        let (head, length) = loop {
            assert!(self.stream.read_buf(&mut self.buffer).await.unwrap() > 0, "closed");
            if let Some(head) = self.buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                let text = std::str::from_utf8(&self.buffer[..head]).unwrap();
                break (head + 4, header(text, "content-length"));
            }
        };
        // "Not modified" has no body.
        let length = length.map_or(0, |length| length.parse().unwrap());
        while self.buffer.len() < head + length {
            self.stream.read_buf(&mut self.buffer).await.unwrap();
        }
        let text = std::str::from_utf8(&self.buffer).unwrap();
        let status = text.get(9..12).and_then(|status| status.parse().ok());
        let refused = text.contains("\"errors\"") || text.contains("\"contact\":null");
        assert!(status == Some(request.status) && !refused, "{text}");
        text.split_at(head)
    }
}

/// What a token's owner asks.
pub fn post(token: &str, body: &Value) -> Request {
    let body = body.to_string();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nAuthorization: Bearer {token}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    Request::new([head.into_bytes(), body.into_bytes()].concat(), 200)
}

/// A header of a head.
pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let headers = head.lines().filter_map(|line| line.split_once(": "));
    headers.filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
}
