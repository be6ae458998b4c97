use std::collections::HashMap;

use async_graphql::{Context, Many, Object};
use chrono::DateTime;

use super::{
    super::{
        DealId, StageChangeId,
        model::{self, Worth},
        rules,
        values::{ForecastCategory, StageKind},
    },
    moving,
    pipelines::{AnyStageById, Pipeline, PipelineById, Stage},
};
use crate::{
    access::{Permission, Permission::*},
    accounts::{User, UserById},
    activities::{ActivityConnection, ActivityOrder, ActivityWhere},
    by_id,
    clock::{Day, Timestamp},
    column,
    companies::{Company, CompanyById},
    contacts::{Contact, ContactById},
    db::TenantConn,
    error::Result,
    graphql::{Doors, ReadField, Relation, Transition, requires},
    graphql::{Nesting, Paging},
    has_many,
    money::{Currency, Money},
    tags::{Tag, tags},
    territories::{Territory, TerritoryById},
    timeline::{TimelineConnection, TimelineKind, timeline},
};

by_id!(
    /// Deals by id; deleted ones are not found.
    DealById, deals[not deleted_at], model::Deal, DealId, DealRead
);
by_id!(
    /// Steps of deals by id.
    StageChangeById, stage_changes, model::StageChange, StageChangeId, DealRead
);
has_many!(
    /// How a deal came to where it is.
    HistoryOfDeal, max 200, model::StageChange::of_deals, DealId, model::StageChange, DealRead
);

/// What one of a currency was worth at a moment.
pub struct WorthOf;

impl Relation for WorthOf {
    type Key = (Currency, Timestamp);
    type Value = Option<Worth>;
    const PERMISSION: Permission = DealRead;

    async fn load(
        conn: &TenantConn,
        keys: &[Self::Key],
    ) -> Result<HashMap<Self::Key, Option<Worth>>> {
        let worths = model::worths(conn, keys).await?;
        Ok(worths.into_iter().map(|(key, worth)| (key, Some(worth))).collect())
    }
}

const DAY: i64 = 24 * 60 * 60;
const QUARTER: i64 = 15 * 60;

/// When the last quarter of an hour began: wherever one is, it is the same day still, and all
/// deals of an answer ask for the same moment.
fn quarter(at: Timestamp) -> Timestamp {
    let seconds = at.unix_seconds();
    Timestamp(DateTime::from_timestamp(seconds - seconds.rem_euclid(QUARTER), 0).unwrap_or(at.0))
}

/// Something that the tenant hopes to sell.
pub struct Deal(pub model::Deal);

impl Deal {
    fn money(&self) -> Option<Money> {
        Money::from_columns(self.0.amount, self.0.amount_currency.as_deref())
    }

    fn seconds_in_stage(&self, ctx: &Context<'_>) -> i64 {
        let seconds = ctx.clock().now().unix_seconds() - self.0.stage_since.unix_seconds();
        seconds.max(0)
    }
}

/// Something that the tenant hopes to sell.
#[Object]
impl Deal {
    /// Its id.
    pub async fn id(&self) -> DealId {
        self.0.id
    }

    /// Its name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Who would buy.
    async fn company(&self, ctx: &Context<'_>) -> Result<Option<Company>> {
        let Some(company) = self.0.company_id else { return Ok(None) };
        Ok(ctx.load::<CompanyById>(company).await?.map(Company))
    }

    /// Whom the tenant talks to about it.
    async fn contact(&self, ctx: &Context<'_>) -> Result<Option<Contact>> {
        let Some(contact) = self.0.contact_id else { return Ok(None) };
        Ok(ctx.load::<ContactById>(contact).await?.map(Contact))
    }

    /// Who looks after it.
    async fn owner(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        let Some(owner) = self.0.owner_id else { return Ok(None) };
        Ok(ctx.load::<UserById>(owner).await?.map(User))
    }

    /// The territory it belongs to.
    async fn territory(&self, ctx: &Context<'_>) -> Result<Option<Territory>> {
        let Some(territory) = self.0.territory_id else { return Ok(None) };
        Ok(ctx.load::<TerritoryById>(territory).await?.map(Territory))
    }

    /// The way it goes.
    async fn pipeline(&self, ctx: &Context<'_>) -> Result<Option<Pipeline>> {
        Ok(ctx.load::<PipelineById>(self.0.pipeline_id).await?.map(Pipeline))
    }

    /// How far it has come.
    async fn stage(&self, ctx: &Context<'_>) -> Result<Option<Stage>> {
        Ok(ctx.load::<AnyStageById>(self.0.stage_id).await?.map(Stage))
    }

    /// What that means.
    async fn stage_kind(&self) -> StageKind {
        self.0.stage_kind
    }

    /// When it came there.
    async fn stage_since(&self) -> Timestamp {
        self.0.stage_since
    }

    /// For how many whole days it has been there.
    async fn days_in_stage(&self, ctx: &Context<'_>) -> i32 {
        i32::try_from(self.seconds_in_stage(ctx) / DAY).unwrap_or(i32::MAX)
    }

    /// Has it been there for longer than the stage's `maxDays`? What is won or lost is never stuck.
    async fn is_stuck(&self, ctx: &Context<'_>) -> Result<Option<bool>> {
        if self.0.stage_kind.is_closed() {
            return Ok(Some(false));
        }
        let stage = ctx.load::<AnyStageById>(self.0.stage_id).await?;
        let seconds = self.seconds_in_stage(ctx);
        let is_over = |max: i32| seconds > i64::from(max) * DAY;
        Ok(stage.map(|stage| stage.max_days.is_some_and(is_over)))
    }

