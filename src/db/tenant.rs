//! A connection bound to one tenant.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use diesel::{
    QueryResult,
    query_builder::{AsQuery, QueryFragment, QueryId},
};
use diesel_async::{AsyncConnectionCore, AsyncPgConnection, SimpleAsyncConnection};
use futures_util::{FutureExt, future::BoxFuture};
use uuid::Uuid;

use super::{
    Commits, Reach,
    connect::{Conn, KEPT},
    turns::Leased,
    watch::{Rows, Tally},
};
use crate::{
    clock::Timestamp,
    error::{Error, Result},
    tenants::TenantId,
};

/// Who writes, and which write it is: what the audit trail says of every change.
#[derive(Clone, Debug)]
pub struct WriteContext {
    /// A UUIDv7; its time is the time of everything the write does.
    pub write: Uuid,
    pub actor: Option<Uuid>,
    pub request: String,
}

/// A way to one tenant's rows, and to no others: a handle on a pooled connection inside a
/// transaction, with the reach of the permission it was opened for.
///
/// The transaction begins together with its first statement: both are sent in one go, and a
/// failed beginning fails the statement (without a tenant there are no rows to see). Statements
/// that are polled together travel together. Dropped before its end it is closed, never reused.
#[derive(Clone)]
pub struct TenantConn {
    link: Arc<Link>,
    reach: Reach,
    /// Are its statements planned by what is bound to them?
    by_values: bool,
}

struct Link {
    conn: Leased,
    tenant: TenantId,
    begin: Mutex<Option<String>>,
    /// How statements are planned now.
    by_values: AtomicBool,
    /// Which write it is, and who is told of its commit.
    write: Option<(Uuid, Commits)>,
    tally: Arc<Tally>,
}

impl TenantConn {
    /// One snapshot: whatever it reads belongs together.
    pub(super) fn reading(conn: Leased, tally: Arc<Tally>, tenant: TenantId) -> Self {
        // What begin_ctx does for a read, without the cost of a function: SET LOCAL, which ends
        // with the transaction and which Citus hands on.
        let begin = format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL app.tenant_id = '{}'",
            tenant.0
        );
        Self::new((conn, tally), tenant, begin, None)
    }

    pub(super) fn writing(
        conn: (Leased, Arc<Tally>),
        tenant: TenantId,
        context: WriteContext,
        commits: Commits,
    ) -> Self {
        let actor = context.actor.map_or("NULL".into(), |actor| format!("'{actor}'"));
        // Request ids may come from a client: only harmless characters pass.
        let harmless = |c: &char| c.is_ascii_alphanumeric() || "-_.".contains(*c);
        let request: String = context.request.chars().filter(harmless).take(64).collect();
        let begin = format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED; \
             SELECT kontor.begin_ctx('{}', {actor}, '{}', '{request}')",
            tenant.0, context.write
        );
        Self::new(conn, tenant, begin, Some((context.write, commits)))
    }

    fn new(
        (conn, tally): (Leased, Arc<Tally>),
        tenant: TenantId,
        begin: String,
        write: Option<(Uuid, Commits)>,
    ) -> Self {
        conn.begin(tally.clone(), false);
        let begin = Mutex::new(Some(begin));
        let link = Link { conn, tenant, begin, by_values: AtomicBool::new(false), write, tally };
        Self { link: Arc::new(link), reach: Reach::All, by_values: false }
    }

    /// The same connection, for a permission with another reach.
    #[must_use]
    pub fn with_reach(&self, reach: Reach) -> Self {
        Self { reach, ..self.clone() }
    }

    /// The same connection for statements whose best plan depends on what is bound to them.
    #[must_use]
    pub fn planned_by_values(&self, by_values: bool) -> Self {
        Self { by_values, ..self.clone() }
    }

    /// For the predicate that every statement has on every table.
    pub fn tenant(&self) -> TenantId {
        self.link.tenant
    }

    /// For the condition that every statement has on a table with owners.
    pub fn reach(&self) -> &Reach {
        &self.reach
    }

    /// The time of the write that it is part of; a read has none.
    pub fn written_at(&self) -> Option<Timestamp> {
        self.link.write.as_ref().map(|(write, _)| Timestamp::of_uuid(*write))
    }

    /// Ends a read. Without this the connection is lost to the pool. Nobody waits for it to have
    /// ended: what the next one says on the connection comes after it.
    pub async fn finish(self) -> Result<()> {
        let link = self.link()?;
        if link.not_begun().is_none() {
            (&mut &link.conn.pg).batch_execute("COMMIT").now_or_never().transpose()?;
        }
        link.conn.in_use.store(false, Relaxed);
        Ok(())
    }

    /// Gives the changes their places in the tenant's log, and commits.
    pub async fn commit(self) -> Result<()> {
        let Some((write, commits)) = self.link.write.clone() else { return self.finish().await };
        let tenant = self.link.tenant;
        self.end(&format!("SELECT kontor.log_commit('{}', '{write}'); COMMIT", tenant.0)).await?;
        commits.note(tenant);
        Ok(())
    }

    /// Undoes everything.
    pub async fn roll_back(self) -> Result<()> {
        self.end("ROLLBACK").await
    }

    /// Marks a place to come back to.
    pub async fn savepoint(&self) -> Result<()> {
        Ok((&mut &*self).batch_execute("SAVEPOINT attempt").await?)
    }

    /// Undoes what came after the savepoint.
    pub async fn roll_back_to_savepoint(&self) -> Result<()> {
        Ok((&mut &*self).batch_execute("ROLLBACK TO SAVEPOINT attempt").await?)
    }

    /// Forgets the place; what came after it stays.
    pub async fn release_savepoint(&self) -> Result<()> {
        Ok((&mut &*self).batch_execute("RELEASE SAVEPOINT attempt").await?)
    }

    async fn end(self, how: &str) -> Result<()> {
        let link = self.link()?;
        if link.not_begun().is_none() {
            (&mut &link.conn.pg).batch_execute(how).await?;
        }
        link.conn.in_use.store(false, Relaxed);
        Ok(())
    }

    /// The last handle's connection: whoever still held one would go on outside the transaction.
    fn link(self) -> Result<Link> {
        Arc::try_unwrap(self.link)
            .map_err(|_| Error::internal("a transaction was to end while somebody used it"))
    }
}

