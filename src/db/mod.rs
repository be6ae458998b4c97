//! The database. The pool is private to this room: outside there are only connections bound to
//! a tenant ([`TenantConn`]), the few uses without one ([`SystemConn`]), and the fragments that
//! lists and filters are made of.
//!
//! Architecture Invariant: nothing here knows an area, GraphQL or HTTP.

#[macro_use]
mod condition;
mod commits;
mod connect;
mod embedded;
mod filter;
pub mod idempotency;
mod inspect;
mod keyset;
mod migrate;
mod nested;
mod reach;
mod record;
mod reference;
mod system;
mod tenant;
mod trail;
mod turns;
mod watch;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use bb8::Pool;
use secrecy::SecretString;

pub use commits::Commits;
pub use connect::{AppRole, probe_trust};
use connect::{Connector, Manager};
pub use embedded::{Durability, Embedded};
pub use filter::{Column, Filter, Link, Test, Value};
pub use inspect::{Inspection, inspect};
pub use keyset::{COUNT_LIMIT, Direction, Order, Slice, SortKey, capped_count};
pub use migrate::{MigrationState, Migrator};
pub use nested::{AsText, Facet, Nested, NestedCount, OfParent, Paged, Valued};
pub use reach::{Reach, Seen, Whose, Within, WithinReach};
pub use record::{Deleted, Outcome, Stale, expect_owner, expect_version};
pub use reference::Reference;
pub use system::{OperatorConn, SystemConn};
pub use tenant::{TenantConn, WriteContext};
pub use trail::{Done, RowChange, changes_since, write_down};
use turns::{Leased, Turns};
pub use watch::Tally;

use crate::{
    error::{Error, Result},
    tenants::TenantId,
};

/// What is told of every statement, for tests.
pub type Recorder = Arc<dyn Fn(&str) + Send + Sync>;

/// How to reach the database.
#[derive(Clone)]
pub struct Settings {
    /// For requests.
    pub url: SecretString,
    /// For migrations and the operator's commands; the same when there is only one.
    pub owner_url: SecretString,
    pub pool_size: u32,
    /// How long a request waits for a connection.
    pub acquire_timeout: Duration,
    /// How long one statement may run.
    pub statement_timeout: Duration,
    /// How long one may run before it is logged.
    pub slow_statement: Option<Duration>,
    pub recorder: Option<Recorder>,
}

impl Settings {
    pub fn new(url: SecretString) -> Self {
        Self {
            owner_url: url.clone(),
            url,
            pool_size: 16,
            acquire_timeout: Duration::from_secs(3),
            statement_timeout: Duration::from_secs(5),
            slow_statement: None,
            recorder: None,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("pool_size", &self.pool_size).finish_non_exhaustive()
    }
}

/// The pool of connections that requests share.
#[derive(Clone)]
pub struct Db {
    pool: Pool<Manager>,
    turns: Turns,
    waiting: Arc<AtomicU64>,
    commits: Commits,
    /// The request that it is for.
    tally: Option<Arc<Tally>>,
}

/// How the pool stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolState {
    pub size: u32,
    pub connections: u32,
    pub idle: u32,
    /// Those who wait for a connection now.
    pub waiting: u64,
    /// Those who waited in vain.
    pub timed_out: u64,
    pub opened: u64,
    /// Dropped instead of reused, because a request was cancelled on them or the server went away.
    pub closed: u64,
    /// Closed because of their age, or because nobody needed them.
    pub retired: u64,
}

impl Db {
    /// A pool that connects when it is first used.
    pub fn new(settings: &Settings) -> Result<Self> {
        let connector = Connector::new(settings, &settings.url)?;
        let turns = if connector.is_here() { Turns::here() } else { Turns::elsewhere() };
        let pool = Pool::builder()
            .max_size(settings.pool_size)
            .connection_timeout(settings.acquire_timeout)
            // Filters make statements of many shapes, each kept prepared; a bounded life bounds them.
            .max_lifetime(Some(Duration::from_mins(30)))
            .idle_timeout(Some(Duration::from_mins(10)))
            .queue_strategy(bb8::QueueStrategy::Lifo)
            .error_sink(Box::new(connect::LogErrors))
            .build_unchecked(Manager::new(connector));
        let (waiting, commits) = Default::default();
        Ok(Self { pool, turns, waiting, commits, tally: None })
    }

    /// The same database, for one request whose statements are counted.
    #[must_use]
    pub fn counted(&self, tally: Arc<Tally>) -> Self {
        Self { tally: Some(tally), ..self.clone() }
    }

    /// A connection that reads one snapshot of one tenant.
    pub async fn read(&self, tenant: TenantId) -> Result<TenantConn> {
        Ok(TenantConn::reading(self.checkout().await?, self.tally(), tenant))
    }

    /// A transaction that writes for one tenant.
    pub async fn write(&self, tenant: TenantId, context: WriteContext) -> Result<TenantConn> {
        let conn = (self.checkout().await?, self.tally());
        Ok(TenantConn::writing(conn, tenant, context, self.commits.clone()))
    }

    /// Who is woken by what is committed.
    pub fn commits(&self) -> &Commits {
        &self.commits
    }

    /// A connection bound to no tenant: row level security shows it no tenant's row.
    pub async fn system(&self) -> Result<SystemConn> {
        Ok(SystemConn::new(self.checkout().await?, self.tally()))
    }

    pub fn state(&self) -> PoolState {
        let state = self.pool.state();
        let statistics = state.statistics;
        PoolState {
            size: self.pool.config().max_size,
            connections: state.connections,
            idle: state.idle_connections,
            waiting: self.waiting.load(Relaxed),
            timed_out: statistics.get_timed_out,
            opened: statistics.connections_created,
            closed: statistics.connections_closed_broken + statistics.connections_closed_invalid,
            retired: statistics.connections_closed_max_lifetime
                + statistics.connections_closed_idle_timeout,
        }
    }

    fn tally(&self) -> Arc<Tally> {
        self.tally.clone().unwrap_or_default()
    }

    async fn checkout(&self) -> Result<Leased> {
        let turn = self.turns.take().await;
        let _waiting = Waiting::one(&self.waiting);
        let conn = self.pool.get_owned().await;
        conn.map(|conn| Leased::new(conn, turn))
            .map_err(|error| Error::Unavailable(Box::new(error)))
    }
}

/// Somebody who waits for a connection, until they have it or go away. The pool itself counts
/// those who went away for ever.
struct Waiting<'a>(&'a AtomicU64);

impl<'a> Waiting<'a> {
    fn one(waiting: &'a AtomicU64) -> Self {
        waiting.fetch_add(1, Relaxed);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
