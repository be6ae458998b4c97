mod places;
mod statement;

use diesel::Queryable;
use diesel_async::RunQueryDsl;
use serde_json::Value as Json;
use uuid::Uuid;

use super::values::TimelineKind;
use crate::{
    clock::Timestamp,
    db::{Column, Nested, NestedCount, Paged, Slice, TenantConn},
    error::Result,
};
use statement::{Sight, Timeline};

/// Something that happened.
#[derive(Clone, Debug, Queryable)]
pub struct Entry {
    pub at: Timestamp,
    /// Of the activity, the step, or the trail's entry.
    pub id: Uuid,
    pub kind: TimelineKind,
    pub actor_id: Option<Uuid>,
    /// The record that it is about: the one whose timeline it is, or one of its own.
    pub table: String,
    pub record: Uuid,
    /// Of a change: the columns that changed.
    pub old: Option<Json>,
    pub new: Option<Json>,
}

/// Within a record only: `within` is the table that it is in.
impl Paged for Entry {
    async fn pages(
        mut conn: &TenantConn,
        slice: &Slice,
        within: Column,
        parents: &[Uuid],
    ) -> Result<Vec<(Uuid, Self)>> {
        let sights = Sight::of(conn, within);
        let page = Timeline::of(&sights, slice, Some(slice.limit));
        if page.is_empty() {
            return Ok(Vec::new());
        }
        Ok(Nested::new(parents, page).load(&mut conn).await?)
    }

    async fn counts(
        mut conn: &TenantConn,
        slice: &Slice,
        within: Column,
        parents: &[Uuid],
    ) -> Result<Vec<(Uuid, i64)>> {
        let sights = Sight::of(conn, within);
        let all = Timeline::of(&sights, slice, None);
        if all.is_empty() {
            return Ok(Vec::new());
        }
        Ok(NestedCount::new(parents, all).load(&mut conn).await?)
    }
}
