use diesel::{
    dsl::sql,
    prelude::*,
    sql_types::{Bool, Float, Text},
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::super::{
    LeadId,
    likeness::{Traits, likeness},
    values::{DuplicateReason, LeadStatus},
};
use crate::{
    clock::Clock,
    companies::CompanyId,
    contacts::ContactId,
    db::{Reach, TenantConn},
    error::Result,
    ids::new_uuid,
    schema::{companies, contacts, lead_links, leads},
};

/// The most that are looked at of a kind, and the most that are told.
const NEAR: i64 = 25;
const MOST: usize = 20;

/// Names that are alike.
macro_rules! alike {
    ($table:literal, $name:expr) => {
        sql::<Bool>(concat!("kontor.", $table, ".name_key OPERATOR(kontor.%) "))
            .bind::<Text, _>($name.clone())
    };
}

/// The most alike first.
macro_rules! likest {
    ($table:literal, $name:expr) => {
        sql::<Float>(concat!("kontor.similarity(kontor.", $table, ".name_key, "))
            .bind::<Text, _>($name.clone())
            .sql(") DESC")
    };
}

/// What may be the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alike {
    Lead(LeadId),
    Contact(ContactId),
    Company(CompanyId),
}

#[derive(Clone, Copy, Debug)]
pub struct Found {
    pub alike: Alike,
    pub reason: DuplicateReason,
    pub similarity: i32,
}

/// As far as whoever asks sees them; `None`: not at all.
#[derive(Clone, Debug)]
pub struct Seen {
    pub leads: Option<Reach>,
    pub contacts: Option<Reach>,
    pub companies: Option<Reach>,
}

/// Others that may be the same as `traits`, the likeliest first.
pub async fn near(
    conn: &TenantConn,
    seen: &Seen,
    traits: &Traits,
    except: Option<LeadId>,
) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    if let Some(reach) = &seen.leads {
        found.extend(leads_near(&conn.with_reach(reach.clone()), traits, except).await?);
    }
    if let Some(reach) = &seen.contacts {
        found.extend(contacts_near(&conn.with_reach(reach.clone()), traits).await?);
    }
    if let Some(reach) = &seen.companies {
        found.extend(companies_near(&conn.with_reach(reach.clone()), traits).await?);
    }
    found.sort_by_key(|one| std::cmp::Reverse(one.similarity));
    found.truncate(MOST);
    Ok(found)
}

fn judged(alike: Alike, traits: &Traits, other: &Traits) -> Option<Found> {
    let (reason, similarity) = likeness(traits, other)?;
    Some(Found { alike, reason, similarity })
}

type LeadTraits = (Uuid, String, Option<String>, Option<String>, Option<String>, Option<String>);

async fn leads_near(
    mut conn: &TenantConn,
    traits: &Traits,
    except: Option<LeadId>,
) -> Result<Vec<Found>> {
    // What is equal is never crowded out by what is called alike.
    macro_rules! those {
        ($which:expr $(, $first:expr)?) => {
            leads::table
                .filter(leads::tenant_id.eq(conn.tenant()))
                .filter(leads::deleted_at.is_null())
                .filter(leads::status.ne(LeadStatus::Duplicate))
                .filter(leads::id.ne(except.map_or(Uuid::nil(), Into::into)))
                .filter($which)
                .filter(conn.reach().over(conn.tenant(), crate::access::whose("leads")))
                .select((
                    leads::id,
                    leads::name_key,
                    leads::organisation_key,
                    leads::email_key,
                    leads::domain,
                    leads::phone_tail,
                ))
                $(.order($first))?
                .limit(NEAR)
                .load::<LeadTraits>(&mut conn)
                .await?
        };
    }
    let equal = leads::email_key
        .eq(traits.email.clone())
        .or(leads::phone_tail.eq(traits.phone_tail.clone()));
    let mut rows = those!(equal);
    rows.extend(those!(leads::domain.eq(traits.domain.clone())));
    rows.extend(those!(alike!("leads", traits.name), likest!("leads", traits.name)));
    rows.sort_by_key(|row| row.0);
    rows.dedup_by_key(|row| row.0);
    let judge = |(id, name, organisation, email, domain, phone_tail): LeadTraits| {
        let other = Traits { name, organisation, email, domain, phone_tail };
        judged(Alike::Lead(id.into()), traits, &other)
    };
    Ok(rows.into_iter().filter_map(judge).collect())
}

