use diesel::{
    QueryResult,
    pg::Pg,
    query_builder::{AstPass, QueryFragment, QueryId},
    sql_types::{BigInt, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::{
    accounts::UserId,
    db::{Outcome, TenantConn, Whose, WithinReach},
    error::{Problem, Result},
    tenants::TenantId,
};

/// So many of a kind at once.
pub const MOST: i64 = 2_000;

/// A kind of record that people look after.
#[derive(Debug)]
pub struct Owned {
    /// As the schema calls it.
    pub kind: &'static str,
    pub table: &'static str,
    /// What is still to be looked after.
    open: &'static str,
}

pub const KINDS: [Owned; 5] = [
    Owned { kind: "Company", table: "companies", open: "TRUE" },
    Owned { kind: "Contact", table: "contacts", open: "TRUE" },
    Owned {
        kind: "Lead",
        table: "leads",
        open: "status IN ('NEW', 'WORKING', 'NURTURING', 'QUALIFIED')",
    },
    Owned { kind: "Deal", table: "deals", open: "stage_kind IN ('OPEN', 'ON_HOLD')" },
    Owned { kind: "Activity", table: "activities", open: "done_at IS NULL" },
];

/// From whom, to whom.
#[derive(Clone, Copy, Debug)]
pub struct Handover {
    pub from: UserId,
    pub to: UserId,
    /// What is over, too.
    pub closed: bool,
}

/// How many records changed hands, of each of [`KINDS`].
#[derive(Clone, Debug, Default)]
pub struct Moved(pub [usize; KINDS.len()]);

impl Outcome for Moved {
    /// Numbers in the place of ids: there is no record that one could look up again.
    fn ids(&self) -> Vec<Uuid> {
        self.0.iter().map(|moved| Uuid::from_u128(u128::try_from(*moved).unwrap_or(0))).collect()
    }

    async fn recall(_: &TenantConn, ids: &[Uuid], _: Vec<Problem>) -> Result<Self> {
        let mut moved = Self::default();
        for (number, id) in moved.0.iter_mut().zip(ids) {
            *number = usize::try_from(id.as_u128()).unwrap_or(0);
        }
        Ok(moved)
    }
}

/// Hands over the records of a kind that are within reach; how many there were.
pub async fn hand_over(
    mut conn: &TenantConn,
    owned: &'static Owned,
    whose: Option<&'static Whose>,
    handover: Handover,
) -> Result<usize> {
    let (tenant, reach) = (conn.tenant(), conn.reach().clone());
    let within = reach.over(tenant, whose);
    Ok(Change { tenant, owned, within, handover }.execute(&mut conn).await?)
}

struct Change<'a> {
    tenant: TenantId,
    owned: &'static Owned,
    within: WithinReach<'a>,
    handover: Handover,
}

impl QueryFragment<Pg> for Change<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Owned { table, open, .. } = *self.owned;
        let Handover { from, to, closed } = &self.handover;
        let push = |parts: &[&str], out: &mut AstPass<'_, 'b, Pg>| {
            parts.iter().for_each(|part| out.push_sql(part));
        };
        push(&["WITH theirs AS MATERIALIZED (SELECT id FROM kontor.", table], &mut out);
        push(&[" WHERE kontor.", table, ".tenant_id = "], &mut out);
        out.push_bind_param::<SqlUuid, _>(&self.tenant)?;
        out.push_sql(" AND owner_id = ");
        out.push_bind_param::<SqlUuid, _>(from)?;
        push(&[" AND deleted_at IS NULL AND ", if *closed { "TRUE" } else { open }], &mut out);
        out.push_sql(" AND ");
        self.within.walk_ast(out.reborrow())?;
        out.push_sql(" ORDER BY id LIMIT ");
        out.push_bind_param::<BigInt, _>(&MOST)?;
        push(&[" FOR UPDATE) UPDATE kontor.", table, " SET owner_id = "], &mut out);
        out.push_bind_param::<SqlUuid, _>(to)?;
        push(&[" FROM theirs WHERE kontor.", table, ".tenant_id = "], &mut out);
        out.push_bind_param::<SqlUuid, _>(&self.tenant)?;
        push(&[" AND kontor.", table, ".id = theirs.id"], &mut out);
        Ok(())
    }
}

impl QueryId for Change<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
