use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::{
    audit::chain::Batch, clock::Timestamp, db::TenantConn, error::Result,
    schema::audit_seals as seals, tenants::TenantId,
};

/// A seal as it is kept.
#[derive(Clone, Debug, HasQuery, Insertable)]
#[diesel(table_name = seals, treat_none_as_default_value = false)]
pub struct SealRow {
    pub id: Uuid,
    pub number: i64,
    pub kind: String,
    pub first_position: i64,
    pub last_position: i64,
    pub entries: Vec<Uuid>,
    pub leaves: Vec<u8>,
    pub cutoff: Option<Timestamp>,
    pub key_id: Uuid,
    pub previous: Vec<u8>,
    pub seal: Vec<u8>,
    pub created_at: Timestamp,
}

impl SealRow {
    pub fn batch(&self) -> Batch {
        Batch {
            number: self.number,
            kind: self.kind.clone(),
            positions: (self.first_position, self.last_position),
            entries: self.entries.clone(),
            leaves: self.leaves.clone(),
            cutoff: self.cutoff,
            previous: self.previous.clone(),
        }
    }

    /// The newest of a tenant. Whoever else would add one waits.
    pub async fn last(conn: &TenantConn) -> Result<Option<Self>> {
        diesel::sql_query(TURN).bind::<SqlUuid, _>(conn.tenant()).execute(&mut &*conn).await?;
        let last = Self::query()
            .filter(seals::tenant_id.eq(conn.tenant()))
            .order(seals::number.desc())
            .first(&mut &*conn)
            .await;
        Ok(last.optional()?)
    }

    pub async fn insert(self, conn: &TenantConn) -> Result<()> {
        let sealed = self.last_position;
        diesel::insert_into(seals::table)
            .values((seals::tenant_id.eq(conn.tenant()), self))
            .execute(&mut &*conn)
            .await?;
        diesel::sql_query(SEALED)
            .bind::<SqlUuid, _>(conn.tenant())
            .bind::<BigInt, _>(sealed)
            .execute(&mut &*conn)
            .await?;
        Ok(())
    }

    /// Some of a tenant's, in their order.
    pub async fn after(conn: &TenantConn, number: i64, most: i64) -> Result<Vec<Self>> {
        let some = Self::query()
            .filter(seals::tenant_id.eq(conn.tenant()))
            .filter(seals::number.gt(number))
            .order(seals::number)
            .limit(most)
            .load(&mut &*conn)
            .await?;
        Ok(some)
    }

    /// Those that say until when entries may be gone.
    pub async fn retired(conn: &TenantConn) -> Result<Vec<Self>> {
        let retired = Self::query()
            .filter(seals::tenant_id.eq(conn.tenant()))
            .filter(seals::kind.eq("RETIRED"))
            .order(seals::number)
            .load(&mut &*conn)
            .await?;
        Ok(retired)
    }
}

const TURN: &str = "
INSERT INTO kontor.counters AS c (tenant_id, name, value) VALUES ($1, 'sealed', 0)
ON CONFLICT (tenant_id, name) DO UPDATE SET value = c.value";
const SEALED: &str =
    "UPDATE kontor.counters SET value = $2 WHERE counters.tenant_id = $1 AND name = 'sealed'";

/// An entry of the trail as it is proven: its place in the log, its id, and all that it says.
#[derive(Debug, QueryableByName)]
pub struct Proven {
    #[diesel(sql_type = BigInt)]
    pub position: i64,
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// `None`: there is a place, but no entry.
    #[diesel(sql_type = Nullable<Text>)]
    pub text: Option<String>,
}

/// All that an entry says, the same on every machine.
macro_rules! said {
    () => {
        "jsonb_build_array(a.id, (extract(epoch FROM a.at) * 1000000)::bigint, a.write_id, a.ordinal, \
         a.actor_id, a.request_id, a.table_name, a.record_id, a.action, a.old, a.new)::text"
    };
}

const WAITING: &str = concat!(
    "SELECT o.position, o.audit_id AS id, CASE WHEN a.id IS NULL THEN NULL ELSE ",
    said!(),
    " END AS text FROM kontor.outbox o \
     LEFT JOIN kontor.audit_log a ON a.tenant_id = $1 AND a.at = o.at AND a.id = o.audit_id \
     WHERE o.tenant_id = $1 AND o.position > $2 ORDER BY o.position LIMIT $3"
);

