//! Whose records a permission reaches, as a condition. It is decided with the permission
//! (`access`) and applied here, on every path to a record that belongs to somebody.

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
    /// Those of some people and territories.
    Within(Within),
    /// Of a list that speaks of other tables: what it says of these.
    Tables(Arc<[Seen]>),
}

/// People, and territories with all below them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Within {
    pub owners: Arc<[Uuid]>,
    pub territories: Arc<[Uuid]>,
    /// Of what people share, all of it: with whomever.
    pub all_shared: bool,
}

/// A table that one may hear of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Seen {
    pub table: &'static str,
    /// Only of these rows; `None`: of all.
    pub within: Option<(&'static Whose, Within)>,
}

/// Whose a table's rows are.
#[derive(Debug, PartialEq, Eq, Hash)]
pub enum Whose {
    /// A row says so itself.
    Own { owner: Column, territory: Option<Column> },
    /// A row is of whoever has the row that `key` points to.
    Of { key: Column, whose: &'static Whose },
    /// Of its owner, and of those whom its owner shares it with: `visibility` says with whom.
    Shared { owner: Column, visibility: Column },
    /// Of each of these.
    Any(&'static [Whose]),
}

impl Reach {
    /// For `.filter(…)`: `whose` are the table's rows; `None`: nobody's in particular.
    pub fn over(&self, tenant: TenantId, whose: Option<&'static Whose>) -> WithinReach<'_> {
        let over = whose.map_or(Over::Nobodys, Over::Rows);
        WithinReach { reach: self, tenant, over }
    }

    /// For `.filter(…)` of a table that speaks of others: it says of which table and which row.
    pub fn over_mentions(&self, tenant: TenantId, table: Column, row: Column) -> WithinReach<'_> {
        WithinReach { reach: self, tenant, over: Over::Mention { table, row, entry: None } }
    }

    /// The same of the log of changes, where the change that took a record away, or gave it to
    /// somebody else, is for whoever had it: `entry` is the change's in the trail, by time and id.
    pub fn over_changes(
        &self,
        tenant: TenantId,
        (table, row): (Column, Column),
        entry: (Column, Column),
    ) -> WithinReach<'_> {
        let over = Over::Mention { table, row, entry: Some(entry) };
        WithinReach { reach: self, tenant, over }
    }

    /// Of what spans several tables: how far it reaches in one of them; `None`: not there at all.
    pub fn in_table(&self, table: &str) -> Option<Self> {
        match self {
            Self::All => Some(Self::All),
            Self::Within(_) => None,
            Self::Tables(seen) => {
                let seen = seen.iter().find(|seen| seen.table == table)?;
                Some(
                    seen.within
                        .as_ref()
                        .map_or(Self::All, |(_, within)| Self::Within(within.clone())),
                )
            }
        }
    }

    /// Does it reach a record with this owner, in this territory?
    pub fn covers(&self, owner: Option<Uuid>, territory: Option<Uuid>) -> bool {
        match self {
            Self::All => true,
            Self::Within(Within { owners, territories, .. }) => {
                owner.is_some_and(|owner| owners.contains(&owner))
                    || territory.is_some_and(|territory| territories.contains(&territory))
            }
            Self::Tables(_) => false,
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Over {
    Nobodys,
    Rows(&'static Whose),
    Mention { table: Column, row: Column, entry: Option<(Column, Column)> },
}

/// The condition.
#[derive(Clone, Copy, Debug)]
pub struct WithinReach<'a> {
    reach: &'a Reach,
    tenant: TenantId,
    over: Over,
}

impl QueryFragment<Pg> for WithinReach<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let tenant = &self.tenant;
        match (self.reach, &self.over) {
            (Reach::All, _) | (_, Over::Nobodys) => out.push_sql("TRUE"),
            (reach, Over::Rows(whose)) => reach.walk_over(tenant, whose, &mut out)?,
            (Reach::Tables(seen), Over::Mention { table, row, entry }) => {
                out.push_sql("(FALSE");
                for seen in seen.iter() {
                    out.push_sql(" OR (");
                    table.walk(&mut out)?;
                    out.push_sql(" = ");
                    out.push_bind_param::<Text, str>(seen.table)?;
                    if let Some((whose, within)) = &seen.within {
                        out.push_sql(" AND (");
                        is_theirs(seen.table, (*whose, within), (tenant, *row), &mut out)?;
                        if let Some(entry) = entry {
                            out.push_sql(" OR ");
                            was_theirs((*whose, within), (tenant, *entry), &mut out)?;
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

/// Where the columns that say whose a row is are read.
#[derive(Clone, Copy)]
enum Told {
    ByItself,
    /// By the trail, of the row before its change.
    ByTheTrail,
}

const TRAIL: &str = "audit_log";

impl Told {
    fn walk(self, column: Column, out: &mut AstPass<'_, '_, Pg>) -> QueryResult<()> {
        match self {
            Self::ByItself => column.walk(out),
            Self::ByTheTrail => {
                out.push_sql("(");
                Column::new(TRAIL, "old").walk(out)?;
                out.push_sql(" ->> '");
                // Columns are named in the code.
                out.push_sql(column.name);
                out.push_sql("')::uuid");
                Ok(())
            }
        }
    }
}

impl Reach {
    pub(super) fn walk_over<'b>(
        &'b self,
        tenant: &'b TenantId,
        whose: &'static Whose,
        out: &mut AstPass<'_, 'b, Pg>,
    ) -> QueryResult<()> {
        match self {
            Self::All => out.push_sql("TRUE"),
            Self::Within(within) => whose.walk(Told::ByItself, within, tenant, out)?,
            Self::Tables(_) => out.push_sql("FALSE"),
        }
        Ok(())
    }
}

impl Whose {
    fn table(&self) -> &'static str {
        match self {
            Self::Own { owner: column, .. }
            | Self::Shared { owner: column, .. }
            | Self::Of { key: column, .. } => column.table,
            Self::Any(parts) => parts.first().map_or("", Self::table),
        }
    }

    fn walk<'b>(
        &self,
        told: Told,
        within: &'b Within,
        tenant: &'b TenantId,
        out: &mut AstPass<'_, 'b, Pg>,
    ) -> QueryResult<()> {
        match self {
            Self::Own { owner, territory } => {
                out.push_sql("(");
                among(told, *owner, &within.owners, out)?;
                if let Some(territory) = territory.filter(|_| !within.territories.is_empty()) {
                    out.push_sql(" OR ");
                    among(told, territory, &within.territories, out)?;
                }
                out.push_sql(")");
            }
            Self::Of { key, whose } => {
                let table = whose.table();
                from(table, tenant, out)?;
                out.push_sql(" AND ");
                Column::new(table, "id").walk(out)?;
                out.push_sql(" = ");
                told.walk(*key, out)?;
                out.push_sql(" AND ");
                whose.walk(Told::ByItself, within, tenant, out)?;
                out.push_sql(")");
            }
            Self::Shared { owner, visibility } => {
                out.push_sql("(");
                among(told, *owner, &within.owners, out)?;
                // Of what is gone the trail tells its owner.
                if matches!(told, Told::ByItself) {
                    out.push_sql(" OR ");
                    shared((*owner, *visibility), within, tenant, out)?;
                }
                out.push_sql(")");
            }
            Self::Any(parts) => {
                out.push_sql("(FALSE");
                for part in *parts {
                    out.push_sql(" OR ");
                    part.walk(told, within, tenant, out)?;
                }
                out.push_sql(")");
            }
        }
        Ok(())
    }
}

fn among<'b>(
    told: Told,
    column: Column,
    these: &'b Arc<[Uuid]>,
    out: &mut AstPass<'_, 'b, Pg>,
) -> QueryResult<()> {
    told.walk(column, out)?;
    out.push_sql(" = ANY(");
    out.push_bind_param::<Array<SqlUuid>, [Uuid]>(these)?;
    out.push_sql(")");
    Ok(())
}

/// It is shared with everybody, or with the team of its owner, which is theirs too: one reports to
/// the other, at whatever distance, or both to the same person.
fn shared<'b>(
    (owner, visibility): (Column, Column),
    within: &'b Within,
    tenant: &'b TenantId,
    out: &mut AstPass<'_, 'b, Pg>,
) -> QueryResult<()> {
    visibility.walk(out)?;
    if within.all_shared {
        out.push_sql(" <> 'PRIVATE'");
        return Ok(());
    }
    out.push_sql(" = 'PUBLIC' OR ");
    visibility.walk(out)?;
    out.push_sql(" = 'TEAM' AND (");
    for (at, [theirs, mine]) in
        [["manager_id", "member_id"], ["member_id", "manager_id"]].into_iter().enumerate()
    {
        let lines = "reporting_lines";
        out.push_sql(if at == 0 { "" } else { " OR " });
        from(lines, tenant, out)?;
        out.push_sql(" AND ");
        equals(Column::new(lines, theirs), owner, out)?;
        out.push_sql(" AND ");
        among(Told::ByItself, Column::new(lines, mine), &within.owners, out)?;
        out.push_sql(")");
    }
    out.push_sql(" OR EXISTS (SELECT 1 FROM kontor.memberships o JOIN kontor.memberships m ON m.tenant_id = ");
    out.push_bind_param::<SqlUuid, TenantId>(tenant)?;
    out.push_sql(" AND m.manager_id = o.manager_id WHERE o.tenant_id = ");
    out.push_bind_param::<SqlUuid, TenantId>(tenant)?;
    out.push_sql(" AND o.user_id = ");
    owner.walk(out)?;
    out.push_sql(" AND m.user_id = ANY(");
    out.push_bind_param::<Array<SqlUuid>, [Uuid]>(&within.owners)?;
    out.push_sql(")))");
    Ok(())
}

/// There is such a row, and it is theirs.
fn is_theirs<'b>(
    table: &'static str,
    (whose, within): (&Whose, &'b Within),
    (tenant, row): (&'b TenantId, Column),
    out: &mut AstPass<'_, 'b, Pg>,
) -> QueryResult<()> {
    from(table, tenant, out)?;
    out.push_sql(" AND ");
    equals(Column::new(table, "id"), row, out)?;
    out.push_sql(" AND ");
    whose.walk(Told::ByItself, within, tenant, out)?;
    out.push_sql(")");
    Ok(())
}

/// The row was theirs before the change that the trail's entry is about.
fn was_theirs<'b>(
    (whose, within): (&Whose, &'b Within),
    (tenant, (at, id)): (&'b TenantId, (Column, Column)),
    out: &mut AstPass<'_, 'b, Pg>,
) -> QueryResult<()> {
    from(TRAIL, tenant, out)?;
    out.push_sql(" AND ");
    equals(Column::new(TRAIL, "at"), at, out)?;
    out.push_sql(" AND ");
    equals(Column::new(TRAIL, "id"), id, out)?;
    out.push_sql(" AND ");
    whose.walk(Told::ByTheTrail, within, tenant, out)?;
    out.push_sql(")");
    Ok(())
}

/// `EXISTS (SELECT 1 FROM table WHERE tenant_id = $1`, to be gone on with and closed.
fn from<'b>(
    table: &'static str,
    tenant: &'b TenantId,
    out: &mut AstPass<'_, 'b, Pg>,
) -> QueryResult<()> {
    out.push_sql("EXISTS (SELECT 1 FROM kontor.");
    out.push_identifier(table)?;
    out.push_sql(" WHERE ");
    Column::new(table, "tenant_id").walk(out)?;
    out.push_sql(" = ");
    out.push_bind_param::<SqlUuid, TenantId>(tenant)
}

fn equals(left: Column, right: Column, out: &mut AstPass<'_, '_, Pg>) -> QueryResult<()> {
    left.walk(out)?;
    out.push_sql(" = ");
    right.walk(out)
}

condition!(WithinReach<'a>);
