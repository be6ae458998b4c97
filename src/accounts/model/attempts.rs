use diesel::{
    prelude::*,
    sql_types::{Array, Bytea, Integer, Nullable, Timestamptz},
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

/// What is counted under one key.
pub struct Counter<'a> {
    pub key: &'a [u8],
    /// The account that it counts against, if any.
    pub account: Option<&'a [u8]>,
    /// How many failures are free.
    pub free: i32,
    /// The longest pause, in seconds.
    pub longest: i32,
}

const COUNT: &str = "
INSERT INTO kontor.sign_in_attempts AS a (key, account, failures, last_at, blocked_until)
SELECT k, account, 1, $5, $5 FROM unnest($1, $2, $3, $4) AS t (k, account, free, longest) ORDER BY k
ON CONFLICT (key) DO UPDATE SET last_at = EXCLUDED.last_at,
  failures = CASE WHEN a.last_at < $6 THEN 1 ELSE a.failures + 1 END,
  blocked_until = (
    SELECT CASE WHEN a.last_at < $6 OR a.failures + 1 <= t.free THEN a.blocked_until
      ELSE $5 + least(t.longest, power(2, least(a.failures - t.free, 15))) * interval '1 second' END
    FROM unnest($1, $3, $4) AS t (k, free, longest) WHERE t.k = a.key)
WHERE a.blocked_until <= $5
RETURNING a.key";

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = Bytea)]
    #[expect(dead_code, reason = "how many there are is what counts")]
    key: Vec<u8>,
}

/// Counts an attempt as failed under each key, those from before `since` forgotten, and says how
/// many of the keys let it pass. Attempts at the same time take turns, so that no more of them pass
/// than one after the other would.
pub async fn count(
    mut conn: &AsyncPgConnection,
    counters: &[Counter<'_>],
    now: Timestamp,
    since: Timestamp,
) -> Result<usize> {
    let keys: Vec<&[u8]> = counters.iter().map(|one| one.key).collect();
    let accounts: Vec<Option<&[u8]>> = counters.iter().map(|one| one.account).collect();
    let free: Vec<i32> = counters.iter().map(|one| one.free).collect();
    let longest: Vec<i32> = counters.iter().map(|one| one.longest).collect();
    let counted: Vec<Counted> = diesel::sql_query(COUNT)
        .bind::<Array<Bytea>, _>(keys)
        .bind::<Array<Nullable<Bytea>>, _>(accounts)
        .bind::<Array<Integer>, _>(free)
        .bind::<Array<Integer>, _>(longest)
        .bind::<Timestamptz, _>(now)
        .bind::<Timestamptz, _>(since)
        .load(&mut conn)
        .await?;
    Ok(counted.len())
}

/// It was no failure after all.
pub async fn take_back(
    mut conn: &AsyncPgConnection,
    keys: &[Vec<u8>],
    now: Timestamp,
) -> Result<()> {
    diesel::update(attempts::table)
        .filter(attempts::key.eq_any(keys))
        .filter(attempts::failures.gt(0))
        .set((attempts::failures.eq(attempts::failures - 1), attempts::blocked_until.eq(now)))
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
