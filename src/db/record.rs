//! What all records have in common: found by id, locked for a change, told again after a write.

use uuid::Uuid;

use super::TenantConn;
use crate::error::{Error, ErrorCode, Problem, Result};

/// What a write leaves behind, so that a repeat of the request can answer the same.
pub trait Outcome: Sized + Send {
    fn ids(&self) -> Vec<Uuid>;

    /// What was refused beside what was done.
    fn problems(&self) -> Vec<Problem> {
        Vec::new()
    }

    /// The outcome again, from its ids.
    fn recall(
        conn: &TenantConn,
        ids: &[Uuid],
        problems: Vec<Problem>,
    ) -> impl Future<Output = Result<Self>> + Send;
}

/// A record that is gone; only its id is left to tell.
#[derive(Clone, Copy, Debug)]
pub struct Deleted<Id>(pub Id);

impl<Id: From<Uuid> + Into<Uuid> + Copy + Send> Outcome for Deleted<Id> {
    fn ids(&self) -> Vec<Uuid> {
        vec![self.0.into()]
    }

    async fn recall(_: &TenantConn, ids: &[Uuid], _: Vec<Problem>) -> Result<Self> {
        Ok(Self(ids.first().copied().ok_or(Error::NotFound)?.into()))
    }
}

/// A change was meant for a version that is gone.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("version {expected} was expected, and it is {actual}")]
pub struct Stale {
    pub table: &'static str,
    pub record: Uuid,
    pub expected: i32,
    pub actual: i32,
}

