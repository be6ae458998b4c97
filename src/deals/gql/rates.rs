use async_graphql::{Context, Object};
use rust_decimal::Decimal;

use super::super::{CurrencyRateId, model};
use crate::{
    access::Permission::*,
    by_id,
    clock::{Day, Timestamp},
    column, connection,
    db::{Deleted, Value},
    error::{ErrorCode, Problem, Result},
    filter,
    graphql::{
        Check, DateFilter, DateTimeFilter, DeletePayload, Doors, Paging, StringFilter, requires,
    },
    money::{Currency, Exact},
    payload,
    tenants::TenantRow,
};

/// It fits `numeric(18,8)`.
const MOST: i64 = 9_999_999_999;
const DIGITS: u32 = 8;

by_id!(
    /// Exchange rates by id.
    CurrencyRateById, currency_rates, model::CurrencyRate, CurrencyRateId, DealRead
);

/// An exchange rate.
pub struct CurrencyRate(pub model::CurrencyRate);

/// What one of a currency is worth in the tenant's own, from a day on until the next rate of that
/// currency begins.
#[Object]
impl CurrencyRate {
    /// Its id.
    pub async fn id(&self) -> CurrencyRateId {
        self.0.id
    }

    /// The currency's ISO 4217 code.
    async fn currency(&self) -> &str {
        &self.0.currency
    }

    /// The first day that it is valid, in the tenant's time zone.
    async fn valid_from(&self) -> Day {
        self.0.valid_from
    }

    /// What one of it is worth in the tenant's own currency, exact.
    async fn rate(&self) -> Exact {
        Exact(self.0.rate.normalize())
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

filter! {
    /// Which exchange rates.
    CurrencyRateWhere {
        /// By currency code.
        currency: StringFilter => |code, _| code.exact(column!(currency_rates::currency)),
        /// By the first day that they are valid.
        valid_from: DateFilter => |day, _| day.on(column!(currency_rates::valid_from)),
        /// By when they were last changed.
        updated_at: DateTimeFilter => |at, _| at.on(column!(currency_rates::updated_at)),
    }
}

connection! {
    /// A page of exchange rates.
    CurrencyRate as CurrencyRateConnection, CurrencyRateEdge, of model::CurrencyRate, which CurrencyRateWhere, permission DealRead;
    id currency_rates::id;
    /// How to sort exchange rates.
    order CurrencyRateOrder by CurrencyRateOrderField {
        /// By the first day that they are valid.
        ValidFrom => currency_rates::valid_from, |rate| Value::Date(rate.0.valid_from.0);
        /// By currency code.
        Currency => currency_rates::currency, |rate| Value::Text(rate.0.currency.clone());
    }
}

payload! {
    /// The answer to a change of an exchange rate.
    CurrencyRatePayload {
        /// The rate as it is now; null when nothing was written.
        currency_rate: CurrencyRate
    }
}

fn invalid(told: &str) -> Problem {
    Problem::new(ErrorCode::Invalid, [], told)
}

fn code(text: String) -> Result<Currency, Problem> {
    Currency::parse(&text)
        .ok_or_else(|| invalid("must be a currency code of three capitals, such as USD"))
}

fn worth(Exact(rate): Exact) -> Result<Decimal, Problem> {
    match rate.normalize().scale() <= DIGITS && rate <= Decimal::from(MOST) {
        true if rate > Decimal::ZERO => Ok(rate),
        true => Err(invalid("must be more than nothing")),
        false => Err(invalid("has at most 8 digits after the point and 10 before it")),
    }
}

#[derive(Default)]
pub struct RateQuery;

#[Object]
impl RateQuery {
    /// The exchange rates, a page at a time.
    #[graphql(directive = requires::apply(DealRead))]
    async fn currency_rates(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        r#where: Option<CurrencyRateWhere>,
        order_by: Option<Vec<CurrencyRateOrder>>,
    ) -> Result<Option<CurrencyRateConnection>> {
        let paging = Paging { first, after, last, before, deleted: false };
        CurrencyRateConnection::load(ctx, paging, r#where, order_by).await
    }
}

#[derive(Default)]
pub struct RateMutation;

#[Object]
impl RateMutation {
    /// Says what one of a currency is worth in the tenant's own from a day on. What was said before
    /// of that day is replaced.
    #[graphql(directive = requires::apply(SalesManage))]
    async fn currency_rate_set(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The currency's ISO 4217 code, any but the tenant's own.")]
        currency: String,
        #[graphql(desc = "The first day that it is valid, in the tenant's time zone.")]
        valid_from: Day,
        #[graphql(desc = "What one of it is worth, with at most 8 digits after the point.")]
        rate: Exact,
    ) -> Result<Option<CurrencyRatePayload>> {
        let set = ctx.write(SalesManage, async |tx| {
            let own = TenantRow::own(tx).await?.currency;
            let mut check = Check::new();
            let currency = check.parse("currency", Some(currency), code);
            let rate = check.parse("rate", Some(rate), worth).unwrap_or_default();
            let currency = currency.map(|one| one.code().to_owned()).unwrap_or_default();
            if currency == own {
                let told = "is the tenant's own: one of it is worth one";
                check.problem(ErrorCode::Invalid, "currency", told);
            }
            let id = CurrencyRateId::new(ctx.clock());
            let new = check.done(model::NewRate { id, currency, valid_from, rate })?;
            model::CurrencyRate::set(tx, new).await
        });
        CurrencyRatePayload::of(set.await.map(CurrencyRate))
    }

    /// Forgets an exchange rate: the one before it holds on.
    #[graphql(directive = requires::apply(SalesManage))]
    async fn currency_rate_delete(
        &self,
        ctx: &Context<'_>,
        id: CurrencyRateId,
        expected_version: Option<i32>,
    ) -> Result<Option<DeletePayload>> {
        let deleted = ctx.write(SalesManage, async |tx| {
            model::CurrencyRate::lock(tx, id, expected_version).await?;
            model::CurrencyRate::delete(tx, id).await?;
            Ok(Deleted(id))
        });
        DeletePayload::of(deleted.await)
    }
}
