//! Who stands behind a token right now. Asked of the database, and remembered for a moment: what
//! ends a session or changes a role here is forgotten at once, what another process does is seen
//! a second later.

use std::{sync::Arc, time::Duration};

use quick_cache::sync::Cache;

use super::{SessionId, model::Standing, roles, token::Bearer};
use crate::{
    access::Viewer,
    clock::{Clock, Timestamp},
    db::Db,
    error::{Error, Result},
    keys::{Keys, Purpose},
};

const REMEMBERED: Duration = Duration::from_secs(1);
const MOST: usize = 10_000;

/// The people who are using the product.
#[derive(Clone)]
pub struct Sessions(Arc<Cache<SessionId, (Timestamp, Viewer)>>);

impl Default for Sessions {
    fn default() -> Self {
        Self(Arc::new(Cache::new(MOST)))
    }
}

impl Sessions {
    /// The person behind an access token; any doubt is [`Error::Unauthenticated`].
    pub async fn viewer(&self, db: &Db, keys: &Keys, clock: &Clock, token: &str) -> Result<Viewer> {
        let mut ring = keys.ring(db, clock).await?;
        if Bearer::key_of(token).is_some_and(|id| ring.find(Purpose::Token, id).is_none()) {
            ring = keys.newer_ring(db, clock, ring).await?;
        }
        let bearer = Bearer::read(&ring, clock, token)?;
        let now = clock.now();
        if let Some((until, viewer)) = self.0.get(&bearer.session)
            && now < until
        {
            return Ok(viewer);
        }
        let conn = db.read(bearer.tenant).await?;
        let standing = Standing::of(&conn, bearer.session, bearer.user, now).await;
        conn.finish().await?;
        let Standing { roles, team } = standing?.ok_or(Error::Unauthenticated)?;
        let viewer = roles::viewer(bearer, roles, team);
        self.0.insert(bearer.session, (now.plus(REMEMBERED), viewer.clone()));
        Ok(viewer)
    }

    /// After a change of anybody's standing.
    pub fn forget(&self) {
        self.0.clear();
    }
}
