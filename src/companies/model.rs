use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use rust_decimal::Decimal;

use super::{CompanyId, Domain};
use crate::{
    accounts::UserId, clock::Timestamp, db::TenantConn, error::Result, listed, money::Money,
    record, schema::companies,
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
    pub city: Option<String>,
    pub country: Option<String>,
    pub annual_revenue: Option<Decimal>,
    pub annual_revenue_currency: Option<String>,
    pub owner_id: Option<UserId>,
    pub version: i32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A company to be made; the tenant is the connection's.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = companies)]
pub struct NewCompany {
    pub id: CompanyId,
    pub name: String,
    pub domain: Option<Domain>,
    pub industry: Option<String>,
    pub phone: Option<String>,
    pub city: Option<String>,
    pub country: Option<String>,
    #[diesel(embed)]
    pub annual_revenue: Revenue,
    pub owner_id: Option<UserId>,
}

/// What an update changes: `None` keeps, `Some(None)` clears.
#[derive(Clone, Debug, Default, AsChangeset)]
#[diesel(table_name = companies)]
pub struct CompanyChanges {
    pub name: Option<String>,
    pub domain: Option<Option<Domain>>,
    pub industry: Option<Option<String>>,
    pub phone: Option<Option<String>>,
    pub city: Option<Option<String>>,
    pub country: Option<Option<String>>,
    #[diesel(embed)]
    pub annual_revenue: Option<Revenue>,
    pub owner_id: Option<Option<UserId>>,
}

/// Money in its two columns.
#[derive(Clone, Debug, Default, Insertable, AsChangeset)]
#[diesel(table_name = companies, treat_none_as_null = true)]
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

record!(Company, companies[not deleted_at][owner owner_id], CompanyId, NewCompany, CompanyChanges);
listed!(Company, companies[not deleted_at][owner owner_id]);

impl Company {
    /// Kept, but found by nobody.
    pub async fn delete(mut conn: &TenantConn, id: CompanyId, at: Timestamp) -> Result<()> {
        diesel::update(companies::table)
            .filter(companies::tenant_id.eq(conn.tenant()))
            .filter(companies::id.eq(id))
            .set(companies::deleted_at.eq(at))
            .execute(&mut conn)
            .await?;
        Ok(())
    }
}
