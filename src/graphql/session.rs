//! The three doors to the data, each naming a permission: [`Doors::read`], [`Doors::write`] and
//! [`Doors::load`]. Nothing else hands out a connection, so a resolver that forgets to ask
//! does not compile.

use std::{
    net::IpAddr,
    sync::{Arc, MutexGuard, OnceLock, PoisonError},
};

use async_graphql::Context;
use futures_util::future::join_all;
use tokio::{sync::Mutex, task::unconstrained};
use uuid::Uuid;

use super::{
    fields::{Fields, ReadField},
    loader::{Loaders, Relation},
};
use crate::{
    access::{Guarded, Permission, Viewer},
    accounts::{Asking, Sessions, UserId},
    clock::Clock,
    db::{Db, Outcome, SystemConn, Tally, TenantConn},
    error::{Error, ErrorCode, Problem, Result},
    jobs::{Later, Note, Writing},
    keys::{Keys, Ring},
    tenants::TenantId,
};

/// What the edge knows of a request.
#[derive(Clone, Debug, Default)]
pub struct RequestInfo {
    /// In every error, in the log and in the audit trail.
    pub id: String,
    /// The caller's word that a repeat is the same request.
    pub idempotency_key: Option<String>,
    /// SHA-256 of what was asked, to tell a repeat from another request with the same key.
    pub body_hash: [u8; 32],
    /// Do everything, answer, and undo it.
    pub dry_run: bool,
    pub caller: Caller,
}

/// From where, and with what, a request was sent.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    pub address: Option<IpAddr>,
    pub user_agent: Option<String>,
}

/// One request's way to the data.
pub struct Session {
    pub(super) db: Db,
    pub(super) clock: Clock,
    pub(super) keys: Arc<Keys>,
    pub(super) request: RequestInfo,
    viewer: OnceLock<Viewer>,
    /// The connection that all reads share: for a query its one snapshot, in a mutation what the
    /// last write left behind.
    pub(super) reader: Mutex<Option<TenantConn>>,
    pub(super) loaders: Loaders,
    pub(super) fields: std::sync::Mutex<Fields>,
    later: Later,
    tally: Arc<Tally>,
}

impl Session {
    pub fn new(
        db: Db,
        clock: Clock,
        keys: Arc<Keys>,
        viewer: Option<Viewer>,
        request: RequestInfo,
        later: Later,
    ) -> Self {
        let viewer = viewer.map_or_else(OnceLock::new, OnceLock::from);
        let (reader, loaders, fields) = Default::default();
        let tally = Tally::of(request.id.clone());
        let db = db.counted(tally.clone());
        Self { db, clock, keys, request, viewer, reader, loaders, fields, later, tally }
    }

    /// What it has asked of the database.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    pub fn viewer(&self) -> Option<&Viewer> {
        self.viewer.get()
    }

    pub fn caller(&self) -> &Caller {
        &self.request.caller
    }

    pub fn is_dry_run(&self) -> bool {
        self.request.dry_run
    }

    /// Who stands behind a token.
    pub async fn viewer_behind(&self, sessions: &Sessions, token: &str) -> Result<Viewer> {
        let Self { db, keys, clock, .. } = self;
        let address = self.request.caller.address;
        sessions.viewer(Asking { db, keys, clock, address }, token).await
    }

    /// After a sign-in the rest of the request is the person's.
    pub fn sign_in(&self, viewer: Viewer) {
        // Signing in twice in one request keeps the first person.
        let _ = self.viewer.set(viewer);
    }

    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// What is signed and encrypted with.
    pub async fn ring(&self) -> Result<Arc<Ring>> {
        self.keys.ring(&self.db, &self.clock).await
    }

    /// Writes something down for a tenant, after the answer.
    pub async fn later(&self, tenant: TenantId, actor: Option<uuid::Uuid>, write: Writing) {
        let request = self.request.id.clone();
        self.later.send(Note { tenant, actor, request, write }).await;
    }

    pub(super) fn check(&self, permission: Permission) -> Result<&Viewer> {
        let viewer = self.viewer().ok_or(Error::Unauthenticated)?;
        viewer.check(permission, self.clock.now())?;
        Ok(viewer)
    }

    async fn read(&self, permission: Permission) -> Result<TenantConn> {
        let viewer = self.check(permission)?;
        let reach = viewer.reach(permission);
        // All records of a page come by here: none is made to wait while the others ask (`loader`).
        let mut reader = unconstrained(self.reader.lock()).await;
        if let Some(conn) = &*reader {
            return Ok(conn.with_reach(reach));
        }
        let conn = self.db.read(viewer.tenant).await?;
        Ok(reader.insert(conn).with_reach(reach))
    }

    async fn load<R: Relation>(&self, key: R::Key) -> Result<R::Value> {
        let conn = self.read(R::PERMISSION).await?;
        self.loaders.load::<R>(conn, key).await
    }

    pub(super) fn fields(&self) -> MutexGuard<'_, Fields> {
        self.fields.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the request: the reading connection goes back to the pool, a dry run is undone.
    /// The edge calls it once the answer is built; without it the connection is closed.
    pub async fn finish(&self) {
        if let Some(conn) = self.take_reader().await {
            let ended = match self.request.dry_run {
                true => conn.roll_back().await,
                false => conn.finish().await,
            };
            if let Err(error) = ended {
                tracing::warn!(error = ?error, "db.finish.failed");
            }
        }
    }

    /// The request was dropped in the middle: what it had open is closed and undone.
    pub(super) async fn abandon(&self) {
        drop(self.take_reader().await);
    }

    /// Before something slow: the reading connection goes back to the pool, and the next read
    /// takes one of its own. A dry run, which must keep its connection, is refused.
    pub async fn let_go(&self) -> Result<()> {
        if self.request.dry_run {
            return Err(Error::Refused(vec![Problem::new(
                ErrorCode::Invalid,
                [],
                "This has connections of its own, or asks another system: it cannot be tried out.",
            )]));
        }
        match self.take_reader().await {
            Some(conn) => conn.finish().await,
            None => Ok(()),
        }
    }

    /// The reading connection; the loaders let go of it.
    pub(super) async fn take_reader(&self) -> Option<TenantConn> {
        self.loaders.clear();
        self.reader.lock().await.take()
    }
}

