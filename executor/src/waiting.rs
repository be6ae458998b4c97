//! Futures of one type, each polled once where it stands. One that is ready leaves its box to
//! the next; one that waits keeps it.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
};

use real::ServerResult;

pub(crate) struct Waiting<K, F> {
    spare: Option<Pin<Box<F>>>,
    waiting: Vec<(K, Pin<Box<F>>)>,
}

impl<K, F: Future> Waiting<K, F> {
    pub(crate) fn new() -> Self {
        Self { spare: None, waiting: Vec::new() }
    }

    /// Polls `future` once: its output, or `None` when it waits under the key that `key` gives.
    pub(crate) fn start(
        &mut self,
        cx: &mut Context<'_>,
        future: F,
        key: impl FnOnce() -> K,
    ) -> Option<F::Output> {
        let mut place = match self.spare.take() {
            Some(mut place) => {
                place.set(future);
                place
            }
            None => Box::pin(future),
        };
        match place.as_mut().poll(cx) {
            Poll::Ready(output) => {
                self.spare = Some(place);
                Some(output)
            }
            Poll::Pending => {
                self.waiting.push((key(), place));
                None
            }
        }
    }

    /// Hands over each output as it comes, until all have come or `take` fails. To be awaited in
    /// the same poll as the starts: all are waiting since, and asking them again at once would
    /// wake a loader before its siblings have said what they want.
    pub(crate) async fn rest(
        self,
        mut take: impl FnMut(&K, F::Output) -> ServerResult<()>,
    ) -> ServerResult<()> {
        let mut waiting = self.waiting;
        let mut asked_just_now = true;
        poll_fn(|cx| {
            if std::mem::take(&mut asked_just_now) && !waiting.is_empty() {
                return Poll::Pending;
            }
            let mut at = 0;
            while let Some((key, future)) = waiting.get_mut(at) {
                match future.as_mut().poll(cx) {
                    Poll::Ready(output) => {
                        if let Err(error) = take(key, output) {
                            return Poll::Ready(Err(error));
                        }
                        drop(waiting.swap_remove(at));
                    }
                    Poll::Pending => at += 1,
                }
            }
            if waiting.is_empty() { Poll::Ready(Ok(())) } else { Poll::Pending }
        })
        .await
    }
}
