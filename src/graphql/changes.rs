//! The log of changes as clients follow it: a subscription, and a list to pull. Both have the same
//! cursors, and lead to records of any kind.

use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::{Context, ID, Many, Object, Subscription};
use futures_util::{Stream, stream};

use super::{
    Doors, Node, PageInfo,
    connection::{Position, open},
    find, requires,
};
use crate::{
    access::{Guarded, Permission::ChangeRead, TABLES},
    clock::Timestamp,
    db::Value,
    error::{Error, Result},
    feed::{self, Stretch, Window},
    graphql::Session,
    ids,
};

const MOST_TYPES: usize = 50;
const PAGE: i32 = 20;
const LONGEST_PAGE: i32 = 100;
/// The cursor of the beginning.
const BEGINNING: &str = "0";

/// What a subscription waits for.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub tables: Vec<&'static str>,
    /// The position behind which it begins.
    pub after: i64,
    /// After so many it is done.
    pub first: Option<u32>,
}

/// A subscription's field is resolved once to learn what is waited for, and once for each change.
#[derive(Debug)]
pub enum Occasion {
    Begun(Mutex<Option<Wanted>>),
    Happened(feed::Change),
}

/// A committed change of a record.
pub struct Change(feed::Change);

/// A committed change of a record. It says what was changed, and not how: that is in the record, and in
/// the audit trail.
#[Object]
impl Change {
    /// Its place in the log: give it as `after` to go on behind it.
    async fn cursor(&self, ctx: &Context<'_>) -> String {
        cursor(ctx.session(), self.0.position)
    }

    /// What kind of record, such as "Company".
    async fn r#type(&self) -> &'static str {
        self.guarded().map_or("", |guarded| guarded.kind)
    }

    /// What was done: "CREATED", "UPDATED" or "DELETED".
    async fn action(&self) -> &str {
        &self.0.action
    }

    /// Which record.
    async fn record_id(&self) -> ID {
        self.record()
    }

    /// When.
    async fn at(&self) -> Timestamp {
        self.0.at
    }

    /// The record as it is now; null when there is none any more, when you may not see it any more, or
    /// when its kind has no page of its own.
    async fn node(&self, ctx: &Context<'_>) -> Result<Option<Node>> {
        if self.0.action == "DELETED" {
            return Ok(None);
        }
        match find(ctx, &self.record()).await {
            Ok(node) => Ok(Some(node)),
            Err(Error::NotFound | Error::BadInput(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Change {
    fn guarded(&self) -> Option<&'static Guarded> {
        Guarded::of(&self.0.table_name)
    }

    fn record(&self) -> ID {
        let prefix = self.guarded().map_or("", |guarded| guarded.prefix);
        ids::text(prefix, self.0.record_id).into()
    }
}

/// A change, with its cursor.
pub struct ChangeEdge(feed::Change);

/// A change, with its cursor.
#[Object]
impl ChangeEdge {
    /// The change's place in the log.
    async fn cursor(&self, ctx: &Context<'_>) -> String {
        cursor(ctx.session(), self.0.position)
    }

    /// The change.
    async fn node(&self) -> Change {
        Change(self.0.clone())
    }
}

/// A part of the log.
pub struct ChangeConnection {
    after: i64,
    stretch: Stretch,
}

/// A part of the log of changes. A page may be empty and have more behind it: what you may not see
/// was passed over. Go on from `pageInfo.endCursor` either way.
#[Object]
impl ChangeConnection {
    /// The changes, in the order in which they were committed.
    async fn nodes(&self) -> Many<Change> {
        self.stretch.changes.iter().cloned().map(Change).collect()
    }

    /// The changes, each with its cursor.
    async fn edges(&self) -> Many<ChangeEdge> {
        self.stretch.changes.iter().cloned().map(ChangeEdge).collect()
    }

    /// How far it reaches. `endCursor` is there on an empty page too: all up to it was looked at.
    async fn page_info(&self, ctx: &Context<'_>) -> PageInfo {
        let Self { after, stretch } = self;
        let at = |position| Some(place(ctx.session(), position));
        PageInfo {
            next: stretch.more,
            previous: *after > 0,
            start: stretch.changes.first().and_then(|first| at(first.position)),
            end: at(stretch.until),
        }
    }
}

#[derive(Default)]
pub struct ChangeQuery;

#[Object]
impl ChangeQuery {
    /// The committed changes that you may see, the oldest first: what the subscription of this name
    /// tells, for whoever would rather ask.
    #[graphql(directive = requires::apply(ChangeRead))]
    async fn changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only of these kinds, such as \"Company\"; at most 50.")] types: Option<
            Vec<String>,
        >,
        #[graphql(
            desc = "Behind this cursor. Absent, or \"0\": from the beginning of what is kept."
        )]
        after: Option<String>,
        #[graphql(desc = "How many, 1 to 100; 20 when absent.")] first: Option<i32>,
    ) -> Result<Option<ChangeConnection>> {
        let tables = tables(types.as_deref())?;
        let first = first.unwrap_or(PAGE);
        if !(1..=LONGEST_PAGE).contains(&first) {
            return Err(Error::BadInput(format!("`first` is 1 to {LONGEST_PAGE}.")));
        }
        let conn = ctx.read(ChangeRead).await?;
        let after = match after {
            Some(after) => position(ctx.session(), &after)?,
            None => 0,
        };
        let window = Window { after, resumes: after > 0, tables: &tables, most: first.into() };
        let stretch = feed::follow(&conn, window).await?;
        Ok(Some(ChangeConnection { after, stretch }))
    }
}