/// The doors, as a resolver sees them.
#[expect(async_fn_in_trait, reason = "only ever called on async-graphql's own Context")]
pub trait Doors {
    fn session(&self) -> &Session;

    /// Who asks; on a public field perhaps nobody.
    fn viewer(&self) -> Result<&Viewer> {
        self.session().viewer().ok_or(Error::Unauthenticated)
    }

    fn clock(&self) -> &Clock {
        self.session().clock()
    }

    /// To do what needs no data of the tenant.
    fn allow(&self, permission: Permission) -> Result<&Viewer> {
        self.session().check(permission)
    }

    /// May the reader see a field that takes a permission of its own? If not it is null, and its
    /// path is told (`extensions.masked`); `within` is the part of a JSON value that it is about.
    fn may_see(&self, permission: Permission, within: Option<&str>) -> bool;

    /// The same of a record's field, whose reading may have to be written down.
    fn may_see_field(&self, permission: Permission, field: ReadField) -> bool;

    /// To read: all reads of a query see one snapshot.
    async fn read(&self, permission: Permission) -> Result<TenantConn>;

    /// To write: everything in `work` commits together or not at all. Audit, log position,
    /// idempotency and dry run happen here and nowhere else.
    async fn write<T: Outcome>(
        &self,
        permission: Permission,
        work: impl AsyncFnOnce(&TenantConn) -> Result<T>,
    ) -> Result<T>;

    /// Of a write: the records that its input names, each by field and table, are there and seen by
    /// whoever asks. They stay until the write ends.
    async fn expect(
        &self,
        tx: &TenantConn,
        named: &[(&str, &'static str, Option<Uuid>)],
    ) -> Result<()>;

    /// To follow a relation, in batches.
    async fn load<R: Relation>(&self, key: R::Key) -> Result<R::Value>;

    /// For a public field, before a tenant is known.
    async fn system(&self) -> Result<SystemConn>;

    /// For a public field that has found its tenant by a proof of its own.
    async fn public_write<T>(
        &self,
        tenant: TenantId,
        actor: Option<UserId>,
        work: impl AsyncFnOnce(&TenantConn) -> Result<T>,
    ) -> Result<T>;
}

impl Doors for Context<'_> {
    fn session(&self) -> &Session {
        self.data_unchecked::<Arc<Session>>()
    }

    fn may_see(&self, permission: Permission, within: Option<&str>) -> bool {
        let seen = self.session().check(permission).is_ok();
        if !seen {
            self.session().fields().mask(self.path_node.as_ref(), within);
        }
        seen
    }

    fn may_see_field(&self, permission: Permission, field: ReadField) -> bool {
        let seen = self.may_see(permission, None);
        let viewer = self.session().viewer();
        if seen && viewer.is_some_and(|viewer| viewer.recorded.contains(&permission)) {
            self.session().fields().read(field);
        }
        seen
    }

    async fn read(&self, permission: Permission) -> Result<TenantConn> {
        self.session().read(permission).await
    }

    async fn write<T: Outcome>(
        &self,
        permission: Permission,
        work: impl AsyncFnOnce(&TenantConn) -> Result<T>,
    ) -> Result<T> {
        let path = self.path_node.as_ref().map(|node| node.to_string_vec()).unwrap_or_default();
        let response_key = path.first().map_or("", String::as_str);
        self.session().write(response_key, permission, work).await
    }

    async fn expect(
        &self,
        tx: &TenantConn,
        named: &[(&str, &'static str, Option<Uuid>)],
    ) -> Result<()> {
        let session = self.session();
        let viewer = self.viewer()?;
        let mut held = Vec::new();
        for (field, table, id) in named {
            let (Some(id), Some(guarded)) = (*id, Guarded::of(table)) else { continue };
            viewer.check(guarded.read, session.clock.now())?;
            let tx = tx.with_reach(viewer.reach(guarded.read));
            held.push(async move { (*field, guarded.reference(id).hold(&tx).await) });
        }
        let mut problems = Vec::new();
        for (field, held) in join_all(held).await {
            if !held? {
                let told = "There is no such record.";
                problems.push(Problem::new(ErrorCode::NotFound, [field], told));
            }
        }
        match problems.is_empty() {
            true => Ok(()),
            false => Err(Error::Refused(problems)),
        }
    }

    async fn load<R: Relation>(&self, key: R::Key) -> Result<R::Value> {
        self.session().load::<R>(key).await
    }

    async fn system(&self) -> Result<SystemConn> {
        // Nobody holds one connection while waiting for another.
        self.session().let_go().await?;
        self.session().db.system().await
    }

    async fn public_write<T>(
        &self,
        tenant: TenantId,
        actor: Option<UserId>,
        work: impl AsyncFnOnce(&TenantConn) -> Result<T>,
    ) -> Result<T> {
        self.session().let_go().await?;
        self.session().public_write(tenant, actor, work).await
    }
}
