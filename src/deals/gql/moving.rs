//! From stage to stage.

use async_graphql::Context;

use super::{
    super::{
        DealId, StageId,
        model::{self, SalesSettings},
        rules::{self, Said, Standing, Stop},
        values::{DealField, StageKind},
    },
    pipelines::{MAX_STAGES, StagesOfPipeline},
    settings::SettingsOfTenant,
    types::HistoryOfDeal,
};
use crate::{
    access::{Permission, Permission::*},
    clock::{Clock, Day},
    db::TenantConn,
    error::{Error, ErrorCode, Result},
    graphql::{Check, Doors, Transition},
};

/// What `dealMove` asks for.
pub struct Move {
    pub id: DealId,
    pub stage: StageId,
    pub expected_version: Option<i32>,
    pub reason: Option<String>,
    pub hold_until: Option<Day>,
}

/// What a deal has of what stages ask for.
fn has(deal: &model::Deal) -> Vec<DealField> {
    let there = |field: &DealField| match field {
        DealField::Amount => deal.amount.is_some(),
        DealField::Company => deal.company_id.is_some(),
        DealField::Contact => deal.contact_id.is_some(),
        DealField::ExpectedCloseOn => deal.expected_close_on.is_some(),
        DealField::Owner => deal.owner_id.is_some(),
        DealField::Territory => deal.territory_id.is_some(),
    };
    DealField::ALL.iter().copied().filter(there).collect()
}

/// Those of a stage that is asked for with a new deal.
pub fn missing(stage: &model::Stage, deal: &model::Deal) -> Result<()> {
    let has = has(deal);
    let mut check = Check::new();
    for field in stage.required_fields.iter().filter(|field| !has.contains(field)) {
        let told = format!("The stage {} asks for it.", stage.name);
        check.problem(ErrorCode::Required, field.input(), &told);
    }
    check.done(())
}

/// Does whoever asks hold it for this deal?
fn reaches(ctx: &Context<'_>, permission: Permission, deal: &model::Deal) -> Result<bool> {
    let (owner, territory) = (deal.owner_id.map(Into::into), deal.territory_id.map(Into::into));
    let viewer = ctx.viewer()?;
    Ok(viewer.grants.holds(permission) && viewer.reach(permission).covers(owner, territory))
}

fn standing<'a>(
    deal: &model::Deal,
    stages: &'a [model::Stage],
    (from_hold, settings): (Option<StageId>, &SalesSettings),
    (may_move, may_manage): (bool, bool),
) -> Option<Standing<'a>> {
    let known = |id: StageId| stages.iter().find(|stage| stage.id == id);
    Some(Standing {
        at: known(deal.stage_id)?.stop(),
        before_hold: from_hold.and_then(known).map(|stage| stage.position),
        has: has(deal),
        may_move,
        may_manage,
        may_be_won: settings.won_without_quote,
    })
}

/// What `availableTransitions` tells.
pub async fn transitions(ctx: &Context<'_>, deal: &model::Deal) -> Result<Vec<Transition>> {
    if deal.deleted_at.is_some() {
        return Ok(Vec::new());
    }
    let stages = ctx.load::<StagesOfPipeline>(deal.pipeline_id).await?;
    let settings = ctx.load::<SettingsOfTenant>(()).await?.unwrap_or_default();
    let from_hold = match deal.stage_kind {
        StageKind::OnHold => {
            let history = ctx.load::<HistoryOfDeal>(deal.id).await?;
            history.last().and_then(|change| change.from_stage_id)
        }
        _ => None,
    };
    let (viewer, now) = (ctx.viewer()?, ctx.clock().now());
    let may = |permission| {
        Ok::<_, Error>(viewer.check(permission, now).is_ok() && reaches(ctx, permission, deal)?)
    };
    let may = (may(DealUpdate)?, may(DealManage)?);
    let Some(standing) = standing(deal, &stages, (from_hold, &settings), may) else {
        return Ok(Vec::new());
    };
    let stops: Vec<Stop<'_>> = stages.iter().map(model::Stage::stop).collect();
    let others = stops.iter().filter(|stop| **stop != standing.at);
    let transition = |to: &Stop<'_>| {
        let blockers = rules::judge(&standing, to, &stops).blockers;
        Transition {
            name: to.name.to_owned(),
            allowed: blockers.is_empty(),
            blocked_by: blockers.iter().map(ToString::to_string).collect(),
        }
    };
    Ok(others.map(transition).collect())
}

/// The earliest day that it still is somewhere: nobody is told that their today is over.
fn today(clock: &Clock) -> Day {
    let now = clock.now().0;
    Day((now - chrono::Duration::hours(12)).date_naive())
}

/// Takes a deal to another stage.
pub async fn go(ctx: &Context<'_>, tx: &TenantConn, asked: Move) -> Result<model::Deal> {
    let Move { id, stage, expected_version, reason, hold_until } = asked;
    let mut check = Check::new();
    let reason = check.optional("reason", reason, 500);
    let said = check.done(Said { reason, hold_until })?;
    let deal = model::Deal::lock(tx, id, expected_version).await?;
    ctx.expect(tx, &[("stageId", "stages", Some(stage.into()))]).await?;
    let stages = model::Stage::of_pipeline(tx, deal.pipeline_id, MAX_STAGES).await?;
    let Some(target) = stages.iter().find(|known| known.id == stage) else {
        let told = "It is a stage of another pipeline.";
        return Err(Error::refused(ErrorCode::Invalid, "stageId", told));
    };
    let settings = SalesSettings::find(tx).await?;
    let from_hold = match deal.stage_kind {
        StageKind::OnHold => {
            model::StageChange::last(tx, id).await?.and_then(|change| change.from_stage_id)
        }
        _ => None,
    };
    let may = (reaches(ctx, DealUpdate, &deal)?, reaches(ctx, DealManage, &deal)?);
    let standing = standing(&deal, &stages, (from_hold, &settings), may);
    let standing = standing.ok_or(Error::NotFound)?;
    let stops: Vec<Stop<'_>> = stages.iter().map(model::Stage::stop).collect();
    let to = target.stop();
    let problems = rules::refusals(&standing, &to, &stops, (&said, today(ctx.clock())));
    if !problems.is_empty() {
        return Err(Error::Refused(problems));
    }
    if rules::judge(&standing, &to, &stops).managed {
        ctx.allow(DealManage)?;
    }
    let by = ctx.viewer()?.person().ok();
    model::Deal::go(tx, (ctx.clock(), by), &deal, (target, said)).await
}
