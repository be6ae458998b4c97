//! What is done with leads later: those that rest are woken, scores are computed anew.

use serde::Deserialize;
use serde_json::{from_value, json};
use uuid::Uuid;

use super::{
    LeadId,
    model::{Lead, answered, scores::rescore_some},
    values::LeadStatus,
};
use crate::{
    clock::{Clock, Day, Timestamp},
    db::{Db, TenantConn, WriteContext},
    error::{Error, Result},
    ids::new_uuid,
    jobs::{NewJob, Work, enqueue},
};

/// The job that wakes a lead.
pub const WAKE: &str = "leads.wake";

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

/// When a day begins, in UTC.
fn begin(day: Day) -> Timestamp {
    Timestamp(day.0.and_time(chrono::NaiveTime::MIN).and_utc())
}

/// The day it is, in UTC.
pub fn today(clock: &Clock) -> Day {
    Day(clock.now().0.date_naive())
}

/// A lead rests until that day.
pub async fn wake_on(tx: &TenantConn, clock: &Clock, id: LeadId, day: Day) -> Result<()> {
    let payload = json!({ "lead": id.0 });
    enqueue(tx, clock, NewJob { kind: WAKE, payload, due_at: begin(day) }).await
}

impl Chores {
    /// It rested long enough. One that was woken by somebody else, or rests longer now, is left
    /// alone.
    pub async fn wake(self, work: Work) -> Result<()> {
        let Whom { lead } = from_value(work.payload).map_err(Error::internal)?;
        let tx = self.db.write(work.tenant, self.context()).await?;
        if let Some(lead) = Lead::lock_any(&tx, lead.into()).await? {
            let over = lead.nurture_until.is_none_or(|until| until <= today(&self.clock));
            if lead.status == LeadStatus::Nurturing && over {
                Lead::go(&tx, lead.id, answered(&lead, self.clock.now())).await?;
            }
        }
        tx.commit().await
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
