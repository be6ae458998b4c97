use std::time::Duration;

use async_graphql::{Context, Many, MaybeUndefined, Object};
use serde_json::json;

use super::{
    super::{
        LeadId,
        likeness::{Traits, is_strong},
        model::{
            self, Made,
            assignment::take_turn,
            matches::{Alike, Found, Seen, link, near},
            scores::rescore,
            settings::Settings,
        },
        rules::is_read_only,
        values::DuplicateReason,
    },
    inputs::{Draft, LeadChangeInput, LeadCreateInput, LeadUpdateInput, OnDuplicate},
    lead::{DuplicateHit, Lead, no_way},
};
use crate::{
    access::{Permission, Permission::*},
    bulk_payload,
    db::{Deleted, Reach, TenantConn},
    error::{Error, ErrorCode, Problem, Result},
    graphql::{
        Bulk, DeletePayload, DeletesPayload, Doors, ErrorPolicy, UserError, refusals, requires,
    },
    tags::{TagId, replace_tags_of},
    territories::{Place, territory_for},
};

/// The answer to a change of a lead.
pub struct LeadPayload {
    lead: Option<model::Lead>,
    user_errors: Many<UserError>,
}

impl LeadPayload {
    /// The result of a write as an answer: a refusal is part of it, a failure is not.
    pub fn of(result: Result<model::Lead>) -> Result<Option<Self>> {
        let (lead, problems) = match result {
            Ok(lead) => (Some(lead), Vec::new()),
            Err(error) => (None, refusals(error)?),
        };
        let user_errors = problems.into_iter().map(Into::into).collect();
        Ok(Some(Self { lead, user_errors }))
    }
}

/// The answer to a change of a lead.
#[Object]
impl LeadPayload {
    /// The lead as it is now; null when nothing was written. One that you made is shown even where
    /// the tenant's rules gave it to somebody whose leads you do not see.
    async fn lead(&self) -> Option<Lead> {
        self.lead.clone().map(Lead)
    }

    /// Other leads, contacts and companies that may be the same, as far as you see them, the
    /// likeliest first, at most 20. Looked for only when asked for.
    async fn duplicates(&self, ctx: &Context<'_>) -> Result<Many<DuplicateHit>> {
        let Some(lead) = &self.lead else { return Ok(Many(Vec::new())) };
        let conn = ctx.read(LeadRead).await?;
        let found = near(&conn, &seen(ctx)?, &lead.traits(), Some(lead.id)).await?;
        Ok(found.into_iter().map(DuplicateHit).collect())
    }

    /// Why nothing was written; empty when it was.
    async fn user_errors(&self) -> &Many<UserError> {
        &self.user_errors
    }
}

bulk_payload! {
    /// The answer to a change of several leads.
    LeadsPayload {
        /// The leads that were written, in the order of the input.
        leads: Lead
    }
}

/// What whoever asks sees of what may be the same.
fn seen(ctx: &Context<'_>) -> Result<Seen> {
    let (viewer, now) = (ctx.viewer()?, ctx.clock().now());
    let reach = |permission: Permission| {
        viewer.check(permission, now).is_ok().then(|| viewer.reach(permission))
    };
    Ok(Seen { leads: reach(LeadRead), contacts: reach(ContactRead), companies: reach(CompanyRead) })
}

/// Refused, with those that whoever asks sees.
fn duplicate(found: &[Found]) -> Error {
    let id = |found: &Found| match found.alike {
        Alike::Lead(id) => id.to_string(),
        Alike::Contact(id) => id.to_string(),
        Alike::Company(id) => id.to_string(),
    };
    let field = match found.first().map(|first| first.reason) {
        Some(DuplicateReason::Email) => "email",
        Some(DuplicateReason::Phone) => "phone",
        _ => "name",
    };
    let told = "It seems to be there already.";
    let ids: Vec<String> = found.iter().map(id).collect();
    let problem = Problem::new(ErrorCode::Duplicate, [field], told);
    Error::Refused(vec![problem.with_details(json!({ "ids": ids }))])
}

