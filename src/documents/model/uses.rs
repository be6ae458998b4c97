//! How often what was asked.

use std::collections::{BTreeMap, HashMap};

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Bytea, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::super::{DocumentId, values::DocumentHash};
use crate::{
    accounts::ApiClientId,
    clock::{Clock, Timestamp},
    db::TenantConn,
    error::Result,
    ids::new_uuid,
    schema::field_uses as fields,
};

/// The documents of a client that are remembered although nobody registered them.
const UNKNOWN_KEPT: i64 = 200;

/// How often, and when last.
#[derive(Clone, Copy, Debug)]
pub struct Tally {
    pub uses: i64,
    pub last: Timestamp,
}

impl Tally {
    pub fn add(&mut self, other: Self) {
        self.uses = self.uses.saturating_add(other.uses);
        self.last = self.last.max(other.last);
    }
}

const ADD_DOCUMENTS: &str = "
INSERT INTO kontor.document_uses AS u (tenant_id, id, client_id, hash, name, uses, last_used_at)
SELECT $1, t.id, t.client_id, t.hash, t.name, t.uses, t.last_used_at
FROM unnest($2, $3, $4, $5, $6, $7) AS t (id, client_id, hash, name, uses, last_used_at)
ON CONFLICT (tenant_id, client_id, hash) DO UPDATE SET uses = u.uses + excluded.uses,
  last_used_at = greatest(u.last_used_at, excluded.last_used_at), name = excluded.name";

const ADD_FIELDS: &str = "
INSERT INTO kontor.field_uses AS u (tenant_id, id, client_id, field, uses, last_used_at)
SELECT $1, t.id, t.client_id, t.field, t.uses, t.last_used_at
FROM unnest($2, $3, $4, $5, $6) AS t (id, client_id, field, uses, last_used_at)
ON CONFLICT (tenant_id, client_id, field) DO UPDATE SET uses = u.uses + excluded.uses,
  last_used_at = greatest(u.last_used_at, excluded.last_used_at)";

/// Of what is not registered only the newest are kept: a client that writes its values into its
/// texts asks a new document each time.
const FORGET: &str = "
DELETE FROM kontor.document_uses WHERE tenant_id = $1 AND id IN (
  SELECT ranked.id FROM (
    SELECT u.id, row_number() OVER (PARTITION BY u.client_id ORDER BY u.last_used_at DESC, u.id) AS place
    FROM kontor.document_uses u WHERE u.tenant_id = $1 AND u.client_id = ANY($2)
      AND NOT EXISTS (SELECT FROM kontor.documents d
        WHERE d.tenant_id = $1 AND d.client_id = u.client_id AND d.hash = u.hash)
  ) AS ranked WHERE ranked.place > $3)";

type Documents = BTreeMap<(ApiClientId, DocumentHash), (Option<String>, Tally)>;
type Fields = BTreeMap<(ApiClientId, String), Tally>;

