//! A connection whose other end must get on with it. Whoever begins a request ends its head in
//! time; whoever is answered takes the answer.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Sleep,
};

/// How long the other end may take.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// To send a head.
    pub head: Duration,
    /// To take anything of an answer.
    pub taking: Duration,
}

/// What is going on on a connection: told by whoever answers, read by [`Patient`].
#[derive(Debug, Default)]
pub struct Turns {
    begun: AtomicUsize,
    under_way: AtomicUsize,
    upgraded: AtomicBool,
}

/// A request whose head is there, until it is answered.
pub struct Turn(Arc<Turns>);

impl Turns {
    pub fn begin(self: &Arc<Self>) -> Turn {
        self.begun.fetch_add(1, Relaxed);
        self.under_way.fetch_add(1, Relaxed);
        Turn(self.clone())
    }

    fn are_none(&self) -> bool {
        self.under_way.load(Relaxed) == 0 && !self.upgraded.load(Relaxed)
    }
}

impl Turn {
    /// From here on the connection is a socket's, which has rules of its own.
    pub fn upgrade(self) {
        self.0.upgraded.store(true, Relaxed);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Relaxed);
    }
}

/// A connection with patience.
pub struct Patient<S> {
    stream: S,
    turns: Arc<Turns>,
    times: Times,
    /// Until when the head must be there, and how many were there before it.
    head: Option<(Pin<Box<Sleep>>, usize)>,
    taking: Option<Pin<Box<Sleep>>>,
    /// HTTP/2: it says by itself whether somebody is there, and heads come one beside another.
    shared: Option<bool>,
}

impl<S> Patient<S> {
    pub fn new(stream: S, turns: Arc<Turns>, times: Times) -> Self {
        let head = Some((Box::pin(tokio::time::sleep(times.head)), 0));
        Self { stream, turns, times, head, taking: None, shared: None }
    }

    fn is_overdue(&mut self, cx: &mut Context<'_>) -> bool {
        let before = self.turns.begun.load(Relaxed);
        // That head has come.
        self.head.take_if(|(_, counted)| *counted != before);
        match &mut self.head {
            Some((until, _)) if self.turns.are_none() => until.as_mut().poll(cx).is_ready(),
            _ => false,
        }
    }

    fn has_come(&mut self, came: &[u8]) {
        let shared = *self.shared.get_or_insert(came.starts_with(b"PRI"));
        if shared {
            self.head = None;
        } else if self.head.is_none() && self.turns.are_none() {
            let until = Box::pin(tokio::time::sleep(self.times.head));
            self.head = Some((until, self.turns.begun.load(Relaxed)));
        }
    }

    fn taken<T>(&mut self, cx: &mut Context<'_>, poll: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.taking = None;
            return poll;
        }
        let until = || Box::pin(tokio::time::sleep(self.times.taking));
        let until = self.taking.get_or_insert_with(until);
        match until.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buf.filled().len();
        let poll = Pin::new(&mut this.stream).poll_read(cx, buf);
        if poll.is_pending() && this.is_overdue(cx) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        match buf.filled().get(before..) {
            Some(came) if poll.is_ready() && !came.is_empty() => {
                if this.is_overdue(cx) {
                    return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
                }
                this.has_come(came);
            }
            _ => {}
        }
        poll
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.taken(cx, poll)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_flush(cx);
        self.taken(cx, poll)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.taken(cx, poll)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.taken(cx, poll)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const TIMES: Times =
        Times { head: Duration::from_millis(200), taking: Duration::from_millis(100) };
    const LONG: Duration = Duration::from_millis(500);

    async fn took(waiting: impl Future) -> Duration {
        let began = std::time::Instant::now();
        waiting.await;
        began.elapsed()
    }

    #[tokio::test]
    async fn a_head_that_does_not_come_ends_the_connection() {
        let (mut client, server) = duplex(1024);
        let mut server = Patient::new(server, Arc::default(), TIMES);
        let mut buf = [0; 16];
        client.write_all(b"GET /").await.unwrap();
        assert_eq!(server.read(&mut buf).await.unwrap(), 5);
        // A byte now and then does not help.
        let dripping = async {
            loop {
                tokio::time::sleep(Duration::from_millis(20)).await;
                let _ = client.write_all(b"x").await;
            }
        };
        let reading = async { while server.read(&mut buf).await.is_ok() {} };
        let took = took(async {
            tokio::select! { () = dripping => {}, () = reading => {} }
        });
        let took = took.await;
        assert!((TIMES.head / 2..LONG).contains(&took), "{took:?}");
    }

    #[tokio::test]
    async fn between_requests_and_within_them_it_waits() {
        let turns = Arc::new(Turns::default());
        let (mut client, server) = duplex(1024);
        let mut server = Patient::new(server, turns.clone(), TIMES);
        let mut buf = [0; 16];
        for _ in 0..2 {
            client.write_all(b"GET / HTTP").await.unwrap();
            assert!(server.read(&mut buf).await.unwrap() > 0);
            let turn = turns.begin();
            let within = tokio::time::timeout(LONG, server.read(&mut buf)).await;
            assert!(within.is_err(), "within");
            drop(turn);
            let between = tokio::time::timeout(LONG, server.read(&mut buf)).await;
            assert!(between.is_err(), "between");
        }
        turns.begin().upgrade();
        for _ in 0..5 {
            client.write_all(b"frame").await.unwrap();
            assert!(server.read(&mut buf).await.is_ok(), "a socket has rules of its own");
            tokio::time::sleep(TIMES.head / 2).await;
        }
    }

    #[tokio::test]
    async fn whoever_takes_nothing_is_left() {
        let (_client, server) = duplex(16);
        let mut server = Patient::new(server, Arc::default(), TIMES);
        let took = took(async { assert!(server.write_all(&[0; 17]).await.is_err()) }).await;
        assert!((TIMES.taking..LONG).contains(&took), "{took:?}");
    }
}
