use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object};

use super::{
    super::{
        ActivityId, model,
        model::{About, ActivityChanges, NewActivity},
        values::{ActivityDirection, ActivityKind},
    },
    types::{ActivitiesPayload, Activity, ActivityPayload, not_about},
};
use crate::{
    access::Permission::*,
    accounts::UserId,
    clock::Timestamp,
    db::{Deleted, TenantConn},
    error::{ErrorCode, Result},
    graphql::{
        Bulk, Check, DeletePayload, DeletesPayload, Doors, ErrorPolicy, count, keep, requires,
    },
    ids::RawId,
    leads::{LeadId, note_outbound, rescore},
};

const BODY: usize = 20_000;

/// An activity to be written down.
#[derive(InputObject)]
pub struct ActivityCreateInput {
    /// What it is.
    kind: ActivityKind,
    /// What it is in a line, 1 to 300 characters.
    subject: String,
    /// What there is to say of it, at most 20,000 characters.
    body: Option<String>,
    /// Of a call or an e-mail: who got in touch with whom; OUTBOUND when absent.
    direction: Option<ActivityDirection>,
    /// How long it took.
    duration_seconds: Option<i32>,
    /// Until when it is to be done.
    due_at: Option<Timestamp>,
    /// When it was done. Absent: a task, and whatever is due later, is still to be done; anything else
    /// was done now.
    done_at: Option<Timestamp>,
    /// The record that it is about: a company, a contact, a lead or a deal.
    about_id: ID,
    /// Who is to do it, or did it; yourself when absent.
    owner_id: Option<UserId>,
}

/// What to change: an absent field keeps its value, null clears it.
#[derive(InputObject)]
pub struct ActivityUpdateInput {
    /// What it is in a line, 1 to 300 characters.
    subject: MaybeUndefined<String>,
    /// What there is to say of it, at most 20,000 characters.
    body: MaybeUndefined<String>,
    /// Of a call or an e-mail: who got in touch with whom.
    direction: MaybeUndefined<ActivityDirection>,
    /// How long it took.
    duration_seconds: MaybeUndefined<i32>,
    /// Until when it is to be done.
    due_at: MaybeUndefined<Timestamp>,
    /// When it was done; null: it is still to be done.
    done_at: MaybeUndefined<Timestamp>,
    /// Who is to do it, or did it.
    owner_id: MaybeUndefined<UserId>,
}

async fn create(
    ctx: &Context<'_>,
    tx: &TenantConn,
    input: ActivityCreateInput,
) -> Result<model::Activity> {
    let raw = RawId::parse(&input.about_id).ok_or_else(|| not_about(&input.about_id))?;
    let (about, table) = About::record(&raw).ok_or_else(|| not_about(&input.about_id))?;
    let (viewer, now) = (ctx.viewer()?, ctx.clock().now());
    let kind = input.kind;
    let touches = matches!(kind, ActivityKind::Call | ActivityKind::Email);
    let mut check = Check::by(viewer);
    if input.direction.is_some() && !touches {
        check.problem(ErrorCode::Invalid, "direction", "is of calls and e-mails only");
    }
    let planned = kind == ActivityKind::Task || input.due_at.is_some_and(|due| due > now);
    let new = NewActivity {
        id: ActivityId::new(ctx.clock()),
        kind,
        subject: check.text("subject", input.subject, 300),
        body: check.optional("body", input.body, BODY),
        direction: input.direction.or(touches.then_some(ActivityDirection::Outbound)),
        duration_seconds: check.parse("durationSeconds", input.duration_seconds, count),
        due_at: input.due_at,
        done_at: input.done_at.or((!planned).then_some(now)),
        author_id: viewer.person().ok().map(|user| user.0),
        owner_id: input.owner_id.or(viewer.person().ok()),
        about,
    };
    let new = check.done(new)?;
    ctx.expect(tx, &[("aboutId", table, Some(raw.uuid))]).await?;
    let made = model::Activity::insert(tx, new).await?;
    tell_lead(ctx, tx, &made).await?;
    Ok(made)
}

