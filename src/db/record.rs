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

/// `record!(Company, companies[not deleted_at], CompanyId)`: `find`, `lock` and [`Outcome`] of a
/// versioned row. `[not …]` names the column that must be null for the record to count.
#[macro_export]
macro_rules! record {
    ($model:ty, $table:ident $([not $live:ident])?, $id:ident) => {
        impl $model {
            pub async fn find(
                mut conn: &$crate::db::TenantConn,
                id: $id,
            ) -> $crate::error::Result<Self> {
                use $crate::schema::$table::dsl;
                let found = Self::query()
                    .filter(dsl::tenant_id.eq(conn.tenant()))
                    .filter(dsl::id.eq(id))
                    $(.filter(dsl::$live.is_null()))?
                    .first(&mut conn)
                    .await?;
                Ok(found)
            }

            /// For a change: nobody else changes it until the transaction ends.
            pub async fn lock(
                mut conn: &$crate::db::TenantConn,
                id: $id,
                expected_version: Option<i32>,
            ) -> $crate::error::Result<Self> {
                use $crate::schema::$table::dsl;
                let found: Self = Self::query()
                    .filter(dsl::tenant_id.eq(conn.tenant()))
                    .filter(dsl::id.eq(id))
                    $(.filter(dsl::$live.is_null()))?
                    .for_update()
                    .first(&mut conn)
                    .await?;
                $crate::db::expect_version(expected_version, found.version)?;
                Ok(found)
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
