use async_graphql::{Context, Object};

use super::{
    super::{DealId, StageId, StageKind, model},
    inputs::{DealChangeInput, DealCreateInput, DealUpdateInput},
    moving::{self, Move},
    types::Deal,
};
use crate::{
    access::Permission::*,
    bulk_payload,
    clock::Day,
    companies::CompanyRow,
    db::{Deleted, TenantConn},
    error::{Error, ErrorCode, Result},
    graphql::{Bulk, DeletePayload, DeletesPayload, Doors, ErrorPolicy, requires},
    payload,
    tags::{TagId, replace_tags_of},
};

payload! {
    /// The answer to a change of a deal.
    DealPayload {
        /// The deal as it is now; null when nothing was written.
        deal: Deal
    }
}

bulk_payload! {
    /// The answer to a change of several deals.
    DealsPayload {
        /// The deals that were written, in the order of the input.
        deals: Deal
    }
}

/// Where a deal begins.
async fn beginning(tx: &TenantConn, input: &DealCreateInput) -> Result<model::Stage> {
    let refused = |field, told: &str| Err(Error::refused(ErrorCode::Invalid, field, told));
    let Some(stage) = input.stage_id else {
        let first = model::first_stage(tx, input.pipeline_id).await;
        return match (first, input.pipeline_id) {
            (Err(Error::NotFound), Some(_)) => {
                Err(Error::refused(ErrorCode::NotFound, "pipelineId", "There is no such record."))
            }
            (first, _) => first,
        };
    };
    let stage = model::Stage::find(tx, stage).await?;
    if input.pipeline_id.is_some_and(|pipeline| pipeline != stage.pipeline_id) {
        return refused("stageId", "It is a stage of another pipeline.");
    }
    if stage.kind != StageKind::Open {
        return refused("stageId", "A deal begins in an open stage.");
    }
    Ok(stage)
}

async fn create(ctx: &Context<'_>, tx: &TenantConn, input: DealCreateInput) -> Result<model::Deal> {
    let named = [
        ("companyId", "companies", input.company_id.map(Into::into)),
        ("contactId", "contacts", input.contact_id.map(Into::into)),
        ("territoryId", "territories", input.territory_id.map(Into::into)),
        ("pipelineId", "pipelines", input.pipeline_id.map(Into::into)),
        ("stageId", "stages", input.stage_id.map(Into::into)),
    ];
    ctx.expect(tx, &named).await?;
    let stage = beginning(tx, &input).await;
    let fill = input.check(ctx.viewer()?)?;
    let (stage, now) = (stage?, ctx.clock().now());
    let id = DealId::new(ctx.clock());
    let mut new = fill(model::NewDeal::in_stage(id, String::new(), &stage, now));
    if let (Some(company), None) = (new.company_id, new.territory_id) {
        new.territory_id = CompanyRow::territory(tx, company).await?;
    }
    let by = ctx.viewer()?.person().ok();
    let made = model::Deal::begin(tx, (ctx.clock(), by), new).await?;
    moving::missing(&stage, &made)?;
    Ok(made)
}

async fn update(
    ctx: &Context<'_>,
    tx: &TenantConn,
    change: DealChangeInput,
) -> Result<model::Deal> {
    let DealChangeInput { id, expected_version, input } = change;
    let (changes, by_hand) = input.check(ctx.viewer()?)?;
    let named = [
        ("companyId", "companies", changes.company_id.flatten().map(Into::into)),
        ("contactId", "contacts", changes.contact_id.flatten().map(Into::into)),
        ("territoryId", "territories", changes.territory_id.flatten().map(Into::into)),
    ];
    ctx.expect(tx, &named).await?;
    let deal = model::Deal::lock(tx, id, expected_version).await?;
    let of_stage = match by_hand.asks_stage() {
        true => Some(model::Stage::find(tx, deal.stage_id).await?.probability),
        false => None,
    };
    model::Deal::update(tx, id, by_hand.applied(changes, &deal, of_stage)?).await
}

async fn delete(
    ctx: &Context<'_>,
    tx: &TenantConn,
    id: DealId,
    expected_version: Option<i32>,
) -> Result<Deleted<DealId>> {
    model::Deal::lock(tx, id, expected_version).await?;
    model::Deal::delete(tx, id, ctx.clock().now()).await?;
    Ok(Deleted(id))
}

#[derive(Default)]
pub struct DealMutation;

