//! Who stands behind a token right now. Asked of the database, and remembered for a moment: what
//! ends a session or changes a role here is forgotten at once, what another process does is seen
//! a second later.

use std::{net::IpAddr, sync::Arc, time::Duration};

use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};

use super::{
    ApiClientId, SessionId,
    model::{Policy, Standing, client_of, note_use},
    roles,
    secret::ClientSecret,
    token::Bearer,
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
    people: Cache<SessionId, (Timestamp, Viewer)>,
    /// By the hash of the whole secret: what is remembered opens with nothing less.
    clients: Cache<[u8; 32], (Timestamp, Viewer)>,
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
        let (people, clients, noted) = (Cache::new(MOST), Cache::new(MOST), Cache::new(MOST));
        Self(Arc::new(Inner { people, clients, noted, later }))
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
        let mut ring = keys.ring(db, clock).await?;
        if Bearer::key_of(token).is_some_and(|id| ring.find(Purpose::Token, id).is_none()) {
            ring = keys.newer_ring(db, clock, ring).await?;
        }
        let bearer = Bearer::read(&ring, clock, token)?;
        let now = clock.now();
        if let Some((until, viewer)) = self.0.people.get(&bearer.session)
            && now < until
        {
            return Ok(viewer);
        }
        let conn = db.read(bearer.tenant).await?;
        let standing = Standing::of(&conn, bearer.session, bearer.user, now).await;
        conn.finish().await?;
        let viewer = roles::viewer(bearer, standing?.ok_or(Error::Unauthenticated)?);
        self.0.people.insert(bearer.session, (now.plus(REMEMBERED), viewer.clone()));
        Ok(viewer)
    }

    async fn client(&self, asking: Asking<'_>, text: &str) -> Result<Viewer> {
        let Asking { db, clock, address, .. } = asking;
        let (now, known_by) = (clock.now(), Sha256::digest(text).into());
        let known = self.0.clients.get(&known_by).filter(|(until, _)| now < *until);
        let viewer = match known {
            Some((_, viewer)) => viewer,
            None => {
                let secret = ClientSecret::read(text).ok_or(Error::Unauthenticated)?;
                let conn = db.read(secret.tenant).await?;
                let hash = secret.hash();
                let client = client_of(&conn, &secret.prefix, &hash, now);
                let found = futures_util::try_join!(client, Policy::find(&conn));
                conn.finish().await?;
                let (client, policy) = found?;
                let client = client.ok_or(Error::Unauthenticated)?;
                let viewer = roles::client(secret.tenant, client, &policy);
                self.0.clients.insert(known_by, (now.plus(REMEMBERED), viewer.clone()));
                viewer
            }
        };
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
        self.0.people.clear();
        self.0.clients.clear();
    }
}
