//! Filters: a tree that a client's `where` becomes, and its SQL. One tree serves lists, counts
//! and whatever else asks "which of them".

use chrono::{DateTime, NaiveDate, Utc};
use diesel::{
    QueryResult,
    pg::Pg,
    query_builder::AstPass,
    sql_types::{Array, BigInt, Bool, Date, Integer, Numeric, Text, Timestamptz, Uuid as SqlUuid},
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Reach, Whose};
use crate::tenants::TenantId;

/// A column by name; `column!(companies::name)` proves that it exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Column {
    pub table: &'static str,
    pub name: &'static str,
    /// A function of the database that its values are read through.
    read_by: Option<&'static str>,
}

/// `column!(companies::name)`: a [`Column`] that the compiler has seen in `schema.rs`.
#[macro_export]
macro_rules! column {
    ($table:ident :: $column:ident) => {
        $crate::db::Column::new(
            stringify!($table),
            <$crate::schema::$table::$column as ::diesel::Column>::NAME,
        )
    };
}

impl Column {
    pub const fn new(table: &'static str, name: &'static str) -> Self {
        Self { table, name, read_by: None }
    }

    /// What a function of the database makes of its values.
    #[must_use]
    pub const fn read_by(self, function: &'static str) -> Self {
        Self { read_by: Some(function), ..self }
    }

    pub(super) fn walk(self, out: &mut AstPass<'_, '_, Pg>) -> QueryResult<()> {
        if let Some(function) = self.read_by {
            walk_table(function, out)?;
            out.push_sql("(");
        }
        walk_table(self.table, out)?;
        out.push_sql(".");
        out.push_identifier(self.name)?;
        out.push_sql(if self.read_by.is_some() { ")" } else { "" });
        Ok(())
    }
}

/// A table, or a function.
fn walk_table(table: &str, out: &mut AstPass<'_, '_, Pg>) -> QueryResult<()> {
    out.push_identifier("kontor")?;
    out.push_sql(".");
    out.push_identifier(table)
}

/// A value of a column, to compare with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Value {
    Text(String),
    Texts(Vec<String>),
    Uuid(Uuid),
    Uuids(Vec<Uuid>),
    Int(i32),
    BigInt(i64),
    Bool(bool),
    Decimal(Decimal),
    Date(NaiveDate),
    Moment(DateTime<Utc>),
}

impl Value {
    pub(super) fn walk<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        match self {
            Self::Text(v) => out.push_bind_param::<Text, _>(v),
            Self::Texts(v) => out.push_bind_param::<Array<Text>, _>(v),
            Self::Uuid(v) => out.push_bind_param::<SqlUuid, _>(v),
            Self::Uuids(v) => out.push_bind_param::<Array<SqlUuid>, _>(v),
            Self::Int(v) => out.push_bind_param::<Integer, _>(v),
            Self::BigInt(v) => out.push_bind_param::<BigInt, _>(v),
            Self::Bool(v) => out.push_bind_param::<Bool, _>(v),
            Self::Decimal(v) => out.push_bind_param::<Numeric, _>(v),
            Self::Date(v) => out.push_bind_param::<Date, _>(v),
            Self::Moment(v) => out.push_bind_param::<Timestamptz, _>(v),
        }
    }
}

/// What is asked of one column.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    Eq(Value),
    /// Other than, or absent.
    Ne(Value),
    /// One of a list (`Texts` or `Uuids`).
    In(Value),
    Less(Value),
    LessOrEq(Value),
    Greater(Value),
    GreaterOrEq(Value),
    /// A pattern; see [`Test::starts_with`] and [`Test::contains`].
    Like(String),
    Null(bool),
    /// A list with this in it.
    Has(Value),
}

impl Test {
    pub fn starts_with(text: &str) -> Self {
        Self::Like(format!("{}%", literal(text)))
    }

    pub fn contains(text: &str) -> Self {
        Self::Like(format!("%{}%", literal(text)))
    }
}

/// Text that LIKE takes as it stands.
fn literal(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// How a record reaches others: the many that name it (`contacts.company_id`), the one that it names,
/// or many through a table between (`company_tags`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Link {
    /// The record's own id.
    pub from: Column,
    /// The other table's column that points back, or, with `through`, its id.
    pub to: Column,
    /// (column that points back to the record, column that points on to the other table).
    pub through: Option<(Column, Column)>,
    /// The other table's deleted_at, where it has one.
    pub deleted_at: Option<Column>,
}

impl Link {
    /// The one that a column names; `deleted_at` is the other table's, where it has one.
    pub const fn one(from: Column, to: Column) -> Self {
        Self { from, to, through: None, deleted_at: None }
    }

    /// Only those that are not deleted.
    #[must_use]
    pub const fn alive(self, deleted_at: Column) -> Self {
        Self { deleted_at: Some(deleted_at), ..self }
    }
}

/// Which records.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Not(Box<Filter>),
    Is(Column, Test),
    /// At least one of the many passes.
    Some(Link, Box<Filter>),
    /// Those that a permission reaches, of a table whose rows are somebody's.
    Within(Reach, &'static Whose),
}

impl Filter {
    pub fn everything() -> Self {
        Self::All(Vec::new())
    }

    #[must_use]
    pub fn negate(self) -> Self {
        Self::Not(Box::new(self))
    }

