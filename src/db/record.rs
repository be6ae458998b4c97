//! What all records have in common: found by id, locked for a change, told again after a write.

use uuid::Uuid;

use super::TenantConn;
use crate::error::{Error, ErrorCode, Problem, Result};

/// What a write leaves behind, so that a repeat of the request can answer the same.
pub trait Outcome: Sized + Send {
    fn ids(&self) -> Vec<Uuid>;

    /// The outcome again, from its ids.
    fn recall(conn: &TenantConn, ids: &[Uuid]) -> impl Future<Output = Result<Self>> + Send;
}

/// A record that is gone; only its id is left to tell.
#[derive(Clone, Copy, Debug)]
pub struct Deleted<Id>(pub Id);

impl<Id: From<Uuid> + Into<Uuid> + Copy + Send> Outcome for Deleted<Id> {
    fn ids(&self) -> Vec<Uuid> {
        vec![self.0.into()]
    }

    async fn recall(_: &TenantConn, ids: &[Uuid]) -> Result<Self> {
        Ok(Self(ids.first().copied().ok_or(Error::NotFound)?.into()))
    }
}

/// A change builds on what its author has seen: an older version is refused.
pub fn expect_version(expected: Option<i32>, actual: i32) -> Result<()> {
    match expected {
        Some(expected) if expected != actual => {
            let details = serde_json::json!({ "expected": expected, "actual": actual });
            let told = "Somebody changed this record since you read it.";
            let problem = Problem::new(ErrorCode::StaleVersion, ["expectedVersion"], told);
            Err(Error::Refused(vec![problem.with_details(details)]))
        }
        _ => Ok(()),
    }
}

/// A record is given to those only whose records the permission reaches.
pub fn expect_owner(conn: &TenantConn, field: &str, owner: Option<Uuid>) -> Result<()> {
    match conn.reach().covers(owner) {
        true => Ok(()),
        false => {
            // The name of the field as clients know it: owner_id is ownerId.
            let field = field.replace("_id", "Id");
            let told = "Whose records you do not reach, you do not make or give records to.";
            Err(Error::refused(ErrorCode::ForbiddenField, &field, told))
        }
    }
}

/// What every record can do: `find`, `lock`, `insert`, `update`, and [`Outcome`].
///
/// ```ignore
/// record!(Company, companies[not deleted_at][owner owner_id], CompanyId, NewCompany, CompanyChanges);
/// ```
///
/// `[not …]` names the column that must be null for the record to count, `[owner …]` the one that
/// the reach of a permission is about. What a record
/// can do besides is written by hand beside it.
#[macro_export]
macro_rules! record {
    ($model:ty, $table:ident $([not $live:ident])? $([owner $owner:ident])?, $id:ident, $new:ty, $changes:ty) => {
        impl $model {
            pub async fn find(conn: &$crate::db::TenantConn, id: $id) -> $crate::error::Result<Self> {
                use ::diesel_async::RunQueryDsl;
                use $crate::schema::$table::dsl;
                let found = Self::query()
                    .filter(dsl::tenant_id.eq(conn.tenant()))
                    .filter(dsl::id.eq(id))
                    $(.filter(dsl::$live.is_null()))?
                    $(.filter(conn.reach().over($crate::column!($table::$owner))))?
                    .first(&mut &*conn)
                    .await?;
                Ok(found)
            }

            /// For a change: nobody else changes it until the transaction ends.
            pub async fn lock(
                conn: &$crate::db::TenantConn,
                id: $id,
                expected_version: Option<i32>,
            ) -> $crate::error::Result<Self> {
                use ::diesel_async::RunQueryDsl;
                use $crate::schema::$table::dsl;
                let found: Self = Self::query()
                    .filter(dsl::tenant_id.eq(conn.tenant()))
                    .filter(dsl::id.eq(id))
                    $(.filter(dsl::$live.is_null()))?
                    $(.filter(conn.reach().over($crate::column!($table::$owner))))?
                    .for_update()
                    .first(&mut &*conn)
                    .await?;
                $crate::db::expect_version(expected_version, found.version)?;
                Ok(found)
            }

            pub async fn insert(
                conn: &$crate::db::TenantConn,
                new: $new,
            ) -> $crate::error::Result<Self> {
                use ::diesel_async::RunQueryDsl;
                use $crate::schema::$table::dsl;
                $($crate::db::expect_owner(conn, stringify!($owner), new.$owner.map(Into::into))?;)?
                let made = ::diesel::insert_into(dsl::$table)
                    .values((dsl::tenant_id.eq(conn.tenant()), new))
                    .returning(Self::as_returning())
                    .get_result(&mut &*conn)
                    .await?;
                Ok(made)
            }

            /// The record as it is then; unchanged when there is nothing to change.
            pub async fn update(
                conn: &$crate::db::TenantConn,
                id: $id,
                changes: $changes,
            ) -> $crate::error::Result<Self> {
                use ::diesel_async::RunQueryDsl;
                use $crate::schema::$table::dsl;
                $(if let Some(owner) = changes.$owner {
                    $crate::db::expect_owner(conn, stringify!($owner), owner.map(Into::into))?;
                })?
                let updated = ::diesel::update(dsl::$table)
                    .filter(dsl::tenant_id.eq(conn.tenant()))
                    .filter(dsl::id.eq(id))
                    .set(changes)
                    .returning(Self::as_returning())
                    .get_result(&mut &*conn)
                    .await;
                match updated.optional_empty_changeset()? {
                    Some(updated) => Ok(updated),
                    None => Self::find(conn, id).await,
                }
            }
        }

        impl $crate::db::Outcome for $model {
            fn ids(&self) -> Vec<::uuid::Uuid> {
                vec![self.id.into()]
            }

            async fn recall(
                conn: &$crate::db::TenantConn,
                ids: &[::uuid::Uuid],
            ) -> $crate::error::Result<Self> {
                let id = ids.first().copied().ok_or($crate::error::Error::NotFound)?;
                Self::find(conn, $id(id)).await
            }
        }
    };
}

/// What a list needs: `page` and `count`.
///
/// ```ignore
/// listed!(Company, companies[not deleted_at][owner owner_id]);
/// ```
#[macro_export]
macro_rules! listed {
    ($model:ty, $table:ident $([not $live:ident])? $([owner $owner:ident])?) => {
        impl $model {
            pub async fn page(
                conn: &$crate::db::TenantConn,
                slice: &$crate::db::Slice,
            ) -> $crate::error::Result<Vec<Self>> {
                use ::diesel_async::RunQueryDsl;
                use $crate::schema::$table::dsl;
                let page = Self::query()
                    .filter(dsl::tenant_id.eq(conn.tenant()))
                    $(.filter(dsl::$live.is_null()))?
                    $(.filter(conn.reach().over($crate::column!($table::$owner))))?
                    .filter(slice.condition())
                    .order(slice.ordering())
                    .limit(slice.limit)
                    .load(&mut &*conn)
                    .await?;
                Ok(page)
            }

            pub async fn count(
                conn: &$crate::db::TenantConn,
                slice: &$crate::db::Slice,
            ) -> $crate::error::Result<i64> {
                use $crate::schema::$table::dsl;
                let rows = dsl::$table
                    .filter(dsl::tenant_id.eq(conn.tenant()))
                    $(.filter(dsl::$live.is_null()))?
                    $(.filter(conn.reach().over($crate::column!($table::$owner))))?
                    .filter(slice.condition())
                    .select(dsl::id);
                Ok($crate::db::capped_count(conn, rows).await?)
            }
        }
    };
}
