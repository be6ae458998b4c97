use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::ContactId;
use crate::{
    accounts::UserId,
    clock::Timestamp,
    column,
    companies::CompanyId,
    db::{Link, TenantConn},
    error::Result,
    kept, listed, record,
    schema::contacts,
    tagged,
    territories::TerritoryId,
};

/// How a company reaches those who work there, for filters.
pub const CONTACTS_OF_COMPANIES: Link =
    Link::one(column!(companies::id), column!(contacts::company_id))
        .alive(column!(contacts::deleted_at));

/// How a contact reaches the company, for filters.
pub const COMPANY_OF_CONTACTS: Link =
    Link::one(column!(contacts::company_id), column!(companies::id))
        .alive(column!(companies::deleted_at));

/// How a contact reaches the territory, for filters.
pub const TERRITORY_OF_CONTACTS: Link =
    Link::one(column!(contacts::territory_id), column!(territories::id));

#[derive(Clone, Debug, HasQuery)]
#[diesel(table_name = contacts)]
pub struct Contact {
    pub id: ContactId,
    pub first_name: Option<String>,
    pub last_name: String,
    pub name_key: String,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub title: Option<String>,
    pub company_id: Option<CompanyId>,
    pub owner_id: Option<UserId>,
    pub territory_id: Option<TerritoryId>,
    pub version: i32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A contact to be made; the tenant is the connection's.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = contacts, treat_none_as_default_value = false)]
pub struct NewContact {
    pub id: ContactId,
    pub first_name: Option<String>,
    pub last_name: String,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub title: Option<String>,
    pub company_id: Option<CompanyId>,
    pub owner_id: Option<UserId>,
    pub territory_id: Option<TerritoryId>,
}

/// What an update changes: `None` keeps, `Some(None)` clears.
#[derive(Clone, Debug, Default, AsChangeset)]
#[diesel(table_name = contacts)]
pub struct ContactChanges {
    pub first_name: Option<Option<String>>,
    pub last_name: Option<String>,
    pub email: Option<Option<String>>,
    pub phone: Option<Option<String>>,
    pub title: Option<Option<String>>,
    pub company_id: Option<Option<CompanyId>>,
    pub owner_id: Option<Option<UserId>>,
    pub territory_id: Option<Option<TerritoryId>>,
}

record!(Contact, contacts[not deleted_at][owner owner_id territory_id], ContactId, NewContact, ContactChanges);
kept!(Contact, contacts, ContactId);
listed!(Contact, contacts[not deleted_at]);
tagged!(ContactId, contacts, contact_tags::contact_id);

impl Contact {
    /// The contact that has the e-mail address of this one now.
    pub async fn rival(mut conn: &TenantConn, of: &Self) -> Result<Option<Self>> {
        let Some(email) = &of.email else { return Ok(None) };
        let rival = Self::query()
            .filter(contacts::tenant_id.eq(conn.tenant()))
            .filter(contacts::email_key.eq(email.to_lowercase()))
            .filter(contacts::deleted_at.is_null())
            .first(&mut conn)
            .await;
        Ok(rival.optional()?)
    }

    /// Nobody works there any more; the company is to be removed for good.
    pub async fn leave(mut conn: &TenantConn, company: CompanyId) -> Result<()> {
        diesel::update(contacts::table)
            .filter(contacts::tenant_id.eq(conn.tenant()))
            .filter(contacts::company_id.eq(company))
            .set(contacts::company_id.eq(None::<CompanyId>))
            .execute(&mut conn)
            .await?;
        Ok(())
    }
}
