use async_graphql::{Context, Object};

use super::{
    super::{
        LeadId,
        chores::wake_at,
        model::{self, LeadMove, answered},
        rules::{NOTE, Step, needs_note},
        values::LeadStatus,
    },
    lead::allow,
    records::LeadPayload,
};
use crate::{
    access::Permission::*,
    activities::{About, ActivityId, ActivityKind, ActivityRow, NewActivity},
    clock::{Day, Timestamp},
    db::{Reach, TenantConn},
    error::{Error, ErrorCode, Result},
    graphql::{Check, Doors, requires},
    tenants::TenantRow,
};

/// When work begins.
const MORNING: i32 = 9;

/// The lead, locked, if whoever asks may take the step with it.
async fn before(
    ctx: &Context<'_>,
    tx: &TenantConn,
    step: Step,
    (id, expected_version): (LeadId, Option<i32>),
) -> Result<model::Lead> {
    let lead = model::Lead::lock(tx, id, expected_version).await?;
    allow(ctx, tx, &lead, step).await?;
    Ok(lead)
}

/// To another status, with nothing left that belonged to the one before.
fn to(status: LeadStatus, lead: &model::Lead, now: Timestamp) -> LeadMove {
    LeadMove { status: Some(status), ..answered(lead, now) }
}

async fn work(
    ctx: &Context<'_>,
    tx: &TenantConn,
    which: (LeadId, Option<i32>),
) -> Result<model::Lead> {
    let lead = before(ctx, tx, Step::Work, which).await?;
    model::Lead::go(tx, lead.id, answered(&lead, ctx.clock().now())).await
}

async fn nurture(
    ctx: &Context<'_>,
    tx: &TenantConn,
    which: (LeadId, Option<i32>),
    until: Day,
) -> Result<model::Lead> {
    let lead = before(ctx, tx, Step::Nurture, which).await?;
    let wakes = TenantRow::hour(tx, until, 0).await?;
    if wakes <= ctx.clock().now() {
        let told = "must be a day that is yet to come";
        return Err(Error::refused(ErrorCode::Invalid, "until", told));
    }
    let rests = to(LeadStatus::Nurturing, &lead, ctx.clock().now());
    let rests = LeadMove { nurture_until: Some(Some(until)), ..rests };
    wake_at(tx, ctx.clock(), lead.id, wakes).await?;
    remind(ctx, tx, &lead, until).await?;
    model::Lead::go(tx, lead.id, rests).await
}

/// Whoever looks after it finds a task on that day.
async fn remind(ctx: &Context<'_>, tx: &TenantConn, lead: &model::Lead, on: Day) -> Result<()> {
    let Some(owner) = lead.owner_id else { return Ok(()) };
    let task = NewActivity {
        id: ActivityId::new(ctx.clock()),
        kind: ActivityKind::Task,
        subject: format!("Get in touch again: {}", lead.name),
        body: None,
        direction: None,
        duration_seconds: None,
        due_at: Some(TenantRow::hour(tx, on, MORNING).await?),
        done_at: None,
        author_id: Some(ctx.viewer()?.actor()),
        owner_id: Some(owner),
        about: About { lead_id: Some(lead.id.into()), ..About::default() },
    };
    // It follows from the step, which reaches the lead: by its territory perhaps, not by its owner.
    ActivityRow::insert(&tx.with_reach(Reach::All), task).await.map(drop)
}

async fn qualify(
    ctx: &Context<'_>,
    tx: &TenantConn,
    which: (LeadId, Option<i32>),
) -> Result<model::Lead> {
    let lead = before(ctx, tx, Step::Qualify, which).await?;
    let step = to(LeadStatus::Qualified, &lead, ctx.clock().now());
    model::Lead::go(tx, lead.id, step).await
}

