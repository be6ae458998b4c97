mod uses;

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Bytea, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

pub use uses::{FieldUse, Tally, Unknown, add_uses, field_uses, unknown_of_clients, uses_of};

use super::{
    DocumentId,
    values::{DocumentHash, Named},
};
use crate::{
    accounts::ApiClientId,
    clock::Timestamp,
    db::{Outcome, TenantConn},
    error::{Problem, Result},
    listed,
    schema::{document_aliases as aliases, documents},
};

/// A registered document.
#[derive(Clone, Debug, HasQuery, QueryableByName)]
#[diesel(table_name = documents)]
pub struct Document {
    pub id: DocumentId,
    pub client_id: ApiClientId,
    pub hash: DocumentHash,
    pub name: String,
    pub name_key: String,
    pub body: String,
    pub cost: i32,
    pub created_at: Timestamp,
}

#[derive(Debug, Insertable)]
#[diesel(table_name = documents)]
pub struct NewDocument<'a> {
    pub id: DocumentId,
    pub client_id: ApiClientId,
    pub hash: DocumentHash,
    pub name: &'a str,
    pub body: &'a str,
    pub cost: i32,
    pub created_at: Timestamp,
}

/// What a build tool calls a document.
#[derive(Debug, Insertable)]
#[diesel(table_name = aliases)]
pub struct NewAlias<'a> {
    pub id: Uuid,
    pub client_id: ApiClientId,
    pub document_id: DocumentId,
    pub alias: &'a str,
}

listed!(Document, documents);

/// A document with the client it is registered for.
#[derive(QueryableByName)]
struct OfClient {
    #[diesel(embed)]
    document: Document,
}

const OF_CLIENTS: &str = "
SELECT id, client_id, hash, name, name_key, body, cost, created_at FROM (
  SELECT d.*, row_number() OVER (PARTITION BY d.client_id ORDER BY d.created_at DESC, d.id DESC) AS place
  FROM kontor.documents d WHERE d.tenant_id = $1 AND d.client_id = ANY($2)
) AS ranked WHERE place <= $3 ORDER BY client_id, place";

impl Document {
    /// The newest documents of several clients, at most `max` of each.
    pub async fn of_clients(
        conn: &TenantConn,
        clients: &[ApiClientId],
        max: i64,
    ) -> Result<Vec<(ApiClientId, Self)>> {
        let rows: Vec<OfClient> = diesel::sql_query(OF_CLIENTS)
            .bind::<SqlUuid, _>(conn.tenant())
            .bind::<Array<SqlUuid>, _>(clients)
            .bind::<BigInt, _>(max)
            .load(&mut &*conn)
            .await?;
        Ok(rows.into_iter().map(|row| (row.document.client_id, row.document)).collect())
    }

    /// All of the tenant, in pieces: those behind an id, in the order of the ids.
    pub async fn behind(
        conn: &TenantConn,
        after: DocumentId,
        most: i64,
    ) -> Result<Vec<(String, Self)>> {
        use crate::schema::api_clients as clients;
        let rows =
            documents::table
                .inner_join(clients::table.on(
                    clients::tenant_id.eq(conn.tenant()).and(clients::id.eq(documents::client_id)),
                ))
                .filter(documents::tenant_id.eq(conn.tenant()))
                .filter(clients::revoked_at.is_null())
                .filter(documents::id.gt(after))
                .order(documents::id)
                .limit(most)
                .select((clients::name, Self::as_select()))
                .load(&mut &*conn)
                .await?;
        Ok(rows)
    }

    /// What is registered for a client of these texts.
    pub async fn with_hashes(
        conn: &TenantConn,
        client: ApiClientId,
        hashes: &[DocumentHash],
    ) -> Result<Vec<Self>> {
        let found = Self::query()
            .filter(documents::tenant_id.eq(conn.tenant()))
            .filter(documents::client_id.eq(client))
            .filter(documents::hash.eq_any(hashes))
            .load(&mut &*conn)
            .await?;
        Ok(found)
    }

    pub async fn count_of_client(conn: &TenantConn, client: ApiClientId) -> Result<i64> {
        let all = documents::table
            .filter(documents::tenant_id.eq(conn.tenant()))
            .filter(documents::client_id.eq(client))
            .count();
        Ok(all.get_result(&mut &*conn).await?)
    }