/// What stands in a tenant's log behind a place.
pub async fn waiting(conn: &TenantConn, behind: i64, most: i64) -> Result<Vec<Proven>> {
    let rows = diesel::sql_query(WAITING)
        .bind::<SqlUuid, _>(conn.tenant())
        .bind::<BigInt, _>(behind)
        .bind::<BigInt, _>(most)
        .load(&mut &*conn)
        .await?;
    Ok(rows)
}

const ENTRIES: &str = concat!(
    "SELECT 0::bigint AS position, a.id, ",
    said!(),
    " AS text FROM kontor.audit_log a \
     WHERE a.tenant_id = $1 AND a.at >= $2 AND a.at <= $3 AND a.id = ANY($4)"
);

/// Entries by their ids, all of them from between two moments.
pub async fn entries(
    conn: &TenantConn,
    (from, to): (Timestamp, Timestamp),
    ids: &[Uuid],
) -> Result<Vec<Proven>> {
    let rows = diesel::sql_query(ENTRIES)
        .bind::<SqlUuid, _>(conn.tenant())
        .bind::<Timestamptz, _>(from)
        .bind::<Timestamptz, _>(to)
        .bind::<Array<SqlUuid>, _>(ids)
        .load(&mut &*conn)
        .await?;
    Ok(rows)
}

const PLACES: &str = "
SELECT a.at, a.id FROM kontor.audit_log a
WHERE a.tenant_id = $1 AND (a.at, a.id) > ($2, $3) ORDER BY a.at, a.id LIMIT $4";

/// Where an entry stands in the trail.
#[derive(Clone, Copy, Debug, QueryableByName)]
pub struct Standing {
    #[diesel(sql_type = Timestamptz)]
    pub at: Timestamp,
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
}

/// A tenant's whole trail, some at a time.
pub async fn behind(conn: &TenantConn, after: Standing, most: i64) -> Result<Vec<Standing>> {
    let rows = diesel::sql_query(PLACES)
        .bind::<SqlUuid, _>(conn.tenant())
        .bind::<Timestamptz, _>(after.at)
        .bind::<SqlUuid, _>(after.id)
        .bind::<BigInt, _>(most)
        .load(&mut &*conn)
        .await?;
    Ok(rows)
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = SqlUuid)]
    tenant: TenantId,
}

/// Whose log is longer than what is sealed of it. Across tenants; ids and nothing else.
pub async fn tenants_to_seal(mut conn: &AsyncPgConnection, most: i32) -> Result<Vec<TenantId>> {
    let rows: Vec<Found> =
        diesel::sql_query("SELECT t AS tenant FROM kontor.tenants_to_seal($1) t")
            .bind::<Integer, _>(most)
            .load(&mut conn)
            .await?;
    Ok(rows.into_iter().map(|row| row.tenant).collect())
}

/// Whose trail reaches back further than this; likewise.
pub async fn tenants_with_trail_before(
    mut conn: &AsyncPgConnection,
    cutoff: Timestamp,
) -> Result<Vec<TenantId>> {
    let rows: Vec<Found> =
        diesel::sql_query("SELECT t AS tenant FROM kontor.tenants_with_trail_before($1) t")
            .bind::<Timestamptz, _>(cutoff)
            .load(&mut conn)
            .await?;
    Ok(rows.into_iter().map(|row| row.tenant).collect())
}

#[derive(QueryableByName)]
struct Gone {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

/// Drops what is older; how many entries that were.
pub async fn retire(mut conn: &AsyncPgConnection, cutoff: Timestamp) -> Result<i64> {
    let gone: Gone = diesel::sql_query("SELECT r AS rows FROM kontor.retire_trail($1) r")
        .bind::<Timestamptz, _>(cutoff)
        .get_result(&mut conn)
        .await?;
    Ok(gone.rows)
}

/// How long a tenant's log is.
pub async fn log_length(conn: &TenantConn) -> Result<i64> {
    use crate::schema::counters;
    let length = counters::table
        .filter(counters::tenant_id.eq(conn.tenant()))
        .filter(counters::name.eq("log"))
        .select(counters::value)
        .first(&mut &*conn)
        .await;
    Ok(length.optional()?.unwrap_or(0))
}
