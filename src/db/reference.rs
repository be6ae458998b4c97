//! Records that a write names: each must be there, and within reach of whoever names it.

use diesel::{
    QueryResult,
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_types::{Integer, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{Column, TenantConn, Whose, WithinReach};
use crate::{error::Result, tenants::TenantId};

/// A record of some table.
#[derive(Clone, Copy, Debug)]
pub struct Reference {
    pub table: &'static str,
    pub whose: Option<&'static Whose>,
    /// Can it be deleted, and kept?
    pub deletable: bool,
    pub id: Uuid,
}

impl Reference {
    /// Is it there, and within the connection's reach? It is then locked against being deleted
    /// until the transaction ends.
    pub async fn hold(self, conn: &TenantConn) -> Result<bool> {
        self.look(conn, true).await
    }

    /// The same, without the lock.
    pub async fn is_seen(self, conn: &TenantConn) -> Result<bool> {
        self.look(conn, false).await
    }

    async fn look(self, mut conn: &TenantConn, lock: bool) -> Result<bool> {
        let within = conn.reach().over(conn.tenant(), self.whose);
        let held = Held { reference: self, tenant: conn.tenant(), within, lock };
        Ok(!held.load::<i32>(&mut conn).await?.is_empty())
    }
}

struct Held<'a> {
    reference: Reference,
    tenant: TenantId,
    within: WithinReach<'a>,
    lock: bool,
}

impl QueryFragment<Pg> for Held<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let Reference { table, deletable, .. } = self.reference;
        let column = |name| Column::new(table, name);
        out.push_sql("SELECT 1 FROM kontor.");
        out.push_identifier(table)?;
        out.push_sql(" WHERE ");
        column("tenant_id").walk(&mut out)?;
        out.push_sql(" = ");
        out.push_bind_param::<SqlUuid, TenantId>(&self.tenant)?;
        out.push_sql(" AND ");
        column("id").walk(&mut out)?;
        out.push_sql(" = ");
        out.push_bind_param::<SqlUuid, Uuid>(&self.reference.id)?;
        if deletable {
            out.push_sql(" AND ");
            column("deleted_at").walk(&mut out)?;
            out.push_sql(" IS NULL");
        }
        out.push_sql(" AND ");
        self.within.walk_ast(out.reborrow())?;
        if self.lock {
            out.push_sql(" FOR SHARE");
        }
        Ok(())
    }
}

impl Query for Held<'_> {
    type SqlType = Integer;
}

impl QueryId for Held<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
