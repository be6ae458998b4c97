use diesel::{
    prelude::*,
    sql_types::{BigInt, Nullable, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::{
    accounts::{SessionId, UserId},
    clock::Timestamp,
    db::TenantConn,
    error::Result,
    schema::{recovery_codes, sessions, user_factors},
};

/// A person's second factor, but for its seed.
#[derive(Clone, Copy, Debug, HasQuery)]
#[diesel(table_name = user_factors)]
pub struct Factor {
    pub confirmed_at: Option<Timestamp>,
}

impl Factor {
    pub async fn of(mut conn: &AsyncPgConnection, user: UserId) -> Result<Option<Self>> {
        let found = Self::query().filter(user_factors::user_id.eq(user)).first(&mut conn).await;
        Ok(found.optional()?)
    }

    /// For a reader.
    pub async fn find(conn: &TenantConn, user: UserId) -> Result<Option<Self>> {
        let found = Self::query().filter(user_factors::user_id.eq(user)).first(&mut &*conn).await;
        Ok(found.optional()?)
    }

    /// Begins anew; false when there is a confirmed one.
    pub async fn begin(conn: &TenantConn, user: UserId, now: Timestamp) -> Result<bool> {
        let begun = diesel::sql_query(BEGIN)
            .bind::<SqlUuid, _>(user)
            .bind::<Timestamptz, _>(now)
            .execute(&mut &*conn)
            .await?;
        Ok(begun == 1)
    }

    /// Takes a code's step; false when it, or a later one, was used before.
    pub async fn take_step(conn: &TenantConn, user: UserId, step: i64) -> Result<bool> {
        let taken = diesel::update(user_factors::table)
            .filter(user_factors::user_id.eq(user))
            .filter(user_factors::last_step.lt(step))
            .set(user_factors::last_step.eq(step))
            .execute(&mut &*conn)
            .await?;
        Ok(taken == 1)
    }

    /// False when it was confirmed already.
    pub async fn confirm(conn: &TenantConn, user: UserId, now: Timestamp) -> Result<bool> {
        let confirmed = diesel::update(user_factors::table)
            .filter(user_factors::user_id.eq(user))
            .filter(user_factors::confirmed_at.is_null())
            .set(user_factors::confirmed_at.eq(now))
            .execute(&mut &*conn)
            .await?;
        Ok(confirmed == 1)
    }

    /// False when there was none.
    pub async fn delete(conn: &TenantConn, user: UserId) -> Result<bool> {
        diesel::delete(recovery_codes::table)
            .filter(recovery_codes::user_id.eq(user))
            .execute(&mut &*conn)
            .await?;
        let deleted = diesel::delete(user_factors::table)
            .filter(user_factors::user_id.eq(user))
            .execute(&mut &*conn)
            .await?;
        Ok(deleted == 1)
    }
}

const BEGIN: &str = "
INSERT INTO kontor.user_factors AS f (user_id, created_at, last_step) VALUES ($1, $2, 0)
ON CONFLICT (user_id) DO UPDATE SET created_at = EXCLUDED.created_at, last_step = 0
WHERE f.confirmed_at IS NULL";

/// A person has these from now on.
pub async fn replace_recovery_codes(
    conn: &TenantConn,
    user: UserId,
    hashes: Vec<Vec<u8>>,
) -> Result<()> {
    diesel::delete(recovery_codes::table)
        .filter(recovery_codes::user_id.eq(user))
        .execute(&mut &*conn)
        .await?;
    let rows = hashes
        .into_iter()
        .map(|hash| (recovery_codes::user_id.eq(user), recovery_codes::hash.eq(hash)));
    diesel::insert_into(recovery_codes::table)
        .values(rows.collect::<Vec<_>>())
        .execute(&mut &*conn)
        .await?;
    Ok(())
}

/// Of several at once one wins.
pub async fn use_recovery_code(
    conn: &TenantConn,
    user: UserId,
    hash: &[u8],
    now: Timestamp,
) -> Result<bool> {
    let used = diesel::update(recovery_codes::table)
        .filter(recovery_codes::user_id.eq(user))
        .filter(recovery_codes::hash.eq(hash))
        .filter(recovery_codes::used_at.is_null())
        .set(recovery_codes::used_at.eq(now))
        .execute(&mut &*conn)
        .await?;
    Ok(used == 1)
}

/// What a person sees of it.
#[derive(Debug, QueryableByName)]
pub struct FactorState {
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub confirmed_at: Option<Timestamp>,
    #[diesel(sql_type = BigInt)]
    pub codes_left: i64,
}

const STATE: &str = "
SELECT (SELECT confirmed_at FROM kontor.user_factors WHERE user_id = $1) AS confirmed_at,
       (SELECT count(*) FROM kontor.recovery_codes WHERE user_id = $1 AND used_at IS NULL) AS codes_left";

impl FactorState {
    pub async fn of(conn: &TenantConn, user: UserId) -> Result<Self> {
        Ok(diesel::sql_query(STATE).bind::<SqlUuid, _>(user).get_result(&mut &*conn).await?)
    }
}

/// The second factor was shown in this session.
pub async fn step_up(conn: &TenantConn, session: SessionId, now: Timestamp) -> Result<()> {
    diesel::update(sessions::table)
        .filter(sessions::tenant_id.eq(conn.tenant()))
        .filter(sessions::id.eq(session))
        .set(sessions::second_factor_at.eq(now))
        .execute(&mut &*conn)
        .await?;
    Ok(())
}