    /// What it would bring, in the currency of the deal.
    #[graphql(directive = requires::apply(MoneyRead))]
    async fn amount(&self, ctx: &Context<'_>) -> Option<Money> {
        let (table, record) = ("deals", self.0.id.into());
        let seen = ctx.may_see_field(MoneyRead, ReadField { table, record, name: "amount" });
        seen.then(|| self.money())?
    }

    /// What it is worth by its probability: the amount in the tenant's own currency, times the
    /// probability, rounded half away from zero to that currency's digits. The exchange rate is the
    /// one valid today, of a closed deal the one valid when it was closed, by the tenant's days.
    /// Null where there is no amount, and where no rate is known (`currencyRateSet`).
    #[graphql(directive = requires::apply(MoneyRead))]
    async fn weighted(&self, ctx: &Context<'_>) -> Result<Option<Money>> {
        let (table, record) = ("deals", self.0.id.into());
        if !ctx.may_see_field(MoneyRead, ReadField { table, record, name: "weighted" }) {
            return Ok(None);
        }
        let Some(Money { amount, currency }) = self.money() else { return Ok(None) };
        let at = quarter(self.0.closed_at.unwrap_or_else(|| ctx.clock().now()));
        let Some(worth) = ctx.load::<WorthOf>((currency, at)).await? else { return Ok(None) };
        Ok(rules::weighted(amount, worth.rate, self.0.probability, worth.base))
    }

    /// How likely it is, in percent: what was said by hand, else what its stage says.
    async fn probability(&self) -> i32 {
        self.0.probability
    }

    /// Was the probability said by hand?
    async fn probability_overridden(&self) -> bool {
        self.0.probability_set
    }

    /// How much a forecast counts on it.
    async fn forecast(&self) -> ForecastCategory {
        self.0.forecast
    }

    /// The day on which it is expected to close.
    async fn expected_close_on(&self) -> Option<Day> {
        self.0.expected_close_on
    }

    /// When it was won or lost; null while it is neither.
    async fn closed_at(&self) -> Option<Timestamp> {
        self.0.closed_at
    }

    /// Why it was lost.
    async fn lost_reason(&self) -> Option<&str> {
        self.0.lost_reason.as_deref()
    }

    /// Until when it is on hold.
    async fn hold_until(&self) -> Option<Day> {
        self.0.hold_until
    }

    /// How often it was opened again after it was won or lost.
    async fn reopened(&self) -> i32 {
        self.0.reopened
    }

    /// How it came to where it is, the oldest step first; the last 200 steps.
    async fn stage_history(&self, ctx: &Context<'_>) -> Result<Many<StageChange>> {
        let history = ctx.load::<HistoryOfDeal>(self.0.id).await?;
        Ok(history.into_iter().map(StageChange).collect())
    }

    /// The other stages of its pipeline, each by its name, and whether `dealMove` would take it
    /// there for you now. What is said with a move (`reason`, `holdUntil`) is not asked here. Of a
    /// deleted deal: none.
    async fn available_transitions(&self, ctx: &Context<'_>) -> Result<Many<Transition>> {
        moving::transitions(ctx, &self.0).await.map(Many)
    }

    /// What was done and is to be done about it.
    async fn activities(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        r#where: Option<ActivityWhere>,
        order_by: Option<Vec<ActivityOrder>>,
    ) -> Result<Option<ActivityConnection>> {
        let (paging, of) = (Paging::forward(first, after), column!(activities::deal_id));
        ActivityConnection::of(ctx, Nesting::of(self.0.id, of), paging, r#where, order_by).await
    }

    /// Its tags, by name.
    async fn tags(&self, ctx: &Context<'_>) -> Result<Many<Tag>> {
        tags(ctx, self.0.id).await
    }

    /// What happened with it, the newest first (what is still to come is on top): the activities about
    /// it; its steps from stage to stage, of which the first tells that it was made; and how it was
    /// changed, given to somebody else, deleted and brought back. What you may not see is not in it, and
    /// not counted.
    async fn timeline(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        #[graphql(desc = "Of these kinds only; absent: of all.")] kinds: Option<Vec<TimelineKind>>,
    ) -> Result<Option<TimelineConnection>> {
        timeline(ctx, (self.0.id, column!(deals::id)), (first, after), kinds).await
    }

    /// Counts its changes: give it as `expectedVersion` to change what you have seen.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was made.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// When it was last changed.
    async fn updated_at(&self) -> Timestamp {
        self.0.updated_at
    }
}

/// A step of a deal from one stage to another.
pub struct StageChange(pub model::StageChange);

/// A step of a deal from one stage to another.
#[Object]
impl StageChange {
    /// From where; null when the deal was made.
    async fn from(&self, ctx: &Context<'_>) -> Result<Option<Stage>> {
        let Some(from) = self.0.from_stage_id else { return Ok(None) };
        Ok(ctx.load::<AnyStageById>(from).await?.map(Stage))
    }

    /// To where.
    async fn to(&self, ctx: &Context<'_>) -> Result<Option<Stage>> {
        Ok(ctx.load::<AnyStageById>(self.0.to_stage_id).await?.map(Stage))
    }

    /// When.
    async fn at(&self) -> Timestamp {
        self.0.at
    }

    /// Who took it there; null when it was a program.
    async fn by(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        let Some(by) = self.0.by_id else { return Ok(None) };
        Ok(ctx.load::<UserById>(by).await?.map(User))
    }

    /// Why, where it was said.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// How many seconds it had been in the stage before; null when the deal was made.
    async fn seconds_in_previous(&self) -> Option<i32> {
        self.0.seconds_in_previous
    }
}
