//! The rows of leads, and of what is told of them elsewhere.

pub mod assignment;
pub mod conversion;
pub mod matches;
pub mod merging;
pub mod scores;
pub mod settings;

use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{LeadId, likeness::Traits, values::LeadStatus};
use crate::{
    accounts::UserId,
    clock::{Clock, Day, Timestamp},
    column,
    companies::CompanyId,
    contacts::ContactId,
    db::{Column, Link, Outcome, Reach, TenantConn},
    error::{Error, Problem, Result},
    kept, listed, record,
    schema::{lead_conversions, leads},
    tagged,
    territories::TerritoryId,
};

/// How a lead reaches the territory, for filters.
pub const TERRITORY_OF_LEADS: Link =
    Link::one(column!(leads::territory_id), column!(territories::id));

/// A lead's grade, as it was computed last.
pub const GRADE: Column = column!(leads::score_key).read_by("grade");

#[derive(Clone, Debug, HasQuery)]
#[diesel(table_name = leads)]
pub struct Lead {
    pub id: LeadId,
    pub name: String,
    pub name_key: String,
    pub organisation: Option<String>,
    pub email: Option<String>,
    pub domain: Option<String>,
    pub phone: Option<String>,
    pub source: Option<String>,
    pub industry: Option<String>,
    pub employees: Option<i32>,
    pub country: Option<String>,
    pub postal_code: Option<String>,
    pub city: Option<String>,
    pub status: LeadStatus,
    pub owner_id: Option<UserId>,
    pub territory_id: Option<TerritoryId>,
    pub nurture_until: Option<Day>,
    pub lost_reason: Option<String>,
    pub lost_note: Option<String>,
    pub reopened: i32,
    pub respond_by: Option<Timestamp>,
    pub responded_at: Option<Timestamp>,
    pub merged_into_id: Option<LeadId>,
    /// The score as it was computed last, to sort by.
    pub score_key: i32,
    pub version: i32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A lead to be made; the tenant is the connection's.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = leads, treat_none_as_default_value = false)]
pub struct NewLead {
    pub id: LeadId,
    pub name: String,
    pub organisation: Option<String>,
    pub email: Option<String>,
    pub domain: Option<String>,
    pub phone: Option<String>,
    pub source: Option<String>,
    pub industry: Option<String>,
    pub employees: Option<i32>,
    pub country: Option<String>,
    pub postal_code: Option<String>,
    pub city: Option<String>,
    pub status: LeadStatus,
    pub owner_id: Option<UserId>,
    pub territory_id: Option<TerritoryId>,
    pub reopened: i32,
    pub respond_by: Option<Timestamp>,
}

/// What an update changes: `None` keeps, `Some(None)` clears.
#[derive(Clone, Debug, Default, AsChangeset)]
#[diesel(table_name = leads)]
pub struct LeadChanges {
    pub name: Option<String>,
    pub organisation: Option<Option<String>>,
    pub email: Option<Option<String>>,
    pub domain: Option<Option<String>>,
    pub phone: Option<Option<String>>,
    pub source: Option<Option<String>>,
    pub industry: Option<Option<String>>,
    pub employees: Option<Option<i32>>,
    pub country: Option<Option<String>>,
    pub postal_code: Option<Option<String>>,
    pub city: Option<Option<String>>,
    pub owner_id: Option<Option<UserId>>,
    pub territory_id: Option<Option<TerritoryId>>,
}

/// What a step of the state machine changes.
#[derive(Clone, Debug, Default, AsChangeset)]
#[diesel(table_name = leads)]
pub struct LeadMove {
    pub status: Option<LeadStatus>,
    pub nurture_until: Option<Option<Day>>,
    pub lost_reason: Option<Option<String>>,
    pub lost_note: Option<Option<String>>,
    pub reopened: Option<i32>,
    pub responded_at: Option<Timestamp>,
    pub merged_into_id: Option<Option<LeadId>>,
}

record!(Lead, leads[not deleted_at][owner owner_id territory_id], LeadId, NewLead, LeadChanges);
kept!(Lead, leads, LeadId);
listed!(Lead, leads[not deleted_at]);
tagged!(LeadId, leads, lead_tags::lead_id);

/// A lead just made, perhaps for somebody whom its maker does not reach.
#[derive(Clone, Debug)]
pub struct Made(pub Lead);

impl Outcome for Made {
    fn ids(&self) -> Vec<uuid::Uuid> {
        self.0.ids()
    }

