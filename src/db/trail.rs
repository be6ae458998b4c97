//! Events in the audit trail: what people do that is no change of a row.

use diesel::sql_types::{Array, Jsonb, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::TenantConn;
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
