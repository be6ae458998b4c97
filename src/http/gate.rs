//! How many operations may be under way at once. A few more wait for a moment; whoever comes
//! then is told to come back, at once, so that those who are inside are served.

use std::{sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::measure;

/// How long one waits for one's turn.
const PATIENCE: Duration = Duration::from_secs(1);

/// One operation's place; it is free again when this is dropped.
pub struct Entered {
    _place: OwnedSemaphorePermit,
}

pub struct Gate {
    places: Arc<Semaphore>,
    queue: Semaphore,
    most: usize,
}

impl Gate {
    /// So many at once, and as many again who wait.
    pub fn new(most: usize) -> Self {
        let (places, queue) = (Arc::new(Semaphore::new(most)), Semaphore::new(most));
        Self { places, queue, most }
    }

    /// A place, unless there is none in time.
    pub async fn enter(&self) -> Option<Entered> {
        let entered = |place| Entered { _place: place };
        if let Ok(place) = self.places.clone().try_acquire_owned() {
            return Some(entered(place));
        }
        let place = match self.queue.try_acquire() {
            Ok(_waiting) => {
                let place = self.places.clone().acquire_owned();
                tokio::time::timeout(PATIENCE, place).await.ok().and_then(Result::ok)
            }
            Err(_) => None,
        };
        if place.is_none() {
            measure::shed();
        }
        place.map(entered)
    }

    pub fn most(&self) -> usize {
        self.most
    }

    pub fn inside(&self) -> usize {
        self.most.saturating_sub(self.places.available_permits())
    }

    pub fn waiting(&self) -> usize {
        self.most.saturating_sub(self.queue.available_permits())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[tokio::test]
    async fn who_finds_no_place_and_no_queue_is_sent_away_at_once() {
        let gate = Gate::new(1);
        let first = gate.enter().await.unwrap();
        let mut waiting = Box::pin(gate.enter());
        assert!(futures_util::poll!(&mut waiting).is_pending());
        assert_eq!((gate.inside(), gate.waiting()), (1, 1));
        let began = Instant::now();
        assert!(gate.enter().await.is_none());
        assert!(began.elapsed() < PATIENCE / 2, "at once");
        drop(first);
        let second = waiting.await;
        assert!(second.is_some(), "whoever waited comes in");
        assert!(gate.enter().await.is_none(), "and nobody waits for long");
        assert!((PATIENCE..PATIENCE * 2).contains(&began.elapsed()));
        drop(second);
        assert_eq!((gate.inside(), gate.waiting()), (0, 0));
    }
}
