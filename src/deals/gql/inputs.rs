use async_graphql::{InputObject, MaybeUndefined};

use super::super::{
    DealId, PipelineId, StageId, model, rules,
    values::{ForecastCategory, StageKind},
};
use crate::{
    access::{Permission::*, Viewer},
    accounts::UserId,
    clock::Day,
    companies::CompanyId,
    contacts::ContactId,
    error::{ErrorCode, Problem, Result},
    graphql::{Check, keep},
    money::MoneyInput,
    territories::TerritoryId,
};

/// A part of a hundred.
pub fn percent(number: i32) -> Result<i32, Problem> {
    let told = "must be 0 to 100";
    (0..=100)
        .contains(&number)
        .then_some(number)
        .ok_or_else(|| Problem::new(ErrorCode::Invalid, [], told))
}

/// A deal to be made.
#[derive(InputObject)]
pub struct DealCreateInput {
    /// Its name, 1 to 200 characters.
    name: String,
    /// Who would buy.
    pub company_id: Option<CompanyId>,
    /// Whom the tenant talks to about it.
    pub contact_id: Option<ContactId>,
    /// The way it goes; its stage's when absent, and without one the tenant's first.
    pub pipeline_id: Option<PipelineId>,
    /// Where it begins, an open stage; the pipeline's first one when absent.
    pub stage_id: Option<StageId>,
    /// What it would bring.
    amount: Option<MoneyInput>,
    /// How likely it is, in percent; what its stage says when absent.
    probability: Option<i32>,
    /// How much a forecast counts on it, anything but CLOSED; PIPELINE when absent.
    forecast: Option<ForecastCategory>,
    /// The day on which it is expected to close.
    expected_close_on: Option<Day>,
    /// Who looks after it; yourself when absent, nobody when you are a program.
    owner_id: Option<UserId>,
    /// The territory it belongs to; its company's when absent.
    pub territory_id: Option<TerritoryId>,
}

impl DealCreateInput {
    /// All but the stage, which is to be found first.
    pub fn check(self, viewer: &Viewer) -> Result<impl FnOnce(model::NewDeal) -> model::NewDeal> {
        let mut check = Check::by(viewer);
        check.may_write(MoneyRead, "amount", self.amount.is_some());
        let name = check.text("name", self.name, 200);
        let amount = check.parse("amount", self.amount, |money| money.check("amount"));
        let probability = check.parse("probability", self.probability, percent);
        let forecast = self.forecast.unwrap_or(ForecastCategory::Pipeline);
        if !rules::may_be_forecast(StageKind::Open, forecast) {
            check.problem(ErrorCode::Invalid, "forecast", "is for deals that are won");
        }
        let owner_id = self.owner_id.or(viewer.person().ok());
        check.done(move |new: model::NewDeal| model::NewDeal {
            name,
            company_id: self.company_id,
            contact_id: self.contact_id,
            owner_id,
            territory_id: self.territory_id,
            amount: amount.into(),
            probability: probability.unwrap_or(new.probability),
            probability_set: probability.is_some(),
            forecast,
            expected_close_on: self.expected_close_on,
            ..new
        })
    }
}

/// What to change: an absent field keeps its value, null clears it. To another stage a deal goes
/// with `dealMove`.
#[derive(InputObject)]
pub struct DealUpdateInput {
    /// Its name, 1 to 200 characters.
    name: MaybeUndefined<String>,
    /// Who would buy.
    company_id: MaybeUndefined<CompanyId>,
    /// Whom the tenant talks to about it.
    contact_id: MaybeUndefined<ContactId>,
    /// What it would bring.
    amount: MaybeUndefined<MoneyInput>,
    /// How likely it is, in percent, as long as it is neither won nor lost; null: what its stage
    /// says.
    probability: MaybeUndefined<i32>,
    /// How much a forecast counts on it; null: what its stage says. What is won is CLOSED, what is
    /// lost or on hold is OMITTED.
    forecast: MaybeUndefined<ForecastCategory>,
    /// The day on which it is expected to close.
    expected_close_on: MaybeUndefined<Day>,
    /// Until when it is on hold; only of a deal that is.
    hold_until: MaybeUndefined<Day>,
    /// Who looks after it.
    owner_id: MaybeUndefined<UserId>,
    /// The territory it belongs to.
    territory_id: MaybeUndefined<TerritoryId>,
}

/// What depends on the stage that a deal is in.
pub struct ByHand {
    probability: Option<Option<i32>>,
    forecast: Option<Option<ForecastCategory>>,
    hold_until: Option<Option<Day>>,
}

impl DealUpdateInput {
    pub fn check(self, viewer: &Viewer) -> Result<(model::DealChanges, ByHand)> {
        let mut check = Check::by(viewer);
        check.may_write(MoneyRead, "amount", !self.amount.is_undefined());
        let amount = |money: MoneyInput| money.check("amount");
        let changes = model::DealChanges {
            name: check.keep_or_text("name", self.name, 200),
            company_id: keep(self.company_id),
            contact_id: keep(self.contact_id),
            owner_id: keep(self.owner_id),
            territory_id: keep(self.territory_id),
            amount: check.keep_or_parse("amount", self.amount, amount).map(Into::into),
            expected_close_on: keep(self.expected_close_on),
            ..model::DealChanges::default()
        };
        let by_hand = ByHand {
            probability: check.keep_or_parse("probability", self.probability, percent),
            forecast: keep(self.forecast),
            hold_until: keep(self.hold_until),
        };
        check.done((changes, by_hand))
    }
}

impl ByHand {
    /// Does it take the stage's probability again?
    pub fn asks_stage(&self) -> bool {
        self.probability == Some(None)
    }

    /// With what the deal and its stage say to it.
    pub fn applied(
        self,
        mut changes: model::DealChanges,
        deal: &model::Deal,
        of_stage: Option<i32>,
    ) -> Result<model::DealChanges> {
        let mut check = Check::new();
        let kind = deal.stage_kind;
        if let Some(probability) = self.probability {
            if kind.is_closed() {
                let told = "What is won or lost is as likely as its stage says.";
                check.problem(ErrorCode::Invalid, "probability", told);
            }
            changes.probability = probability.or(of_stage);
            changes.probability_set = Some(probability.is_some());
        }
        if let Some(forecast) = self.forecast {
            let forecast = forecast.unwrap_or(rules::forecast_of(kind));
            if !rules::may_be_forecast(kind, forecast) {
                let told = "A deal in such a stage is not forecast like this.";
                check.problem(ErrorCode::Invalid, "forecast", told);
            }
            changes.forecast = Some(forecast);
        }
        match self.hold_until {
            Some(_) if kind != StageKind::OnHold => {
                check.problem(ErrorCode::Invalid, "holdUntil", "The deal is not on hold.");
            }
            Some(None) => check.problem(ErrorCode::Required, "holdUntil", "cannot be cleared"),
            Some(Some(day)) => changes.hold_until = Some(day),
            None => {}
        }
        check.done(changes)
    }
}

/// A deal to be changed.
#[derive(InputObject)]
pub struct DealChangeInput {
    /// Which.
    pub id: DealId,
    /// The version that you have seen; another one is refused.
    pub expected_version: Option<i32>,
    /// What to change.
    pub input: DealUpdateInput,
}