    /// All columns that it asks about.
    pub fn columns(&self, each: &mut impl FnMut(Column)) {
        match self {
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().for_each(|part| part.columns(each));
            }
            Self::Not(part) | Self::Some(_, part) => part.columns(each),
            Self::Is(column, _) => each(*column),
            Self::Within(..) => {}
        }
    }

    /// Does what is compared with decide how many pass? A range may hold one or all, a pattern
    /// likewise: such a filter is planned by its values.
    pub(super) fn depends_on_values(&self) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::depends_on_values),
            Self::Not(part) | Self::Some(_, part) => part.depends_on_values(),
            Self::Is(_, test) => matches!(
                test,
                Test::Less(_)
                    | Test::LessOrEq(_)
                    | Test::Greater(_)
                    | Test::GreaterOrEq(_)
                    | Test::Like(_)
            ),
            Self::Within(..) => false,
        }
    }

    pub(super) fn walk<'b>(
        &'b self,
        tenant: &'b TenantId,
        out: &mut AstPass<'_, 'b, Pg>,
    ) -> QueryResult<()> {
        match self {
            Self::All(parts) => join(parts, " AND ", "TRUE", tenant, out),
            Self::Any(parts) => join(parts, " OR ", "FALSE", tenant, out),
            Self::Not(part) => {
                // "Not retail" includes those of which nothing is known.
                out.push_sql("(");
                part.walk(tenant, out)?;
                out.push_sql(") IS NOT TRUE");
                Ok(())
            }
            Self::Is(column, test) => walk_test(*column, test, out),
            Self::Some(link, part) => walk_some(link, part, tenant, out),
            Self::Within(reach, whose) => reach.walk_over(tenant, whose, out),
        }
    }
}

fn join<'b>(
    parts: &'b [Filter],
    word: &str,
    empty: &str,
    tenant: &'b TenantId,
    out: &mut AstPass<'_, 'b, Pg>,
) -> QueryResult<()> {
    if parts.is_empty() {
        out.push_sql(empty);
        return Ok(());
    }
    for (at, part) in parts.iter().enumerate() {
        out.push_sql(if at == 0 { "(" } else { word });
        part.walk(tenant, out)?;
    }
    out.push_sql(")");
    Ok(())
}

fn walk_test<'b>(column: Column, test: &'b Test, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
    let (word, value) = match test {
        Test::Eq(value) => (" = ", value),
        Test::Ne(value) => (" IS DISTINCT FROM ", value),
        Test::Less(value) => (" < ", value),
        Test::LessOrEq(value) => (" <= ", value),
        Test::Greater(value) => (" > ", value),
        Test::GreaterOrEq(value) => (" >= ", value),
        Test::In(value) => {
            column.walk(out)?;
            out.push_sql(" = ANY(");
            value.walk(out)?;
            out.push_sql(")");
            return Ok(());
        }
        Test::Like(pattern) => {
            column.walk(out)?;
            out.push_sql(" LIKE ");
            out.push_bind_param::<Text, _>(pattern)?;
            return Ok(());
        }
        Test::Has(value) => {
            value.walk(out)?;
            out.push_sql(" = ANY(");
            column.walk(out)?;
            out.push_sql(")");
            return Ok(());
        }
        Test::Null(null) => {
            column.walk(out)?;
            out.push_sql(if *null { " IS NULL" } else { " IS NOT NULL" });
            return Ok(());
        }
    };
    column.walk(out)?;
    out.push_sql(word);
    value.walk(out)
}

fn walk_some<'b>(
    link: &'b Link,
    part: &'b Filter,
    tenant: &'b TenantId,
    out: &mut AstPass<'_, 'b, Pg>,
) -> QueryResult<()> {
    let tenant_is = |table, out: &mut AstPass<'_, 'b, Pg>| {
        Column::new(table, "tenant_id").walk(out)?;
        out.push_sql(" = ");
        out.push_bind_param::<SqlUuid, _>(&tenant.0)
    };
    let equal = |a: Column, b: Column, out: &mut AstPass<'_, 'b, Pg>| {
        a.walk(out)?;
        out.push_sql(" = ");
        b.walk(out)
    };
    out.push_sql("EXISTS (SELECT 1 FROM ");
    match link.through {
        None => {
            walk_table(link.to.table, out)?;
            out.push_sql(" WHERE ");
            equal(link.to, link.from, out)?;
        }
        Some((back, on)) => {
            walk_table(back.table, out)?;
            out.push_sql(" JOIN ");
            walk_table(link.to.table, out)?;
            out.push_sql(" ON ");
            tenant_is(link.to.table, out)?;
            out.push_sql(" AND ");
            equal(link.to, on, out)?;
            out.push_sql(" WHERE ");
            tenant_is(back.table, out)?;
            out.push_sql(" AND ");
            equal(back, link.from, out)?;
        }
    }
    out.push_sql(" AND ");
    tenant_is(link.to.table, out)?;
    if let Some(deleted_at) = link.deleted_at {
        out.push_sql(" AND ");
        deleted_at.walk(out)?;
        out.push_sql(" IS NULL");
    }
    out.push_sql(" AND ");
    part.walk(tenant, out)?;
    out.push_sql(")");
    Ok(())
}