impl Link {
    fn not_begun(&self) -> Option<String> {
        self.begin.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// What is to be sent before a statement: the beginning where that has not been sent, and how
    /// it is planned where that changes.
    fn before(&self, by_values: bool) -> Option<String> {
        let begin = self.not_begun();
        if self.by_values.swap(by_values, Relaxed) == by_values {
            return begin;
        }
        let set = format!("SET LOCAL plan_cache_mode = {}", if by_values { "auto" } else { KEPT });
        Some(begin.map_or(set.clone(), |begin| format!("{begin}; {set}")))
    }

    /// Runs a statement, behind what is to be sent before it.
    fn run<'a, R: Send + 'a, S>(
        &'a self,
        by_values: bool,
        statement: BoxFuture<'a, QueryResult<R>>,
        count: impl FnOnce(&'a Arc<Tally>, R) -> S + Send + 'a,
    ) -> BoxFuture<'a, QueryResult<S>> {
        // Decided when first polled: futures are not always polled in the order they were made.
        async move {
            self.tally.statement();
            let Some(before) = self.before(by_values) else {
                return statement.await.map(|result| count(&self.tally, result));
            };
            let mut pg: &AsyncPgConnection = &self.conn.pg;
            let (begun, result) = futures_util::join!(pg.batch_execute(&before), statement);
            begun.and(result).map(|result| count(&self.tally, result))
        }
        .boxed()
    }
}

impl SimpleAsyncConnection for &TenantConn {
    async fn batch_execute(&mut self, query: &str) -> QueryResult<()> {
        let link: &Link = &self.link;
        let conn: &Conn = &link.conn;
        let execute = async move { (&mut &conn.pg).batch_execute(query).await }.boxed();
        link.run(self.by_values, execute, |_, ()| ()).await
    }
}

impl<'a> AsyncConnectionCore for &'a TenantConn {
    type LoadFuture<'conn, 'query> = BoxFuture<'a, QueryResult<Self::Stream<'conn, 'query>>>;
    type ExecuteFuture<'conn, 'query> = BoxFuture<'a, QueryResult<usize>>;
    type Stream<'conn, 'query> =
        Rows<<&'a AsyncPgConnection as AsyncConnectionCore>::Stream<'conn, 'query>>;
    type Row<'conn, 'query> = <&'a AsyncPgConnection as AsyncConnectionCore>::Row<'conn, 'query>;
    type Backend = diesel::pg::Pg;

    fn load<'conn, 'query, T>(&'conn mut self, source: T) -> Self::LoadFuture<'conn, 'query>
    where
        T: AsQuery + 'query,
        T::Query: QueryFragment<Self::Backend> + QueryId + 'query,
    {
        let this: &'a TenantConn = self;
        let link: &'a Link = &this.link;
        let mut pg: &'a AsyncPgConnection = &link.conn.pg;
        let load = AsyncConnectionCore::load(&mut pg, source);
        link.run(this.by_values, load, |tally, rows| Rows::new(rows, tally.clone()))
    }

    fn execute_returning_count<'conn, 'query, T>(
        &'conn mut self,
        source: T,
    ) -> Self::ExecuteFuture<'conn, 'query>
    where
        T: QueryFragment<Self::Backend> + QueryId + 'query,
    {
        let this: &'a TenantConn = self;
        let link: &'a Link = &this.link;
        let mut pg: &'a AsyncPgConnection = &link.conn.pg;
        let execute = AsyncConnectionCore::execute_returning_count(&mut pg, source);
        link.run(this.by_values, execute, |tally, rows| {
            tally.add_rows(rows);
            rows
        })
    }
}
