//! Lists: Relay connections over keyset pages, with signed cursors.

use async_graphql::{Enum, Many, SimpleObject};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    filter::{Limits, Where},
    session::Session,
};
use crate::{
    db::{COUNT_LIMIT, Column, Direction, Filter, Slice, SortKey, Value},
    error::{Error, Result},
    tenants::TenantId,
};

const DEFAULT_PAGE: i64 = 20;
const MAX_PAGE: i64 = 100;
const MAX_KEYS: usize = 3;
const MARK: usize = 12;

/// Which way to sort.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
#[graphql(name = "Direction")]
pub enum SortDirection {
    /// From low to high, from A to Z, from old to new.
    #[default]
    Asc,
    /// From high to low, from Z to A, from new to old.
    Desc,
}

/// Where a page stands in its list.
#[derive(SimpleObject)]
pub struct PageInfo {
    /// Is there more behind this page?
    pub(super) has_next_page: bool,
    /// Is there more before this page?
    pub(super) has_previous_page: bool,
    /// The cursor of the first record; null on an empty page.
    pub(super) start_cursor: Option<String>,
    /// The cursor of the last record: give it as `after` for the next page.
    pub(super) end_cursor: Option<String>,
}

/// How many records a whole list has.
#[derive(SimpleObject)]
pub struct TotalCount {
    /// Exact up to 10,000.
    value: i32,
    /// True: there are more than `value`.
    is_estimate: bool,
}

impl TotalCount {
    /// From a count that stopped behind [`COUNT_LIMIT`].
    pub fn capped(count: i64) -> Self {
        let value = i32::try_from(count.min(COUNT_LIMIT)).unwrap_or(i32::MAX);
        Self { value, is_estimate: count > COUNT_LIMIT }
    }
}

/// The arguments of a Relay connection.
#[derive(Debug, Default)]
pub struct Paging {
    pub first: Option<i32>,
    pub after: Option<String>,
    pub last: Option<i32>,
    pub before: Option<String>,
}

/// What can be listed: the macro [`crate::connection!`] says so of a GraphQL type.
pub trait Listed: Sized {
    type Field: Copy + std::fmt::Debug + PartialEq + Default;
    /// The name in cursors, and the column of the id.
    const NAME: &'static str;
    const ID: Column;

    fn column(field: Self::Field) -> Column;
    fn sort_value(&self, field: Self::Field) -> Value;
    fn uuid(&self) -> Uuid;
}

/// A question to a list: which page of which order of which records.
pub struct Question<F> {
    pub slice: Slice,
    keys: Vec<F>,
    list: [u8; 32],
    wanted: usize,
}

impl Paging {
    /// Checks the arguments, and opens the cursor.
    pub fn question<T: Listed>(
        self,
        session: &Session,
        tenant: TenantId,
        filter: Option<impl Where>,
        order: Vec<(T::Field, SortDirection)>,
    ) -> Result<Question<T::Field>> {
        let (backwards, wanted) = match (self.first, self.last) {
            (Some(_), Some(_)) => {
                return Err(Error::BadInput("Give first or last, not both.".into()));
            }
            (first, None) => (false, size(first)?),
            (None, last) => (true, size(last)?),
        };
        let cursor = match (backwards, self.after, self.before) {
            (false, after, None) => after,
            (true, None, before) => before,
            (false, ..) => return Err(Error::BadInput("before goes with last.".into())),
            (true, ..) => return Err(Error::BadInput("after goes with first.".into())),
        };
        let filter = match filter {
            Some(filter) => filter.filter(&mut Limits::default())?,
            None => Filter::everything(),
        };
        let (keys, order) = sort_keys::<T>(order)?;
        let list = fingerprint::<T>(tenant, &filter, &order);
        let after = cursor.map(|cursor| open(session, &list, &cursor)).transpose()?;
        if after.as_ref().is_some_and(|values| values.len() != order.len()) {
            return Err(Error::InvalidCursor);
        }
        let limit = wanted + 1;
        let slice = Slice { tenant, filter, order, after, backwards, limit };
        let wanted = usize::try_from(wanted).unwrap_or_default();
        Ok(Question { slice, keys, list, wanted })
    }
}

fn size(wanted: Option<i32>) -> Result<i64> {
    match wanted.map_or(DEFAULT_PAGE, i64::from) {
        size @ 0..=MAX_PAGE => Ok(size),
        _ => Err(Error::BadInput(format!("A page has 0 to {MAX_PAGE} records."))),
    }
}

