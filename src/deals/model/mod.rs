mod history;
mod pipelines;
mod rates;
mod settings;

pub use history::{NewStageChange, StageChange};
pub use pipelines::{
    DEFAULT as DEFAULT_PIPELINE, NewPipeline, NewStage, Pipeline, PipelineChanges, Stage,
    StageChanges, first_stage,
};
pub use rates::{CurrencyRate, NewRate, Worth, worths};
pub use settings::SalesSettings;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use rust_decimal::Decimal;

use super::{
    DealId, PipelineId, StageChangeId, StageId,
    rules::{Odds, Said, odds},
    values::{ForecastCategory, StageKind},
};
use crate::{
    accounts::UserId,
    clock::{Clock, Day, Timestamp},
    column,
    companies::CompanyId,
    contacts::ContactId,
    db::{Link, TenantConn},
    error::Result,
    kept, listed,
    money::{Exact, Money},
    record,
    schema::{deals, lead_conversions},
    tagged,
    territories::TerritoryId,
};

/// How a company reaches its deals, for filters.
pub const DEALS_OF_COMPANIES: Link =
    Link::one(column!(companies::id), column!(deals::company_id)).alive(column!(deals::deleted_at));

/// How a contact reaches the deals, for filters.
pub const DEALS_OF_CONTACTS: Link =
    Link::one(column!(contacts::id), column!(deals::contact_id)).alive(column!(deals::deleted_at));

/// How a deal reaches the company, for filters.
pub const COMPANY_OF_DEALS: Link = Link::one(column!(deals::company_id), column!(companies::id))
    .alive(column!(companies::deleted_at));

/// How a deal reaches the contact, for filters.
pub const CONTACT_OF_DEALS: Link = Link::one(column!(deals::contact_id), column!(contacts::id))
    .alive(column!(contacts::deleted_at));

/// How a deal reaches its pipeline, for filters.
pub const PIPELINE_OF_DEALS: Link = Link::one(column!(deals::pipeline_id), column!(pipelines::id))
    .alive(column!(pipelines::deleted_at));

/// How a deal reaches its stage, for filters.
pub const STAGE_OF_DEALS: Link =
    Link::one(column!(deals::stage_id), column!(stages::id)).alive(column!(stages::deleted_at));

/// How a deal reaches the territory, for filters.
pub const TERRITORY_OF_DEALS: Link =
    Link::one(column!(deals::territory_id), column!(territories::id));

#[derive(Clone, Debug, HasQuery)]
#[diesel(table_name = deals)]
pub struct Deal {
    pub id: DealId,
    pub name: String,
    pub name_key: String,
    pub company_id: Option<CompanyId>,
    pub contact_id: Option<ContactId>,
    pub owner_id: Option<UserId>,
    pub territory_id: Option<TerritoryId>,
    pub pipeline_id: PipelineId,
    pub stage_id: StageId,
    pub stage_kind: StageKind,
    pub amount: Option<Exact>,
    pub amount_currency: Option<String>,
    pub amount_key: Exact,
    pub probability: i32,
    pub probability_set: bool,
    pub forecast: ForecastCategory,
    pub expected_close_on: Option<Day>,
    pub close_key: Day,
    pub closed_at: Option<Timestamp>,
    pub lost_reason: Option<String>,
    pub hold_until: Option<Day>,
    pub reopened: i32,
    pub stage_since: Timestamp,
    pub version: i32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub deleted_at: Option<Timestamp>,
}

/// A deal to be made; the tenant is the connection's.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = deals, treat_none_as_default_value = false)]
pub struct NewDeal {
    pub id: DealId,
    pub name: String,
    pub company_id: Option<CompanyId>,
    pub contact_id: Option<ContactId>,
    pub owner_id: Option<UserId>,
    pub territory_id: Option<TerritoryId>,
    pub pipeline_id: PipelineId,
    pub stage_id: StageId,
    pub stage_kind: StageKind,
    #[diesel(embed)]
    pub amount: Amount,
    pub probability: i32,
    pub probability_set: bool,
    pub forecast: ForecastCategory,
    pub expected_close_on: Option<Day>,
    pub reopened: i32,
    pub stage_since: Timestamp,
}

impl NewDeal {
    /// With nothing but a name, in a stage.
    pub fn in_stage(id: DealId, name: String, stage: &Stage, at: Timestamp) -> Self {
        Self {
            id,
            name,
            company_id: None,
            contact_id: None,
            owner_id: None,
            territory_id: None,
            pipeline_id: stage.pipeline_id,
            stage_id: stage.id,
            stage_kind: stage.kind,
            amount: Amount::default(),
            probability: stage.probability,
            probability_set: false,
            forecast: ForecastCategory::Pipeline,
            expected_close_on: None,
            reopened: 0,
            stage_since: at,
        }
    }
}

/// What an update changes: `None` keeps, `Some(None)` clears.
#[derive(Clone, Debug, Default, AsChangeset)]
#[diesel(table_name = deals)]
pub struct DealChanges {
    pub name: Option<String>,
    pub company_id: Option<Option<CompanyId>>,
    pub contact_id: Option<Option<ContactId>>,
    pub owner_id: Option<Option<UserId>>,
    pub territory_id: Option<Option<TerritoryId>>,
    #[diesel(embed)]
    pub amount: Option<Amount>,
    pub probability: Option<i32>,
    pub probability_set: Option<bool>,
    pub forecast: Option<ForecastCategory>,
    pub expected_close_on: Option<Option<Day>>,
    pub hold_until: Option<Day>,
}