#[derive(Default)]
pub struct ChangeSubscription;

/// What can be followed.
#[Subscription(name = "Subscription")]
impl ChangeSubscription {
    /// Committed changes that you may see, in the order in which they were committed. Each has a
    /// cursor; whoever goes on from one misses nothing and gets nothing twice.
    #[graphql(directive = requires::apply(ChangeRead))]
    async fn changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only of these kinds, such as \"Company\"; at most 50.")] types: Option<
            Vec<String>,
        >,
        #[graphql(
            desc = "Behind this cursor. Absent: from now on. \"0\": from the beginning of what is kept."
        )]
        after: Option<String>,
        #[graphql(desc = "Completes after so many; absent: when you have enough.")] first: Option<
            i32,
        >,
    ) -> Result<impl Stream<Item = Change> + use<>> {
        let happened = match &**ctx.data_unchecked::<Arc<Occasion>>() {
            Occasion::Happened(change) => Some(Change(change.clone())),
            Occasion::Begun(place) => {
                let wanted = wanted(ctx, types.as_deref(), after.as_deref(), first).await?;
                *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(wanted);
                None
            }
        };
        Ok(stream::iter(happened))
    }
}

async fn wanted(
    ctx: &Context<'_>,
    types: Option<&[String]>,
    after: Option<&str>,
    first: Option<i32>,
) -> Result<Wanted> {
    let tables = tables(types)?;
    let enough = || Error::BadInput("`first` is at least 1.".into());
    let first = match first {
        Some(first) => {
            Some(u32::try_from(first).ok().filter(|first| *first > 0).ok_or_else(enough)?)
        }
        None => None,
    };
    let conn = ctx.read(ChangeRead).await?;
    let after = match after {
        None => feed::head(&conn).await?,
        Some(after) => position(ctx.session(), after)?,
    };
    Ok(Wanted { tables, after, first })
}

/// The tables whose changes are of these kinds.
fn tables(types: Option<&[String]>) -> Result<Vec<&'static str>> {
    let Some(types) = types else {
        return Ok(TABLES.iter().map(|guarded| guarded.table).collect());
    };
    if types.is_empty() || types.len() > MOST_TYPES {
        return Err(Error::BadInput(format!("`types` has 1 to {MOST_TYPES} kinds.")));
    }
    let mut tables = Vec::new();
    for kind in types {
        let before = tables.len();
        tables.extend(Guarded::of_kind(kind).map(|guarded| guarded.table));
        if tables.len() == before {
            let mut known: Vec<&str> = TABLES.iter().map(|guarded| guarded.kind).collect();
            known.sort_unstable();
            known.dedup();
            let known = known.join(", ");
            return Err(Error::BadInput(format!("\"{kind:.50}\" is no kind of record: {known}.")));
        }
    }
    Ok(tables)
}

/// What a cursor of the log is bound to.
fn log_of(session: &Session) -> Vec<u8> {
    let tenant = session.viewer().map(|viewer| viewer.tenant.to_string()).unwrap_or_default();
    format!("changes {tenant}").into_bytes()
}

fn place(session: &Session, position: i64) -> Position {
    Position { list: log_of(session), values: vec![Value::BigInt(position)] }
}

fn cursor(session: &Session, position: i64) -> String {
    place(session, position).cursor(session)
}

fn position(session: &Session, cursor: &str) -> Result<i64> {
    if cursor == BEGINNING {
        return Ok(0);
    }
    match open(session, &log_of(session), cursor)?.as_slice() {
        [Value::BigInt(position)] => Ok(*position),
        _ => Err(Error::InvalidCursor),
    }
}
