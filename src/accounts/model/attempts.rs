use diesel::{
    prelude::*,
    sql_types::{Array, Bytea, Nullable, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::{
    clock::Timestamp, db::TenantConn, error::Result, schema::sign_in_attempts as attempts,
};

/// Until when each of these keys is blocked; a key that is not is left out.
pub async fn blocked(
    mut conn: &AsyncPgConnection,
    keys: &[Vec<u8>],
    now: Timestamp,
) -> Result<Vec<(Vec<u8>, Timestamp)>> {
    let blocked = attempts::table
        .filter(attempts::key.eq_any(keys))
        .filter(attempts::blocked_until.gt(now))
        .select((attempts::key, attempts::blocked_until))
        .load(&mut conn)
        .await?;
    Ok(blocked)
}

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = Bytea)]
    key: Vec<u8>,
    #[diesel(sql_type = diesel::sql_types::Integer)]
    failures: i32,
}

const COUNT: &str = "
INSERT INTO kontor.sign_in_attempts AS a (key, account, failures, last_at, blocked_until)
SELECT k, account, 1, $2, $2 FROM unnest($1, $4) AS t (k, account) ORDER BY k
ON CONFLICT (key) DO UPDATE SET last_at = EXCLUDED.last_at,
  failures = CASE WHEN a.last_at < $3 THEN 1 ELSE a.failures + 1 END
RETURNING a.key, a.failures";

/// One more failure of each key, with the account that it counts against, if any; how many each
/// has, those from before `since` forgotten.
pub async fn count(
    mut conn: &AsyncPgConnection,
    keys: &[Vec<u8>],
    accounts: &[Option<Vec<u8>>],
    now: Timestamp,
    since: Timestamp,
) -> Result<Vec<(Vec<u8>, i32)>> {
    let counted: Vec<Counted> = diesel::sql_query(COUNT)
        .bind::<Array<Bytea>, _>(keys)
        .bind::<Timestamptz, _>(now)
        .bind::<Timestamptz, _>(since)
        .bind::<Array<Nullable<Bytea>>, _>(accounts)
        .load(&mut conn)
        .await?;
    Ok(counted.into_iter().map(|row| (row.key, row.failures)).collect())
}

pub async fn block(mut conn: &AsyncPgConnection, key: &[u8], until: Timestamp) -> Result<()> {
    diesel::update(attempts::table)
        .filter(attempts::key.eq(key))
        .set(attempts::blocked_until.eq(until))
        .execute(&mut conn)
        .await?;
    Ok(())
}

pub async fn forget(mut conn: &AsyncPgConnection, keys: &[Vec<u8>]) -> Result<()> {
    diesel::delete(attempts::table).filter(attempts::key.eq_any(keys)).execute(&mut conn).await?;
    Ok(())
}

/// Whatever counts against an account, from wherever, is forgotten.
pub async fn unlock(tx: &TenantConn, account: &[u8]) -> Result<()> {
    diesel::delete(attempts::table)
        .filter(attempts::account.eq(account))
        .execute(&mut &*tx)
        .await?;
    Ok(())
}
