//! Lists: Relay connections over keyset pages, with signed cursors.

mod macros;
mod page;

pub use page::{Nesting, Page};

use std::sync::OnceLock;

use async_graphql::{Context, Enum, Many, Object, SimpleObject};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    filter::{Asker, Where},
    session::{Doors, Session},
};
use crate::{
    access::{Permission, Viewer},
    db::{COUNT_LIMIT, Column, Direction, Paged, Slice, SortKey, Value, Valued},
    error::{Error, Result},
    ids,
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
pub struct PageInfo {
    pub(super) next: bool,
    pub(super) previous: bool,
    pub(super) start: Option<Position>,
    pub(super) end: Option<Position>,
}

/// Where a page stands in its list.
#[Object]
impl PageInfo {
    /// Is there more behind this page?
    async fn has_next_page(&self) -> bool {
        self.next
    }

    /// Is there more before this page?
    async fn has_previous_page(&self) -> bool {
        self.previous
    }

    /// The cursor of the first record; null on an empty page.
    async fn start_cursor(&self, ctx: &Context<'_>) -> Option<String> {
        self.start.as_ref().map(|start| start.cursor(ctx.session()))
    }

    /// The cursor of the last record: give it as `after` for the next page.
    async fn end_cursor(&self, ctx: &Context<'_>) -> Option<String> {
        self.end.as_ref().map(|end| end.cursor(ctx.session()))
    }
}

/// A place in a list, which becomes a cursor where one is asked for.
pub struct Position {
    /// Which list: its cursors are good for no other.
    pub(super) list: Vec<u8>,
    pub(super) values: Vec<Value>,
}

impl Position {
    pub(super) fn cursor(&self, session: &Session) -> String {
        let position = serde_json::to_vec(&self.values).unwrap_or_default();
        let mut bytes = session.keys().cursor_mark(&self.list, &position).to_vec();
        bytes.extend_from_slice(&position);
        BASE64.encode(bytes)
    }
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
    /// The deleted ones, and no others.
    pub deleted: bool,
}

/// How often a value is there.
#[derive(SimpleObject)]
pub struct FacetValue {
    /// The value; null where there is none. Of a field that names a record it is that record's id.
    value: Option<String>,
    /// How many records have it.
    count: i32,
}

/// The values of one field in a whole list, the most frequent first, at most 100.
#[derive(SimpleObject)]
pub struct Facet {
    /// Which field.
    field: &'static str,
    /// Its values.
    values: Many<FacetValue>,
}

/// A field whose values can be counted.
#[derive(Clone, Copy, Debug)]
pub struct Faceted {
    pub name: &'static str,
    pub column: Column,
    /// What the ids begin with, where the values are ids.
    pub prefix: Option<&'static str>,
}

impl Facet {
    fn new(of: Faceted, values: Vec<Valued>) -> Self {
        let value = |(value, count): Valued| {
            let value = match (of.prefix, value.as_deref().map(Uuid::parse_str)) {
                (Some(prefix), Some(Ok(id))) => Some(ids::text(prefix, id)),
                _ => value,
            };
            FacetValue { value, count: i32::try_from(count).unwrap_or(i32::MAX) }
        };
        Self { field: of.name, values: values.into_iter().map(value).collect() }
    }
}

/// What can be listed: the macro [`crate::connection!`] says so of a GraphQL type.
pub trait Listed: Sized + Send + Sync + 'static {
    /// What the database gives.
    type Row: Paged + 'static;
    type Field: Copy + std::fmt::Debug + PartialEq + Default + Send + Sync + 'static;
    /// The name in cursors, and the column of the id.
    const NAME: &'static str;
    const ID: Column;
    const PERMISSION: Permission;

    fn of(row: Self::Row) -> Self;

    fn column(field: Self::Field) -> Column;
    fn sort_value(&self, field: Self::Field) -> Value;
    fn uuid(&self) -> Uuid;
}

/// A list's `orderBy`: [`crate::connection!`] makes it.
pub trait Ordered: Sized {
    type Item: Listed;

    /// What it says.
    fn keys(order: Option<Vec<Self>>) -> Vec<(<Self::Item as Listed>::Field, SortDirection)>;
}

/// A question to a list: which page of which order of which records.
pub struct Question<F> {
    pub slice: Slice,
    keys: Vec<F>,
    /// See [`Question::list`].
    list: OnceLock<[u8; 32]>,
    wanted: usize,
}

impl Paging {
    /// Of a list that is only read forward.
    pub fn forward(first: Option<i32>, after: Option<String>) -> Self {
        Self { first, after, ..Self::default() }
    }

    /// Checks the arguments, and opens the cursor.
    pub fn question<T: Listed>(
        self,
        session: &Session,
        viewer: &Viewer,
        which: Option<impl Where>,
        order: Vec<(T::Field, SortDirection)>,
    ) -> Result<Question<T::Field>> {
        let tenant = viewer.tenant;
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
        let deleted = self.deleted;
        let mut by = Asker::new(viewer, session.clock().now());
        let filter = by.filter(which)?;
        let (keys, order) = sort_keys::<T>(order)?;
        order.iter().try_for_each(|key| by.may_ask(key.column))?;
        let slice = Slice { tenant, filter, order, after: None, backwards, deleted, limit: wanted };
        let (list, wanted) = (OnceLock::new(), usize::try_from(wanted).unwrap_or_default());
        let mut question = Question { slice, keys, list, wanted };
        if let Some(cursor) = cursor {
            let after = open(session, question.list::<T>(), &cursor)?;
            if after.len() != question.slice.order.len() {
                return Err(Error::InvalidCursor);
            }
            question.slice.after = Some(after);
        }
        Ok(question)
    }
}

impl<F> Question<F> {
    /// What a cursor is bound to: worked out where one comes, or where the page says where it stands.
    fn list<T: Listed<Field = F>>(&self) -> &[u8; 32] {
        let Slice { tenant, filter, order, deleted, .. } = &self.slice;
        let told = || format!("{} {tenant} {deleted} {order:?} {filter:?}", T::NAME);
        self.list.get_or_init(|| Sha256::digest(told()).into())
    }

    /// With one row more than the page has, to see whether there is more.
    fn peeking(mut self, peek: bool) -> Self {
        self.slice.limit += i64::from(peek);
        self
    }
}

fn size(wanted: Option<i32>) -> Result<i64> {
    size_or(wanted, DEFAULT_PAGE)
}

/// How many records are wanted, where a page has so many unless it is said.
pub fn size_or(wanted: Option<i32>, default: i64) -> Result<i64> {
    match wanted.map_or(default, i64::from) {
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

pub(super) fn open(session: &Session, list: &[u8], cursor: &str) -> Result<Vec<Value>> {
    let bytes = BASE64.decode(cursor).map_err(|_| Error::InvalidCursor)?;
    let (mark, position) = bytes.split_at_checked(MARK).ok_or(Error::InvalidCursor)?;
    if session.keys().cursor_mark(list, position) != mark {
        return Err(Error::InvalidCursor);
    }
    serde_json::from_slice(position).map_err(|_| Error::InvalidCursor)
}