/// Adds to what was counted before. Maps, so that two servers take rows in the same order.
pub async fn add_uses(
    conn: &TenantConn,
    clock: &Clock,
    documents: &Documents,
    field_uses: &Fields,
) -> Result<()> {
    let ids = |many: usize| -> Vec<Uuid> { (0..many).map(|_| new_uuid(clock)).collect() };
    let clients: Vec<ApiClientId> = documents.keys().map(|(client, _)| *client).collect();
    let uses = |tally: &Tally| (tally.uses, tally.last);
    let (counts, moments): (Vec<i64>, Vec<Timestamp>) =
        documents.values().map(|(_, tally)| uses(tally)).unzip();
    diesel::sql_query(ADD_DOCUMENTS)
        .bind::<SqlUuid, _>(conn.tenant())
        .bind::<Array<SqlUuid>, _>(ids(documents.len()))
        .bind::<Array<SqlUuid>, _>(&clients)
        .bind::<Array<Bytea>, _>(documents.keys().map(|(_, hash)| *hash).collect::<Vec<_>>())
        .bind::<Array<Nullable<Text>>, _>(
            documents.values().map(|(name, _)| name.as_deref()).collect::<Vec<_>>(),
        )
        .bind::<Array<BigInt>, _>(counts)
        .bind::<Array<Timestamptz>, _>(moments)
        .execute(&mut &*conn)
        .await?;
    let (counts, moments): (Vec<i64>, Vec<Timestamp>) = field_uses.values().map(uses).unzip();
    diesel::sql_query(ADD_FIELDS)
        .bind::<SqlUuid, _>(conn.tenant())
        .bind::<Array<SqlUuid>, _>(ids(field_uses.len()))
        .bind::<Array<SqlUuid>, _>(field_uses.keys().map(|(client, _)| *client).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(field_uses.keys().map(|(_, field)| field).collect::<Vec<_>>())
        .bind::<Array<BigInt>, _>(counts)
        .bind::<Array<Timestamptz>, _>(moments)
        .execute(&mut &*conn)
        .await?;
    diesel::sql_query(FORGET)
        .bind::<SqlUuid, _>(conn.tenant())
        .bind::<Array<SqlUuid>, _>(&clients)
        .bind::<BigInt, _>(UNKNOWN_KEPT)
        .execute(&mut &*conn)
        .await?;
    Ok(())
}

#[derive(QueryableByName)]
struct UsesOf {
    #[diesel(sql_type = SqlUuid)]
    id: DocumentId,
    #[diesel(sql_type = BigInt)]
    uses: i64,
    #[diesel(sql_type = Timestamptz)]
    last_used_at: Timestamp,
}

const USES: &str = "
SELECT d.id, u.uses, u.last_used_at FROM kontor.documents d
JOIN kontor.document_uses u ON u.tenant_id = $1 AND u.client_id = d.client_id AND u.hash = d.hash
WHERE d.tenant_id = $1 AND d.id = ANY($2)";

/// How often documents were asked.
pub async fn uses_of(conn: &TenantConn, ids: &[DocumentId]) -> Result<HashMap<DocumentId, Tally>> {
    let rows: Vec<UsesOf> = diesel::sql_query(USES)
        .bind::<SqlUuid, _>(conn.tenant())
        .bind::<Array<SqlUuid>, _>(ids)
        .load(&mut &*conn)
        .await?;
    let tally = |row: UsesOf| (row.id, Tally { uses: row.uses, last: row.last_used_at });
    Ok(rows.into_iter().map(tally).collect())
}

/// A document that a client asked without having registered it.
#[derive(Clone, Debug, QueryableByName)]
pub struct Unknown {
    #[diesel(sql_type = SqlUuid)]
    pub client_id: ApiClientId,
    #[diesel(sql_type = Bytea)]
    pub hash: DocumentHash,
    #[diesel(sql_type = Nullable<Text>)]
    pub name: Option<String>,
    #[diesel(sql_type = BigInt)]
    pub uses: i64,
    #[diesel(sql_type = Timestamptz)]
    pub last_used_at: Timestamp,
}

const UNKNOWN: &str = "
SELECT client_id, hash, name, uses, last_used_at FROM (
  SELECT u.*, row_number() OVER (PARTITION BY u.client_id ORDER BY u.last_used_at DESC, u.id) AS place
  FROM kontor.document_uses u WHERE u.tenant_id = $1 AND u.client_id = ANY($2)
    AND NOT EXISTS (SELECT FROM kontor.documents d
      WHERE d.tenant_id = $1 AND d.client_id = u.client_id AND d.hash = u.hash)
) AS ranked WHERE place <= $3 ORDER BY client_id, place";

/// Those of several clients, the last used first, at most `max` of each.
pub async fn unknown_of_clients(
    conn: &TenantConn,
    clients: &[ApiClientId],
    max: i64,
) -> Result<Vec<(ApiClientId, Unknown)>> {
    let rows: Vec<Unknown> = diesel::sql_query(UNKNOWN)
        .bind::<SqlUuid, _>(conn.tenant())
        .bind::<Array<SqlUuid>, _>(clients)
        .bind::<BigInt, _>(max)
        .load(&mut &*conn)
        .await?;
    Ok(rows.into_iter().map(|row| (row.client_id, row)).collect())
}

/// A field of the schema that a client asked.
#[derive(Clone, Debug, HasQuery)]
#[diesel(table_name = fields)]
pub struct FieldUse {
    pub client_id: ApiClientId,
    pub field: String,
    pub uses: i64,
    pub last_used_at: Timestamp,
}

/// Which of these fields (all, if none are named) were used by whom; by field, the most used first.
pub async fn field_uses(
    conn: &TenantConn,
    client: Option<ApiClientId>,
    named: Option<&[String]>,
    most: i64,
) -> Result<Vec<FieldUse>> {
    let mut query = FieldUse::query().filter(fields::tenant_id.eq(conn.tenant())).into_boxed();
    if let Some(client) = client {
        query = query.filter(fields::client_id.eq(client));
    }
    if let Some(named) = named {
        query = query.filter(fields::field.eq_any(named));
    }
    let query = query.order((fields::field, fields::uses.desc(), fields::id)).limit(most);
    Ok(query.load(&mut &*conn).await?)
}