async fn disqualify(
    ctx: &Context<'_>,
    tx: &TenantConn,
    which: (LeadId, Option<i32>),
    (reason, note): (String, Option<String>),
) -> Result<model::Lead> {
    let mut check = Check::new();
    let reason = check.text("reason", reason, 100);
    let note = check.optional("note", note, 1000);
    if needs_note(&reason, note.as_deref()) {
        let told = format!("OTHER needs a note of {NOTE} characters or more");
        check.problem(ErrorCode::Required, "note", &told);
    }
    let (reason, note) = check.done((reason, note))?;
    let lead = before(ctx, tx, Step::Disqualify, which).await?;
    let step = LeadMove {
        lost_reason: Some(Some(reason)),
        lost_note: Some(note),
        ..to(LeadStatus::Unqualified, &lead, ctx.clock().now())
    };
    model::Lead::go(tx, lead.id, step).await
}

async fn reopen(
    ctx: &Context<'_>,
    tx: &TenantConn,
    which: (LeadId, Option<i32>),
) -> Result<model::Lead> {
    let lead = before(ctx, tx, Step::Reopen, which).await?;
    let step = LeadMove {
        lost_reason: Some(None),
        lost_note: Some(None),
        reopened: Some(lead.reopened.saturating_add(1)),
        ..answered(&lead, ctx.clock().now())
    };
    model::Lead::go(tx, lead.id, step).await
}

#[derive(Default)]
pub struct StepMutation;

#[Object]
impl StepMutation {
    /// Somebody is at it now: a NEW lead, or one that rested. It must have an owner. The first time
    /// is when it was answered (`respondedAt`).
    #[graphql(directive = requires::apply(LeadUpdate))]
    async fn lead_work(
        &self,
        ctx: &Context<'_>,
        id: LeadId,
        expected_version: Option<i32>,
    ) -> Result<Option<LeadPayload>> {
        let which = (id, expected_version);
        LeadPayload::of(ctx.write(LeadUpdate, async |tx| work(ctx, tx, which).await).await)
    }

    /// Lets a lead rest until a day; then it is WORKING again by itself, and its owner has a task, due
    /// at nine of that day in the tenant's time zone.
    #[graphql(directive = requires::apply(LeadUpdate))]
    async fn lead_nurture(
        &self,
        ctx: &Context<'_>,
        id: LeadId,
        expected_version: Option<i32>,
        #[graphql(desc = "Until when; a day after today.")] until: Day,
    ) -> Result<Option<LeadPayload>> {
        let which = (id, expected_version);
        let rests = ctx.write(LeadUpdate, async |tx| nurture(ctx, tx, which, until).await);
        LeadPayload::of(rests.await)
    }

    /// Says that a lead is worth a deal. It needs an e-mail address or a telephone number, and the
    /// score that the tenant wants of these.
    #[graphql(directive = requires::apply(LeadUpdate))]
    async fn lead_qualify(
        &self,
        ctx: &Context<'_>,
        id: LeadId,
        expected_version: Option<i32>,
    ) -> Result<Option<LeadPayload>> {
        let which = (id, expected_version);
        LeadPayload::of(ctx.write(LeadUpdate, async |tx| qualify(ctx, tx, which).await).await)
    }

    /// Gives a lead up.
    #[graphql(directive = requires::apply(LeadUpdate))]
    async fn lead_disqualify(
        &self,
        ctx: &Context<'_>,
        id: LeadId,
        expected_version: Option<i32>,
        #[graphql(desc = "Why, such as \"BUDGET\"; at most 100 characters.")] reason: String,
        #[graphql(
            desc = "What else there is to say; the reason OTHER needs 10 characters or more."
        )]
        note: Option<String>,
    ) -> Result<Option<LeadPayload>> {
        let (which, why) = ((id, expected_version), (reason, note));
        let lost = ctx.write(LeadUpdate, async |tx| disqualify(ctx, tx, which, why).await);
        LeadPayload::of(lost.await)
    }

    /// Takes up a lead that was given up.
    #[graphql(directive = requires::apply(LeadManage))]
    async fn lead_reopen(
        &self,
        ctx: &Context<'_>,
        id: LeadId,
        expected_version: Option<i32>,
    ) -> Result<Option<LeadPayload>> {
        let which = (id, expected_version);
        LeadPayload::of(ctx.write(LeadManage, async |tx| reopen(ctx, tx, which).await).await)
    }
}
