//! A small HTTP client.

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// What is sent, and the status that it must be answered with.
#[derive(Clone)]
pub struct Request {
    pub bytes: Vec<u8>,
    pub status: u16,
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
        self.stream.write_all(&request.bytes).await.unwrap();
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
        assert!(status == Some(request.status) && !text.contains("\"errors\""), "{text}");
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
    Request { bytes: [head.into_bytes(), body.into_bytes()].concat(), status: 200 }
}

/// A header of a head.
pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let headers = head.lines().filter_map(|line| line.split_once(": "));
    headers.filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
}
