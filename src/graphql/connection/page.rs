//! A page of a list with what it was asked for: one list of all, or those within many records at
//! once.

use std::{any::TypeId, marker::PhantomData, sync::Arc};

use async_graphql::{Context, Many};
use uuid::Uuid;

use super::{
    Facet, Faceted, Listed, PageInfo, Paging, Position, Question, SortDirection, TotalCount,
};
use crate::{
    db::{Column, Paged, Slice, TenantConn, Value, Valued},
    error::{Error, Result},
    graphql::{
        Doors, Session, Where,
        filter::Asker,
        loader::{ByParent, OfMany, Place},
    },
};

/// Facets at once.
const MOST_FACETS: usize = 10;

/// Within which record.
#[derive(Clone, Copy, Debug)]
pub struct Nesting {
    /// The column that names it.
    pub within: Column,
    pub parent: Uuid,
}

impl Nesting {
    pub fn of(parent: impl Into<Uuid>, within: Column) -> Self {
        Self { within, parent: parent.into() }
    }
}

/// The records of a page in the order that was asked for.
struct Rows<T> {
    items: Many<T>,
    has_more: bool,
}

impl<T: Listed> Rows<T> {
    /// From one row more than the page has, where that was asked and there is more.
    fn of(question: &Question<T::Field>, rows: Vec<T::Row>) -> Self {
        let mut items: Vec<T> = rows.into_iter().map(T::of).collect();
        let has_more = items.len() > question.wanted;
        items.truncate(question.wanted);
        if question.slice.backwards {
            items.reverse();
        }
        Self { items: Many(items), has_more }
    }

    fn none() -> Self {
        Self { items: Many(Vec::new()), has_more: false }
    }
}

/// A page of a list.
pub struct Page<T: Listed> {
    rows: Arc<Rows<T>>,
    question: Arc<Question<T::Field>>,
    /// Whose, and where in the document that was asked.
    nested: Option<(Nesting, Place)>,
}

impl<T: Listed> Page<T> {
    /// The page of a whole list.
    pub async fn load(
        ctx: &Context<'_>,
        paging: Paging,
        (which, order): (Option<impl Where>, Vec<(T::Field, SortDirection)>),
    ) -> Result<Self> {
        let conn = ctx.read(T::PERMISSION).await?;
        let question = paging.question::<T>(ctx.session(), ctx.viewer()?, which, order)?;
        let question = question.peeking(asks_for_more(ctx));
        let rows = T::Row::page(&question.slice.on(&conn), &question.slice).await?;
        let rows = Arc::new(Rows::of(&question, rows));
        Ok(Self { rows, question: Arc::new(question), nested: None })
    }

    /// The page of those that one record has. All records whose field it is ask together.
    pub async fn within(
        ctx: &Context<'_>,
        nesting: Nesting,
        paging: Paging,
        (which, order): (Option<impl Where>, Vec<(T::Field, SortDirection)>),
    ) -> Result<Self> {
        let conn = ctx.read(T::PERMISSION).await?;
        let session = ctx.session();
        // One field of a document has one set of arguments, whichever record it is asked of.
        let field = std::ptr::from_ref(ctx.item).addr();
        let place = Place { kind: TypeId::of::<T>(), field, part: nesting.within.name };
        let viewer = ctx.viewer()?;
        let made = || {
            let question = paging.question::<T>(session, viewer, which, order)?;
            Ok(Arc::new(question.peeking(asks_for_more(ctx))))
        };
        let question = session.loaders.kept(place, made)?;
        let conn = question.slice.on(&conn);
        let pages = Pages::<T> { question: question.clone(), within: nesting.within };
        let rows = session.loaders.many(place, (conn, pages), nesting.parent).await?;
        let rows = rows.unwrap_or_else(|| Arc::new(Rows::none()));
        Ok(Self { rows, question, nested: Some((nesting, place)) })
    }

    pub fn items(&self) -> &Many<T> {
        &self.rows.items
    }

    /// The cursor of one of its records.
    pub fn cursor(&self, session: &Session, item: &T) -> String {
        self.position(item).cursor(session)
    }

    fn position(&self, item: &T) -> Position {
        let keys = self.question.keys.iter();
        let mut values: Vec<Value> = keys.map(|key| item.sort_value(*key)).collect();
        values.push(Value::Uuid(item.uuid()));
        Position { list: self.question.list::<T>().to_vec(), values }
    }

