use std::collections::HashMap;

use diesel::{
    prelude::*,
    sql_types::{Array, Nullable, Numeric, Text, Timestamptz, Uuid},
};
use diesel_async::RunQueryDsl;
use rust_decimal::Decimal;

use super::super::CurrencyRateId;
use crate::{
    clock::{Day, Timestamp},
    db::TenantConn,
    error::Result,
    listed,
    money::Currency,
    record,
    schema::currency_rates as rates,
};

/// What one of a currency is worth in the tenant's own, from a day on.
#[derive(Clone, Debug, HasQuery)]
#[diesel(table_name = rates)]
pub struct CurrencyRate {
    pub id: CurrencyRateId,
    pub currency: String,
    pub valid_from: Day,
    pub rate: Decimal,
    pub version: i32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = rates)]
pub struct NewRate {
    pub id: CurrencyRateId,
    pub currency: String,
    pub valid_from: Day,
    pub rate: Decimal,
}

#[derive(Clone, Debug, AsChangeset)]
#[diesel(table_name = rates)]
pub struct RateChanges {
    pub rate: Option<Decimal>,
}

record!(CurrencyRate, currency_rates, CurrencyRateId, NewRate, RateChanges);
listed!(CurrencyRate, currency_rates);

impl CurrencyRate {
    /// From that day on, whatever was said of it before.
    pub async fn set(mut conn: &TenantConn, new: NewRate) -> Result<Self> {
        let rate = new.rate;
        let set = diesel::insert_into(rates::table)
            .values((rates::tenant_id.eq(conn.tenant()), new))
            .on_conflict((rates::tenant_id, rates::currency, rates::valid_from))
            .do_update()
            .set(rates::rate.eq(rate))
            .returning(Self::as_returning())
            .get_result(&mut conn)
            .await?;
        Ok(set)
    }

    pub async fn delete(mut conn: &TenantConn, id: CurrencyRateId) -> Result<()> {
        diesel::delete(rates::table)
            .filter(rates::tenant_id.eq(conn.tenant()))
            .filter(rates::id.eq(id))
            .execute(&mut conn)
            .await?;
        Ok(())
    }
}

/// What one of a currency was worth at a moment.
#[derive(Clone, Copy, Debug)]
pub struct Worth {
    /// The tenant's own currency.
    pub base: Currency,
    pub rate: Decimal,
}

#[derive(QueryableByName)]
struct Rated {
    #[diesel(sql_type = Text)]
    currency: String,
    #[diesel(sql_type = Timestamptz)]
    at: Timestamp,
    #[diesel(sql_type = Text)]
    base: String,
    #[diesel(sql_type = Nullable<Numeric>)]
    rate: Option<Decimal>,
}

/// The day is the tenant's.
const RATES: &str = "
SELECT asked.currency, asked.at, own.currency AS base, (
  SELECT r.rate FROM kontor.currency_rates r
  WHERE r.tenant_id = $1 AND r.currency = asked.currency
    AND r.valid_from <= (asked.at AT TIME ZONE own.time_zone)::date
  ORDER BY r.valid_from DESC LIMIT 1) AS rate
FROM unnest($2, $3) AS asked (currency, at) JOIN kontor.tenants own ON own.id = $1";

/// What currencies were worth at moments; those that no rate is known of are missing.
pub async fn worths(
    mut conn: &TenantConn,
    asked: &[(Currency, Timestamp)],
) -> Result<HashMap<(Currency, Timestamp), Worth>> {
    let (currencies, moments): (Vec<_>, Vec<_>) =
        asked.iter().map(|(currency, at)| (currency.code(), *at)).unzip();
    let rows: Vec<Rated> = diesel::sql_query(RATES)
        .bind::<Uuid, _>(conn.tenant())
        .bind::<Array<Text>, _>(currencies)
        .bind::<Array<Timestamptz>, _>(moments)
        .load(&mut conn)
        .await?;
    let worth = |row: Rated| {
        let (currency, base) = (Currency::parse(&row.currency)?, Currency::parse(&row.base)?);
        let rate = if currency == base { Decimal::ONE } else { row.rate? };
        Some(((currency, row.at), Worth { base, rate }))
    };
    Ok(rows.into_iter().filter_map(worth).collect())
}
