//! The audit trail as others need it: events, what people do that is no change of a row; and what
//! became of a record since somebody saw it.

use diesel::{
    QueryableByName,
    sql_types::{Array, Integer, Jsonb, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::{Stale, TenantConn};
use crate::error::Result;

/// What was done with which record.
#[derive(Clone, Debug)]
pub struct Done {
    pub table: &'static str,
    pub record: Uuid,
    pub details: Value,
}

const WRITE: &str = "SELECT kontor.audit_event($1, t.name, t.record, t.details) \
    FROM unnest($2, $3, $4) AS t (name, record, details)";

/// Writes events down, in the transaction that they belong to.
pub async fn write_down(conn: &TenantConn, action: &str, done: &[Done]) -> Result<()> {
    let tables: Vec<&str> = done.iter().map(|done| done.table).collect();
    let records: Vec<Uuid> = done.iter().map(|done| done.record).collect();
    let details: Vec<&Value> = done.iter().map(|done| &done.details).collect();
    diesel::sql_query(WRITE)
        .bind::<Text, _>(action)
        .bind::<Array<Text>, _>(tables)
        .bind::<Array<SqlUuid>, _>(records)
        .bind::<Array<Jsonb>, _>(details)
        .execute(&mut &*conn)
        .await?;
    Ok(())
}

/// One change of a row: the columns that changed, before and after.
#[derive(Debug, QueryableByName)]
pub struct RowChange {
    #[diesel(sql_type = Jsonb)]
    pub old: Value,
    #[diesel(sql_type = Jsonb)]
    pub new: Value,
}

const SINCE: &str = "SELECT a.old, a.new FROM kontor.audit_log a \
    WHERE a.tenant_id = $1 AND a.record_id = $2 AND a.table_name = $3 AND a.action = 'UPDATED' \
    AND (a.new ->> 'version')::int > $4 ORDER BY a.at, a.ordinal LIMIT 200";

/// What was changed of a record since the version that somebody expected, in order.
pub async fn changes_since(mut conn: &TenantConn, stale: &Stale) -> Result<Vec<RowChange>> {
    let changes = diesel::sql_query(SINCE)
        .bind::<SqlUuid, _>(conn.tenant())
        .bind::<SqlUuid, _>(stale.record)
        .bind::<Text, _>(stale.table)
        .bind::<Integer, _>(stale.expected)
        .load(&mut conn)
        .await?;
    Ok(changes)
}
