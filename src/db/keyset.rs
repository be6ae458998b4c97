//! One page of a list: which records, in which order, after which one. A page deep in the list
//! costs what the first one costs, because it is found by comparing keys and not by counting.

use diesel::{
    QueryResult,
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_types::BigInt,
};

use super::{Column, Filter, TenantConn, Value};
use crate::tenants::TenantId;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    Ascending,
    Descending,
}

impl Direction {
    #[must_use]
    pub fn turned(self, turn: bool) -> Self {
        match (self, turn) {
            (direction, false) => direction,
            (Self::Ascending, true) => Self::Descending,
            (Self::Descending, true) => Self::Ascending,
        }
    }
}

/// A column to sort by. It is never null.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SortKey {
    pub column: Column,
    pub direction: Direction,
}

/// The keys in order; the last one is the id, so that no two records are equal.
pub type Order = Vec<SortKey>;

/// One page of one tenant's list.
#[derive(Clone, Debug)]
pub struct Slice {
    pub tenant: TenantId,
    pub filter: Filter,
    pub order: Order,
    /// The keys of the record that the page comes after, one for each of `order`.
    pub after: Option<Vec<Value>>,
    /// Read the list from its end.
    pub backwards: bool,
    /// The deleted ones, and no others.
    pub deleted: bool,
    pub limit: i64,
}

impl Slice {
    /// All of a tenant's records, for counting.
    pub fn everything(tenant: TenantId) -> Self {
        let (filter, order) = (Filter::everything(), Vec::new());
        Self { tenant, filter, order, after: None, backwards: false, deleted: false, limit: 0 }
    }

    /// The connection as this list needs it.
    pub fn on(&self, conn: &TenantConn) -> TenantConn {
        conn.planned_by_values(self.filter.depends_on_values())
    }

    /// For `.filter(…)`.
    pub fn condition(&self) -> PageCondition<'_> {
        PageCondition(self)
    }

    /// For `.filter(…)`: the rows that are deleted, or those that are not.
    pub fn is_alive(&self, deleted_at: Column) -> Alive {
        Alive { deleted_at, deleted: self.deleted }
    }

    /// For `.order(…)`.
    pub fn ordering(&self) -> PageOrder<'_> {
        PageOrder(self)
    }

    fn direction(&self, key: &SortKey) -> Direction {
        key.direction.turned(self.backwards)
    }

    fn walk_after<'b>(
        &'b self,
        after: &'b [Value],
        out: &mut AstPass<'_, 'b, Pg>,
    ) -> QueryResult<()> {
        let first = self.order.first().map(|key| key.direction);
        if self.order.iter().all(|key| Some(key.direction) == first) {
            return self.walk_row(after, out);
        }
        // (a > $1) OR (a = $1 AND b < $2) OR …
        for depth in 0..self.order.len() {
            out.push_sql(if depth == 0 { "((" } else { " OR (" });
            for (at, (key, value)) in self.order.iter().zip(after).take(depth + 1).enumerate() {
                if at > 0 {
                    out.push_sql(" AND ");
                }
                key.column.walk(out)?;
                out.push_sql(match (at == depth, self.direction(key)) {
                    (false, _) => " = ",
                    (true, Direction::Ascending) => " > ",
                    (true, Direction::Descending) => " < ",
                });
                value.walk(out)?;
            }
            out.push_sql(")");
        }
        out.push_sql(")");
        Ok(())
    }

    /// (a, id) > ($1, $2): where all directions agree, the index is entered at that place.
    fn walk_row<'b>(
        &'b self,
        after: &'b [Value],
        out: &mut AstPass<'_, 'b, Pg>,
    ) -> QueryResult<()> {
        for (at, key) in self.order.iter().enumerate() {
            out.push_sql(if at == 0 { "(" } else { ", " });
            key.column.walk(out)?;
        }
        out.push_sql(match self.order.first().map(|key| self.direction(key)) {
            Some(Direction::Descending) => ") < ",
            _ => ") > ",
        });
        for (at, value) in after.iter().enumerate() {
            out.push_sql(if at == 0 { "(" } else { ", " });
            value.walk(out)?;
        }
        out.push_sql(")");
        Ok(())
    }
}

/// The filter, and the place where the page begins.
#[derive(Debug, Clone, Copy)]
pub struct PageCondition<'a>(&'a Slice);

impl QueryFragment<Pg> for PageCondition<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Self(slice) = self;
        slice.filter.walk(&slice.tenant, &mut out)?;
        if let Some(after) = &slice.after {
            out.push_sql(" AND ");
            slice.walk_after(after, &mut out)?;
        }
        Ok(())
    }
}

/// Deleted, or not.
#[derive(Debug, Clone, Copy)]
pub struct Alive {
    deleted_at: Column,
    deleted: bool,
}

impl QueryFragment<Pg> for Alive {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.deleted_at.walk(&mut out)?;
        out.push_sql(if self.deleted { " IS NOT NULL" } else { " IS NULL" });
        Ok(())
    }
}

/// The order of the page.
#[derive(Debug, Clone, Copy)]
pub struct PageOrder<'a>(&'a Slice);

impl QueryFragment<Pg> for PageOrder<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        for (at, key) in self.0.order.iter().enumerate() {
            if at > 0 {
                out.push_sql(", ");
            }
            key.column.walk(&mut out)?;
            if self.0.direction(key) == Direction::Descending {
                out.push_sql(" DESC");
            }
        }
        Ok(())
    }
}

condition!(PageCondition<'a>);
condition!(PageOrder<'a>);
condition!(Alive);

/// Exact up to here; a larger list says "at least".
pub const COUNT_LIMIT: i64 = 10_000;

/// `SELECT count(*)` over a statement that selects one column, as far as [`COUNT_LIMIT`].
pub async fn capped_count<Q>(mut conn: &TenantConn, rows: Q) -> QueryResult<i64>
where
    Q: QueryFragment<Pg> + Send,
{
    use diesel_async::RunQueryDsl;
    Counted(rows).get_result(&mut conn).await
}

struct Counted<Q>(Q);

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Counted<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT count(*) FROM (");
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(" LIMIT ");
        out.push_bind_param::<BigInt, _>(&(COUNT_LIMIT + 1))?;
        out.push_sql(") AS counted");
        Ok(())
    }
}

impl<Q> Query for Counted<Q> {
    type SqlType = BigInt;
}

impl<Q> QueryId for Counted<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
