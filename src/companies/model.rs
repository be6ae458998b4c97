use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use rust_decimal::Decimal;

use super::{CompanyId, Domain};
use crate::{
    accounts::UserId,
    clock::Timestamp,
    db::TenantConn,
    error::Result,
    kept, listed,
    money::{Exact, Money},
    record,
    schema::companies,
    tagged,
    territories::TerritoryId,
};

#[derive(Clone, Debug, HasQuery)]
#[diesel(table_name = companies)]
pub struct Company {
    pub id: CompanyId,
    pub name: String,
    pub name_key: String,
    pub domain: Option<Domain>,
    pub industry: Option<String>,
    pub phone: Option<String>,
    pub postal_code: Option<String>,
    pub city: Option<String>,
    pub country: Option<String>,
    pub employees: Option<i32>,
    pub annual_revenue: Option<Exact>,
    pub annual_revenue_currency: Option<String>,
    pub owner_id: Option<UserId>,
    pub territory_id: Option<TerritoryId>,
    pub version: i32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A company to be made; the tenant is the connection's.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = companies, treat_none_as_default_value = false)]
pub struct NewCompany {
    pub id: CompanyId,
    pub name: String,
    pub domain: Option<Domain>,
    pub industry: Option<String>,
    pub phone: Option<String>,
    pub postal_code: Option<String>,
    pub city: Option<String>,
    pub country: Option<String>,
    pub employees: Option<i32>,
    #[diesel(embed)]
    pub annual_revenue: Revenue,
    pub owner_id: Option<UserId>,
    pub territory_id: Option<TerritoryId>,
}

/// What an update changes: `None` keeps, `Some(None)` clears.
#[derive(Clone, Debug, Default, AsChangeset)]
#[diesel(table_name = companies)]
pub struct CompanyChanges {
    pub name: Option<String>,
    pub domain: Option<Option<Domain>>,
    pub industry: Option<Option<String>>,
    pub phone: Option<Option<String>>,
    pub postal_code: Option<Option<String>>,
    pub city: Option<Option<String>>,
    pub country: Option<Option<String>>,
    pub employees: Option<Option<i32>>,
    #[diesel(embed)]
    pub annual_revenue: Option<Revenue>,
    pub owner_id: Option<Option<UserId>>,
    pub territory_id: Option<Option<TerritoryId>>,
}

/// Money in its two columns.
#[derive(Clone, Debug, Default, Insertable, AsChangeset)]
#[diesel(table_name = companies, treat_none_as_null = true, treat_none_as_default_value = false)]
pub struct Revenue {
    annual_revenue: Option<Decimal>,
    annual_revenue_currency: Option<String>,
}

impl From<Option<Money>> for Revenue {
    fn from(money: Option<Money>) -> Self {
        Self {
            annual_revenue: money.as_ref().map(|money| money.amount),
            annual_revenue_currency: money.map(|money| money.currency.code().to_owned()),
        }
    }
}

record!(Company, companies[not deleted_at][owner owner_id territory_id], CompanyId, NewCompany, CompanyChanges);
kept!(Company, companies, CompanyId);
listed!(Company, companies[not deleted_at]);
tagged!(CompanyId, companies, company_tags::company_id);

impl Company {
    /// Where a company belongs.
    pub async fn territory(mut conn: &TenantConn, id: CompanyId) -> Result<Option<TerritoryId>> {
        let territory = companies::table
            .filter(companies::tenant_id.eq(conn.tenant()))
            .filter(companies::id.eq(id))
            .select(companies::territory_id)
            .first(&mut conn)
            .await?;
        Ok(territory)
    }

    /// The company that has the domain of this one now.
    pub async fn rival(mut conn: &TenantConn, of: &Self) -> Result<Option<Self>> {
        let Some(domain) = &of.domain else { return Ok(None) };
        let rival = Self::query()
            .filter(companies::tenant_id.eq(conn.tenant()))
            .filter(companies::domain.eq(domain))
            .filter(companies::deleted_at.is_null())
            .first(&mut conn)
            .await;
        Ok(rival.optional()?)
    }
}
