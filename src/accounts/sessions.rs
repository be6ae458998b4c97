//! Who stands behind a token right now. Asked of the database, and remembered for a moment: what
//! ends a session or changes a role here is forgotten at once, what another process does is seen
//! a second later.

use std::{
    hash::Hash,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};

use super::{
    ApiClientId, SessionId,
    model::{Policy, Standing, client_of, note_use},
    roles,
    secret::ClientSecret,
    token::Verified,
};
use crate::{
    access::{Viewer, Who},
    clock::{Clock, Timestamp},
    db::Db,
    error::{Error, Result},
    jobs::{Later, Note},
    keys::{Keys, Purpose},
};

const REMEMBERED: Duration = Duration::from_secs(1);
const MOST: usize = 10_000;
/// How often it is written down that a program is there.
const NOTED: Duration = Duration::from_mins(1);

/// Those who are using the product.
#[derive(Clone)]
pub struct Sessions(Arc<Inner>);

struct Inner {
    /// By the hash of the whole token.
    verified: Cache<[u8; 32], Verified>,
    people: Remembered<SessionId>,
    /// By the hash of the whole secret: what is remembered opens with nothing less.
    clients: Remembered<[u8; 32]>,
    noted: Cache<ApiClientId, Timestamp>,
    later: Later,
}

/// What it takes to ask the database who somebody is.
#[derive(Clone, Copy)]
pub struct Asking<'a> {
    pub db: &'a Db,
    pub keys: &'a Keys,
    pub clock: &'a Clock,
    /// From where the token came.
    pub address: Option<IpAddr>,
}

impl Sessions {
    pub fn new(later: Later) -> Self {
        let (people, clients) = (Remembered::default(), Remembered::default());
        let (verified, noted) = (Cache::new(MOST), Cache::new(MOST));
        Self(Arc::new(Inner { verified, people, clients, noted, later }))
    }

    /// Whoever is behind an access token or a client's secret; any doubt is
    /// [`Error::Unauthenticated`].
    pub async fn viewer(&self, asking: Asking<'_>, token: &str) -> Result<Viewer> {
        let viewer = match ClientSecret::is_one(token) {
            true => self.client(asking, token).await?,
            false => self.person(asking, token).await?,
        };
        match viewer.may_come_from(asking.address) {
            true => Ok(viewer),
            false => Err(Error::Unauthenticated),
        }
    }

    async fn person(&self, asking: Asking<'_>, token: &str) -> Result<Viewer> {
        let Asking { db, keys, clock, .. } = asking;
        let (now, known_by) = (clock.now(), Sha256::digest(token).into());
        let mut ring = keys.ring(db, clock).await?;
        let verified = self.0.verified.get(&known_by).filter(|known| known.holds(&ring, clock));
        let bearer = match verified {
            Some(verified) => verified.bearer,
            None => {
                if Verified::key_of(token).is_some_and(|id| ring.find(Purpose::Token, id).is_none())
                {
                    ring = keys.newer_ring(db, clock, ring).await?;
                }
                let verified = Verified::read(&ring, clock, token)?;
                self.0.verified.insert(known_by, verified);
                verified.bearer
            }
        };
        let ask = async {
            let conn = db.read(bearer.tenant).await?;
            let standing = Standing::of(&conn, bearer.session, bearer.user, now).await;
            conn.finish().await?;
            Ok(roles::viewer(bearer, standing?.ok_or(Error::Unauthenticated)?))
        };
        self.0.people.recall(bearer.session, now, ask).await
    }

    async fn client(&self, asking: Asking<'_>, text: &str) -> Result<Viewer> {
        let Asking { db, clock, address, .. } = asking;
        let (now, known_by) = (clock.now(), Sha256::digest(text).into());
        let ask = async {
            let secret = ClientSecret::read(text).ok_or(Error::Unauthenticated)?;
            let conn = db.read(secret.tenant).await?;
            let hash = secret.hash();
            let client = client_of(&conn, &secret.prefix, &hash, now);
            let found = futures_util::try_join!(client, Policy::find(&conn));
            conn.finish().await?;
            let (client, policy) = found?;
            Ok(roles::client(secret.tenant, client.ok_or(Error::Unauthenticated)?, &policy))
        };
        let viewer = self.0.clients.recall(known_by, now, ask).await?;
        if viewer.may_come_from(address) {
            self.note(&viewer, now, address).await;
        }
        Ok(viewer)
    }