    pub fn info(&self) -> PageInfo {
        let slice = &self.question.slice;
        let has_before = slice.after.is_some();
        let (next, previous) = match slice.backwards {
            false => (self.rows.has_more, has_before),
            true => (has_before, self.rows.has_more),
        };
        let items = &self.items().0;
        let (start, end) = (items.first(), items.last());
        let at = |item: Option<&T>| item.map(|item| self.position(item));
        PageInfo { next, previous, start: at(start), end: at(end) }
    }

    pub async fn total_count(&self, ctx: &Context<'_>) -> Result<TotalCount> {
        let whole = self.whole();
        let conn = whole.on(&ctx.read(T::PERMISSION).await?);
        let count = match self.nested {
            None => T::Row::count(&conn, &whole).await?,
            Some((nesting, place)) => {
                let counts = Counts::<T> { whole, within: nesting.within, list: PhantomData };
                ctx.session().loaders.many(place, (conn, counts), nesting.parent).await?
            }
        };
        Ok(TotalCount::capped(count))
    }

    pub async fn facets(&self, ctx: &Context<'_>, by: Vec<Faceted>) -> Result<Many<Facet>> {
        let whole = self.whole();
        let conn = whole.on(&ctx.read(T::PERMISSION).await?);
        let asker = Asker::new(ctx.viewer()?, ctx.clock().now());
        by.iter().try_for_each(|facet| asker.may_ask(facet.column))?;
        let repeats = by
            .iter()
            .enumerate()
            .any(|(at, facet)| by.iter().take(at).any(|before| before.name == facet.name));
        if repeats || by.len() > MOST_FACETS {
            return Err(Error::BadInput(format!("At most {MOST_FACETS} facets, each once.")));
        }
        let facet = async |facet: Faceted| {
            let values = match self.nested {
                None => T::Row::facet(&conn, &whole, facet.column).await?,
                Some((nesting, place)) => {
                    let place = Place { part: facet.column.name, ..place };
                    let (whole, within, by) = (whole.clone(), nesting.within, facet.column);
                    let facets = Facets::<T> { whole, within, by, list: PhantomData };
                    let loaders = &ctx.session().loaders;
                    loaders.many(place, (conn.clone(), facets), nesting.parent).await?
                }
            };
            Ok::<_, Error>(Facet::new(facet, values))
        };
        let facets = futures_util::future::try_join_all(by.into_iter().map(facet)).await?;
        Ok(Many(facets))
    }

    /// Without the page's own bounds.
    fn whole(&self) -> Slice {
        Slice { after: None, ..self.question.slice.clone() }
    }
}

/// Does anybody want to know whether there is more?
fn asks_for_more(ctx: &Context<'_>) -> bool {
    let info = ctx.look_ahead().field("pageInfo");
    info.field("hasNextPage").exists() || info.field("hasPreviousPage").exists()
}

/// A page of each parent's own.
struct Pages<T: Listed> {
    question: Arc<Question<T::Field>>,
    within: Column,
}

impl<T: Listed> OfMany for Pages<T> {
    type Value = Option<Arc<Rows<T>>>;

    async fn load(&self, conn: &TenantConn, parents: &[Uuid]) -> Result<ByParent<Self::Value>> {
        let rows = T::Row::pages(conn, &self.question.slice, self.within, parents).await?;
        let of_parent = |rows| Some(Arc::new(Rows::of(&self.question, rows)));
        Ok(grouped(rows).into_iter().map(|(parent, rows)| (parent, of_parent(rows))).collect())
    }
}

/// How many each parent has.
struct Counts<T> {
    whole: Slice,
    within: Column,
    list: PhantomData<fn() -> T>,
}

impl<T: Listed> OfMany for Counts<T> {
    type Value = i64;

    async fn load(&self, conn: &TenantConn, parents: &[Uuid]) -> Result<ByParent<i64>> {
        let counts = T::Row::counts(conn, &self.whole, self.within, parents).await?;
        Ok(counts.into_iter().collect())
    }
}

/// What values the records of each parent have.
struct Facets<T> {
    whole: Slice,
    within: Column,
    by: Column,
    list: PhantomData<fn() -> T>,
}

impl<T: Listed> OfMany for Facets<T> {
    type Value = Vec<Valued>;

    async fn load(&self, conn: &TenantConn, parents: &[Uuid]) -> Result<ByParent<Self::Value>> {
        let values = T::Row::facets(conn, &self.whole, self.by, self.within, parents).await?;
        Ok(grouped(values))
    }
}

fn grouped<V>(all: Vec<(Uuid, V)>) -> ByParent<Vec<V>> {
    let mut grouped = ByParent::<Vec<V>>::new();
    for (parent, value) in all {
        grouped.entry(parent).or_default().push(value);
    }
    grouped
}