/// What was found of a lead that is to be made; a refusal where that is wanted.
async fn look(ctx: &Context<'_>, tx: &TenantConn, draft: &Draft) -> Result<Vec<Found>> {
    if draft.on_duplicate == OnDuplicate::Create {
        return Ok(Vec::new());
    }
    let model::NewLead { name, organisation, email, phone, .. } = &draft.new;
    let traits = Traits::of(name, organisation.as_deref(), email.as_deref(), phone.as_deref());
    let found = near(tx, &seen(ctx)?, &traits, None).await?;
    let people = found.iter().filter(|one| !matches!(one.alike, Alike::Company(_)));
    let same: Vec<Found> = people.filter(|one| is_strong(one.similarity)).copied().collect();
    match draft.on_duplicate {
        OnDuplicate::Reject if !same.is_empty() => Err(duplicate(&same)),
        OnDuplicate::Link => Ok(found),
        _ => Ok(Vec::new()),
    }
}

/// Who looks after a lead that is to be made: who was named, else whose turn it is, else whoever
/// makes it, else nobody yet. Whether somebody was named.
async fn assign(ctx: &Context<'_>, tx: &TenantConn, draft: &mut Draft) -> Result<bool> {
    let new = &mut draft.new;
    if new.territory_id.is_none() {
        let place = Place {
            country: new.country.as_deref(),
            postal_code: new.postal_code.as_deref(),
            industry: new.industry.as_deref(),
            employees: new.employees,
        };
        new.territory_id = territory_for(tx, place).await?;
    }
    new.owner_id = match (draft.owner, new.territory_id) {
        (MaybeUndefined::Value(owner), _) => Some(owner),
        (_, Some(territory)) => take_turn(tx, territory).await?,
        (MaybeUndefined::Undefined, None) => ctx.viewer()?.person().ok(),
        (MaybeUndefined::Null, None) => None,
    };
    Ok(matches!(draft.owner, MaybeUndefined::Value(_)))
}

async fn create(ctx: &Context<'_>, tx: &TenantConn, input: LeadCreateInput) -> Result<Made> {
    let mut draft = input.check(ctx.clock(), ctx.viewer()?)?;
    let territory = draft.new.territory_id.map(Into::into);
    ctx.expect(tx, &[("territoryId", "territories", territory)]).await?;
    let found = look(ctx, tx, &draft).await?;
    let named = assign(ctx, tx, &mut draft).await?;
    let hours = u64::try_from(Settings::find(tx).await?.respond_within_hours).unwrap_or_default();
    draft.new.respond_by = Some(ctx.clock().now().plus(Duration::from_hours(hours)));
    // The rules may give it to somebody whom whoever makes it does not reach.
    let made = match named {
        true => model::Lead::insert(tx, draft.new).await?,
        false => model::Lead::insert(&tx.with_reach(Reach::All), draft.new).await?,
    };
    link(tx, ctx.clock(), made.id, &found).await?;
    rescore(tx, ctx.clock(), &[made.id]).await?;
    Ok(Made(made))
}

async fn update(
    ctx: &Context<'_>,
    tx: &TenantConn,
    change: LeadChangeInput,
) -> Result<model::Lead> {
    let LeadChangeInput { id, expected_version, input } = change;
    let changes = input.check(ctx.viewer()?)?;
    let territory = changes.territory_id.flatten().map(Into::into);
    ctx.expect(tx, &[("territoryId", "territories", territory)]).await?;
    let lead = model::Lead::lock(tx, id, expected_version).await?;
    if is_read_only(lead.status) {
        return Err(no_way(lead.status, lead.status));
    }
    let updated = model::Lead::update(tx, id, changes).await?;
    rescore(tx, ctx.clock(), &[id]).await?;
    Ok(updated)
}

async fn delete(
    ctx: &Context<'_>,
    tx: &TenantConn,
    id: LeadId,
    expected_version: Option<i32>,
) -> Result<Deleted<LeadId>> {
    model::Lead::lock(tx, id, expected_version).await?;
    model::Lead::delete(tx, id, ctx.clock().now()).await?;
    Ok(Deleted(id))
}

#[derive(Default)]
pub struct RecordMutation;