/// A lead is worth what was done with it; and it was answered when something went to it.
async fn tell_lead(ctx: &Context<'_>, tx: &TenantConn, of: &model::Activity) -> Result<()> {
    let Some(lead) = of.about.lead_id.map(LeadId::from) else { return Ok(()) };
    if of.done_at.is_some() && of.direction == Some(ActivityDirection::Outbound) {
        note_outbound(tx, ctx.clock(), lead).await?;
    }
    rescore(tx, ctx.clock(), &[lead]).await
}

async fn complete(
    ctx: &Context<'_>,
    tx: &TenantConn,
    id: ActivityId,
    expected_version: Option<i32>,
) -> Result<model::Activity> {
    let known = model::Activity::lock(tx, id, expected_version).await?;
    if known.done_at.is_some() {
        // Whoever completes it twice finds it done.
        return Ok(known);
    }
    let done_at = Some(Some(ctx.clock().now()));
    let changes = ActivityChanges { done_at, ..Default::default() };
    let done = model::Activity::update(tx, id, changes).await?;
    tell_lead(ctx, tx, &done).await?;
    Ok(done)
}

async fn delete(
    ctx: &Context<'_>,
    tx: &TenantConn,
    id: ActivityId,
    expected_version: Option<i32>,
) -> Result<Deleted<ActivityId>> {
    let gone = model::Activity::lock(tx, id, expected_version).await?;
    model::Activity::delete(tx, id, ctx.clock().now()).await?;
    if let Some(lead) = gone.about.lead_id.map(LeadId::from) {
        rescore(tx, ctx.clock(), &[lead]).await?;
    }
    Ok(Deleted(id))
}

#[derive(Default)]
pub struct ActivityMutation;