fn sort_keys<T: Listed>(
    order: Vec<(T::Field, SortDirection)>,
) -> Result<(Vec<T::Field>, Vec<SortKey>)> {
    let order = if order.is_empty() { vec![Default::default()] } else { order };
    let mut keys: Vec<T::Field> = Vec::new();
    let mut columns = Vec::new();
    for (field, direction) in order {
        if keys.contains(&field) || keys.len() == MAX_KEYS {
            let told = format!("orderBy has at most {MAX_KEYS} fields, each once.");
            return Err(Error::BadInput(told));
        }
        keys.push(field);
        let direction = match direction {
            SortDirection::Asc => Direction::Ascending,
            SortDirection::Desc => Direction::Descending,
        };
        columns.push(SortKey { column: T::column(field), direction });
    }
    let direction = columns.first().map_or(Direction::Ascending, |key| key.direction);
    columns.push(SortKey { column: T::ID, direction });
    Ok((keys, columns))
}

/// What a cursor is bound to.
fn fingerprint<T: Listed>(tenant: TenantId, filter: &Filter, order: &[SortKey]) -> [u8; 32] {
    Sha256::digest(format!("{} {tenant} {order:?} {filter:?}", T::NAME)).into()
}

pub(super) fn seal(session: &Session, list: &[u8], position: &[Value]) -> String {
    let position = serde_json::to_vec(position).unwrap_or_default();
    let mut bytes = session.keys().cursor_mark(list, &position).to_vec();
    bytes.extend_from_slice(&position);
    BASE64.encode(bytes)
}

pub(super) fn open(session: &Session, list: &[u8], cursor: &str) -> Result<Vec<Value>> {
    let bytes = BASE64.decode(cursor).map_err(|_| Error::InvalidCursor)?;
    let (mark, position) = bytes.split_at_checked(MARK).ok_or(Error::InvalidCursor)?;
    if session.keys().cursor_mark(list, position) != mark {
        return Err(Error::InvalidCursor);
    }
    serde_json::from_slice(position).map_err(|_| Error::InvalidCursor)
}

/// A page of a list, in the order that was asked for.
pub struct Page<T: Listed> {
    pub items: Many<T>,
    /// Without the page's own bounds, for `totalCount`.
    pub whole: Slice,
    keys: Vec<T::Field>,
    list: [u8; 32],
    has_more: bool,
    has_before: bool,
}

impl<T: Listed> Page<T> {
    /// From the rows of the question's slice, one more than the page where there is more.
    pub fn new(question: Question<T::Field>, rows: impl IntoIterator<Item = T>) -> Self {
        let Question { slice, keys, list, wanted } = question;
        let mut items: Vec<T> = rows.into_iter().collect();
        let has_more = items.len() > wanted;
        items.truncate(wanted);
        if slice.backwards {
            items.reverse();
        }
        let has_before = slice.after.is_some();
        let whole = Slice { after: None, ..slice };
        Self { items: Many(items), whole, keys, list, has_more, has_before }
    }

    pub fn cursor(&self, session: &Session, item: &T) -> String {
        let mut position: Vec<Value> = self.keys.iter().map(|key| item.sort_value(*key)).collect();
        position.push(Value::Uuid(item.uuid()));
        seal(session, &self.list, &position)
    }

    pub fn info(&self, session: &Session) -> PageInfo {
        let (next, previous) = match self.whole.backwards {
            false => (self.has_more, self.has_before),
            true => (self.has_before, self.has_more),
        };
        PageInfo {
            has_next_page: next,
            has_previous_page: previous,
            start_cursor: self.items.0.first().map(|item| self.cursor(session, item)),
            end_cursor: self.items.0.last().map(|item| self.cursor(session, item)),
        }
    }
}

