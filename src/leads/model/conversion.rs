use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::super::LeadId;
use super::Lead;
use crate::{
    clock::{Clock, Timestamp},
    companies::{CompanyId, CompanyRow, Domain},
    contacts::{ContactId, ContactRow},
    db::{Outcome, TenantConn},
    deals::{DealId, DealRow},
    error::{Error, Problem, Result},
    ids::new_uuid,
    schema::{activities, companies, contacts, deals, lead_conversions},
};

/// What a lead became.
#[derive(Clone, Debug, HasQuery, Insertable)]
#[diesel(table_name = lead_conversions, treat_none_as_default_value = false)]
pub struct Conversion {
    pub lead_id: LeadId,
    pub company_id: Option<CompanyId>,
    pub contact_id: Option<ContactId>,
    pub deal_id: Option<DealId>,
    pub at: Timestamp,
}

impl Conversion {
    pub async fn of(mut conn: &TenantConn, lead: LeadId) -> Result<Self> {
        let found = Self::query()
            .filter(lead_conversions::tenant_id.eq(conn.tenant()))
            .filter(lead_conversions::lead_id.eq(lead))
            .first(&mut conn)
            .await?;
        Ok(found)
    }

    pub async fn insert(mut conn: &TenantConn, clock: &Clock, new: &Self) -> Result<()> {
        let (tenant, id) = (conn.tenant(), new_uuid(clock));
        diesel::insert_into(lead_conversions::table)
            .values((
                lead_conversions::tenant_id.eq(tenant),
                lead_conversions::id.eq(id),
                new.clone(),
            ))
            .execute(&mut conn)
            .await?;
        Ok(())
    }
}

/// A lead, and what it became.
#[derive(Clone, Debug)]
pub struct Converted {
    pub lead: Lead,
    pub conversion: Conversion,
}

impl Outcome for Converted {
    fn ids(&self) -> Vec<Uuid> {
        self.lead.ids()
    }

    async fn recall(conn: &TenantConn, ids: &[Uuid], _: Vec<Problem>) -> Result<Self> {
        let id = ids.first().copied().ok_or(Error::NotFound)?;
        let lead = Lead::find(conn, LeadId(id)).await?;
        let conversion = Conversion::of(conn, lead.id).await?;
        Ok(Self { lead, conversion })
    }
}

/// The company that has a domain, whoever sees it.
pub async fn company_with(mut conn: &TenantConn, domain: &str) -> Result<Option<CompanyId>> {
    let found = companies::table
        .filter(companies::tenant_id.eq(conn.tenant()))
        .filter(companies::domain.eq(domain))
        .filter(companies::deleted_at.is_null())
        .select(companies::id)
        .first(&mut conn)
        .await;
    Ok(found.optional()?)
}

/// The contact that has an e-mail address, whoever sees it.
pub async fn contact_with(mut conn: &TenantConn, email: &str) -> Result<Option<ContactId>> {
    let found = contacts::table
        .filter(contacts::tenant_id.eq(conn.tenant()))
        .filter(contacts::email_key.eq(email.to_lowercase()))
        .filter(contacts::deleted_at.is_null())
        .select(contacts::id)
        .first(&mut conn)
        .await;
    Ok(found.optional()?)
}

/// What was done with the lead was done with the contact.
pub async fn hand_over(mut conn: &TenantConn, lead: LeadId, to: ContactId) -> Result<()> {
    diesel::update(activities::table)
        .filter(activities::tenant_id.eq(conn.tenant()))
        .filter(activities::lead_id.eq(lead))
        .set((activities::contact_id.eq(to), activities::lead_id.eq(None::<LeadId>)))
        .execute(&mut conn)
        .await?;
    Ok(())
}

/// A domain as a company has it.
pub fn domain(text: &str) -> Option<Domain> {
    Domain::parse(text.to_owned()).ok()
}

/// What leads became, in one statement.
pub async fn contacts_of(
    mut conn: &TenantConn,
    of: &[LeadId],
) -> Result<Vec<(LeadId, ContactRow)>> {
    let became = lead_conversions::contact_id
        .eq(contacts::id.nullable())
        .and(contacts::tenant_id.eq(conn.tenant()));
    let rows = lead_conversions::table
        .inner_join(contacts::table.on(became))
        .filter(lead_conversions::tenant_id.eq(conn.tenant()))
        .filter(lead_conversions::lead_id.eq_any(of))
        .filter(contacts::deleted_at.is_null())
        .filter(conn.reach().over(conn.tenant(), crate::access::whose("contacts")))
        .select((lead_conversions::lead_id, ContactRow::as_select()))
        .load(&mut conn)
        .await?;
    Ok(rows)
}

/// The same of companies.
pub async fn companies_of(
    mut conn: &TenantConn,
    of: &[LeadId],
) -> Result<Vec<(LeadId, CompanyRow)>> {
    let became = lead_conversions::company_id
        .eq(companies::id.nullable())
        .and(companies::tenant_id.eq(conn.tenant()));
    let rows = lead_conversions::table
        .inner_join(companies::table.on(became))
        .filter(lead_conversions::tenant_id.eq(conn.tenant()))
        .filter(lead_conversions::lead_id.eq_any(of))
        .filter(companies::deleted_at.is_null())
        .filter(conn.reach().over(conn.tenant(), crate::access::whose("companies")))
        .select((lead_conversions::lead_id, CompanyRow::as_select()))
        .load(&mut conn)
        .await?;
    Ok(rows)
}

/// The same of deals.
pub async fn deals_of(mut conn: &TenantConn, of: &[LeadId]) -> Result<Vec<(LeadId, DealRow)>> {
    let became =
        lead_conversions::deal_id.eq(deals::id.nullable()).and(deals::tenant_id.eq(conn.tenant()));
    let rows = lead_conversions::table
        .inner_join(deals::table.on(became))
        .filter(lead_conversions::tenant_id.eq(conn.tenant()))
        .filter(lead_conversions::lead_id.eq_any(of))
        .filter(deals::deleted_at.is_null())
        .filter(conn.reach().over(conn.tenant(), crate::access::whose("deals")))
        .select((lead_conversions::lead_id, DealRow::as_select()))
        .load(&mut conn)
        .await?;
    Ok(rows)
}