    /// A program was there; written down once a minute, after the answer.
    async fn note(&self, viewer: &Viewer, now: Timestamp, address: Option<IpAddr>) {
        let Who::Client(client) = viewer.who else { return };
        if self.0.noted.get(&client).is_some_and(|noted| now < noted.plus(NOTED)) {
            return;
        }
        self.0.noted.insert(client, now);
        let address = address.map(|address| address.to_string());
        let note = Note {
            tenant: viewer.tenant,
            actor: Some(client.0),
            request: "api-client".into(),
            write: Box::new(move |tx| {
                let address = address.clone();
                Box::pin(async move { note_use(tx, client, now, address.as_deref()).await })
            }),
        };
        self.0.later.send(note).await;
    }

    /// After a change of anybody's standing.
    pub fn forget(&self) {
        self.0.people.forget();
        self.0.clients.forget();
    }
}

/// Who stands behind what, for a moment. Many who ask at once ask the database once.
struct Remembered<K> {
    /// With how often all was forgotten before it was asked: who asks after that neither finds nor
    /// waits for what was asked before.
    viewers: Cache<(K, u64), (Timestamp, Viewer)>,
    forgotten: AtomicU64,
}

impl<K: Copy + Eq + Hash> Default for Remembered<K> {
    fn default() -> Self {
        Self { viewers: Cache::new(MOST), forgotten: AtomicU64::new(0) }
    }
}

impl<K: Copy + Eq + Hash> Remembered<K> {
    async fn recall(
        &self,
        key: K,
        now: Timestamp,
        ask: impl Future<Output = Result<Viewer>>,
    ) -> Result<Viewer> {
        let key = (key, self.forgotten.load(Relaxed));
        match self.viewers.get(&key) {
            Some((until, viewer)) if now < until => return Ok(viewer),
            Some(_) => drop(self.viewers.remove_if(&key, |(until, _)| *until <= now)),
            None => {}
        }
        let ask = async { ask.await.map(|viewer| (now.plus(REMEMBERED), viewer)) };
        let (_, viewer) = self.viewers.get_or_insert_async(&key, ask).await?;
        Ok(viewer)
    }

    fn forget(&self) {
        self.forgotten.fetch_add(1, Relaxed);
        self.viewers.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use futures_util::{future::join_all, join};
    use tokio::sync::Semaphore;

    use super::*;
    use crate::{accounts::UserId, ids::new_uuid, tenants::TenantId};

    #[tokio::test]
    async fn who_asks_together_asks_once_and_who_asks_after_a_change_asks_anew() {
        let clock = Clock::system();
        let (id, now) = (new_uuid(&clock), clock.now());
        let (asked, gate) = (AtomicUsize::new(0), Semaphore::new(0));
        let remembered = Remembered::<u8>::default();
        let recall = |at| {
            remembered.recall(1, at, async {
                asked.fetch_add(1, Relaxed);
                let _ = gate.acquire().await;
                Ok(Viewer::new(Who::Person(UserId(id)), TenantId(id), Vec::new()))
            })
        };
        // A change, while fifty wait for an answer from before it.
        let after = async {
            remembered.forget();
            let late = recall(now);
            gate.add_permits(1);
            late.await
        };
        let (before, after) = join!(join_all((0..50).map(|_| recall(now))), after);
        assert!(before.iter().all(Result::is_ok) && after.is_ok());
        assert_eq!(asked.load(Relaxed), 2);
        recall(now).await.unwrap();
        assert_eq!(asked.load(Relaxed), 2, "what is remembered is from after the change");
        recall(now.plus(REMEMBERED)).await.unwrap();
        assert_eq!(asked.load(Relaxed), 3, "for a moment");
    }

    #[tokio::test]
    async fn a_refusal_is_not_remembered() {
        let remembered = Remembered::<u8>::default();
        let now = Clock::system().now();
        for _ in 0..2 {
            let refused = remembered.recall(1, now, async { Err(Error::Unauthenticated) }).await;
            assert!(matches!(refused, Err(Error::Unauthenticated)));
        }
    }
}
