//! What is done with leads later: those that rest are woken, scores are computed anew.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{from_value, json};
use uuid::Uuid;

use super::{
    LeadId,
    model::{
        Lead, answered,
        scores::{rescore_later, rescore_some, tenants_with_ageing_scores},
    },
    values::LeadStatus,
};
use crate::{
    clock::{Clock, Timestamp},
    db::{Db, TenantConn, WriteContext},
    error::{Error, Result},
    ids::new_uuid,
    jobs::{NewJob, Schedule, Work, enqueue},
    tenants::TenantRow,
};

/// The job that wakes a lead.
pub const WAKE: &str = "leads.wake";

/// How often scores that get less by themselves are computed anew.
const AGED_EVERY: Duration = Duration::from_hours(24);

/// Does them.
#[derive(Clone)]
pub struct Chores {
    pub db: Db,
    pub clock: Clock,
}

#[derive(Deserialize)]
struct Whom {
    lead: Uuid,
}

#[derive(Deserialize)]
struct After {
    after: Uuid,
}

/// A lead rests until then.
pub async fn wake_at(tx: &TenantConn, clock: &Clock, id: LeadId, due_at: Timestamp) -> Result<()> {
    enqueue(tx, clock, NewJob { kind: WAKE, payload: json!({ "lead": id.0 }), due_at }).await
}

impl Chores {
    /// It rested long enough. One that was woken by somebody else, or rests longer now, is left
    /// alone.
    pub async fn wake(self, work: Work) -> Result<()> {
        let Whom { lead } = from_value(work.payload).map_err(Error::internal)?;
        let tx = self.db.write(work.tenant, self.context()).await?;
        if let Some(lead) = Lead::lock_any(&tx, lead.into()).await? {
            let over = match lead.nurture_until {
                Some(until) => TenantRow::hour(&tx, until, 0).await? <= self.clock.now(),
                None => true,
            };
            if lead.status == LeadStatus::Nurturing && over {
                Lead::go(&tx, lead.id, answered(&lead, self.clock.now())).await?;
            }
        }
        tx.commit().await
    }

    /// Lists are sorted by scores as they were computed last: once a day those that age are.
    pub fn ageing(self) -> Schedule {
        Schedule::new("leads.age", AGED_EVERY, move || self.clone().age())
    }

    async fn age(self) -> Result<()> {
        let conn = self.db.system().await?;
        let tenants = tenants_with_ageing_scores(conn.pg()).await;
        conn.release();
        for tenant in tenants? {
            let tx = self.db.write(tenant, self.context()).await?;
            rescore_later(&tx, &self.clock, None).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// The next scores of a tenant.
    pub async fn rescore(self, work: Work) -> Result<()> {
        let After { after } = from_value(work.payload).map_err(Error::internal)?;
        let tx = self.db.write(work.tenant, self.context()).await?;
        rescore_some(&tx, &self.clock, after.into()).await?;
        tx.commit().await
    }

    fn context(&self) -> WriteContext {
        let write = new_uuid(&self.clock);
        WriteContext { write, actor: None, request: "jobs".into() }
    }
}
