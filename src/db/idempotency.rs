//! What is kept under an idempotency key, so that a repeat of a request is not a second one.

use diesel::{prelude::*, query_dsl::methods, upsert::excluded};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::TenantConn;
use crate::{clock::Timestamp, error::Result, schema::idempotency_keys as keys};

/// One use of a key: by whom, and for which field of the answer.
pub struct Claim<'a> {
    pub caller: Uuid,
    pub key: &'a str,
    pub response_key: &'a str,
    pub body_hash: &'a [u8],
    pub now: Timestamp,
    /// An older use counts as none.
    pub forget_before: Timestamp,
}

impl Claim<'_> {
    /// True when this is the first use. A use in another open transaction is waited for.
    pub async fn take(&self, mut conn: &TenantConn) -> Result<bool> {
        let claim = diesel::insert_into(keys::table)
            .values((
                keys::tenant_id.eq(conn.tenant()),
                keys::caller_id.eq(self.caller),
                keys::key.eq(self.key),
                keys::response_key.eq(self.response_key),
                keys::body_hash.eq(self.body_hash),
                keys::created_at.eq(self.now),
            ))
            .on_conflict((keys::tenant_id, keys::caller_id, keys::key, keys::response_key))
            .do_update()
            .set((
                keys::body_hash.eq(excluded(keys::body_hash)),
                keys::created_at.eq(excluded(keys::created_at)),
            ));
        let claim = methods::FilterDsl::filter(claim, keys::created_at.lt(self.forget_before));
        Ok(claim.execute(&mut conn).await? == 1)
    }

    /// The hash and the outcome of the first use.
    pub async fn recall(&self, mut conn: &TenantConn) -> Result<(Vec<u8>, Value)> {
        let row: (Vec<u8>, Option<Value>) = keys::table
            .filter(keys::tenant_id.eq(conn.tenant()))
            .filter(keys::caller_id.eq(self.caller))
            .filter(keys::key.eq(self.key))
            .filter(keys::response_key.eq(self.response_key))
            .select((keys::body_hash, keys::outcome))
            .first(&mut conn)
            .await?;
        Ok((row.0, row.1.unwrap_or_default()))
    }

    /// Keeps the outcome for repeats.
    pub async fn keep(&self, mut conn: &TenantConn, outcome: &Value) -> Result<()> {
        diesel::update(keys::table)
            .filter(keys::tenant_id.eq(conn.tenant()))
            .filter(keys::caller_id.eq(self.caller))
            .filter(keys::key.eq(self.key))
            .filter(keys::response_key.eq(self.response_key))
            .set(keys::outcome.eq(outcome))
            .execute(&mut conn)
            .await?;
        Ok(())
    }
}