/// A change builds on what its author has seen: an older version is refused.
pub fn expect_version(
    (table, record): (&'static str, Uuid),
    expected: Option<i32>,
    actual: i32,
) -> Result<()> {
    match expected {
        Some(expected) if expected != actual => {
            Err(Error::Stale(Stale { table, record, expected, actual }))
        }
        _ => Ok(()),
    }
}

/// A record is given to those only whose records the permission reaches, or into a territory that
/// it reaches.
pub fn expect_owner(
    conn: &TenantConn,
    field: &str,
    owner: Option<Uuid>,
    territory: Option<Uuid>,
) -> Result<()> {
    match conn.reach().covers(owner, territory) {
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
/// record!(Company, companies[not deleted_at][owner owner_id territory_id], CompanyId, NewCompany, CompanyChanges);
/// ```
///
/// `[not …]` names the column that must be null for the record to count, `[owner …]` those that say
/// whose it is: it is not made for, or given to, those whom the permission does not reach. Whose
/// records are found is said in `access/tables.rs`. What a record can do besides is written by hand
/// beside it.
#[macro_export]
macro_rules! record {
    ($model:ty, $table:ident $([not $live:ident])? $([owner $owner:ident $($territory:ident)?])?, $id:ident, $new:ty, $changes:ty) => {
        impl $model {
            pub async fn find(conn: &$crate::db::TenantConn, id: $id) -> $crate::error::Result<Self> {
                use ::diesel_async::RunQueryDsl;
                use $crate::schema::$table::dsl;
                let found = Self::query()
                    .filter(dsl::tenant_id.eq(conn.tenant()))
                    .filter(dsl::id.eq(id))
                    $(.filter(dsl::$live.is_null()))?
                    .filter(conn.reach().over(conn.tenant(), $crate::access::whose(stringify!($table))))
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
                    .filter(conn.reach().over(conn.tenant(), $crate::access::whose(stringify!($table))))
                    .for_update()
                    .first(&mut &*conn)
                    .await?;
                let record = (stringify!($table), id.into());
                $crate::db::expect_version(record, expected_version, found.version)?;
                Ok(found)
            }

            pub async fn insert(
                conn: &$crate::db::TenantConn,
                new: $new,
            ) -> $crate::error::Result<Self> {
                use ::diesel_async::RunQueryDsl;
                use $crate::schema::$table::dsl;
                let made: Self = ::diesel::insert_into(dsl::$table)
                    .values((dsl::tenant_id.eq(conn.tenant()), new))
                    .returning(Self::as_returning())
                    .get_result(&mut &*conn)
                    .await?;
                $(
                    let territory = None$(.or(made.$territory.map(Into::into)))?;
                    let owner = made.$owner.map(Into::into);
                    $crate::db::expect_owner(conn, stringify!($owner), owner, territory)?;
                )?
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
                $(let given = changes.$owner.is_some() $(|| changes.$territory.is_some())?;)?
                let updated = ::diesel::update(dsl::$table)
                    .filter(dsl::tenant_id.eq(conn.tenant()))
                    .filter(dsl::id.eq(id))
                    .set(changes)
                    .returning(Self::as_returning())
                    .get_result(&mut &*conn)
                    .await;
                let updated: Option<Self> = updated.optional_empty_changeset()?;
                $(if let Some(updated) = updated.as_ref().filter(|_| given) {
                    let territory = None$(.or(updated.$territory.map(Into::into)))?;
                    let owner = updated.$owner.map(Into::into);
                    $crate::db::expect_owner(conn, stringify!($owner), owner, territory)?;
                })?
                match updated {
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
                _: Vec<$crate::error::Problem>,
            ) -> $crate::error::Result<Self> {
                let id = ids.first().copied().ok_or($crate::error::Error::NotFound)?;
                Self::find(conn, $id(id)).await
            }
        }
    };
}

/// A record that is deleted is kept for a while, where nobody finds it: `delete`, `lock_deleted`,
/// `restore` and `purge`.
///
/// ```ignore
/// kept!(Company, companies, CompanyId);
/// ```
#[macro_export]
macro_rules! kept {
    ($model:ty, $table:ident, $id:ident) => {
        impl $model {
            /// Kept, but found by nobody.
            pub async fn delete(
                mut conn: &$crate::db::TenantConn,
                id: $id,
                at: $crate::clock::Timestamp,
            ) -> $crate::error::Result<()> {
                use ::diesel_async::RunQueryDsl;
                use $crate::schema::$table::dsl;
                ::diesel::update(dsl::$table)
                    .filter(dsl::tenant_id.eq(conn.tenant()))
                    .filter(dsl::id.eq(id))
                    .set(dsl::deleted_at.eq(at))
                    .execute(&mut conn)
                    .await?;
                Ok(())
            }

            /// One that is deleted, to bring it back or to remove it for good.
            pub async fn lock_deleted(
                mut conn: &$crate::db::TenantConn,
                id: $id,
            ) -> $crate::error::Result<Self> {
                use ::diesel_async::RunQueryDsl;
                use $crate::schema::$table::dsl;
                let whose = $crate::access::whose(stringify!($table));
                let found = Self::query()
                    .filter(dsl::tenant_id.eq(conn.tenant()))
                    .filter(dsl::id.eq(id))
                    .filter(dsl::deleted_at.is_not_null())
                    .filter(conn.reach().over(conn.tenant(), whose))
                    .for_update()
                    .first(&mut conn)
                    .await?;
                Ok(found)
            }

            pub async fn restore(
                mut conn: &$crate::db::TenantConn,
                id: $id,
            ) -> $crate::error::Result<Self> {
                use ::diesel_async::RunQueryDsl;
                use $crate::schema::$table::dsl;
                let restored = ::diesel::update(dsl::$table)
                    .filter(dsl::tenant_id.eq(conn.tenant()))
                    .filter(dsl::id.eq(id))
                    .set(dsl::deleted_at.eq(None::<$crate::clock::Timestamp>))
                    .returning(Self::as_returning())
                    .get_result(&mut conn)
                    .await?;
                Ok(restored)
            }

            /// Gone for good; what points to it has been seen to.
            pub async fn purge(
                mut conn: &$crate::db::TenantConn,
                id: $id,
            ) -> $crate::error::Result<()> {
                use ::diesel_async::RunQueryDsl;
                use $crate::schema::$table::dsl;
                ::diesel::delete(dsl::$table)
                    .filter(dsl::tenant_id.eq(conn.tenant()))
                    .filter(dsl::id.eq(id))
                    .execute(&mut conn)
                    .await?;
                Ok(())
            }
        }
    };
}

/// What a list needs: `page`, `count`, the same within many parents at once (`pages`, `counts`),
/// and `facet`.
///
/// ```ignore
/// listed!(Company, companies[not deleted_at]);
/// ```
#[macro_export]
macro_rules! listed {
    ($model:ty, $table:ident $([not $live:ident])?) => {
        impl $crate::db::Paged for $model {
            async fn page(
                mut conn: &$crate::db::TenantConn,
                slice: &$crate::db::Slice,
            ) -> $crate::error::Result<Vec<Self>> {
                use ::diesel_async::RunQueryDsl;
                let page = $crate::rows!(conn, slice, $table $([not $live])?, Self::query());
                Ok(page.order(slice.ordering()).limit(slice.limit).load(&mut conn).await?)
            }

            async fn pages(
                mut conn: &$crate::db::TenantConn,
                slice: &$crate::db::Slice,
                within: $crate::db::Column,
                parents: &[::uuid::Uuid],
            ) -> $crate::error::Result<Vec<(::uuid::Uuid, Self)>> {
                use ::diesel_async::RunQueryDsl;
                let page = $crate::rows!(conn, slice, $table $([not $live])?, Self::query());
                let page = page.filter($crate::db::OfParent(within));
                let page = page.order(slice.ordering()).limit(slice.limit);
                Ok($crate::db::Nested::new(parents, page).load(&mut conn).await?)
            }

            async fn count(
                conn: &$crate::db::TenantConn,
                slice: &$crate::db::Slice,
            ) -> $crate::error::Result<i64> {
                use $crate::schema::$table::dsl;
                let rows = $crate::rows!(conn, slice, $table $([not $live])?, dsl::$table);
                Ok($crate::db::capped_count(conn, rows.select(dsl::id)).await?)
            }

            async fn counts(
                mut conn: &$crate::db::TenantConn,
                slice: &$crate::db::Slice,
                within: $crate::db::Column,
                parents: &[::uuid::Uuid],
            ) -> $crate::error::Result<Vec<(::uuid::Uuid, i64)>> {
                use ::diesel_async::RunQueryDsl;
                use $crate::schema::$table::dsl;
                let rows = $crate::rows!(conn, slice, $table $([not $live])?, dsl::$table);
                let rows = rows.filter($crate::db::OfParent(within)).select(dsl::id);
                Ok($crate::db::NestedCount::new(parents, rows).load(&mut conn).await?)
            }

            async fn facet(
                mut conn: &$crate::db::TenantConn,
                slice: &$crate::db::Slice,
                by: $crate::db::Column,
            ) -> $crate::error::Result<Vec<$crate::db::Valued>> {
                use ::diesel_async::RunQueryDsl;
                let table = $crate::schema::$table::table;
                let rows = $crate::rows!(conn, slice, $table $([not $live])?, table);
                let rows = rows.select($crate::db::AsText(by));
                Ok($crate::db::Facet::of(rows).load(&mut conn).await?)
            }

            async fn facets(
                mut conn: &$crate::db::TenantConn,
                slice: &$crate::db::Slice,
                by: $crate::db::Column,
                within: $crate::db::Column,
                parents: &[::uuid::Uuid],
            ) -> $crate::error::Result<Vec<(::uuid::Uuid, $crate::db::Valued)>> {
                use ::diesel_async::RunQueryDsl;
                let table = $crate::schema::$table::table;
                let rows = $crate::rows!(conn, slice, $table $([not $live])?, table);
                let rows = rows.filter($crate::db::OfParent(within)).select($crate::db::AsText(by));
                let facet = $crate::db::Facet::of(rows);
                Ok($crate::db::Nested::new(parents, facet).load(&mut conn).await?)
            }
        }
    };
}

/// Of a statement: the rows that a list is about, for [`listed!`].
#[macro_export]
macro_rules! rows {
    ($conn:ident, $slice:ident, $table:ident $([not $live:ident])?, $statement:expr) => {{
        use $crate::schema::$table::dsl;
        $statement
            .filter(dsl::tenant_id.eq($conn.tenant()))
            $(.filter($slice.is_alive($crate::column!($table::$live))))?
            .filter($conn.reach().over($conn.tenant(), $crate::access::whose(stringify!($table))))
            .filter($slice.condition())
    }};
}