async fn contacts_near(mut conn: &TenantConn, traits: &Traits) -> Result<Vec<Found>> {
    macro_rules! those {
        ($which:expr $(, $first:expr)?) => {
            contacts::table
                .filter(contacts::tenant_id.eq(conn.tenant()))
                .filter(contacts::deleted_at.is_null())
                .filter($which)
                .filter(conn.reach().over(conn.tenant(), crate::access::whose("contacts")))
                .select((
                    contacts::id,
                    contacts::name_key,
                    contacts::email_key,
                    contacts::phone_tail,
                ))
                $(.order($first))?
                .limit(NEAR)
                .load::<(Uuid, String, Option<String>, Option<String>)>(&mut conn)
                .await?
        };
    }
    let equal = contacts::email_key
        .eq(traits.email.clone())
        .or(contacts::phone_tail.eq(traits.phone_tail.clone()));
    let mut rows = those!(equal);
    rows.extend(those!(alike!("contacts", traits.name), likest!("contacts", traits.name)));
    rows.sort_by_key(|row| row.0);
    rows.dedup_by_key(|row| row.0);
    let judge = |(id, name, email, phone_tail): (Uuid, String, Option<String>, Option<String>)| {
        let other = Traits { name, email, phone_tail, ..Traits::default() };
        judged(Alike::Contact(id.into()), traits, &other)
    };
    Ok(rows.into_iter().filter_map(judge).collect())
}

async fn companies_near(mut conn: &TenantConn, traits: &Traits) -> Result<Vec<Found>> {
    macro_rules! those {
        ($which:expr $(, $first:expr)?) => {
            companies::table
                .filter(companies::tenant_id.eq(conn.tenant()))
                .filter(companies::deleted_at.is_null())
                .filter($which)
                .filter(conn.reach().over(conn.tenant(), crate::access::whose("companies")))
                .select((
                    companies::id,
                    companies::name_key,
                    companies::domain,
                    companies::phone_tail,
                ))
                $(.order($first))?
                .limit(NEAR)
                .load::<(Uuid, String, Option<String>, Option<String>)>(&mut conn)
                .await?
        };
    }
    let name = traits.organisation.clone().unwrap_or_default();
    let equal = companies::domain
        .eq(traits.domain.clone())
        .or(companies::phone_tail.eq(traits.phone_tail.clone()));
    let mut rows = those!(equal);
    rows.extend(those!(alike!("companies", name), likest!("companies", name)));
    rows.sort_by_key(|row| row.0);
    rows.dedup_by_key(|row| row.0);
    let Traits { domain, phone_tail, .. } = traits.clone();
    let employer = Traits { name, domain, phone_tail, ..Traits::default() };
    let judge = |(id, name, domain, phone_tail): (Uuid, String, Option<String>, Option<String>)| {
        let other = Traits { name, domain, phone_tail, ..Traits::default() };
        judged(Alike::Company(id.into()), &employer, &other)
    };
    Ok(rows.into_iter().filter_map(judge).collect())
}

#[derive(Insertable)]
#[diesel(table_name = lead_links, treat_none_as_default_value = false)]
struct NewLink {
    id: Uuid,
    lead_id: LeadId,
    other_lead_id: Option<LeadId>,
    contact_id: Option<ContactId>,
    company_id: Option<CompanyId>,
    reason: DuplicateReason,
    similarity: i32,
}

/// Keeps what was found beside the lead.
pub async fn link(
    mut conn: &TenantConn,
    clock: &Clock,
    lead_id: LeadId,
    found: &[Found],
) -> Result<()> {
    let row = |Found { alike, reason, similarity }: &Found| {
        let none = (None, None, None);
        let (other_lead_id, contact_id, company_id) = match *alike {
            Alike::Lead(id) => (Some(id), none.1, none.2),
            Alike::Contact(id) => (none.0, Some(id), none.2),
            Alike::Company(id) => (none.0, none.1, Some(id)),
        };
        let (id, reason, similarity) = (new_uuid(clock), *reason, *similarity);
        let new =
            NewLink { id, lead_id, other_lead_id, contact_id, company_id, reason, similarity };
        (lead_links::tenant_id.eq(conn.tenant()), new)
    };
    let rows: Vec<_> = found.iter().map(row).collect();
    if !rows.is_empty() {
        diesel::insert_into(lead_links::table).values(rows).execute(&mut conn).await?;
    }
    Ok(())
}

type LinkRow = (LeadId, Option<LeadId>, Option<ContactId>, Option<CompanyId>, DuplicateReason, i32);

/// What leads were linked with, at most twenty each.
pub async fn links_of(
    mut conn: &TenantConn,
    of: &[LeadId],
    max: i64,
) -> Result<Vec<(LeadId, Found)>> {
    let most = max.saturating_mul(i64::try_from(of.len()).unwrap_or(i64::MAX));
    let rows: Vec<LinkRow> = lead_links::table
        .filter(lead_links::tenant_id.eq(conn.tenant()))
        .filter(lead_links::lead_id.eq_any(of))
        .order((lead_links::similarity.desc(), lead_links::id))
        .limit(most)
        .select((
            lead_links::lead_id,
            lead_links::other_lead_id,
            lead_links::contact_id,
            lead_links::company_id,
            lead_links::reason,
            lead_links::similarity,
        ))
        .load(&mut conn)
        .await?;
    let found = |(lead, other, contact, company, reason, similarity): LinkRow| {
        let alike = (other.map(Alike::Lead))
            .or(contact.map(Alike::Contact))
            .or(company.map(Alike::Company))?;
        Some((lead, Found { alike, reason, similarity }))
    };
    Ok(rows.into_iter().filter_map(found).collect())
}
