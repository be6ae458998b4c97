use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::super::{LeadId, values::LeadStatus};
use super::{Lead, LeadChanges};
use crate::{
    clock::{Clock, Timestamp},
    db::TenantConn,
    error::Result,
    ids::new_uuid,
    schema::{activities, lead_merges, lead_tags},
};

/// What a merge did, so that it can be undone.
#[derive(Clone, Debug, HasQuery, Insertable)]
#[diesel(table_name = lead_merges)]
pub struct Merge {
    pub lead_id: LeadId,
    pub into_id: LeadId,
    pub status_before: LeadStatus,
    /// What the other one was given, by field.
    pub filled: Value,
    /// The activities that went over.
    pub moved: Vec<Uuid>,
    /// The tags that the other one got: their links.
    pub joined: Vec<Uuid>,
    pub at: Timestamp,
}

impl Merge {
    pub async fn of(mut conn: &TenantConn, lead: LeadId) -> Result<Option<Self>> {
        let found = Self::query()
            .filter(lead_merges::tenant_id.eq(conn.tenant()))
            .filter(lead_merges::lead_id.eq(lead))
            .first(&mut conn)
            .await;
        Ok(found.optional()?)
    }

    pub async fn insert(mut conn: &TenantConn, clock: &Clock, new: Self) -> Result<()> {
        let (tenant, id) = (conn.tenant(), new_uuid(clock));
        diesel::insert_into(lead_merges::table)
            .values((lead_merges::tenant_id.eq(tenant), lead_merges::id.eq(id), new))
            .execute(&mut conn)
            .await?;
        Ok(())
    }

    pub async fn delete(mut conn: &TenantConn, lead: LeadId) -> Result<()> {
        diesel::delete(lead_merges::table)
            .filter(lead_merges::tenant_id.eq(conn.tenant()))
            .filter(lead_merges::lead_id.eq(lead))
            .execute(&mut conn)
            .await?;
        Ok(())
    }
}

/// What was done with one was done with the other; which.
pub async fn move_activities(mut conn: &TenantConn, from: LeadId, to: LeadId) -> Result<Vec<Uuid>> {
    let moved = diesel::update(activities::table)
        .filter(activities::tenant_id.eq(conn.tenant()))
        .filter(activities::lead_id.eq(from))
        .set(activities::lead_id.eq(to))
        .returning(activities::id)
        .get_results(&mut conn)
        .await?;
    Ok(moved)
}

/// Those that went over and are still there come back.
pub async fn bring_back(
    mut conn: &TenantConn,
    moved: &[Uuid],
    from: LeadId,
    to: LeadId,
) -> Result<()> {
    diesel::update(activities::table)
        .filter(activities::tenant_id.eq(conn.tenant()))
        .filter(activities::lead_id.eq(from))
        .filter(activities::id.eq_any(moved))
        .set(activities::lead_id.eq(to))
        .execute(&mut conn)
        .await?;
    Ok(())
}

/// What tags a lead got and still has are off it.
pub async fn take_back_tags(mut conn: &TenantConn, of: LeadId, joined: &[Uuid]) -> Result<()> {
    diesel::delete(lead_tags::table)
        .filter(lead_tags::tenant_id.eq(conn.tenant()))
        .filter(lead_tags::lead_id.eq(of))
        .filter(lead_tags::id.eq_any(joined))
        .execute(&mut conn)
        .await?;
    Ok(())
}

/// Each field that one lead can take over from another.
macro_rules! fields {
    ($($field:ident),*) => {
        /// What is empty in one is taken from the other; what that was.
        pub fn fill(survivor: &Lead, duplicate: &Lead) -> (LeadChanges, Value) {
            let (mut changes, mut filled) = (LeadChanges::default(), Map::new());
            $(if let (None, Some(value)) = (&survivor.$field, &duplicate.$field) {
                filled.insert(stringify!($field).into(), Value::from(value.clone()));
                changes.$field = Some(Some(value.clone()));
            })*
            (changes, Value::Object(filled))
        }

        /// What was taken over and has not been changed since is empty again.
        pub fn empty(survivor: &Lead, filled: &Value) -> LeadChanges {
            let mut changes = LeadChanges::default();
            $(if let Some(value) = filled.get(stringify!($field)) {
                if survivor.$field.clone().map(Value::from).as_ref() == Some(value) {
                    changes.$field = Some(None);
                }
            })*
            changes
        }
    };
}

fields!(
    organisation,
    email,
    domain,
    phone,
    source,
    industry,
    employees,
    country,
    postal_code,
    city
);