    pub async fn insert(conn: &TenantConn, new: &[NewDocument<'_>]) -> Result<()> {
        let rows: Vec<_> =
            new.iter().map(|one| (documents::tenant_id.eq(conn.tenant()), one)).collect();
        diesel::insert_into(documents::table).values(rows).execute(&mut &*conn).await?;
        Ok(())
    }

    pub async fn body(conn: &TenantConn, id: DocumentId) -> Result<Option<String>> {
        let body = documents::table
            .filter(documents::tenant_id.eq(conn.tenant()))
            .filter(documents::id.eq(id))
            .select(documents::body)
            .first(&mut &*conn)
            .await;
        Ok(body.optional()?)
    }

    /// False when there was none.
    pub async fn delete(conn: &TenantConn, id: DocumentId) -> Result<bool> {
        let gone = diesel::delete(documents::table)
            .filter(documents::tenant_id.eq(conn.tenant()))
            .filter(documents::id.eq(id))
            .execute(&mut &*conn)
            .await?;
        Ok(gone == 1)
    }
}

/// For which document each of these ids of a build tool stands.
pub async fn known_aliases(
    conn: &TenantConn,
    client: ApiClientId,
    wanted: &[&str],
) -> Result<Vec<(String, DocumentId)>> {
    let known = aliases::table
        .filter(aliases::tenant_id.eq(conn.tenant()))
        .filter(aliases::client_id.eq(client))
        .filter(aliases::alias.eq_any(wanted))
        .select((aliases::alias, aliases::document_id))
        .load(&mut &*conn)
        .await?;
    Ok(known)
}

pub async fn insert_aliases(conn: &TenantConn, new: &[NewAlias<'_>]) -> Result<()> {
    let rows: Vec<_> = new.iter().map(|one| (aliases::tenant_id.eq(conn.tenant()), one)).collect();
    diesel::insert_into(aliases::table).values(rows).execute(&mut &*conn).await?;
    Ok(())
}

/// A registered document, without its text.
#[derive(Clone, Copy, Debug, QueryableByName)]
pub struct Hit {
    #[diesel(sql_type = SqlUuid)]
    pub id: DocumentId,
    #[diesel(sql_type = SqlUuid)]
    pub client_id: ApiClientId,
    #[diesel(sql_type = Bytea)]
    pub hash: DocumentHash,
}

const FIND: &str = "
SELECT DISTINCT ON (d.hash) d.id, d.client_id, d.hash
FROM kontor.documents d JOIN kontor.api_clients c ON c.tenant_id = $1 AND c.id = d.client_id
WHERE d.tenant_id = $1 AND ($2 IS NULL OR d.client_id = $2)
  AND c.revoked_at IS NULL AND (c.expires_at IS NULL OR c.expires_at > $3)
  AND (d.hash = $4 OR d.id IN (
    SELECT a.document_id FROM kontor.document_aliases a WHERE a.tenant_id = $1 AND a.alias = $5))
ORDER BY d.hash, d.id LIMIT 2";

/// What an id stands for in one client, or in all that are live; at most two, which is one too many.
pub async fn find_named(
    conn: &TenantConn,
    client: Option<ApiClientId>,
    named: &Named,
    now: Timestamp,
) -> Result<Vec<Hit>> {
    let hits = diesel::sql_query(FIND)
        .bind::<SqlUuid, _>(conn.tenant())
        .bind::<Nullable<SqlUuid>, _>(client)
        .bind::<Timestamptz, _>(now)
        .bind::<Nullable<Bytea>, _>(named.hash)
        .bind::<Nullable<Text>, _>(named.alias.as_deref())
        .load(&mut &*conn)
        .await?;
    Ok(hits)
}

/// What a registration leaves behind.
#[derive(Debug)]
pub struct Registered(pub Vec<Document>);

impl Outcome for Registered {
    fn ids(&self) -> Vec<Uuid> {
        self.0.iter().map(|document| document.id.0).collect()
    }

    async fn recall(conn: &TenantConn, ids: &[Uuid], _: Vec<Problem>) -> Result<Self> {
        let found: Vec<Document> = Document::query()
            .filter(documents::tenant_id.eq(conn.tenant()))
            .filter(documents::id.eq_any(ids))
            .load(&mut &*conn)
            .await?;
        let place = |document: &Document| ids.iter().position(|id| *id == document.id.0);
        let mut found = found;
        found.sort_by_key(place);
        Ok(Self(found))
    }
}
