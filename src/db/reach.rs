//! Whose records a permission reaches, as a condition. It is decided with the permission
//! (`access`) and applied here, on every path to an owned record.

use std::sync::Arc;

use diesel::{
    QueryResult,
    pg::Pg,
    query_builder::{AstPass, QueryFragment},
    sql_types::{Array, Text, Uuid as SqlUuid},
};
use uuid::Uuid;

use super::Column;
use crate::tenants::TenantId;

/// Whose records.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reach {
    /// Everybody's.
    All,
    /// Those that one of these people owns.
    Owners(Arc<[Uuid]>),
    /// Of a list that speaks of other tables: what it says of these.
    Tables(Arc<[Seen]>),
}

/// A table that one may hear of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Seen {
    pub table: &'static str,
    /// Only of the rows that one of these people owns; `None`: of all.
    pub owners: Option<(Whose, Arc<[Uuid]>)>,
}

/// Where a row's owner stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Whose {
    Own(Column),
    /// In another table, to whose row `key` points.
    Of {
        key: Column,
        owner: Column,
    },
}

impl Reach {
    /// For `.filter(…)` of a table with an owner.
    pub fn over(&self, owner: Column) -> WithinReach<'_> {
        WithinReach { reach: self, over: Over::Owner(owner) }
    }

    /// For `.filter(…)` of a table that speaks of others: it says of which table and which row.
    pub fn over_mentions(&self, tenant: TenantId, table: Column, row: Column) -> WithinReach<'_> {
        WithinReach { reach: self, over: Over::Mention { tenant, table, row, entry: None } }
    }

    /// The same of the log of changes, where the change that took a record away, or gave it to
    /// somebody else, is for whoever had it: `entry` is the change's in the trail, by time and id.
    pub fn over_changes(
        &self,
        tenant: TenantId,
        (table, row): (Column, Column),
        entry: (Column, Column),
    ) -> WithinReach<'_> {
        let entry = Some(entry);
        WithinReach { reach: self, over: Over::Mention { tenant, table, row, entry } }
    }

    /// Does it reach a record with this owner?
    pub fn covers(&self, owner: Option<Uuid>) -> bool {
        match self {
            Self::All => true,
            Self::Owners(owners) => owner.is_some_and(|owner| owners.contains(&owner)),
            Self::Tables(_) => false,
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Over {
    Owner(Column),
    Mention { tenant: TenantId, table: Column, row: Column, entry: Option<(Column, Column)> },
}

/// The condition.
#[derive(Clone, Copy, Debug)]
pub struct WithinReach<'a> {
    reach: &'a Reach,
    over: Over,
}

impl QueryFragment<Pg> for WithinReach<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        match (self.reach, &self.over) {
            (Reach::All, _) => out.push_sql("TRUE"),
            (Reach::Owners(owners), Over::Owner(owner)) => among(*owner, owners, &mut out)?,
            (Reach::Tables(seen), Over::Mention { tenant, table, row, entry }) => {
                out.push_sql("(FALSE");
                for seen in seen.iter() {
                    out.push_sql(" OR (");
                    table.walk(&mut out)?;
                    out.push_sql(" = ");
                    out.push_bind_param::<Text, str>(seen.table)?;
                    if let Some((whose, owners)) = &seen.owners {
                        out.push_sql(" AND (");
                        owned(seen.table, whose, owners, (tenant, *row), &mut out)?;
                        if let Some(entry) = entry {
                            out.push_sql(" OR ");
                            was_owned(whose, owners, (tenant, *entry), &mut out)?;
                        }
                        out.push_sql(")");
                    }
                    out.push_sql(")");
                }
                out.push_sql(")");
            }
            // A reach that is about something else reaches nothing here.
            _ => out.push_sql("FALSE"),
        }
        Ok(())
    }
}

