//! What an id stands for right now. Asked of the database, and remembered for a moment: what is
//! registered here is found at once, what another process registers a second later.

use std::{sync::Arc, time::Duration};

use quick_cache::sync::Cache;
use tokio::sync::watch;

use super::{
    DocumentId,
    model::{Document, Hit, find_named},
    uses::{Used, Uses},
    values::{DocumentHash, Named},
};
use crate::{
    access::{Viewer, Who},
    accounts::ApiClientId,
    clock::{Clock, Timestamp},
    db::Db,
    error::Result,
    tenants::TenantId,
};

const REMEMBERED: Duration = Duration::from_secs(1);
const MOST: usize = 10_000;
/// How often it is written down who asked what.
const WRITTEN: Duration = Duration::from_secs(15);
/// How often it is logged that a program asks a document that is not registered.
const TOLD: Duration = Duration::from_mins(1);

/// The registered documents of all tenants.
#[derive(Clone)]
pub struct Registry(Arc<Inner>);

/// Whose registry, and what is looked for there.
type Question = (TenantId, Option<ApiClientId>, Named);

struct Inner {
    /// That there is nothing is remembered, too.
    known: Cache<Question, (Timestamp, Option<Found>)>,
    told: Cache<(ApiClientId, DocumentHash), Timestamp>,
    uses: Uses,
}

/// A registered document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    pub id: DocumentId,
    pub client: ApiClientId,
    pub hash: DocumentHash,
}

impl Default for Registry {
    fn default() -> Self {
        let (known, told) = (Cache::new(MOST), Cache::new(MOST));
        Self(Arc::new(Inner { known, told, uses: Uses::default() }))
    }
}

impl Registry {
    /// What the viewer means: a program by its own registry, a person by those of the tenant's live
    /// programs.
    pub async fn find(
        &self,
        db: &Db,
        clock: &Clock,
        viewer: &Viewer,
        named: &Named,
    ) -> Result<Option<Found>> {
        let client = match viewer.who {
            Who::Client(client) => Some(client),
            Who::Person(_) => None,
        };
        let (now, key) = (clock.now(), (viewer.tenant, client, named.clone()));
        if let Some((until, found)) = self.0.known.get(&key)
            && now < until
        {
            return Ok(found);
        }
        let conn = db.read(viewer.tenant).await?;
        let hits = find_named(&conn, client, named, now).await;
        conn.finish().await?;
        let found = match hits?[..] {
            [Hit { id, client_id, hash }] => Some(Found { id, client: client_id, hash }),
            // None; or an id of two build tools for two different texts.
            _ => None,
        };
        self.0.known.insert(key, (now.plus(REMEMBERED), found));
        Ok(found)
    }

    /// The text of a document; it may be gone by now.
    pub async fn body(&self, db: &Db, tenant: TenantId, id: DocumentId) -> Result<Option<String>> {
        let conn = db.read(tenant).await?;
        let body = Document::body(&conn, id).await;
        conn.finish().await?;
        body
    }

    /// After a change of what is registered, or for whom.
    pub fn forget(&self) {
        self.0.known.clear();
    }

    /// A document was asked; written down later.
    pub fn used(&self, used: Used, now: Timestamp) {
        self.0.uses.note(used, now);
    }

    /// For a program whose unknown documents are logged: is this one to be told, or was it a
    /// moment ago?
    pub fn is_news(&self, client: ApiClientId, hash: DocumentHash, now: Timestamp) -> bool {
        let news = self.0.told.get(&(client, hash)).is_none_or(|told| now >= told.plus(TOLD));
        if news {
            self.0.told.insert((client, hash), now);
        }
        news
    }

    /// Writes down who asked what until now.
    pub async fn flush(&self, db: &Db, clock: &Clock) {
        self.0.uses.flush(db, clock).await;
    }

    /// The same, now and then until it is told to stop, and then once more.
    pub async fn run(self, db: Db, clock: Clock, mut stop: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(WRITTEN) => self.flush(&db, &clock).await,
                _ = stop.changed() => break,
            }
        }
        self.flush(&db, &clock).await;
    }
}
