//! Who is at the database at the same time. Where it shares this machine's cores with us, a few
//! statements at once are done sooner than many: each would push the others out of the caches, and
//! wait for the same rows and pages. Whoever waits too long goes all the same, so that a few slow
//! statements do not hold up the quick ones.

use std::{ops::Deref, sync::Arc, thread::available_parallelism, time::Duration};

use bb8::PooledConnection;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::connect::{Conn, Manager};

/// Longer than quick statements take, and too short to be noticed.
const PATIENCE: Duration = Duration::from_millis(50);

/// How many may be at the database at once; without a number, as many as there are connections.
#[derive(Clone)]
pub(super) struct Turns(Option<Arc<Semaphore>>);

impl Turns {
    /// On this machine: one statement runs on each core, one is on its way there, and one waits for
    /// the disk.
    pub fn here() -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self(Some(Arc::new(Semaphore::new(2 * cores + 1))))
    }

    /// On another machine, whose cores are not known and which is far away.
    pub fn elsewhere() -> Self {
        Self(None)
    }

    pub async fn take(&self) -> Turn {
        let turns = self.0.clone()?;
        timeout(PATIENCE, turns.acquire_owned()).await.ok()?.ok()
    }
}

/// Ends when it is dropped; `None` for those who do not wait for others.
pub(super) type Turn = Option<OwnedSemaphorePermit>;

/// A connection that is somebody's, and their turn.
pub(super) struct Leased {
    /// Back in the pool before the next one's turn.
    conn: PooledConnection<'static, Manager>,
    _turn: Turn,
}

impl Leased {
    pub fn new(conn: PooledConnection<'static, Manager>, turn: Turn) -> Self {
        Self { conn, _turn: turn }
    }
}

impl Deref for Leased {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        &self.conn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_next_has_its_turn_when_one_ends_and_the_impatient_go_without() {
        let turns = Turns(Some(Arc::new(Semaphore::new(1))));
        let first = turns.take().await;
        assert!(first.is_some());
        assert!(turns.take().await.is_none(), "it went all the same");
        let (next, ()) = tokio::join!(turns.take(), async { drop(first) });
        assert!(next.is_some());
        assert!(Turns::elsewhere().take().await.is_none(), "nobody waits for others there");
    }
}