fn among<'b>(
    owner: Column,
    owners: &'b Arc<[Uuid]>,
    out: &mut AstPass<'_, 'b, Pg>,
) -> QueryResult<()> {
    owner.walk(out)?;
    out.push_sql(" = ANY(");
    out.push_bind_param::<Array<SqlUuid>, [Uuid]>(owners)?;
    out.push_sql(")");
    Ok(())
}

/// There is such a row, and one of these people owns it.
fn owned<'b>(
    table: &'static str,
    whose: &Whose,
    owners: &'b Arc<[Uuid]>,
    (tenant, row): (&'b TenantId, Column),
    out: &mut AstPass<'_, 'b, Pg>,
) -> QueryResult<()> {
    let column = |name| Column { table, name };
    out.push_sql("EXISTS (SELECT 1 FROM kontor.");
    out.push_identifier(table)?;
    let owner = match whose {
        Whose::Own(owner) => *owner,
        Whose::Of { key, owner } => {
            out.push_sql(" JOIN kontor.");
            out.push_identifier(owner.table)?;
            out.push_sql(" ON ");
            of_tenant(owner.table, tenant, out)?;
            out.push_sql(" AND ");
            equals(Column { table: owner.table, name: "id" }, *key, out)?;
            *owner
        }
    };
    out.push_sql(" WHERE ");
    of_tenant(table, tenant, out)?;
    out.push_sql(" AND ");
    equals(column("id"), row, out)?;
    out.push_sql(" AND ");
    among(owner, owners, out)?;
    out.push_sql(")");
    Ok(())
}

/// One of these people owned the row before the change that the trail's entry is about.
fn was_owned<'b>(
    whose: &Whose,
    owners: &'b Arc<[Uuid]>,
    (tenant, (at, id)): (&'b TenantId, (Column, Column)),
    out: &mut AstPass<'_, 'b, Pg>,
) -> QueryResult<()> {
    const TRAIL: &str = "audit_log";
    let column = |name| Column { table: TRAIL, name };
    let before = |name: &'static str, out: &mut AstPass<'_, 'b, Pg>| {
        out.push_sql("(");
        column("old").walk(out)?;
        out.push_sql(" ->> '");
        // Columns are named in the code.
        out.push_sql(name);
        out.push_sql("')::uuid");
        QueryResult::Ok(())
    };
    out.push_sql("EXISTS (SELECT 1 FROM kontor.audit_log");
    if let Whose::Of { key, owner } = whose {
        out.push_sql(" JOIN kontor.");
        out.push_identifier(owner.table)?;
        out.push_sql(" ON ");
        of_tenant(owner.table, tenant, out)?;
        out.push_sql(" AND ");
        Column { table: owner.table, name: "id" }.walk(out)?;
        out.push_sql(" = ");
        before(key.name, out)?;
    }
    out.push_sql(" WHERE ");
    of_tenant(TRAIL, tenant, out)?;
    out.push_sql(" AND ");
    equals(column("at"), at, out)?;
    out.push_sql(" AND ");
    equals(column("id"), id, out)?;
    out.push_sql(" AND ");
    match whose {
        Whose::Own(owner) => {
            before(owner.name, out)?;
            out.push_sql(" = ANY(");
            out.push_bind_param::<Array<SqlUuid>, [Uuid]>(owners)?;
            out.push_sql(")");
        }
        Whose::Of { owner, .. } => among(*owner, owners, out)?,
    }
    out.push_sql(")");
    Ok(())
}

fn equals(left: Column, right: Column, out: &mut AstPass<'_, '_, Pg>) -> QueryResult<()> {
    left.walk(out)?;
    out.push_sql(" = ");
    right.walk(out)
}

fn of_tenant<'b>(
    table: &'static str,
    tenant: &'b TenantId,
    out: &mut AstPass<'_, 'b, Pg>,
) -> QueryResult<()> {
    Column { table, name: "tenant_id" }.walk(out)?;
    out.push_sql(" = ");
    out.push_bind_param::<SqlUuid, TenantId>(tenant)
}

condition!(WithinReach);