    /// Whoever made it is told of it again.
    async fn recall(conn: &TenantConn, ids: &[uuid::Uuid], _: Vec<Problem>) -> Result<Self> {
        let id = ids.first().copied().ok_or(Error::NotFound)?;
        Lead::find(&conn.with_reach(Reach::All), LeadId(id)).await.map(Self)
    }
}

impl Lead {
    /// What others are compared with.
    pub fn traits(&self) -> Traits {
        let Self { name, organisation, email, phone, .. } = self;
        Traits::of(name, organisation.as_deref(), email.as_deref(), phone.as_deref())
    }

    /// Takes a step; whether it may be taken has been decided.
    pub async fn go(mut conn: &TenantConn, id: LeadId, step: LeadMove) -> Result<Self> {
        let gone = diesel::update(leads::table)
            .filter(leads::tenant_id.eq(conn.tenant()))
            .filter(leads::id.eq(id))
            .set(step)
            .returning(Self::as_returning())
            .get_result(&mut conn)
            .await?;
        Ok(gone)
    }

    /// What the system changes of it, whoever's it is.
    pub async fn change(mut conn: &TenantConn, id: LeadId, changes: LeadChanges) -> Result<()> {
        let changed = diesel::update(leads::table)
            .filter(leads::tenant_id.eq(conn.tenant()))
            .filter(leads::id.eq(id))
            .set(changes)
            .execute(&mut conn)
            .await;
        changed.optional_empty_changeset()?;
        Ok(())
    }

    /// For a job: whether it is deleted or whose it is does not matter.
    pub async fn lock_any(mut conn: &TenantConn, id: LeadId) -> Result<Option<Self>> {
        let found = Self::query()
            .filter(leads::tenant_id.eq(conn.tenant()))
            .filter(leads::id.eq(id))
            .for_update()
            .first(&mut conn)
            .await;
        Ok(found.optional()?)
    }

    /// No lead is a duplicate of this one any more: it is to be removed for good.
    pub async fn let_go(mut conn: &TenantConn, id: LeadId) -> Result<()> {
        diesel::update(leads::table)
            .filter(leads::tenant_id.eq(conn.tenant()))
            .filter(leads::merged_into_id.eq(id))
            .set(leads::merged_into_id.eq(None::<LeadId>))
            .execute(&mut conn)
            .await?;
        Ok(())
    }

    /// A contact is to be removed for good: what became it became nobody.
    pub async fn forget_contact(mut conn: &TenantConn, contact: ContactId) -> Result<()> {
        diesel::update(lead_conversions::table)
            .filter(lead_conversions::tenant_id.eq(conn.tenant()))
            .filter(lead_conversions::contact_id.eq(contact))
            .set(lead_conversions::contact_id.eq(None::<ContactId>))
            .execute(&mut conn)
            .await?;
        Ok(())
    }

    /// The same of a company.
    pub async fn forget_company(mut conn: &TenantConn, company: CompanyId) -> Result<()> {
        diesel::update(lead_conversions::table)
            .filter(lead_conversions::tenant_id.eq(conn.tenant()))
            .filter(lead_conversions::company_id.eq(company))
            .set(lead_conversions::company_id.eq(None::<CompanyId>))
            .execute(&mut conn)
            .await?;
        Ok(())
    }
}

/// Something was sent to a lead, or somebody called: from the first time on it is worked on.
pub async fn note_outbound(tx: &TenantConn, clock: &Clock, id: LeadId) -> Result<()> {
    let Some(lead) = Lead::lock_any(tx, id).await? else { return Ok(()) };
    if lead.status == LeadStatus::New && lead.owner_id.is_some() {
        Lead::go(tx, id, answered(&lead, clock.now())).await?;
    }
    Ok(())
}

/// To work on a lead, for the first time or again.
pub fn answered(lead: &Lead, now: Timestamp) -> LeadMove {
    LeadMove {
        status: Some(LeadStatus::Working),
        nurture_until: Some(None),
        responded_at: lead.responded_at.is_none().then_some(now),
        ..LeadMove::default()
    }
}