/// Money in its two columns.
#[derive(Clone, Debug, Default, Insertable, AsChangeset)]
#[diesel(table_name = deals, treat_none_as_null = true, treat_none_as_default_value = false)]
pub struct Amount {
    amount: Option<Decimal>,
    amount_currency: Option<String>,
}

impl From<Option<Money>> for Amount {
    fn from(money: Option<Money>) -> Self {
        Self {
            amount: money.as_ref().map(|money| money.amount),
            amount_currency: money.map(|money| money.currency.code().to_owned()),
        }
    }
}

/// What coming to a stage makes of a deal.
#[derive(Clone, Debug, AsChangeset)]
#[diesel(table_name = deals, treat_none_as_null = true)]
pub struct Moved {
    pub stage_id: StageId,
    pub stage_kind: StageKind,
    pub stage_since: Timestamp,
    pub probability: i32,
    pub probability_set: bool,
    pub forecast: ForecastCategory,
    pub closed_at: Option<Timestamp>,
    pub lost_reason: Option<String>,
    pub hold_until: Option<Day>,
    pub reopened: i32,
}

record!(Deal, deals[not deleted_at][owner owner_id territory_id], DealId, NewDeal, DealChanges);
kept!(Deal, deals, DealId);
listed!(Deal, deals[not deleted_at]);
tagged!(DealId, deals, deal_tags::deal_id);

impl Deal {
    /// Makes a deal, with the first line of its history.
    pub async fn begin(
        conn: &TenantConn,
        (clock, by): (&Clock, Option<UserId>),
        new: NewDeal,
    ) -> Result<Self> {
        let made = Self::insert(conn, new).await?;
        let step = NewStageChange {
            id: StageChangeId::new(clock),
            deal_id: made.id,
            from_stage_id: None,
            to_stage_id: made.stage_id,
            at: made.stage_since,
            by_id: by,
            reason: None,
            seconds_in_previous: None,
        };
        StageChange::insert(conn, step).await?;
        Ok(made)
    }

    /// To another stage, with the line in its history. Whether it may go there has been decided, and
    /// the row is locked.
    pub async fn go(
        conn: &TenantConn,
        (clock, by): (&Clock, Option<UserId>),
        deal: &Self,
        (to, said): (&Stage, Said),
    ) -> Result<Self> {
        let now = clock.now();
        let Self { probability, probability_set: set, forecast, .. } = *deal;
        let before = Odds { probability, set, forecast };
        let Odds { probability, set, forecast } = odds(before, deal.stage_kind, &to.stop());
        let lost = to.kind == StageKind::Lost;
        let moved = Moved {
            stage_id: to.id,
            stage_kind: to.kind,
            stage_since: now,
            probability,
            probability_set: set,
            forecast,
            closed_at: to.kind.is_closed().then_some(now),
            lost_reason: said.reason.clone().filter(|_| lost),
            hold_until: said.hold_until,
            reopened: deal.reopened + i32::from(deal.stage_kind.is_closed()),
        };
        let seconds = now.unix_seconds() - deal.stage_since.unix_seconds();
        let step = NewStageChange {
            id: StageChangeId::new(clock),
            deal_id: deal.id,
            from_stage_id: Some(deal.stage_id),
            to_stage_id: to.id,
            at: now,
            by_id: by,
            reason: said.reason,
            seconds_in_previous: i32::try_from(seconds.max(0)).ok().or(Some(i32::MAX)),
        };
        StageChange::insert(conn, step).await?;
        Self::put(conn, deal.id, moved).await
    }

    async fn put(mut conn: &TenantConn, id: DealId, moved: Moved) -> Result<Self> {
        let moved = diesel::update(deals::table)
            .filter(deals::tenant_id.eq(conn.tenant()))
            .filter(deals::id.eq(id))
            .set(moved)
            .returning(Self::as_returning())
            .get_result(&mut conn)
            .await?;
        Ok(moved)
    }

    /// How many are in these stages, those that are deleted among them.
    pub async fn count_in(mut conn: &TenantConn, stages: &[StageId]) -> Result<i64> {
        let count = deals::table
            .filter(deals::tenant_id.eq(conn.tenant()))
            .filter(deals::stage_id.eq_any(stages))
            .count()
            .get_result(&mut conn)
            .await?;
        Ok(count)
    }

    /// Whatever lead it came from, it is to be removed for good.
    pub async fn leave_conversion(mut conn: &TenantConn, id: DealId) -> Result<()> {
        diesel::update(lead_conversions::table)
            .filter(lead_conversions::tenant_id.eq(conn.tenant()))
            .filter(lead_conversions::deal_id.eq(id))
            .set(lead_conversions::deal_id.eq(None::<DealId>))
            .execute(&mut conn)
            .await?;
        Ok(())
    }

    /// None is with this company any more; it is to be removed for good.
    pub async fn leave_company(mut conn: &TenantConn, company: CompanyId) -> Result<()> {
        diesel::update(deals::table)
            .filter(deals::tenant_id.eq(conn.tenant()))
            .filter(deals::company_id.eq(company))
            .set(deals::company_id.eq(None::<CompanyId>))
            .execute(&mut conn)
            .await?;
        Ok(())
    }

    /// None is with this contact any more; it is to be removed for good.
    pub async fn leave_contact(mut conn: &TenantConn, contact: ContactId) -> Result<()> {
        diesel::update(deals::table)
            .filter(deals::tenant_id.eq(conn.tenant()))
            .filter(deals::contact_id.eq(contact))
            .set(deals::contact_id.eq(None::<ContactId>))
            .execute(&mut conn)
            .await?;
        Ok(())
    }
}
