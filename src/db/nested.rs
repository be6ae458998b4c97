//! Lists within many records at once: a page of each one's own, in one statement; and what of a
//! list there is how often.

use diesel::{
    QueryResult,
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_types::{Array, BigInt, Nullable, Text, Uuid as SqlUuid},
};
use uuid::Uuid;

use super::{COUNT_LIMIT, Column, Slice, TenantConn};
use crate::error::{Error, Result};

/// The most values that a facet tells.
const MOST_VALUES: i64 = 100;

/// A value of a column, and how often it is there.
pub type Valued = (Option<String>, i64);

/// A kind of record that there are lists of; `listed!` makes it. One that is in no other record's
/// list has the first two only, one that is in nothing else the next two.
#[expect(unused_variables, reason = "the names say what is asked")]
pub trait Paged: Sized + Send {
    fn page(conn: &TenantConn, slice: &Slice) -> impl Future<Output = Result<Vec<Self>>> + Send {
        async { Err(Error::internal(NOT_LISTED)) }
    }

    /// How many, as far as [`COUNT_LIMIT`].
    fn count(conn: &TenantConn, slice: &Slice) -> impl Future<Output = Result<i64>> + Send {
        async { Err(Error::internal(NOT_LISTED)) }
    }

    /// A page of each parent's own; `within` is the column that names the parent.
    fn pages(
        conn: &TenantConn,
        slice: &Slice,
        within: Column,
        parents: &[Uuid],
    ) -> impl Future<Output = Result<Vec<(Uuid, Self)>>> + Send {
        async { Err(Error::internal(NOT_LISTED)) }
    }

    fn counts(
        conn: &TenantConn,
        slice: &Slice,
        within: Column,
        parents: &[Uuid],
    ) -> impl Future<Output = Result<Vec<(Uuid, i64)>>> + Send {
        async { Err(Error::internal(NOT_LISTED)) }
    }

    /// The values of a column with how often they are there, the most frequent first.
    fn facet(
        conn: &TenantConn,
        slice: &Slice,
        by: Column,
    ) -> impl Future<Output = Result<Vec<Valued>>> + Send {
        async { Err(Error::internal(NOT_LISTED)) }
    }

    fn facets(
        conn: &TenantConn,
        slice: &Slice,
        by: Column,
        within: Column,
        parents: &[Uuid],
    ) -> impl Future<Output = Result<Vec<(Uuid, Valued)>>> + Send {
        async { Err(Error::internal(NOT_LISTED)) }
    }
}

const NOT_LISTED: &str = "a list that is asked for what it has not";

/// The condition that a record is of the parent at hand, inside [`Nested`].
#[derive(Clone, Copy, Debug)]
pub struct OfParent(pub Column);

impl QueryFragment<Pg> for OfParent {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk(&mut out)?;
        out.push_sql(" = parent.id");
        Ok(())
    }
}

condition!(OfParent);

/// `rows` once for each parent. Each takes its page from the index and stops, so that a parent of
/// ten thousand costs what a parent of ten does.
pub struct Nested<'a, Q> {
    parents: &'a [Uuid],
    rows: Q,
}

impl<'a, Q> Nested<'a, Q> {
    pub fn new(parents: &'a [Uuid], rows: Q) -> Self {
        Self { parents, rows }
    }
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Nested<'_, Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT parent.id, nested.* FROM unnest(");
        out.push_bind_param::<Array<SqlUuid>, _>(&self.parents)?;
        out.push_sql(") AS parent (id) CROSS JOIN LATERAL (");
        self.rows.walk_ast(out.reborrow())?;
        out.push_sql(") AS nested");
        Ok(())
    }
}

impl<Q: Query> Query for Nested<'_, Q> {
    type SqlType = (SqlUuid, Q::SqlType);
}

impl<Q> QueryId for Nested<'_, Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// How many rows there are for each parent.
pub struct NestedCount<'a, Q> {
    parents: &'a [Uuid],
    rows: Q,
}

impl<'a, Q> NestedCount<'a, Q> {
    pub fn new(parents: &'a [Uuid], rows: Q) -> Self {
        Self { parents, rows }
    }
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for NestedCount<'_, Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT parent.id, (SELECT count(*) FROM (");
        self.rows.walk_ast(out.reborrow())?;
        out.push_sql(" LIMIT ");
        out.push_bind_param::<BigInt, _>(&(COUNT_LIMIT + 1))?;
        out.push_sql(") AS counted) FROM unnest(");
        out.push_bind_param::<Array<SqlUuid>, _>(&self.parents)?;
        out.push_sql(") AS parent (id)");
        Ok(())
    }
}

impl<Q> Query for NestedCount<'_, Q> {
    type SqlType = (SqlUuid, BigInt);
}

impl<Q> QueryId for NestedCount<'_, Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// A column as text, whatever it holds; what [`Facet`] counts.
#[derive(Clone, Copy, Debug)]
pub struct AsText(pub Column);

impl QueryFragment<Pg> for AsText {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk(&mut out)?;
        out.push_sql("::text AS value");
        Ok(())
    }
}

impl diesel::Expression for AsText {
    type SqlType = Nullable<Text>;
}
impl<QS: ?Sized> diesel::AppearsOnTable<QS> for AsText {}
impl<QS: ?Sized> diesel::SelectableExpression<QS> for AsText {}
impl<GroupBy> diesel::expression::ValidGrouping<GroupBy> for AsText {
    type IsAggregate = diesel::expression::is_aggregate::No;
}
impl QueryId for AsText {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

/// How often each value is there, of rows that have one column ([`AsText`]).
pub struct Facet<Q>(Q);

impl<Q> Facet<Q> {
    pub fn of(rows: Q) -> Self {
        Self(rows)
    }
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Facet<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT value, count(*) FROM (");
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(") AS valued GROUP BY value ORDER BY 2 DESC, 1 LIMIT ");
        out.push_bind_param::<BigInt, _>(&MOST_VALUES)
    }
}

impl<Q> Query for Facet<Q> {
    type SqlType = (Nullable<Text>, BigInt);
}

impl<Q> QueryId for Facet<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