#[Object]
impl RecordMutation {
    /// Makes a lead: it is looked for among those that are there, given to somebody, and scored.
    #[graphql(directive = requires::apply(LeadCreate))]
    async fn lead_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The lead.")] input: LeadCreateInput,
    ) -> Result<Option<LeadPayload>> {
        let made = ctx.write(LeadCreate, async |tx| create(ctx, tx, input).await);
        LeadPayload::of(made.await.map(|Made(lead)| lead))
    }

    /// Makes several leads.
    #[graphql(directive = requires::apply(LeadCreate))]
    async fn leads_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The leads, at most 100.")] input: Vec<LeadCreateInput>,
        #[graphql(desc = "What becomes of the others when some are refused.")] error_policy: Option<
            ErrorPolicy,
        >,
    ) -> Result<Option<LeadsPayload>> {
        let made = ctx.write(LeadCreate, async |tx| {
            let mut all = Bulk::of(&input, error_policy)?;
            for one in input {
                all.begin(tx).await?;
                let made = create(ctx, tx, one).await;
                all.end(tx, made).await?;
            }
            all.done()
        });
        LeadsPayload::of(made.await, |Made(lead)| Lead(lead))
    }

    /// Changes a lead. One that is CONVERTED or DUPLICATE is not changed any more.
    #[graphql(directive = requires::apply(LeadUpdate))]
    async fn lead_update(
        &self,
        ctx: &Context<'_>,
        id: LeadId,
        expected_version: Option<i32>,
        #[graphql(desc = "What to change.")] input: LeadUpdateInput,
    ) -> Result<Option<LeadPayload>> {
        let change = LeadChangeInput { id, expected_version, input };
        let changed = ctx.write(LeadUpdate, async |tx| update(ctx, tx, change).await);
        LeadPayload::of(changed.await)
    }

    /// Changes several leads.
    #[graphql(directive = requires::apply(LeadUpdate))]
    async fn leads_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The changes, at most 100.")] input: Vec<LeadChangeInput>,
        #[graphql(desc = "What becomes of the others when some are refused.")] error_policy: Option<
            ErrorPolicy,
        >,
    ) -> Result<Option<LeadsPayload>> {
        let changed = ctx.write(LeadUpdate, async |tx| {
            let mut all = Bulk::of(&input, error_policy)?;
            for one in input {
                all.begin(tx).await?;
                let changed = update(ctx, tx, one).await;
                all.end(tx, changed).await?;
            }
            all.done()
        });
        LeadsPayload::of(changed.await, Lead)
    }

    /// Gives a lead exactly these tags. One that is CONVERTED or DUPLICATE is not changed any more.
    #[graphql(directive = requires::apply(LeadUpdate))]
    async fn lead_tags_replace(
        &self,
        ctx: &Context<'_>,
        id: LeadId,
        expected_version: Option<i32>,
        #[graphql(desc = "Its tags from now on, at most 50.")] tag_ids: Vec<TagId>,
    ) -> Result<Option<LeadPayload>> {
        let changed = ctx.write(LeadUpdate, async |tx| {
            let lead = model::Lead::lock(tx, id, expected_version).await?;
            if is_read_only(lead.status) {
                return Err(no_way(lead.status, lead.status));
            }
            replace_tags_of(tx, ctx.clock(), id, &tag_ids).await?;
            Ok(lead)
        });
        LeadPayload::of(changed.await)
    }

    /// Deletes a lead. It is kept where nobody finds it, until it is restored or purged.
    #[graphql(directive = requires::apply(LeadDelete))]
    async fn lead_delete(
        &self,
        ctx: &Context<'_>,
        id: LeadId,
        expected_version: Option<i32>,
    ) -> Result<Option<DeletePayload>> {
        let deleted = ctx.write(LeadDelete, async |tx| delete(ctx, tx, id, expected_version).await);
        DeletePayload::of(deleted.await)
    }

    /// Deletes several leads.
    #[graphql(directive = requires::apply(LeadDelete))]
    async fn leads_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, at most 100.")] ids: Vec<LeadId>,
        #[graphql(desc = "What becomes of the others when some are refused.")] error_policy: Option<
            ErrorPolicy,
        >,
    ) -> Result<Option<DeletesPayload>> {
        let deleted = ctx.write(LeadDelete, async |tx| {
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

    /// Brings a deleted lead back.
    #[graphql(directive = requires::apply(LeadDelete))]
    async fn lead_restore(&self, ctx: &Context<'_>, id: LeadId) -> Result<Option<LeadPayload>> {
        let restored = ctx.write(LeadDelete, async |tx| {
            model::Lead::lock_deleted(tx, id).await?;
            model::Lead::restore(tx, id).await
        });
        LeadPayload::of(restored.await)
    }

    /// Removes a deleted lead for good, with all activities about it. What it became stays.
    #[graphql(directive = requires::apply(RecordPurge))]
    async fn lead_purge(&self, ctx: &Context<'_>, id: LeadId) -> Result<Option<DeletePayload>> {
        let purged = ctx.write(RecordPurge, async |tx| {
            model::Lead::lock_deleted(tx, id).await?;
            model::Lead::let_go(tx, id).await?;
            model::Lead::purge(tx, id).await?;
            Ok(Deleted(id))
        });
        DeletePayload::of(purged.await)
    }
}
