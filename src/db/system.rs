//! Connections without a tenant, for the few places that cannot have one.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use super::{
    AppRole, Settings,
    connect::{Connector, Opened},
    turns::Leased,
    watch::Tally,
};
use crate::{
    clock::Clock,
    error::{Error, Result},
    ids::new_uuid,
    tenants::TenantId,
};

/// A request's connection before its tenant is known (sign-in). Row level security shows it no
/// tenant's row.
pub struct SystemConn {
    conn: Leased,
}

impl SystemConn {
    pub(super) fn new(conn: Leased, tally: Arc<Tally>) -> Self {
        conn.begin(tally, true);
        Self { conn }
    }

    pub fn pg(&self) -> &AsyncPgConnection {
        &self.conn.pg
    }

    /// Gives it back; dropped without this it is closed.
    pub fn release(self) {
        self.conn.in_use.store(false, Relaxed);
    }
}

/// The operator's connection: the commands `seed` and `user create-owner`.
pub struct OperatorConn(AsyncPgConnection);

impl OperatorConn {
    pub async fn open(settings: &Settings) -> Result<Self> {
        let connector = Connector::new(settings, &settings.owner_url)?;
        let opened = connector.open_as(AppRole::Worker).await;
        let Opened { conn, .. } = opened.map_err(|error| Error::Unavailable(Box::new(error)))?;
        Ok(Self(conn))
    }

    /// For rows by the hundred thousand: neither triggers nor foreign keys look at what is written on
    /// it, so it leaves no trail. Takes a login that may say so.
    pub async fn unwatched(settings: &Settings) -> Result<Self> {
        // That they take long is no news.
        let conn = Self::open(&Settings { slow_statement: None, ..settings.clone() }).await?;
        // Allowed or not by the login, not by the role that it works as.
        let unwatch = "RESET ROLE; SET session_replication_role = replica; SET ROLE kontor_worker";
        (&mut conn.pg()).batch_execute(unwatch).await.map_err(|error| {
            Error::internal(format!(
                "This takes a superuser's login, because it passes triggers by: {error}. Set \
                 DATABASE_OWNER_URL to a superuser's URL."
            ))
        })?;
        Ok(conn)
    }

    pub fn pg(&self) -> &AsyncPgConnection {
        &self.0
    }

    /// Runs several statements of our own, or one that cannot be in a transaction.
    pub async fn batch(&self, statements: &str) -> Result<()> {
        Ok((&mut self.pg()).batch_execute(statements).await?)
    }

    /// Runs one statement of our own; how many rows it touched.
    pub async fn execute(&self, statement: &str) -> Result<usize> {
        Ok(diesel::sql_query(statement).execute(&mut self.pg()).await?)
    }

    /// Runs `work` in a transaction of its own.
    pub async fn transaction<T>(&self, work: impl AsyncFnOnce() -> Result<T>) -> Result<T> {
        self.between("BEGIN", "COMMIT", work).await
    }

    /// The same for a tenant: what is changed has its places in the tenant's log.
    pub async fn write<T>(
        &self,
        tenant: TenantId,
        clock: &Clock,
        work: impl AsyncFnOnce() -> Result<T>,
    ) -> Result<T> {
        let (tenant, write) = (tenant.0, new_uuid(clock));
        let begin =
            format!("BEGIN; SELECT kontor.begin_ctx('{tenant}', NULL, '{write}', 'operator')");
        let commit = format!("SELECT kontor.log_commit('{tenant}', '{write}'); COMMIT");
        self.between(&begin, &commit, work).await
    }

    /// A failure undoes it: the connection is closed with the command.
    async fn between<T>(
        &self,
        begin: &str,
        commit: &str,
        work: impl AsyncFnOnce() -> Result<T>,
    ) -> Result<T> {
        (&mut &self.0).batch_execute(begin).await?;
        let done = work().await?;
        (&mut &self.0).batch_execute(commit).await?;
        Ok(done)
    }
}
