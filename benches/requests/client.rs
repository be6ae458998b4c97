//! A small HTTP client that keeps its connections busy.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

pub struct Load;

impl Load {
    /// Sends the requests in turn on each connection until the time is over; how many were
    /// answered.
    pub async fn run(
        address: &str,
        requests: Arc<[Vec<u8>]>,
        connections: usize,
        time: Duration,
    ) -> u64 {
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let mut running = JoinSet::new();
        for start in 0..connections {
            let (requests, stop, done) = (requests.clone(), stop.clone(), done.clone());
            let mut connection = Connection::open(address).await;
            running.spawn(async move {
                let mut at = start * 7;
                while !stop.load(Relaxed) {
                    connection.ask(&requests[at % requests.len()]).await;
                    done.fetch_add(1, Relaxed);
                    at += 1;
                }
            });
        }
        tokio::time::sleep(time).await;
        stop.store(true, Relaxed);
        let count = done.load(Relaxed);
        while running.join_next().await.is_some() {}
        count
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

    /// Sends one request; the body of its answer, which must be a good one.
    pub async fn ask(&mut self, request: &[u8]) -> &str {
        self.stream.write_all(request).await.unwrap();
        self.buffer.clear();
        let (head, length) = loop {
            assert!(self.stream.read_buf(&mut self.buffer).await.unwrap() > 0, "closed");
            if let Some(head) = self.buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                let text = std::str::from_utf8(&self.buffer[..head]).unwrap().to_ascii_lowercase();
                let length = text.split("content-length: ").nth(1).expect("a length");
                let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
                break (head + 4, length);
            }
        };
        while self.buffer.len() < head + length {
            self.stream.read_buf(&mut self.buffer).await.unwrap();
        }
        let text = std::str::from_utf8(&self.buffer).unwrap();
        assert!(text.starts_with("HTTP/1.1 200") && !text.contains("\"errors\""), "{text}");
        &text[head..]
    }
}
