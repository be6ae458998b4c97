//! Relations, loaded in batches. All companies of a page ask for their owners one by one; the
//! owners come with one statement.
//!
//! What waits for a batch is `unconstrained`: tokio would make a task wait that has taken a hundred
//! locks, and a large page would fall into several batches.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    fmt::Debug,
    hash::Hash,
    marker::PhantomData,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use dataloader::{BatchFn, cached};
use tokio::task::unconstrained;
use uuid::Uuid;

use crate::{
    access::Permission,
    db::TenantConn,
    error::{Error, Result},
    measure,
};

/// The most keys of one statement.
const BATCH: usize = 1000;
const TRIES: usize = 8;

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

/// By parent.
pub type ByParent<V> = HashMap<Uuid, V>;

/// What one place of a document asks of many records at once: with arguments, which a [`Relation`]
/// has not.
pub trait OfMany: Send + Sync + 'static {
    type Value: Clone + Default + Send + Sync + 'static;

    fn load(
        &self,
        conn: &TenantConn,
        parents: &[Uuid],
    ) -> impl Future<Output = Result<ByParent<Self::Value>>> + Send;
}

/// A place of the document that is run: what of which kind is asked there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    pub kind: TypeId,
    /// The field's address: it is one for all records that it is asked of.
    pub field: usize,
    pub part: &'static str,
}

/// The value, or the failure that all keys of the batch share.
type Loaded<V> = Result<V, Arc<Error>>;
type Loader<R> = cached::Loader<<R as Relation>::Key, Loaded<<R as Relation>::Value>, Batch<R>>;
type PlaceLoader<M> = cached::Loader<Uuid, Loaded<<M as OfMany>::Value>, PlaceBatch<M>>;

struct Batch<R> {
    conn: TenantConn,
    relation: PhantomData<fn() -> R>,
}

impl<R: Relation> BatchFn<R::Key, Loaded<R::Value>> for Batch<R> {
    async fn load(&mut self, keys: &[R::Key]) -> HashMap<R::Key, Loaded<R::Value>> {
        measure::loaded(std::any::type_name::<R>(), keys.len());
        shared(keys, R::load(&self.conn, keys).await)
    }
}

struct PlaceBatch<M> {
    conn: TenantConn,
    asked: M,
}

impl<M: OfMany> BatchFn<Uuid, Loaded<M::Value>> for PlaceBatch<M> {
    async fn load(&mut self, parents: &[Uuid]) -> ByParent<Loaded<M::Value>> {
        measure::loaded(std::any::type_name::<M>(), parents.len());
        shared(parents, self.asked.load(&self.conn, parents).await)
    }
}

/// A value for each key, or the one failure for all.
fn shared<K: Copy + Eq + Hash, V: Default>(
    keys: &[K],
    loaded: Result<HashMap<K, V>>,
) -> HashMap<K, Loaded<V>> {
    match loaded {
        Ok(mut found) => {
            keys.iter().map(|key| (*key, Ok(found.remove(key).unwrap_or_default()))).collect()
        }
        Err(error) => {
            let error = Arc::new(error);
            keys.iter().map(|key| (*key, Err(error.clone()))).collect()
        }
    }
}

/// The loaders of one request. They never outlive it: what one person may see is not handed to
/// the next.
#[derive(Default)]
pub(super) struct Loaders(Mutex<Kept>);

/// By what they load, and where that is asked.
type Kept = HashMap<(TypeId, Option<Place>), Box<dyn Any + Send + Sync>>;

impl Loaders {
    pub async fn load<R: Relation>(&self, conn: TenantConn, key: R::Key) -> Result<R::Value> {
        let loader: Loader<R> = self.one(None, || {
            Loader::<R>::new(Batch { conn, relation: PhantomData })
                .with_yield_count(1)
                .with_max_batch_size(BATCH)
        })?;
        // A batch dies with the field that ran it (its parent failed); its keys are asked again.
        for _ in 0..TRIES {
            if let Ok(loaded) = unconstrained(loader.try_load(key)).await {
                return told(loaded);
            }
        }
        Err(Error::internal("a loader lost its batch again and again"))
    }

    /// What a place of the document asks of one of its records.
    pub async fn many<M: OfMany>(
        &self,
        place: Place,
        (conn, asked): (TenantConn, M),
        parent: Uuid,
    ) -> Result<M::Value> {
        let loader: PlaceLoader<M> = self.one(Some(place), || {
            PlaceLoader::<M>::new(PlaceBatch { conn, asked })
                .with_yield_count(1)
                .with_max_batch_size(BATCH)
        })?;
        for _ in 0..TRIES {
            if let Ok(loaded) = unconstrained(loader.try_load(parent)).await {
                return told(loaded);
            }
        }
        Err(Error::internal("a loader lost its batch again and again"))
    }

    /// What is the same for all records of a place: made once.
    pub fn kept<T: Clone + Send + Sync + 'static>(
        &self,
        place: Place,
        make: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let key = (TypeId::of::<T>(), Some(place));
        let mut all = self.all();
        let kept = match all.get(&key) {
            Some(kept) => kept.downcast_ref::<T>().cloned(),
            None => {
                let made = make()?;
                all.insert(key, Box::new(made.clone()));
                Some(made)
            }
        };
        kept.ok_or_else(|| Error::internal("two kinds of one place"))
    }

    pub fn clear(&self) {
        self.all().clear();
    }

    fn one<L: Clone + Send + Sync + 'static>(
        &self,
        place: Option<Place>,
        make: impl FnOnce() -> L,
    ) -> Result<L> {
        let mut all = self.all();
        let loader = all.entry((TypeId::of::<L>(), place)).or_insert_with(|| Box::new(make()));
        let loader = loader.downcast_ref::<L>().cloned();
        loader.ok_or_else(|| Error::internal("two loaders of one relation"))
    }

    fn all(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn told<V>(loaded: Loaded<V>) -> Result<V> {
    loaded.map_err(|error| match &*error {
        Error::Unavailable(_) => Error::Unavailable(error.to_string().into()),
        Error::Timeout => Error::Timeout,
        _ => Error::Internal(Box::new(Shared(error))),
    })
}

/// One failure behind many fields.
#[derive(Debug, thiserror::Error)]
#[error("a batch failed")]
struct Shared(#[source] Arc<Error>);

/// A record by its id: `by_id!(CompanyById, companies, Company, CompanyId, CompanyRead);`
///
/// `[not …]` is that of [`crate::record!`].
#[macro_export]
macro_rules! by_id {
    ($(#[$doc:meta])* $name:ident, $table:ident $([not $live:ident])?, $model:ty, $id:ty, $permission:ident) => {
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
                    $(.filter(dsl::$live.is_null()))?
                    .filter(dsl::id.eq_any(keys))
                    .filter(conn.reach().over(conn.tenant(), $crate::access::whose(stringify!($table))))
                    .load(&mut conn)
                    .await?;
                Ok(rows.into_iter().map(|row| (row.id, Some(row))).collect())
            }
        }
    };
}

/// The many of a record, bounded: `has_many!(HistoryOfDeal, max 200, …)`.
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
