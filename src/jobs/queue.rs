use diesel::{
    prelude::*,
    sql_types::{BigInt, Integer, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    clock::{Clock, Timestamp},
    db::TenantConn,
    error::Result,
    ids::new_uuid,
    measure,
    schema::jobs,
    tenants::TenantId,
};

/// Work to be done: what kind, with what, and not before when.
#[derive(Debug)]
pub struct NewJob<'a> {
    pub kind: &'a str,
    pub payload: Value,
    pub due_at: Timestamp,
}

/// Work that this server has taken on.
#[derive(Debug, QueryableByName)]
#[diesel(table_name = jobs)]
pub struct Job {
    pub id: Uuid,
    pub kind: String,
    pub payload: Value,
    pub attempts: i32,
}

/// In the transaction that wants it done.
pub async fn enqueue(conn: &TenantConn, clock: &Clock, job: NewJob<'_>) -> Result<()> {
    diesel::insert_into(jobs::table)
        .values((
            jobs::tenant_id.eq(conn.tenant()),
            jobs::id.eq(new_uuid(clock)),
            jobs::kind.eq(job.kind),
            jobs::payload.eq(job.payload),
            jobs::state.eq("READY"),
            jobs::due_at.eq(job.due_at),
            jobs::created_at.eq(clock.now()),
        ))
        .execute(&mut &*conn)
        .await?;
    measure::job(job.kind, measure::Job::Enqueued);
    Ok(())
}

#[derive(QueryableByName)]
struct WithWork {
    #[diesel(sql_type = SqlUuid)]
    tenant: TenantId,
}

/// Step one: which tenants have work. Across tenants, without locks.
pub async fn tenants_with_work(
    mut conn: &AsyncPgConnection,
    now: Timestamp,
    most: i32,
) -> Result<Vec<TenantId>> {
    let rows: Vec<WithWork> =
        diesel::sql_query("SELECT t AS tenant FROM kontor.tenants_with_work($1, $2) t")
            .bind::<Timestamptz, _>(now)
            .bind::<Integer, _>(most)
            .load(&mut conn)
            .await?;
    Ok(rows.into_iter().map(|row| row.tenant).collect())
}

/// How many jobs are not done.
#[derive(Debug, QueryableByName)]
pub struct Standing {
    /// Whose time has come.
    #[diesel(sql_type = BigInt)]
    pub due: i64,
    #[diesel(sql_type = BigInt)]
    pub later: i64,
    /// That somebody does.
    #[diesel(sql_type = BigInt)]
    pub leased: i64,
    /// That failed for good.
    #[diesel(sql_type = BigInt)]
    pub dead: i64,
}

/// Of all tenants together: numbers and nothing else, without locks.
pub async fn standing(mut conn: &AsyncPgConnection, now: Timestamp) -> Result<Standing> {
    let asked = "SELECT j.due, j.later, j.leased, j.dead FROM kontor.jobs_of_all_tenants($1) j";
    let standing = diesel::sql_query(asked).bind::<Timestamptz, _>(now).get_result(&mut conn);
    Ok(standing.await?)
}

const CLAIM: &str = "
WITH next AS MATERIALIZED (
  SELECT id FROM kontor.jobs
  WHERE tenant_id = $1
    AND ((state = 'READY' AND due_at <= $2) OR (state = 'LEASED' AND leased_until <= $2))
  ORDER BY due_at, id LIMIT $4 FOR UPDATE SKIP LOCKED
)
UPDATE kontor.jobs SET state = 'LEASED', leased_until = $3, attempts = kontor.jobs.attempts + 1
FROM next WHERE kontor.jobs.tenant_id = $1 AND kontor.jobs.id = next.id
RETURNING kontor.jobs.id, kind, payload, attempts";

/// Step two: takes on some of a tenant's work. Whoever else tries at the same time gets other work.
pub async fn claim(
    conn: &TenantConn,
    now: Timestamp,
    until: Timestamp,
    most: i64,
) -> Result<Vec<Job>> {
    let claimed = diesel::sql_query(CLAIM)
        .bind::<SqlUuid, _>(conn.tenant())
        .bind::<Timestamptz, _>(now)
        .bind::<Timestamptz, _>(until)
        .bind::<BigInt, _>(most)
        .load(&mut &*conn)
        .await?;
    Ok(claimed)
}

/// It is done; what it was done with may have been a secret, and is forgotten.
pub async fn done(conn: &TenantConn, id: Uuid, now: Timestamp) -> Result<()> {
    diesel::update(jobs::table)
        .filter(jobs::tenant_id.eq(conn.tenant()))
        .filter(jobs::id.eq(id))
        .set((
            jobs::state.eq("DONE"),
            jobs::payload.eq(Value::Object(serde_json::Map::new())),
            jobs::leased_until.eq(None::<Timestamp>),
            jobs::finished_at.eq(now),
        ))
        .execute(&mut &*conn)
        .await?;
    Ok(())
}

/// It failed: to be tried again then, or never.
pub async fn failed(
    conn: &TenantConn,
    id: Uuid,
    why: &str,
    again_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<()> {
    let state = if again_at.is_some() { "READY" } else { "DEAD" };
    diesel::update(jobs::table)
        .filter(jobs::tenant_id.eq(conn.tenant()))
        .filter(jobs::id.eq(id))
        .set((
            jobs::state.eq(state),
            jobs::due_at.eq(again_at.unwrap_or(now)),
            jobs::leased_until.eq(None::<Timestamp>),
            jobs::last_error.eq(why),
            jobs::finished_at.eq(again_at.is_none().then_some(now)),
        ))
        .execute(&mut &*conn)
        .await?;
    Ok(())
}

/// Is it this server's turn at something that is done again and again?
pub async fn turn(
    mut conn: &AsyncPgConnection,
    name: &str,
    now: Timestamp,
    next: Timestamp,
) -> Result<bool> {
    use crate::schema::schedules;
    let taken = diesel::update(schedules::table)
        .filter(schedules::name.eq(name))
        .filter(schedules::next_at.le(now))
        .set(schedules::next_at.eq(next))
        .execute(&mut conn)
        .await?;
    if taken == 1 {
        return Ok(true);
    }
    let first = diesel::insert_into(schedules::table)
        .values((schedules::name.eq(name), schedules::next_at.eq(next)))
        .on_conflict_do_nothing()
        .execute(&mut conn)
        .await?;
    Ok(first == 1)
}