#[Object]
impl DealMutation {
    /// Makes a deal.
    #[graphql(directive = requires::apply(DealCreate))]
    async fn deal_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The deal.")] input: DealCreateInput,
    ) -> Result<Option<DealPayload>> {
        let made = ctx.write(DealCreate, async |tx| create(ctx, tx, input).await);
        DealPayload::of(made.await.map(Deal))
    }

    /// Makes several deals.
    #[graphql(directive = requires::apply(DealCreate))]
    async fn deals_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The deals, at most 100.")] input: Vec<DealCreateInput>,
        #[graphql(desc = "What becomes of the others when some are refused.")] error_policy: Option<
            ErrorPolicy,
        >,
    ) -> Result<Option<DealsPayload>> {
        let made = ctx.write(DealCreate, async |tx| {
            let mut all = Bulk::of(&input, error_policy)?;
            for one in input {
                all.begin(tx).await?;
                let made = create(ctx, tx, one).await;
                all.end(tx, made).await?;
            }
            all.done()
        });
        DealsPayload::of(made.await, Deal)
    }

    /// Changes a deal.
    #[graphql(directive = requires::apply(DealUpdate))]
    async fn deal_update(
        &self,
        ctx: &Context<'_>,
        id: DealId,
        expected_version: Option<i32>,
        #[graphql(desc = "What to change.")] input: DealUpdateInput,
    ) -> Result<Option<DealPayload>> {
        let change = DealChangeInput { id, expected_version, input };
        let changed = ctx.write(DealUpdate, async |tx| update(ctx, tx, change).await);
        DealPayload::of(changed.await.map(Deal))
    }

    /// Changes several deals.
    #[graphql(directive = requires::apply(DealUpdate))]
    async fn deals_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The changes, at most 100.")] input: Vec<DealChangeInput>,
        #[graphql(desc = "What becomes of the others when some are refused.")] error_policy: Option<
            ErrorPolicy,
        >,
    ) -> Result<Option<DealsPayload>> {
        let changed = ctx.write(DealUpdate, async |tx| {
            let mut all = Bulk::of(&input, error_policy)?;
            for one in input {
                all.begin(tx).await?;
                let changed = update(ctx, tx, one).await;
                all.end(tx, changed).await?;
            }
            all.done()
        });
        DealsPayload::of(changed.await, Deal)
    }

    /// Takes a deal to another stage of its pipeline. It needs what the stage asks for; ahead it
    /// goes stage by stage, but for those that may be skipped; to skip others, and to open again
    /// what was won or lost, takes the permission deal:manage. What is refused
    /// (`INVALID_TRANSITION`) names the stages from and to, and those that are allowed.
    #[graphql(directive = requires::apply(DealUpdate))]
    async fn deal_move(
        &self,
        ctx: &Context<'_>,
        id: DealId,
        #[graphql(desc = "To where.")] stage_id: StageId,
        expected_version: Option<i32>,
        #[graphql(
            desc = "Why, at most 500 characters: needed to lose a deal (it becomes `lostReason`), and to open one again."
        )]
        reason: Option<String>,
        #[graphql(desc = "Until when it waits: needed to put a deal on hold.")] hold_until: Option<
            Day,
        >,
    ) -> Result<Option<DealPayload>> {
        let asked = Move { id, stage: stage_id, expected_version, reason, hold_until };
        let moved = ctx.write(DealUpdate, async |tx| moving::go(ctx, tx, asked).await);
        DealPayload::of(moved.await.map(Deal))
    }

    /// Gives a deal exactly these tags.
    #[graphql(directive = requires::apply(DealUpdate))]
    async fn deal_tags_replace(
        &self,
        ctx: &Context<'_>,
        id: DealId,
        expected_version: Option<i32>,
        #[graphql(desc = "Its tags from now on, at most 50.")] tag_ids: Vec<TagId>,
    ) -> Result<Option<DealPayload>> {
        let changed = ctx.write(DealUpdate, async |tx| {
            let deal = model::Deal::lock(tx, id, expected_version).await?;
            replace_tags_of(tx, ctx.clock(), id, &tag_ids).await?;
            Ok(deal)
        });
        DealPayload::of(changed.await.map(Deal))
    }

    /// Deletes a deal. It is kept where nobody finds it, until it is restored or purged.
    #[graphql(directive = requires::apply(DealDelete))]
    async fn deal_delete(
        &self,
        ctx: &Context<'_>,
        id: DealId,
        expected_version: Option<i32>,
    ) -> Result<Option<DeletePayload>> {
        let deleted = ctx.write(DealDelete, async |tx| delete(ctx, tx, id, expected_version).await);
        DeletePayload::of(deleted.await)
    }

    /// Deletes several deals.
    #[graphql(directive = requires::apply(DealDelete))]
    async fn deals_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, at most 100.")] ids: Vec<DealId>,
        #[graphql(desc = "What becomes of the others when some are refused.")] error_policy: Option<
            ErrorPolicy,
        >,
    ) -> Result<Option<DeletesPayload>> {
        let deleted = ctx.write(DealDelete, async |tx| {
            let mut all = Bulk::of(&ids, error_policy)?;
            for id in ids {
                all.begin(tx).await?;
                let deleted = delete(ctx, tx, id, None).await;
                all.end(tx, deleted).await?;
            }
            all.done()
        });
        DeletesPayload::of(deleted.await)
    }

    /// Brings a deleted deal back to the stage that it was in.
    #[graphql(directive = requires::apply(DealDelete))]
    async fn deal_restore(&self, ctx: &Context<'_>, id: DealId) -> Result<Option<DealPayload>> {
        let restored = ctx.write(DealDelete, async |tx| {
            model::Deal::lock_deleted(tx, id).await?;
            model::Deal::restore(tx, id).await
        });
        DealPayload::of(restored.await.map(Deal))
    }

    /// Removes a deleted deal for good, with its history and all activities about it.
    #[graphql(directive = requires::apply(RecordPurge))]
    async fn deal_purge(&self, ctx: &Context<'_>, id: DealId) -> Result<Option<DeletePayload>> {
        let purged = ctx.write(RecordPurge, async |tx| {
            model::Deal::lock_deleted(tx, id).await?;
            model::Deal::leave_conversion(tx, id).await?;
            model::Deal::purge(tx, id).await?;
            Ok(Deleted(id))
        });
        DeletePayload::of(purged.await)
    }
}
