//! What is asked of the database: counted for the request that asks, told to the recorder, and
//! logged where it is slow.

use std::{
    collections::VecDeque,
    fmt::Write,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use diesel::connection::{Instrumentation, InstrumentationEvent};
use futures_util::Stream;

use super::{Recorder, Settings};

/// What one request asked of the database, reads and writes.
#[derive(Debug, Default)]
pub struct Tally {
    /// The request's id, for the log.
    request: String,
    statements: AtomicU32,
    rows: AtomicU64,
}

impl Tally {
    pub fn of(request: String) -> Arc<Self> {
        Arc::new(Self { request, ..Self::default() })
    }

    /// Statements, but for those that begin and end transactions.
    pub fn statements(&self) -> u32 {
        self.statements.load(Relaxed)
    }

    /// Rows of tenants that were read or written.
    pub fn rows(&self) -> u64 {
        self.rows.load(Relaxed)
    }

    pub(super) fn statement(&self) {
        self.statements.fetch_add(1, Relaxed);
    }

    pub(super) fn add_rows(&self, rows: usize) {
        self.rows.fetch_add(u64::try_from(rows).unwrap_or(u64::MAX), Relaxed);
    }
}

/// Rows on their way, counted.
pub struct Rows<S> {
    stream: S,
    seen: usize,
    tally: Arc<Tally>,
}

impl<S> Rows<S> {
    pub(super) fn new(stream: S, tally: Arc<Tally>) -> Self {
        Self { stream, seen: 0, tally }
    }
}

impl<T, S: Stream<Item = T> + Unpin> Stream for Rows<S> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let next = Pin::new(&mut self.stream).poll_next(cx);
        if matches!(next, Poll::Ready(Some(_))) {
            self.seen += 1;
        }
        next
    }
}

impl<S> Drop for Rows<S> {
    fn drop(&mut self) {
        self.tally.add_rows(self.seen);
    }
}

/// One connection's watch. Whoever uses the connection says for whom.
pub(super) struct Watch {
    slow: Option<Duration>,
    recorder: Option<Recorder>,
    running: Mutex<Running>,
}

#[derive(Default)]
struct Running {
    /// When the statements that have no answer yet began. PostgreSQL answers in order.
    began: VecDeque<Instant>,
    tally: Option<Arc<Tally>>,
    /// The watch itself counts the statements: nobody else does.
    counts: bool,
}

impl Watch {
    pub fn new(settings: &Settings) -> Self {
        let (slow, recorder) = (settings.slow_statement, settings.recorder.clone());
        Self { slow, recorder, running: Mutex::default() }
    }

    /// From now on it is this request's.
    pub fn begin(&self, tally: Arc<Tally>, counts: bool) {
        *self.running() = Running { tally: Some(tally), counts, ..Running::default() };
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The watch as diesel knows it.
pub(super) struct Watching(pub Arc<Watch>);

impl Instrumentation for Watching {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        let watch = &*self.0;
        match event {
            InstrumentationEvent::StartQuery { query, .. } => {
                if let Some(recorder) = &watch.recorder {
                    // An update that changes nothing has no text.
                    let mut text = String::new();
                    if write!(text, "{query}").is_ok() {
                        recorder(&text);
                    }
                }
                let mut running = watch.running();
                if watch.slow.is_some() {
                    running.began.push_back(Instant::now());
                }
                if let Running { counts: true, tally: Some(tally), .. } = &*running {
                    tally.statement();
                }
            }
            InstrumentationEvent::FinishQuery { query, .. } => {
                let Some(slow) = watch.slow else { return };
                let mut running = watch.running();
                let Some(took) = running.began.pop_front().map(|began| began.elapsed()) else {
                    return;
                };
                if took >= slow {
                    let tally = running.tally.clone();
                    drop(running);
                    log_slow(&query, took, tally.as_ref().map(|tally| tally.request.as_str()));
                }
            }
            _ => {}
        }
    }
}

fn log_slow(query: &dyn std::fmt::Display, took: Duration, request: Option<&str>) {
    let mut text = String::new();
    let _ = write!(text, "{query}");
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    tracing::warn!(request, micros, sql = bare(&text), "statement.slow");
}

/// Without what was bound to it: that may be anybody's data.
fn bare(text: &str) -> &str {
    text.split(" -- binds:").next().unwrap_or_default().trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_bound_to_a_statement_is_not_logged() {
        let text = "SELECT 1 FROM t WHERE a = $1 -- binds: [\"secret -- binds: x\"]";
        assert_eq!(bare(text), "SELECT 1 FROM t WHERE a = $1");
        assert_eq!(bare("COMMIT"), "COMMIT");
    }
}
