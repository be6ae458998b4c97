//! Is the trail what was written down? The seals say.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{
    chain::{Batch, Finding, leaf},
    model::seals::{self, SealRow, Standing, log_length, waiting},
    sealing::proof,
};
use crate::{
    clock::Timestamp,
    db::{Db, TenantConn},
    error::Result,
    keys::Ring,
    tenants::TenantId,
};

const SEALS: i64 = 20;
const ENTRIES: i64 = 10_000;

/// What was looked at, and what was found.
#[derive(Debug, Default)]
pub struct Verified {
    pub entries: usize,
    pub seals: usize,
    /// Entries that wait for their seal.
    pub unsealed: usize,
    /// The newest seal: note it elsewhere, and nobody can take the end of the trail away unseen.
    pub head: Option<(i64, Vec<u8>)>,
    pub findings: Vec<Finding>,
}

/// How far one has come along a tenant's chain.
struct Walk<'a> {
    conn: &'a TenantConn,
    ring: &'a Ring,
    cutoff: Option<Timestamp>,
    last: Option<SealRow>,
    sealed: HashSet<Uuid>,
    verified: Verified,
}

/// Looks at all of a tenant's trail. `noted`: a head that was noted before.
pub async fn verify(
    db: &Db,
    ring: &Ring,
    tenant: TenantId,
    noted: Option<&(i64, Vec<u8>)>,
) -> Result<Verified> {
    let conn = db.read(tenant).await?;
    // Only what we have sealed ourselves says that entries may be gone.
    let retired = SealRow::retired(&conn).await?.into_iter();
    let ours = retired.filter(|seal| is_ours(ring, tenant, seal, &seal.batch()));
    let cutoff = ours.filter_map(|seal| seal.cutoff).max();
    let (sealed, verified) = (HashSet::new(), Verified::default());
    let mut walk = Walk { conn: &conn, ring, cutoff, last: None, sealed, verified };
    let mut head_found = noted.is_none();
    loop {
        let number = walk.last.as_ref().map_or(0, |last| last.number);
        let some = SealRow::after(&conn, number, SEALS).await?;
        if some.is_empty() {
            break;
        }
        for seal in some {
            head_found |= noted.is_some_and(|(n, s)| *n == seal.number && *s == seal.seal);
            walk.step(seal).await?;
        }
    }
    walk.tail().await?;
    walk.strangers().await?;
    let Walk { last, mut verified, .. } = walk;
    verified.head = last.map(|last| (last.number, last.seal));
    if !head_found {
        verified.findings.push(Finding::HeadMissing);
    }
    conn.finish().await?;
    Ok(verified)
}

fn is_ours(ring: &Ring, tenant: TenantId, seal: &SealRow, batch: &Batch) -> bool {
    proof(ring, seal.key_id, tenant, batch).as_deref() == Some(&seal.seal)
}

/// Is all that a batch speaks of older?
fn is_before(batch: &Batch, cutoff: Timestamp) -> bool {
    let older = |id: &Uuid| Timestamp::of_uuid(*id) < cutoff;
    batch.entries.iter().all(older) && batch.cutoff.is_none_or(|own| own < cutoff)
}

impl Walk<'_> {
    /// One seal: is it ours, does it follow the one before, are its entries as they were?
    async fn step(&mut self, seal: SealRow) -> Result<()> {
        let batch = seal.batch();
        let tenant = self.conn.tenant();
        if !is_ours(self.ring, tenant, &seal, &batch) {
            self.verified.findings.push(Finding::SealChanged { seal: seal.number });
        }
        let follows = match &self.last {
            Some(last) => {
                last.number + 1 == seal.number
                    && last.seal == seal.previous
                    && last.last_position + 1 == seal.first_position
            }
            // What came before was let go of, and the chain says so: the first that is kept is the
            // last one from before.
            None => seal.number == 1 || self.cutoff.is_some_and(|cutoff| is_before(&batch, cutoff)),
        };
        if !follows {
            self.verified.findings.push(Finding::SealMissing { before: seal.number });
        }
        // Each place of the log has its entry.
        let (from, to) = batch.positions;
        if i64::try_from(batch.entries.len()) != Ok(to - from + 1) {
            self.verified.findings.push(Finding::LogGap { from, to });
        }
        let kept = |id: &&Uuid| self.cutoff.is_none_or(|cutoff| Timestamp::of_uuid(**id) >= cutoff);
        let ids: Vec<Uuid> = batch.entries.iter().filter(kept).copied().collect();
        let moments = ids.iter().map(|id| Timestamp::of_uuid(*id));
        if let Some((from, to)) = moments.clone().min().zip(moments.max()) {
            let found = seals::entries(self.conn, (from, to), &ids).await?;
            let found: HashMap<Uuid, Option<String>> =
                found.into_iter().map(|entry| (entry.id, entry.text)).collect();
            for (place, entry) in batch.entries.iter().enumerate().filter(|(_, id)| kept(id)) {
                let said = found.get(entry).and_then(Option::as_deref);
                match said {
                    None => {
                        let finding = Finding::Removed { entry: *entry, seal: seal.number };
                        self.verified.findings.push(finding);
                    }
                    Some(text) if batch.leaf_at(place) != Some(leaf(text).as_slice()) => {
                        let finding = Finding::Changed { entry: *entry, seal: seal.number };
                        self.verified.findings.push(finding);
                    }
                    Some(_) => self.verified.entries += 1,
                }
            }
        }
        self.sealed.extend(batch.entries);
        self.verified.seals += 1;
        self.last = Some(seal);
        Ok(())
    }

    /// What waits for its seal: every place of the log has its entry.
    async fn tail(&mut self) -> Result<()> {
        let mut at = self.last.as_ref().map_or(0, |last| last.last_position);
        loop {
            let some = waiting(self.conn, at, ENTRIES).await?;
            if some.is_empty() {
                break;
            }
            for entry in some {
                if entry.position != at + 1 {
                    let gap = Finding::LogGap { from: at + 1, to: entry.position - 1 };
                    self.verified.findings.push(gap);
                }
                at = entry.position;
                match entry.text {
                    Some(_) => self.verified.unsealed += 1,
                    None => {
                        let finding = Finding::RemovedUnsealed { entry: entry.id };
                        self.verified.findings.push(finding);
                    }
                }
                self.sealed.insert(entry.id);
            }
        }
        let length = log_length(self.conn).await?;
        if length > at {
            self.verified.findings.push(Finding::LogGap { from: at + 1, to: length });
        }
        Ok(())
    }

    /// What is in the trail, but neither sealed nor in the log.
    async fn strangers(&mut self) -> Result<()> {
        let mut after = Standing { at: Timestamp::of_uuid(Uuid::nil()), id: Uuid::nil() };
        loop {
            let some = seals::behind(self.conn, after, ENTRIES).await?;
            let Some(last) = some.last() else { return Ok(()) };
            after = *last;
            let strangers = some.iter().filter(|one| !self.sealed.contains(&one.id));
            let findings = strangers.map(|one| Finding::Inserted { entry: one.id });
            self.verified.findings.extend(findings);
        }
    }
}
