//! Relations, loaded in batches. All companies of a page ask for their owners one by one; the
//! owners come with one statement.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    fmt::Debug,
    hash::Hash,
    marker::PhantomData,
    sync::{Arc, Mutex, PoisonError},
};

use dataloader::{BatchFn, cached};

use crate::{
    access::Permission,
    db::TenantConn,
    error::{Error, Result},
    measure,
};

/// The most keys of one statement.
const BATCH: usize = 1000;

/// One edge of the graph: many keys in, their values out, in one statement.
pub trait Relation: Send + Sync + 'static {
    type Key: Copy + Eq + Hash + Debug + Send + Sync + 'static;
    type Value: Clone + Default + Send + Sync + 'static;
    /// What one needs to follow it.
    const PERMISSION: Permission;

    fn load(
        conn: &TenantConn,
        keys: &[Self::Key],
    ) -> impl Future<Output = Result<HashMap<Self::Key, Self::Value>>> + Send;
}

/// The value, or the failure that all keys of the batch share.
type Loaded<R> = Result<<R as Relation>::Value, Arc<Error>>;
type Loader<R> = cached::Loader<<R as Relation>::Key, Loaded<R>, Batch<R>>;

struct Batch<R> {
    conn: TenantConn,
    relation: PhantomData<fn() -> R>,
}

impl<R: Relation> BatchFn<R::Key, Loaded<R>> for Batch<R> {
    async fn load(&mut self, keys: &[R::Key]) -> HashMap<R::Key, Loaded<R>> {
        measure::loaded(std::any::type_name::<R>(), keys.len());
        match R::load(&self.conn, keys).await {
            Ok(mut found) => {
                keys.iter().map(|key| (*key, Ok(found.remove(key).unwrap_or_default()))).collect()
            }
            Err(error) => {
                let error = Arc::new(error);
                keys.iter().map(|key| (*key, Err(error.clone()))).collect()
            }
        }
    }
}

/// The loaders of one request. They never outlive it: what one person may see is not handed to
/// the next.
#[derive(Default)]
pub(super) struct Loaders(Mutex<HashMap<TypeId, Box<dyn Any + Send + Sync>>>);

impl Loaders {
    pub async fn load<R: Relation>(&self, conn: TenantConn, key: R::Key) -> Result<R::Value> {
        let loader = self.loader::<R>(conn)?;
        // A batch dies with the field that ran it (its parent failed); its keys are asked again.
        for _ in 0..8 {
            if let Ok(loaded) = loader.try_load(key).await {
                return loaded.map_err(|error| match &*error {
                    Error::Unavailable(_) => Error::Unavailable(error.to_string().into()),
                    Error::Timeout => Error::Timeout,
                    _ => Error::Internal(Box::new(Shared(error))),
                });
            }
        }
        Err(Error::internal("a loader lost its batch again and again"))
    }

    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn loader<R: Relation>(&self, conn: TenantConn) -> Result<Loader<R>> {
        let mut loaders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || -> Box<dyn Any + Send + Sync> {
            let batch = Batch::<R> { conn, relation: PhantomData };
            let loader = Loader::<R>::new(batch).with_yield_count(1).with_max_batch_size(BATCH);
            Box::new(loader)
        };
        let loader = loaders.entry(TypeId::of::<R>()).or_insert_with(make);
        let loader = loader.downcast_ref::<Loader<R>>().cloned();
        loader.ok_or_else(|| Error::internal("two loaders of one relation"))
    }
}

/// One failure behind many fields.
#[derive(Debug, thiserror::Error)]
#[error("a batch failed")]
struct Shared(#[source] Arc<Error>);

/// A record by its id: `by_id!(CompanyById, companies, Company, CompanyId, CompanyRead);`
///
/// `[not …]` and `[owner …]` are those of [`crate::record!`].
#[macro_export]
macro_rules! by_id {
    ($(#[$doc:meta])* $name:ident, $table:ident $([not $live:ident])? $([owner $owner:ident])?, $model:ty, $id:ty, $permission:ident) => {
        $(#[$doc])*
        pub struct $name;

        impl $crate::graphql::Relation for $name {
            type Key = $id;
            type Value = Option<$model>;
            const PERMISSION: $crate::access::Permission = $crate::access::Permission::$permission;

            async fn load(
                mut conn: &$crate::db::TenantConn,
                keys: &[$id],
            ) -> $crate::error::Result<::std::collections::HashMap<$id, Option<$model>>> {
                use ::diesel::prelude::*;
                use ::diesel_async::RunQueryDsl;
                use $crate::schema::$table::dsl;
                let rows: Vec<$model> = <$model>::query()
                    .filter(dsl::tenant_id.eq(conn.tenant()))
                    .filter(dsl::id.eq_any(keys))
                    $(.filter(dsl::$live.is_null()))?
                    $(.filter(conn.reach().over($crate::column!($table::$owner))))?
                    .load(&mut conn)
                    .await?;
                Ok(rows.into_iter().map(|row| (row.id, Some(row))).collect())
            }
        }
    };
}

/// The many of a record, bounded: `has_many!(TagsOfCompany, max 50, …)`.
///
/// The statement numbers the rows within each parent, so that one parent with ten thousand
/// children does not cost the others theirs. `order` is the order within a parent.
#[macro_export]
macro_rules! has_many {
    ($(#[$doc:meta])* $name:ident, max $max:literal, $rows:path, $key:ty, $model:ty, $permission:ident) => {
        $(#[$doc])*
        pub struct $name;

        impl $crate::graphql::Relation for $name {
            type Key = $key;
            type Value = Vec<$model>;
            const PERMISSION: $crate::access::Permission = $crate::access::Permission::$permission;

            async fn load(
                conn: &$crate::db::TenantConn,
                keys: &[$key],
            ) -> $crate::error::Result<::std::collections::HashMap<$key, Vec<$model>>> {
                let mut many = ::std::collections::HashMap::<$key, Vec<$model>>::new();
                for (parent, row) in $rows(conn, keys, $max).await? {
                    many.entry(parent).or_default().push(row);
                }
                Ok(many)
            }
        }
    };
}
