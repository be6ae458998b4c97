//! Who is woken when something was committed for a tenant: in this process at once, in the others
//! by NOTIFY. It is sent after the commit and once for many, because a NOTIFY inside the
//! transactions would make them commit one after the other.
//!
//! A wake says only that it is worth looking. Whether a log has grown is asked every other second
//! anyway, once for each tenant that somebody follows: a note that is lost is late, and not lost.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use diesel::{prelude::*, sql_types::Text};
use diesel_async::RunQueryDsl;
use tokio::sync::{Notify, watch};
use uuid::Uuid;

use super::{Db, Settings, TenantConn, connect::Connector};
use crate::{
    clock::Clock,
    error::{Error, Result},
    ids::new_uuid,
    schema::counters,
    tenants::TenantId,
};

const CHANNEL: &str = "kontor_commits";
/// Commits of that long are told together.
const TOGETHER: Duration = Duration::from_millis(10);
/// How often the logs are asked.
const ANYWAY: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_secs(1);
/// A NOTIFY carries less than 8,000 bytes.
const MOST_TENANTS: usize = 200;

/// The commits of this process, and whoever waits for those of a tenant.
#[derive(Clone, Default)]
pub struct Commits(Arc<Inner>);

#[derive(Default)]
struct Inner {
    followed: Mutex<HashMap<TenantId, watch::Sender<u64>>>,
    /// The wakes so far, of all tenants.
    wakes: AtomicU64,
    untold: Mutex<HashSet<TenantId>>,
    some: Notify,
}

impl Commits {
    /// Changes whenever something was committed for the tenant, or it is worth looking anyway: to
    /// the number of that wake, which no other has.
    pub fn follow(&self, tenant: TenantId) -> watch::Receiver<u64> {
        let mut followed = self.followed();
        followed.retain(|_, sender| sender.receiver_count() > 0);
        followed.entry(tenant).or_insert_with(|| watch::Sender::new(self.wakes())).subscribe()
    }

    /// Something was committed here.
    pub(super) fn note(&self, tenant: TenantId) {
        self.wake(tenant);
        let new = self.0.untold.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant);
        if new {
            self.0.some.notify_one();
        }
    }

    fn wake(&self, tenant: TenantId) {
        if let Some(sender) = self.followed().get(&tenant) {
            sender.send_replace(self.wakes());
        }
    }

    fn wake_all(&self) {
        for sender in self.followed().values() {
            sender.send_replace(self.wakes());
        }
    }

    fn wakes(&self) -> u64 {
        self.0.wakes.fetch_add(1, Relaxed)
    }

    fn followed(&self) -> MutexGuard<'_, HashMap<TenantId, watch::Sender<u64>>> {
        self.0.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells other processes, and hears from them, until it is told to stop.
    pub async fn run(self, db: Db, settings: Settings, mut stop: watch::Receiver<bool>) {
        let me = new_uuid(&Clock::system());
        tokio::select! {
            () = self.tell(&db, me) => {}
            () = self.hear(&settings, me) => {}
            () = self.look(&db) => {}
            _ = stop.changed() => {}
        }
    }

    async fn tell(&self, db: &Db, me: Uuid) {
        loop {
            self.0.some.notified().await;
            tokio::time::sleep(TOGETHER).await;
            let untold: Vec<TenantId> = {
                let mut untold = self.0.untold.lock().unwrap_or_else(PoisonError::into_inner);
                untold.drain().collect()
            };
            for tenants in untold.chunks(MOST_TENANTS) {
                if let Err(error) = notify(db, me, tenants).await {
                    tracing::debug!(error = ?error, "commits.untold");
                }
            }
        }
    }

    async fn hear(&self, settings: &Settings, me: Uuid) {
        loop {
            if let Err(error) = self.listen(settings, me).await {
                tracing::debug!(error = ?error, "commits.deaf");
            }
            tokio::time::sleep(PAUSE).await;
            // Whatever was told meanwhile was not heard.
            self.wake_all();
        }
    }

    async fn look(&self, db: &Db) {
        let mut heads: HashMap<TenantId, i64> = HashMap::new();
        loop {
            tokio::time::sleep(ANYWAY).await;
            let tenants: Vec<TenantId> = self.followed().keys().copied().collect();
            heads.retain(|tenant, _| tenants.contains(tenant));
            for tenant in tenants {
                match head_of(db, tenant).await {
                    Ok(head) if heads.insert(tenant, head) != Some(head) => self.wake(tenant),
                    Ok(_) => {}
                    Err(error) => tracing::debug!(error = ?error, "commits.unseen"),
                }
            }
        }
    }

    async fn listen(&self, settings: &Settings, me: Uuid) -> Result<()> {
        let connector = Connector::new(settings, &settings.url)?;
        let mut listening =
            connector.listen(CHANNEL).await.map_err(|error| Error::Unavailable(Box::new(error)))?;
        let me = me.to_string();
        while let Some(told) = listening.next().await {
            let mut words = told.split(' ');
            if words.next() != Some(&me) {
                words.filter_map(|word| word.parse().ok()).for_each(|id| self.wake(TenantId(id)));
            }
        }
        Ok(())
    }
}

async fn head_of(db: &Db, tenant: TenantId) -> Result<i64> {
    let conn = db.read(tenant).await?;
    let head = log_head(&conn).await;
    conn.finish().await?;
    head
}

/// The position of the newest change in the tenant's log.
async fn log_head(conn: &TenantConn) -> Result<i64> {
    let head = counters::table
        .filter(counters::tenant_id.eq(conn.tenant()))
        .filter(counters::name.eq("log"))
        .select(counters::value)
        .first(&mut &*conn)
        .await;
    Ok(head.optional()?.unwrap_or_default())
}

async fn notify(db: &Db, me: Uuid, tenants: &[TenantId]) -> Result<()> {
    let mut told = me.to_string();
    for tenant in tenants {
        told.push(' ');
        told.push_str(&tenant.0.to_string());
    }
    let conn = db.system().await?;
    let sent = diesel::sql_query("SELECT pg_notify($1, $2)")
        .bind::<Text, _>(CHANNEL)
        .bind::<Text, _>(told)
        .execute(&mut conn.pg())
        .await;
    conn.release();
    sent?;
    Ok(())
}
