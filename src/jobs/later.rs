//! What is written after the answer: that something was read, that a program was there. It has a
//! bounded queue and connections of its own; a full queue makes whoever adds to it wait.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::{Mutex, mpsc, watch};
use uuid::Uuid;

use crate::{
    clock::Clock,
    db::{Db, TenantConn, WriteContext},
    error::{Error, Result},
    ids::new_uuid,
    tenants::TenantId,
};

const ROOM: usize = 1024;
const TRIES: u32 = 5;
const PAUSE: std::time::Duration = std::time::Duration::from_secs(1);

/// What is to be done in the tenant's transaction.
pub type Writing = Box<dyn for<'a> Fn(&'a TenantConn) -> BoxFuture<'a, Result<()>> + Send + Sync>;

/// Something to be written for a tenant.
pub struct Note {
    pub tenant: TenantId,
    pub actor: Option<Uuid>,
    pub request: String,
    /// Tried again when the database is away.
    pub write: Writing,
}

/// The queue.
#[derive(Clone)]
pub struct Later(Arc<Inner>);

struct Inner {
    sender: mpsc::Sender<Note>,
    receiver: Mutex<mpsc::Receiver<Note>>,
}

impl Default for Later {
    fn default() -> Self {
        let (sender, receiver) = mpsc::channel(ROOM);
        Self(Arc::new(Inner { sender, receiver: Mutex::new(receiver) }))
    }
}

impl Later {
    pub async fn send(&self, note: Note) {
        // The receiver lives as long as we do.
        let _ = self.0.sender.send(note).await;
    }

    /// Writes what comes until it is told to stop, and then what is left.
    pub async fn run(self, db: Db, clock: Clock, mut stop: watch::Receiver<bool>) {
        loop {
            let next = async { self.0.receiver.lock().await.recv().await };
            tokio::select! {
                Some(note) = next => one(&db, &clock, note).await,
                _ = stop.changed() => break,
            }
        }
        self.drain(&db, &clock).await;
    }

    /// Writes what is there now.
    pub async fn drain(&self, db: &Db, clock: &Clock) {
        let next = async || self.0.receiver.lock().await.try_recv().ok();
        while let Some(note) = next().await {
            one(db, clock, note).await;
        }
    }
}

async fn one(db: &Db, clock: &Clock, note: Note) {
    for _ in 0..TRIES {
        match written(db, clock, &note).await {
            Ok(()) => return,
            Err(error @ (Error::Unavailable(_) | Error::Timeout)) => {
                tracing::warn!(error = ?error, "later.waiting");
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => {
                tracing::error!(request = note.request, error = ?error, "later.failed");
                return;
            }
        }
    }
    tracing::error!(request = note.request, "later.lost");
}

async fn written(db: &Db, clock: &Clock, note: &Note) -> Result<()> {
    let Note { tenant, actor, request, write } = note;
    let context = WriteContext { write: new_uuid(clock), actor: *actor, request: request.clone() };
    let tx = db.write(*tenant, context).await?;
    write(&tx).await?;
    tx.commit().await
}
