//! The loop that does the work, inside the server.

use std::{collections::HashMap, pin::Pin, sync::Arc, time::Duration};

use serde_json::Value;
use tokio::sync::watch;

use super::{
    queue::{self, Job},
    rules::pause,
};
use crate::{
    clock::Clock,
    db::{Db, WriteContext},
    error::{Error, Result},
    ids::new_uuid,
    measure,
    tenants::TenantId,
};

const POLL: Duration = Duration::from_secs(1);
const LEASE: Duration = Duration::from_mins(1);
/// Within its lease.
const TIME: Duration = Duration::from_secs(45);
const TENANTS: i32 = 100;
/// Of one tenant at a time, so that one tenant's thousand do not keep the others waiting.
const SHARE: i64 = 5;

type Doing = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// One piece of work, as whoever does it sees it.
#[derive(Debug)]
pub struct Work {
    pub tenant: TenantId,
    pub payload: Value,
}

/// What is done again and again.
pub struct Schedule {
    name: &'static str,
    every: Duration,
    run: Box<dyn Fn() -> Doing + Send + Sync>,
}

impl Schedule {
    pub fn new<F>(
        name: &'static str,
        every: Duration,
        run: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        Self { name, every, run: Box::new(move || Box::pin(run())) }
    }
}

/// Does the work of all tenants, a fair share of each in turn.
pub struct Worker {
    db: Db,
    clock: Clock,
    kinds: HashMap<&'static str, Arc<dyn Fn(Work) -> Doing + Send + Sync>>,
    schedules: Vec<Schedule>,
}

impl Worker {
    pub fn new(db: Db, clock: Clock) -> Self {
        Self { db, clock, kinds: HashMap::new(), schedules: Vec::new() }
    }

    /// Says who does a kind of work. It may be done twice, if a server dies in the middle.
    #[must_use]
    pub fn on<F>(
        mut self,
        kind: &'static str,
        work: impl Fn(Work) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        self.kinds.insert(kind, Arc::new(move |job| Box::pin(work(job))));
        self
    }

    #[must_use]
    pub fn every(mut self, schedule: Schedule) -> Self {
        self.schedules.push(schedule);
        self
    }

    /// Works until it is told to stop; what it has begun it ends.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            match self.round().await {
                Ok(0) => {}
                Ok(_) => continue,
                Err(error) => tracing::warn!(error = ?error, "jobs.round.failed"),
            }
            tokio::select! {
                () = tokio::time::sleep(POLL) => {}
                _ = stop.changed() => {}
            }
        }
    }

    /// Does what is due now; how many pieces that were.
    pub async fn round(&self) -> Result<usize> {
        let now = self.clock.now();
        let conn = self.db.system().await?;
        let mut turns = Vec::new();
        for schedule in &self.schedules {
            if queue::turn(conn.pg(), schedule.name, now, now.plus(schedule.every)).await? {
                turns.push(schedule);
            }
        }
        let tenants = queue::tenants_with_work(conn.pg(), now, TENANTS).await?;
        conn.release();
        measure::tenants_with_jobs(tenants.len());
        for schedule in turns {
            if let Err(error) = (schedule.run)().await {
                tracing::error!(schedule = schedule.name, error = ?error, "jobs.schedule.failed");
            }
        }
        let mut done = 0;
        for tenant in tenants {
            let conn = self.db.write(tenant, self.context()).await?;
            let jobs = queue::claim(&conn, now, now.plus(LEASE), SHARE).await?;
            conn.commit().await?;
            done += jobs.len();
            let doing = jobs.into_iter().map(|job| self.one(tenant, job));
            for result in futures_util::future::join_all(doing).await {
                result?;
            }
        }
        Ok(done)
    }

    async fn one(&self, tenant: TenantId, job: Job) -> Result<()> {
        let Job { id, kind, payload, attempts } = job;
        let result = match self.kinds.get(kind.as_str()) {
            Some(work) => {
                let work = work(Work { tenant, payload });
                tokio::time::timeout(TIME, work).await.unwrap_or(Err(Error::Timeout))
            }
            None => Err(Error::internal(format!("nobody does {kind}"))),
        };
        let now = self.clock.now();
        let conn = self.db.write(tenant, self.context()).await?;
        match result {
            Ok(()) => {
                queue::done(&conn, id, now).await?;
                measure::job(&kind, measure::Job::Done);
            }
            Err(error) => {
                let (dice, _) = id.as_u64_pair();
                let dice = u32::try_from(dice % 1000).unwrap_or_default();
                let again = pause(attempts, dice).map(|pause| now.plus(pause));
                tracing::warn!(%id, kind, attempts, error = ?error, last = again.is_none(), "jobs.failed");
                queue::failed(&conn, id, &format!("{error:?}"), again, now).await?;
                let became = again.map_or(measure::Job::Dead, |_| measure::Job::Failed);
                measure::job(&kind, became);
            }
        }
        conn.commit().await
    }

    fn context(&self) -> WriteContext {
        let write = new_uuid(&self.clock);
        WriteContext { write, actor: None, request: "jobs".into() }
    }
}
