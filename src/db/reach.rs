//! Whose records a permission reaches, as a condition. It is decided with the permission
//! (`access`) and applied here, on every path to an owned record.

use std::sync::Arc;

use diesel::{
    QueryResult,
    pg::Pg,
    query_builder::{AstPass, QueryFragment},
    sql_types::{Array, Uuid as SqlUuid},
};
use uuid::Uuid;

use super::Column;

/// Whose records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Everybody's.
    All,
    /// Those that one of these people owns.
    Owners(Arc<[Uuid]>),
}

impl Reach {
    /// For `.filter(…)` of a table with an owner.
    pub fn over(&self, owner: Column) -> WithinReach<'_> {
        WithinReach { reach: self, owner }
    }

    /// Does it reach a record with this owner?
    pub fn covers(&self, owner: Option<Uuid>) -> bool {
        match self {
            Self::All => true,
            Self::Owners(owners) => owner.is_some_and(|owner| owners.contains(&owner)),
        }
    }
}

/// The condition.
#[derive(Clone, Copy, Debug)]
pub struct WithinReach<'a> {
    reach: &'a Reach,
    owner: Column,
}

impl QueryFragment<Pg> for WithinReach<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        match self.reach {
            Reach::All => out.push_sql("TRUE"),
            Reach::Owners(owners) => {
                self.owner.walk(&mut out)?;
                out.push_sql(" = ANY(");
                out.push_bind_param::<Array<SqlUuid>, [Uuid]>(owners)?;
                out.push_sql(")");
            }
        }
        Ok(())
    }
}

condition!(WithinReach);