#[Object]
impl ActivityMutation {
    /// Writes down what was done, or is to be done, about a record.
    #[graphql(directive = requires::apply(ActivityCreate))]
    async fn activity_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The activity.")] input: ActivityCreateInput,
    ) -> Result<Option<ActivityPayload>> {
        let made = ctx.write(ActivityCreate, async |tx| create(ctx, tx, input).await);
        ActivityPayload::of(made.await.map(Activity))
    }

    /// Writes down several activities.
    #[graphql(directive = requires::apply(ActivityCreate))]
    async fn activities_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The activities, at most 100.")] input: Vec<ActivityCreateInput>,
        #[graphql(desc = "What becomes of the others when some are refused.")] error_policy: Option<
            ErrorPolicy,
        >,
    ) -> Result<Option<ActivitiesPayload>> {
        let made = ctx.write(ActivityCreate, async |tx| {
            let mut all = Bulk::of(&input, error_policy)?;
            for one in input {
                all.begin(tx).await?;
                let made = create(ctx, tx, one).await;
                all.end(tx, made).await?;
            }
            all.done()
        });
        ActivitiesPayload::of(made.await, Activity)
    }

    /// Changes an activity.
    #[graphql(directive = requires::apply(ActivityUpdate))]
    async fn activity_update(
        &self,
        ctx: &Context<'_>,
        id: ActivityId,
        expected_version: Option<i32>,
        #[graphql(desc = "What to change.")] input: ActivityUpdateInput,
    ) -> Result<Option<ActivityPayload>> {
        let changed = ctx.write(ActivityUpdate, async |tx| {
            let known = model::Activity::lock(tx, id, expected_version).await?;
            let mut check = Check::by(ctx.viewer()?);
            let touches = matches!(known.kind, ActivityKind::Call | ActivityKind::Email);
            let direction = keep(input.direction);
            if direction.flatten().is_some() && !touches {
                check.problem(ErrorCode::Invalid, "direction", "is of calls and e-mails only");
            }
            let changes = ActivityChanges {
                subject: check.keep_or_text("subject", input.subject, 300),
                body: check.keep_or_optional("body", input.body, BODY),
                direction,
                duration_seconds: check.keep_or_parse(
                    "durationSeconds",
                    input.duration_seconds,
                    count,
                ),
                due_at: keep(input.due_at),
                done_at: keep(input.done_at),
                owner_id: keep(input.owner_id),
            };
            let changed = model::Activity::update(tx, id, check.done(changes)?).await?;
            tell_lead(ctx, tx, &changed).await?;
            Ok(changed)
        });
        ActivityPayload::of(changed.await.map(Activity))
    }

    /// Says that an activity is done. One that is done already stays as it is.
    #[graphql(directive = requires::apply(ActivityUpdate))]
    async fn activity_complete(
        &self,
        ctx: &Context<'_>,
        id: ActivityId,
        expected_version: Option<i32>,
    ) -> Result<Option<ActivityPayload>> {
        let done =
            ctx.write(ActivityUpdate, async |tx| complete(ctx, tx, id, expected_version).await);
        ActivityPayload::of(done.await.map(Activity))
    }

    /// Says that several activities are done.
    #[graphql(directive = requires::apply(ActivityUpdate))]
    async fn activities_complete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, at most 100.")] ids: Vec<ActivityId>,
        #[graphql(desc = "What becomes of the others when some are refused.")] error_policy: Option<
            ErrorPolicy,
        >,
    ) -> Result<Option<ActivitiesPayload>> {
        let done = ctx.write(ActivityUpdate, async |tx| {
            let mut all = Bulk::of(&ids, error_policy)?;
            for id in ids {
                all.begin(tx).await?;
                let done = complete(ctx, tx, id, None).await;
                all.end(tx, done).await?;
            }
            all.done()
        });
        ActivitiesPayload::of(done.await, Activity)
    }

    /// Deletes an activity. It is kept where nobody finds it, until it is restored or purged.
    #[graphql(directive = requires::apply(ActivityDelete))]
    async fn activity_delete(
        &self,
        ctx: &Context<'_>,
        id: ActivityId,
        expected_version: Option<i32>,
    ) -> Result<Option<DeletePayload>> {
        let deleted =
            ctx.write(ActivityDelete, async |tx| delete(ctx, tx, id, expected_version).await);
        DeletePayload::of(deleted.await)
    }

    /// Deletes several activities.
    #[graphql(directive = requires::apply(ActivityDelete))]
    async fn activities_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, at most 100.")] ids: Vec<ActivityId>,
        #[graphql(desc = "What becomes of the others when some are refused.")] error_policy: Option<
            ErrorPolicy,
        >,
    ) -> Result<Option<DeletesPayload>> {
        let deleted = ctx.write(ActivityDelete, async |tx| {
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

    /// Brings a deleted activity back.
    #[graphql(directive = requires::apply(ActivityDelete))]
    async fn activity_restore(
        &self,
        ctx: &Context<'_>,
        id: ActivityId,
    ) -> Result<Option<ActivityPayload>> {
        let restored = ctx.write(ActivityDelete, async |tx| {
            model::Activity::lock_deleted(tx, id).await?;
            let restored = model::Activity::restore(tx, id).await?;
            tell_lead(ctx, tx, &restored).await?;
            Ok(restored)
        });
        ActivityPayload::of(restored.await.map(Activity))
    }

    /// Removes a deleted activity for good.
    #[graphql(directive = requires::apply(RecordPurge))]
    async fn activity_purge(
        &self,
        ctx: &Context<'_>,
        id: ActivityId,
    ) -> Result<Option<DeletePayload>> {
        let purged = ctx.write(RecordPurge, async |tx| {
            model::Activity::lock_deleted(tx, id).await?;
            model::Activity::purge(tx, id).await?;
            Ok(Deleted(id))
        });
        DeletePayload::of(purged.await)
    }
}
