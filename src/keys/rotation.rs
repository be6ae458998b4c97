//! Keys are replaced: at once for what is signed, in the background for what is kept.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use uuid::Uuid;

use super::{
    Keys, Purpose, Ring, Wrapping, model,
    model::{KeyRow, SecretRow},
    ring::Key,
    seal,
    vault::bound,
};
use crate::{
    clock::{Clock, Timestamp},
    db::{Db, OperatorConn, TenantConn, WriteContext},
    error::Result,
    ids::new_uuid,
    jobs::{NO_TENANT, NewJob, Work, enqueue},
    tenants::TenantId,
};

/// An access token lives an hour; a key outlives its tokens by another.
const TOKEN_KEY_KEPT: Duration = Duration::from_hours(2);
/// A server that does not know the new data key yet may still use the one before.
const DATA_KEY_KEPT: Duration = Duration::from_mins(10);
const BATCH: i64 = 100;
const TENANTS: i32 = 100;

/// The kind of job that encrypts anew.
pub const REENCRYPT: &str = "keys.reencrypt";

/// What a rotation did, for whoever asked for it.
#[derive(Debug, PartialEq, Eq)]
pub struct Rotated {
    pub made: Vec<&'static str>,
    pub dropped: usize,
    pub rewrapped: usize,
}

/// Makes a new signing key, and a new data key where `data` says so; wraps what is still under the
/// operator's secret before this one. Old signing keys go when their tokens have ended, or `at_once`.
pub async fn rotate(
    conn: &OperatorConn,
    wrapping: &Wrapping,
    clock: &Clock,
    data: bool,
    at_once: bool,
) -> Result<Rotated> {
    let mut rewrapped = 0;
    let mut old = Vec::new();
    for row in KeyRow::all(conn.pg()).await? {
        let key = Key::unwrap(&row, wrapping)?;
        if key.outdated {
            key.wrap(wrapping)?.rewrap(conn.pg()).await?;
            rewrapped += 1;
        }
        old.push(key);
    }
    let mut made = vec![Purpose::Token];
    made.extend(data.then_some(Purpose::Data));
    for purpose in &made {
        Key::make(clock, *purpose)?.wrap(wrapping)?.insert(conn.pg()).await?;
    }
    let signing: Vec<&Key> = old.iter().filter(|key| key.purpose == "TOKEN").collect();
    let ended = signing.iter().enumerate().filter(|(at, _)| {
        // Nothing was signed with a key since its successor was made.
        let successor = at.checked_sub(1).and_then(|before| signing.get(before));
        at_once || successor.is_some_and(|key| clock.now() > key.created_at.plus(TOKEN_KEY_KEPT))
    });
    let ended: Vec<Uuid> = ended.map(|(_, key)| key.id).collect();
    KeyRow::delete(conn.pg(), &ended).await?;
    let made = made.into_iter().map(Purpose::word).collect();
    Ok(Rotated { made, dropped: ended.len(), rewrapped })
}

/// In the background, from then on.
pub async fn enqueue_reencryption(
    conn: &TenantConn,
    clock: &Clock,
    due_at: Timestamp,
) -> Result<()> {
    enqueue(conn, clock, NewJob { kind: REENCRYPT, payload: json!({}), due_at }).await
}

/// Does jobs of the kind [`REENCRYPT`].
#[derive(Clone)]
pub struct Reencryption {
    pub db: Db,
    pub clock: Clock,
    pub keys: Arc<Keys>,
}

impl Reencryption {
    /// Whatever is under an older key is put under the newest one; once no server can use the
    /// older ones any more, they go.
    pub async fn run(self, _: Work) -> Result<()> {
        let conn = self.db.system().await?;
        let ring = Ring::read(&conn, &self.keys.wrapping, &self.clock).await?;
        let (newest, _) = ring.newest(Purpose::Data)?;
        let tenants = model::tenants_with_older(conn.pg(), newest, TENANTS).await?;
        conn.release();
        for tenant in &tenants {
            self.reencrypt(*tenant, &ring, newest).await?;
        }
        let is_data = |key: &&Key| key.purpose == "DATA";
        let older: Vec<Uuid> = ring.keys.iter().filter(is_data).skip(1).map(|key| key.id).collect();
        let known_since = ring.keys.iter().find(is_data).map(|key| key.created_at);
        let good_from = known_since.map(|at| at.plus(DATA_KEY_KEPT));
        if let Some(again_at) = good_from.filter(|at| *at > self.clock.now() || !tenants.is_empty())
        {
            let tx = self.db.write(NO_TENANT, self.context()).await?;
            enqueue_reencryption(&tx, &self.clock, again_at.max(self.clock.now())).await?;
            return tx.commit().await;
        }
        let conn = self.db.system().await?;
        KeyRow::delete(conn.pg(), &older).await?;
        conn.release();
        tracing::info!(keys = older.len(), "keys.reencryption.done");
        Ok(())
    }

    async fn reencrypt(&self, tenant: TenantId, ring: &Ring, newest: Uuid) -> Result<()> {
        loop {
            let tx = self.db.write(tenant, self.context()).await?;
            let rows = SecretRow::older(&tx, newest, BATCH).await?;
            for row in &rows {
                let plain = row.open(tenant, ring)?;
                let (key_id, key) = ring.newest(Purpose::Data)?;
                let sealed = seal::seal(key, &bound(tenant, &row.kind, row.row_id), &plain)?;
                let (id, kind, row_id) = (row.id, row.kind.clone(), row.row_id);
                SecretRow { id, kind, row_id, key_id, sealed }.put(&tx).await?;
            }
            tx.commit().await?;
            if rows.is_empty() {
                return Ok(());
            }
        }
    }

    fn context(&self) -> WriteContext {
        let write = new_uuid(&self.clock);
        WriteContext { write, actor: None, request: REENCRYPT.into() }
    }
}
