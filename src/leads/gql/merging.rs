use std::time::Duration;

use async_graphql::{Context, Object};

use super::{
    super::{
        LeadId,
        model::{
            self, LeadMove,
            merging::{Merge, bring_back, empty, fill, move_activities, take_back_tags},
            scores::rescore,
        },
        rules::{Step, is_read_only},
        values::LeadStatus,
    },
    lead::{allow, no_way},
    records::LeadPayload,
};
use crate::{
    access::Permission::*,
    db::{TenantConn, expect_version},
    error::{Error, ErrorCode, Result},
    graphql::{Doors, requires},
    tags::hand_on_tags,
};

/// How long a merge can be undone.
const UNDO: Duration = Duration::from_hours(30 * 24);

/// Both, locked in the order of their ids, so that two merges at once do not wait for each other.
async fn both(tx: &TenantConn, one: LeadId, other: LeadId) -> Result<(model::Lead, model::Lead)> {
    let into = async || match model::Lead::lock(tx, other, None).await {
        Err(Error::NotFound) => {
            Err(Error::refused(ErrorCode::NotFound, "intoId", "There is no such record."))
        }
        into => into,
    };
    if one < other {
        let one = model::Lead::lock(tx, one, None).await?;
        return Ok((one, into().await?));
    }
    let other = into().await?;
    Ok((model::Lead::lock(tx, one, None).await?, other))
}

async fn merge(
    ctx: &Context<'_>,
    tx: &TenantConn,
    (id, expected_version): (LeadId, Option<i32>),
    into_id: LeadId,
) -> Result<model::Lead> {
    if id == into_id {
        return Err(Error::refused(
            ErrorCode::Invalid,
            "intoId",
            "A lead is not merged with itself.",
        ));
    }
    let (lead, into) = both(tx, id, into_id).await?;
    expect_version(("leads", id.into()), expected_version, lead.version)?;
    if into.merged_into_id == Some(id) {
        let told = "That lead has been merged into this one.";
        return Err(Error::refused(ErrorCode::Cycle, "intoId", told));
    }
    allow(ctx, tx, &lead, Step::Merge).await?;
    if is_read_only(into.status) {
        let told = "What is CONVERTED or DUPLICATE takes over nothing.";
        return Err(Error::refused(ErrorCode::Invalid, "intoId", told));
    }
    let moved = move_activities(tx, id, into_id).await?;
    let joined = hand_on_tags(tx, ctx.clock(), id, into_id).await?;
    let (changes, filled) = fill(&into, &lead);
    model::Lead::update(tx, into_id, changes).await?;
    let (status_before, at) = (lead.status, ctx.clock().now());
    let kept = Merge { lead_id: id, into_id, status_before, filled, moved, joined, at };
    Merge::insert(tx, ctx.clock(), kept).await?;
    let step = LeadMove {
        status: Some(LeadStatus::Duplicate),
        merged_into_id: Some(Some(into_id)),
        ..LeadMove::default()
    };
    let merged = model::Lead::go(tx, id, step).await?;
    rescore(tx, ctx.clock(), &[id, into_id]).await?;
    Ok(merged)
}

async fn unmerge(
    ctx: &Context<'_>,
    tx: &TenantConn,
    (id, expected_version): (LeadId, Option<i32>),
) -> Result<model::Lead> {
    let lead = model::Lead::lock(tx, id, expected_version).await?;
    let Some(done) = Merge::of(tx, id).await? else {
        return Err(no_way(lead.status, lead.status));
    };
    if done.at.plus(UNDO) < ctx.clock().now() {
        let told = "A merge can be undone for 30 days.";
        return Err(Error::refused(ErrorCode::Expired, "id", told));
    }
    // The other one may have been deleted since, or have come to its end: it keeps what it has.
    if let Some(into) = model::Lead::lock_any(tx, done.into_id).await?
        && !is_read_only(into.status)
    {
        bring_back(tx, &done.moved, into.id, id).await?;
        take_back_tags(tx, into.id, &done.joined).await?;
        model::Lead::change(tx, into.id, empty(&into, &done.filled)).await?;
    }
    Merge::delete(tx, id).await?;
    let step = LeadMove {
        status: Some(done.status_before),
        merged_into_id: Some(None),
        ..LeadMove::default()
    };
    let lead = model::Lead::go(tx, id, step).await?;
    rescore(tx, ctx.clock(), &[id, done.into_id]).await?;
    Ok(lead)
}

#[derive(Default)]
pub struct MergeMutation;

#[Object]
impl MergeMutation {
    /// Says that a lead is another one: it becomes a DUPLICATE, its activities go over, the other one
    /// gets its tags besides its own, and what is empty in the other one is taken from it. For 30 days
    /// that can be undone (`leadUnmerge`).
    #[graphql(directive = requires::apply(LeadManage))]
    async fn lead_merge(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The lead that is one too many.")] id: LeadId,
        #[graphql(desc = "The lead that stays.")] into_id: LeadId,
        expected_version: Option<i32>,
    ) -> Result<Option<LeadPayload>> {
        let which = (id, expected_version);
        let merged = ctx.write(LeadManage, async |tx| merge(ctx, tx, which, into_id).await);
        LeadPayload::of(merged.await)
    }

    /// Undoes a merge: the lead is again what it was, its activities come back, the tags that the other
    /// one got are off it, and what it took over and has not changed since is empty there.
    #[graphql(directive = requires::apply(LeadManage))]
    async fn lead_unmerge(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The lead that was merged.")] id: LeadId,
        expected_version: Option<i32>,
    ) -> Result<Option<LeadPayload>> {
        let which = (id, expected_version);
        LeadPayload::of(ctx.write(LeadManage, async |tx| unmerge(ctx, tx, which).await).await)
    }
}
