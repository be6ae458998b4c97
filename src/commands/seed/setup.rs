//! How the demo's tenants sell: territories, tags, an exchange rate, what leads are worth.

use std::{collections::HashMap, time::Duration};

use uuid::Uuid;

use super::{
    life::{PAST, currencies},
    story::{TAGS, TERRITORIES},
};
use crate::{
    access::BuiltInRole::{Manager, Rep},
    accounts::{UserId, UserRow},
    clock::{Clock, Day, Timestamp},
    column,
    companies::{CompanyChanges, CompanyRow},
    db::{Direction, Paged, Slice, SortKey, TenantConn},
    deals::{CurrencyRateId, CurrencyRateRow, NewRate},
    error::Result,
    leads::{NewScoreRule, ScoreEvent, ScoreField, ScoreOperator, ScoreRuleId, ScoreRuleRow},
    tags::{NewTag, TagId, TagRow, replace_tags_of},
    tenants::TenantRow,
    territories::{
        NewRule, NewTerritory, Place, RuleId, TerritoryId, TerritoryMember, TerritoryRow,
        TerritoryRule, territory_for,
    },
};

/// Sets a tenant up; its companies, and its tags.
pub async fn set_up(
    tx: &TenantConn,
    clock: &Clock,
    tenant: &TenantRow,
    now: Timestamp,
) -> Result<(Vec<CompanyRow>, Vec<TagRow>)> {
    let reps: Vec<_> = UserRow::by_role(tx, Rep.name()).await?.iter().map(|rep| rep.id).collect();
    let managers = UserRow::by_role(tx, Manager.name()).await?;
    territories(tx, clock, &reps, managers.first().map(|manager| manager.id)).await?;
    let day = Day(now.minus(Duration::from_hours(24 * PAST)).0.date_naive());
    let (currency, _) = currencies(tenant)?;
    let rate = if currency.code() == "USD" { 91 } else { 110 };
    let rate = NewRate {
        id: CurrencyRateId::new(clock),
        currency: currency.code().into(),
        valid_from: day,
        rate: rust_decimal::Decimal::new(rate, 2),
    };
    CurrencyRateRow::set(tx, rate).await?;
    score_rules(tx, clock).await?;
    let mut tags = Vec::new();
    for (name, colour) in TAGS {
        let new = NewTag { id: TagId::new(clock), name: name.into(), colour: Some(colour.into()) };
        tags.push(TagRow::insert(tx, new).await?);
    }
    Ok((sort_in(tx, clock, tenant, &tags).await?, tags))
}

/// Each company gets its territory, and a tag.
async fn sort_in(
    tx: &TenantConn,
    clock: &Clock,
    tenant: &TenantRow,
    tags: &[TagRow],
) -> Result<Vec<CompanyRow>> {
    let by_name = SortKey { column: column!(companies::name_key), direction: Direction::Ascending };
    let slice = Slice { order: vec![by_name], limit: 100, ..Slice::everything(tenant.id) };
    let mut companies = Vec::new();
    for (at, company) in CompanyRow::page(tx, &slice).await?.into_iter().enumerate() {
        let place = Place { country: company.country.as_deref(), ..Place::default() };
        let changes = CompanyChanges {
            territory_id: Some(territory_for(tx, place).await?),
            ..CompanyChanges::default()
        };
        let tag = tags.get(at % tags.len().max(1)).map(|tag| tag.id);
        replace_tags_of(tx, clock, company.id, &Vec::from_iter(tag)).await?;
        companies.push(CompanyRow::update(tx, company.id, changes).await?);
    }
    Ok(companies)
}

async fn territories(
    tx: &TenantConn,
    clock: &Clock,
    reps: &[UserId],
    manager: Option<UserId>,
) -> Result<()> {
    let mut known = HashMap::<&str, Uuid>::new();
    for (at, (name, above, countries)) in TERRITORIES.into_iter().enumerate() {
        let id = TerritoryId::new(clock);
        let above = above.and_then(|above| known.get(above)).copied();
        let lineage = above.into_iter().chain([id.0]).collect();
        let new = NewTerritory { id, name: name.into(), parent_id: above.map(Into::into), lineage };
        TerritoryRow::insert(tx, new).await?;
        known.insert(name, id.0);
        if !countries.is_empty() {
            let rule = NewRule {
                id: RuleId::new(clock),
                territory_id: id,
                countries: Some(countries.iter().map(|&country| country.into()).collect()),
                postal_prefixes: None,
                industries: None,
                employees_min: None,
                employees_max: None,
                priority: 0,
            };
            TerritoryRule::replace(tx, id, vec![rule]).await?;
        }
        let rep = reps.get(at % reps.len().max(1)).map(|rep| (*rep, false));
        let members: Vec<_> = rep.into_iter().chain(manager.map(|user| (user, true))).collect();
        TerritoryMember::replace(tx, clock, id, &members).await?;
    }
    Ok(())
}

async fn score_rules(tx: &TenantConn, clock: &Clock) -> Result<()> {
    let rule = |name: &str, points| NewScoreRule {
        id: ScoreRuleId::new(clock),
        name: name.into(),
        field: None,
        operator: None,
        value: None,
        event: None,
        direction: None,
        points,
        half_life_days: None,
    };
    let field = |name, points, field, operator, value: &str| NewScoreRule {
        field: Some(field),
        operator: Some(operator),
        value: Some(value.into()),
        ..rule(name, points)
    };
    let event = |name, points, event, days| NewScoreRule {
        event: Some(event),
        half_life_days: Some(days),
        ..rule(name, points)
    };
    for new in [
        field("Recommended", 25, ScoreField::Source, ScoreOperator::Equals, "Referral"),
        field("Large organisation", 20, ScoreField::Employees, ScoreOperator::AtLeast, "200"),
        event("Met us", 30, ScoreEvent::Meeting, 60),
        event("Talked to us", 15, ScoreEvent::Call, 30),
        event("Wrote to us, or we to them", 10, ScoreEvent::Email, 30),
    ] {
        ScoreRuleRow::insert(tx, new).await?;
    }
    Ok(())
}
