use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;

use super::{
    SavedViewId,
    values::{ViewKind, ViewVisibility},
};
use crate::{
    accounts::UserId, clock::Timestamp, db::TenantConn, error::Result, listed, record,
    schema::saved_views,
};

#[derive(Clone, Debug, HasQuery)]
#[diesel(table_name = saved_views)]
pub struct SavedView {
    pub id: SavedViewId,
    pub owner_id: UserId,
    pub name: String,
    pub name_key: String,
    pub kind: ViewKind,
    pub visibility: ViewVisibility,
    pub conditions: Value,
    pub sorting: Value,
    pub shown: Vec<String>,
    pub version: i32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Debug, Insertable)]
#[diesel(table_name = saved_views)]
pub struct NewSavedView {
    pub id: SavedViewId,
    pub owner_id: UserId,
    pub name: String,
    pub kind: ViewKind,
    pub visibility: ViewVisibility,
    pub conditions: Value,
    pub sorting: Value,
    pub shown: Vec<String>,
}

/// What an update changes: `None` keeps.
#[derive(Debug, AsChangeset)]
#[diesel(table_name = saved_views)]
pub struct SavedViewChanges {
    pub name: Option<String>,
    pub visibility: Option<ViewVisibility>,
    pub conditions: Option<Value>,
    pub sorting: Option<Value>,
    pub shown: Option<Vec<String>>,
}

record!(SavedView, saved_views, SavedViewId, NewSavedView, SavedViewChanges);
listed!(SavedView, saved_views);

impl SavedView {
    /// How many somebody has.
    pub async fn count_of(mut conn: &TenantConn, owner: UserId) -> Result<i64> {
        let count = saved_views::table
            .filter(saved_views::tenant_id.eq(conn.tenant()))
            .filter(saved_views::owner_id.eq(owner))
            .count()
            .get_result(&mut conn)
            .await?;
        Ok(count)
    }

    pub async fn delete(mut conn: &TenantConn, id: SavedViewId) -> Result<()> {
        diesel::delete(saved_views::table)
            .filter(saved_views::tenant_id.eq(conn.tenant()))
            .filter(saved_views::id.eq(id))
            .execute(&mut conn)
            .await?;
        Ok(())
    }
}
