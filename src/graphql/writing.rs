//! The write door: a transaction that commits on Ok, with all that every write needs.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{conflict, session::Session};
use crate::{
    access::{Permission, Viewer},
    accounts::UserId,
    db::{Outcome, TenantConn, WriteContext, idempotency},
    error::{Error, Problem, Result},
    ids,
    tenants::TenantId,
};

/// How long a repeat with the same key is the same request.
const KEY_LIFE: Duration = Duration::from_hours(24);

/// What is kept under an idempotency key.
#[derive(Serialize, Deserialize)]
enum Kept {
    Ids(Vec<Uuid>),
    Partly(Vec<Uuid>, Vec<Problem>),
    Refused(Vec<Problem>),
}

impl Session {
    pub(super) async fn write<T: Outcome>(
        &self,
        response_key: &str,
        permission: Permission,
        work: impl AsyncFnOnce(&TenantConn) -> Result<T>,
    ) -> Result<T> {
        let viewer = self.check(permission)?;
        let tx = self.begin(viewer).await?.with_reach(viewer.reach(permission));
        let now = self.clock.now();
        let work = async |tx: &TenantConn| match work(tx).await {
            Err(error) => Err(conflict::told(tx, (viewer, now), error).await?),
            done => done,
        };
        if self.request.dry_run {
            // What follows in the answer reads inside the transaction, which is undone at the end.
            let result = attempt(&tx, work).await;
            *self.reader.lock().await = Some(tx);
            return result;
        }
        let ending = match &self.request.idempotency_key {
            Some(key) => self.once(&tx, viewer, (key, response_key), work).await,
            None => work(&tx).await.map(Ending::Commit),
        };
        match ending {
            Ok(Ending::Commit(out)) => tx.commit().await.map(|()| out),
            Ok(Ending::Leave(out)) => tx.roll_back().await.map(|()| out),
            Ok(Ending::Refuse(problems)) => {
                tx.commit().await?;
                Err(Error::Refused(problems))
            }
            Err(error) => {
                // The first failure is the one to tell; a broken connection is closed anyway.
                let _ = tx.roll_back().await;
                Err(error)
            }
        }
    }

    /// A write before anybody is signed in. It knows no idempotency key: its caller is nobody yet.
    pub(super) async fn public_write<T>(
        &self,
        tenant: TenantId,
        actor: Option<UserId>,
        work: impl AsyncFnOnce(&TenantConn) -> Result<T>,
    ) -> Result<T> {
        let tx = self.db.write(tenant, self.context(actor.map(Into::into))).await?;
        let result = work(&tx).await;
        match result.is_ok() {
            true => tx.commit().await?,
            // The first failure is the one to tell.
            false => drop(tx.roll_back().await),
        }
        result
    }

    fn context(&self, actor: Option<Uuid>) -> WriteContext {
        let write = ids::new_uuid(&self.clock);
        WriteContext { write, actor, request: self.request.id.clone() }
    }

    /// A transaction of its own; in a dry run all writes of the request share one.
    async fn begin(&self, viewer: &Viewer) -> Result<TenantConn> {
        if let Some(before) = self.take_reader().await {
            if self.request.dry_run {
                return Ok(before);
            }
            before.finish().await?;
        }
        self.db.write(viewer.tenant, self.context(Some(viewer.actor()))).await
    }

    /// Under an idempotency key: the first request does the work, a repeat recalls it. Requests
    /// in parallel wait for the first one at its row.
    async fn once<T: Outcome>(
        &self,
        tx: &TenantConn,
        viewer: &Viewer,
        (key, response_key): (&str, &str),
        work: impl AsyncFnOnce(&TenantConn) -> Result<T>,
    ) -> Result<Ending<T>> {
        let now = self.clock.now();
        let claim = idempotency::Claim {
            caller: viewer.actor(),
            key,
            response_key,
            body_hash: &self.request.body_hash,
            now,
            forget_before: now.minus(KEY_LIFE),
        };
        if !claim.take(tx).await? {
            let (body_hash, kept) = claim.recall(tx).await?;
            if body_hash != self.request.body_hash {
                return Err(Error::KeyReused);
            }
            return match serde_json::from_value(kept).map_err(Error::internal)? {
                Kept::Ids(ids) => T::recall(tx, &ids, Vec::new()).await.map(Ending::Leave),
                Kept::Partly(ids, problems) => {
                    T::recall(tx, &ids, problems).await.map(Ending::Leave)
                }
                Kept::Refused(problems) => Err(Error::Refused(problems)),
            };
        }
        let (kept, ending) = match attempt(tx, work).await {
            Ok(out) if out.problems().is_empty() => (Kept::Ids(out.ids()), Ending::Commit(out)),
            Ok(out) => (Kept::Partly(out.ids(), out.problems()), Ending::Commit(out)),
            Err(error) => {
                let problems = match error {
                    Error::Refused(problems) => problems,
                    Error::NotFound => vec![super::payload::not_found()],
                    other => return Err(other),
                };
                (Kept::Refused(problems.clone()), Ending::Refuse(problems))
            }
        };
        claim.keep(tx, &serde_json::to_value(kept).map_err(Error::internal)?).await?;
        Ok(ending)
    }
}

/// How a write's transaction is to end.
enum Ending<T> {
    Commit(T),
    /// Commit what was noted about the request, then refuse.
    Refuse(Vec<Problem>),
    /// Nothing was changed.
    Leave(T),
}

/// Work that can fail without taking the transaction with it.
async fn attempt<T>(
    tx: &TenantConn,
    work: impl AsyncFnOnce(&TenantConn) -> Result<T>,
) -> Result<T> {
    tx.savepoint().await?;
    let result = work(tx).await;
    if result.is_err() {
        tx.roll_back_to_savepoint().await?;
    }
    result
}