/// A list's types: how it is sorted, its connection and its edge.
///
/// ```ignore
/// connection! {
///     /// A page of tags.
///     Tag as TagConnection, TagEdge, of model::Tag, which TagWhere, permission TagRead;
///     id tags::id;
///     /// How to sort tags.
///     order TagOrder by TagOrderField {
///         /// By name, upper and lower case alike.
///         Name => tags::name_key, |tag| Value::Text(tag.0.name_key.clone());
///     }
/// }
/// ```
#[macro_export]
macro_rules! connection {
    (
        $(#[$doc:meta])*
        $item:ident as $connection:ident, $edge:ident, of $model:ty, which $where:ty, permission $permission:ident;
        id $table:ident :: $id:ident;
        $(#[$order_doc:meta])*
        order $order:ident by $field:ident {
            $(#[$first_doc:meta])* $first:ident => $first_table:ident :: $first_column:ident, $first_value:expr;
            $($(#[$key_doc:meta])* $key:ident => $key_table:ident :: $key_column:ident, $key_value:expr;)*
        }
    ) => {
        /// What the list can be sorted by.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ::async_graphql::Enum)]
        pub enum $field {
            $(#[$first_doc])* #[default] $first,
            $($(#[$key_doc])* $key,)*
        }

        $(#[$order_doc])*
        #[derive(Clone, Copy, Debug, ::async_graphql::InputObject)]
        pub struct $order {
            /// By what.
            field: $field,
            /// Which way; ASC when absent.
            direction: Option<$crate::graphql::SortDirection>,
        }

        impl $crate::graphql::Listed for $item {
            type Field = $field;
            const NAME: &'static str = stringify!($item);
            const ID: $crate::db::Column = $crate::column!($table::$id);

            fn column(field: $field) -> $crate::db::Column {
                match field {
                    $field::$first => $crate::column!($first_table::$first_column),
                    $($field::$key => $crate::column!($key_table::$key_column),)*
                }
            }

            fn sort_value(&self, field: $field) -> $crate::db::Value {
                let value: fn(&Self) -> $crate::db::Value = match field {
                    $field::$first => $first_value,
                    $($field::$key => $key_value,)*
                };
                value(self)
            }

            fn uuid(&self) -> ::uuid::Uuid {
                self.0.id.into()
            }
        }

        $(#[$doc])*
        pub struct $connection(::std::sync::Arc<$crate::graphql::Page<$item>>);

        impl $connection {
            /// The page that the arguments of a list ask for.
            pub async fn load(
                ctx: &::async_graphql::Context<'_>,
                paging: $crate::graphql::Paging,
                which: Option<$where>,
                order: Option<Vec<$order>>,
            ) -> $crate::error::Result<Option<Self>> {
                use $crate::{access::Permission, graphql::{Doors, Page}};
                let conn = ctx.read(Permission::$permission).await?;
                let order = order.unwrap_or_default().into_iter();
                let order = order.map(|key| (key.field, key.direction.unwrap_or_default()));
                let (session, tenant) = (ctx.session(), conn.tenant());
                let question = paging.question::<$item>(session, tenant, which, order.collect())?;
                let rows = <$model>::page(&conn, &question.slice).await?;
                let page = Page::new(question, rows.into_iter().map($item));
                Ok(Some(Self(::std::sync::Arc::new(page))))
            }
        }

        $(#[$doc])*
        #[::async_graphql::Object]
        impl $connection {
            /// The records of this page.
            async fn nodes(&self) -> &::async_graphql::Many<$item> {
                &self.0.items
            }

            /// The records of this page, each with its cursor.
            async fn edges(&self) -> ::async_graphql::Many<$edge> {
                (0..self.0.items.0.len()).map(|at| $edge(self.0.clone(), at)).collect()
            }

            /// Where this page stands in the list.
            async fn page_info(&self, ctx: &::async_graphql::Context<'_>) -> $crate::graphql::PageInfo {
                self.0.info($crate::graphql::Doors::session(ctx))
            }

            /// How many records the whole list has; counted only when asked for.
            async fn total_count(
                &self,
                ctx: &::async_graphql::Context<'_>,
            ) -> $crate::error::Result<Option<$crate::graphql::TotalCount>> {
                use $crate::{access::Permission, graphql::{Doors, TotalCount}};
                let conn = ctx.read(Permission::$permission).await?;
                let count = <$model>::count(&conn, &self.0.whole).await?;
                Ok(Some(TotalCount::capped(count)))
            }
        }

        /// A record of the page with its place in the list.
        pub struct $edge(::std::sync::Arc<$crate::graphql::Page<$item>>, usize);

        /// A record of the page with its place in the list.
        #[::async_graphql::Object]
        impl $edge {
            /// Give it as `after` to go on behind this record.
            async fn cursor(&self, ctx: &::async_graphql::Context<'_>) -> String {
                let item = self.0.items.0.get(self.1);
                item.map(|item| self.0.cursor($crate::graphql::Doors::session(ctx), item)).unwrap_or_default()
            }

            /// The record.
            async fn node(&self) -> $crate::error::Result<&$item> {
                self.0.items.0.get(self.1).ok_or($crate::error::Error::NotFound)
            }
        }
    };
}
