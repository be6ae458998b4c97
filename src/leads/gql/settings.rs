use async_graphql::{Context, InputObject, Many, MaybeUndefined, Object};

use super::super::model::{
    assignment::{Intake, set_intake},
    scores::rescore_later,
    settings::{Settings, SettingsChanges},
};
use crate::{
    access::Permission::*,
    accounts::UserId,
    db::Deleted,
    error::{ErrorCode, Problem, Result},
    graphql::{Check, Doors, UserError, count, refusals, requires},
    payload,
    territories::{Territory, TerritoryById, TerritoryId},
};

/// How the tenant wants its leads handled.
pub struct LeadSettings(Settings);

/// How the tenant wants its leads handled.
#[Object]
impl LeadSettings {
    /// How soon a new lead is to be answered; 24 hours until you say otherwise.
    async fn respond_within_hours(&self) -> i32 {
        self.0.respond_within_hours
    }

    /// The score that a lead needs to be qualified; null: any will do.
    async fn minimum_score(&self) -> Option<i32> {
        self.0.minimum_score
    }

    /// Counts their changes: give it as `expectedVersion` to change what you have seen. Zero: there
    /// was no change yet.
    async fn version(&self) -> i32 {
        self.0.version
    }
}

/// What to change: an absent field keeps its value.
#[derive(InputObject)]
pub struct LeadSettingsInput {
    /// How soon a new lead is to be answered, from 1 to 8760 hours.
    respond_within_hours: Option<i32>,
    /// The score that a lead needs to be qualified, from 0 to 100; null: any will do.
    minimum_score: MaybeUndefined<i32>,
}

impl LeadSettingsInput {
    fn check(self) -> Result<SettingsChanges> {
        let mut check = Check::new();
        let within = |from: i32, to: i32| {
            move |number: i32| {
                let told = format!("must be from {from} to {to}");
                let wrong = || Problem::new(ErrorCode::Invalid, [], told);
                (from..=to).contains(&number).then_some(number).ok_or_else(wrong)
            }
        };
        let hours = within(1, 8760);
        let changes = SettingsChanges {
            respond_within_hours: check.parse(
                "respondWithinHours",
                self.respond_within_hours,
                hours,
            ),
            minimum_score: check.keep_or_parse("minimumScore", self.minimum_score, within(0, 100)),
        };
        check.done(changes)
    }
}

payload! {
    /// The answer to a change of how leads are handled.
    LeadSettingsPayload {
        /// What holds now; null when nothing was written.
        lead_settings: LeadSettings
    }
}

/// What to change: an absent field keeps its value.
#[derive(InputObject)]
pub struct LeadIntakeInput {
    /// Are they there? Who is not gets no leads.
    present: Option<bool>,
    /// How many open leads they have at most, wherever those are; null: any number.
    lead_cap: MaybeUndefined<i32>,
}

/// The answer to a change of what somebody takes on.
pub struct LeadIntakePayload {
    territory: Option<TerritoryId>,
    user_errors: Many<UserError>,
}

/// The answer to a change of what somebody takes on.
#[Object]
impl LeadIntakePayload {
    /// The territory, with its members as they are now; null when nothing was written.
    async fn territory(&self, ctx: &Context<'_>) -> Result<Option<Territory>> {
        let Some(territory) = self.territory else { return Ok(None) };
        Ok(ctx.load::<TerritoryById>(territory).await?.map(Territory))
    }

    /// Why nothing was written; empty when it was.
    async fn user_errors(&self) -> &Many<UserError> {
        &self.user_errors
    }
}

#[derive(Default)]
pub struct SettingsQuery;

#[Object]
impl SettingsQuery {
    /// How the tenant wants its leads handled.
    #[graphql(directive = requires::apply(LeadRead))]
    async fn lead_settings(&self, ctx: &Context<'_>) -> Result<Option<LeadSettings>> {
        let conn = ctx.read(LeadRead).await?;
        Ok(Some(LeadSettings(Settings::find(&conn).await?)))
    }
}

#[derive(Default)]
pub struct SettingsMutation;

#[Object]
impl SettingsMutation {
    /// Says how the tenant wants its leads handled.
    #[graphql(directive = requires::apply(SalesManage))]
    async fn lead_settings_update(
        &self,
        ctx: &Context<'_>,
        expected_version: Option<i32>,
        #[graphql(desc = "What to change.")] input: LeadSettingsInput,
    ) -> Result<Option<LeadSettingsPayload>> {
        let changed = ctx.write(SalesManage, async |tx| {
            let changes = input.check()?;
            Settings::lock(tx, ctx.clock(), expected_version).await?;
            Settings::update(tx, changes).await
        });
        LeadSettingsPayload::of(changed.await.map(LeadSettings))
    }

    /// Says whether somebody takes on leads of a territory now, and how many. New leads of a
    /// territory go round among those who are there and have room.
    #[graphql(directive = requires::apply(TerritoryManage))]
    async fn lead_intake_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Where they work.")] territory_id: TerritoryId,
        #[graphql(desc = "Who.")] user_id: UserId,
        #[graphql(desc = "What to change.")] input: LeadIntakeInput,
    ) -> Result<Option<LeadIntakePayload>> {
        let changed = ctx.write(TerritoryManage, async |tx| {
            let mut check = Check::new();
            let lead_cap = check.keep_or_parse("leadCap", input.lead_cap, count);
            let intake = check.done(Intake { present: input.present, lead_cap })?;
            set_intake(tx, (territory_id, user_id), intake).await?;
            Ok(Deleted(territory_id))
        });
        let (territory, problems) = match changed.await {
            Ok(Deleted(territory)) => (Some(territory), Vec::new()),
            Err(error) => (None, refusals(error)?),
        };
        let user_errors = problems.into_iter().map(Into::into).collect();
        Ok(Some(LeadIntakePayload { territory, user_errors }))
    }

    /// Computes all scores anew, later: what was brought in past the product has none.
    #[graphql(directive = requires::apply(SalesManage))]
    async fn leads_rescore(&self, ctx: &Context<'_>) -> Result<Option<LeadSettingsPayload>> {
        let asked = ctx.write(SalesManage, async |tx| {
            rescore_later(tx, ctx.clock(), None).await?;
            Settings::find(tx).await
        });
        LeadSettingsPayload::of(asked.await.map(LeadSettings))
    }
}
