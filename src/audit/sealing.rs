//! The trail is sealed every few seconds, and what is older than the operator keeps goes.

use std::{sync::Arc, time::Duration};

use chrono::{Datelike, Months, NaiveDate, NaiveTime};
use uuid::Uuid;

use super::{
    chain::{BEGINNING, Batch, leaf},
    model::seals::{SealRow, retire, tenants_to_seal, tenants_with_trail_before, waiting},
};
use crate::{
    clock::{Clock, Timestamp},
    db::{Db, TenantConn, WriteContext},
    error::{Error, Result},
    ids::new_uuid,
    jobs::Schedule,
    keys::{Keys, Purpose, Ring},
    tenants::TenantId,
};

const EVERY: Duration = Duration::from_secs(5);
const RETIRED_EVERY: Duration = Duration::from_hours(24);
const BATCH: i64 = 1000;
const TENANTS: i32 = 1000;

/// Seals, and lets go of what is old.
#[derive(Clone)]
pub struct Sealing {
    pub db: Db,
    pub clock: Clock,
    pub keys: Arc<Keys>,
    /// How many months of the trail are kept.
    pub months: u32,
}

impl Sealing {
    pub fn schedules(self) -> [Schedule; 2] {
        let retiring = self.clone();
        [
            Schedule::new("audit.seal", EVERY, move || self.clone().seal()),
            Schedule::new("audit.retire", RETIRED_EVERY, move || retiring.clone().retire()),
        ]
    }

    /// Whatever has a place in a log and no seal gets one.
    pub async fn seal(self) -> Result<()> {
        let ring = self.keys.ring(&self.db, &self.clock).await?;
        let conn = self.db.system().await?;
        let tenants = tenants_to_seal(conn.pg(), TENANTS).await;
        conn.release();
        for tenant in tenants? {
            // One tenant's trouble does not keep the others waiting.
            while self.next(tenant, &ring).await.unwrap_or_else(|error| {
                tracing::error!(tenant = %tenant, error = ?error, "audit.seal.failed");
                false
            }) {}
        }
        Ok(())
    }

    /// One batch; false when there was none.
    async fn next(&self, tenant: TenantId, ring: &Ring) -> Result<bool> {
        let tx = self.db.write(tenant, self.context()).await?;
        let last = SealRow::last(&tx).await?;
        let behind = last.as_ref().map_or(0, |last| last.last_position);
        let proven = waiting(&tx, behind, BATCH).await?;
        let positions = proven.first().zip(proven.last());
        let Some((first, newest)) = positions.map(|(a, b)| (a.position, b.position)) else {
            tx.roll_back().await?;
            return Ok(false);
        };
        let leaves = proven.iter().map(|one| leaf(one.text.as_deref().unwrap_or_default()));
        let batch = Batch {
            number: last.as_ref().map_or(0, |last| last.number) + 1,
            kind: "ENTRIES".into(),
            positions: (first, newest),
            leaves: leaves.collect::<Vec<_>>().concat(),
            entries: proven.into_iter().map(|one| one.id).collect(),
            cutoff: None,
            previous: last.map_or(BEGINNING.to_vec(), |last| last.seal),
        };
        self.keep(&tx, ring, batch).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn keep(&self, tx: &TenantConn, ring: &Ring, batch: Batch) -> Result<()> {
        let (key_id, _) = ring.newest(Purpose::Seal)?;
        let seal = proof(ring, key_id, tx.tenant(), &batch);
        let Batch { number, kind, positions, entries, leaves, cutoff, previous } = batch;
        let (first_position, last_position) = positions;
        let row = SealRow {
            id: new_uuid(&self.clock),
            number,
            kind,
            first_position,
            last_position,
            entries,
            leaves,
            cutoff,
            key_id,
            previous,
            seal: seal.ok_or_else(|| Error::internal("a ring without its own key"))?,
            created_at: self.clock.now(),
        };
        row.insert(tx).await
    }

    /// Whole months that are older than what is kept go. First the chain says so, so that whoever
    /// checks it later knows that nobody else took them.
    pub async fn retire(self) -> Result<()> {
        let cutoff = cutoff(self.clock.now(), self.months);
        let ring = self.keys.ring(&self.db, &self.clock).await?;
        let conn = self.db.system().await?;
        let tenants = tenants_with_trail_before(conn.pg(), cutoff).await;
        conn.release();
        let tenants = tenants?;
        if tenants.is_empty() {
            return Ok(());
        }
        self.clone().seal().await?;
        for tenant in tenants {
            let tx = self.db.write(tenant, self.context()).await?;
            if let Some(last) = SealRow::last(&tx).await? {
                let batch = Batch {
                    number: last.number + 1,
                    kind: "RETIRED".into(),
                    positions: (last.last_position + 1, last.last_position),
                    entries: Vec::new(),
                    leaves: Vec::new(),
                    cutoff: Some(cutoff),
                    previous: last.seal,
                };
                self.keep(&tx, &ring, batch).await?;
            }
            tx.commit().await?;
        }
        let conn = self.db.system().await?;
        let gone = retire(conn.pg(), cutoff).await;
        conn.release();
        let gone = gone?;
        tracing::info!(entries = gone, before = %cutoff, "audit.retired");
        Ok(())
    }

    fn context(&self) -> WriteContext {
        let write = new_uuid(&self.clock);
        WriteContext { write, actor: None, request: "audit".into() }
    }
}

/// The seal of a batch; `None`: its key is gone.
pub fn proof(ring: &Ring, key: Uuid, tenant: TenantId, batch: &Batch) -> Option<Vec<u8>> {
    ring.prove(Purpose::Seal, key, &[&batch.text(tenant.0)]).map(|proof| proof.to_vec())
}

/// The first day of the oldest month that is kept.
fn cutoff(now: Timestamp, months: u32) -> Timestamp {
    let today = now.0.date_naive();
    let month = NaiveDate::from_ymd_opt(today.year(), today.month(), 1);
    let oldest = month.and_then(|month| month.checked_sub_months(Months::new(months)));
    Timestamp(oldest.unwrap_or_default().and_time(NaiveTime::MIN).and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_months_are_kept() {
        let at = |text: &str| Timestamp(text.parse().unwrap());
        let now = at("2026-11-21T10:00:00Z");
        assert_eq!(cutoff(now, 12), at("2025-11-01T00:00:00Z"));
        assert_eq!(cutoff(now, 84), at("2019-11-01T00:00:00Z"));
    }
}
