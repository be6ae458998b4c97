use diesel::{
    prelude::*,
    sql_types::{Integer, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::{
    clock::Timestamp,
    db::{OperatorConn, TenantConn},
    error::Result,
    schema::{keys, secrets},
    tenants::TenantId,
};

/// A key as it is kept: wrapped.
#[derive(Debug, HasQuery, Insertable)]
#[diesel(table_name = keys)]
pub struct KeyRow {
    pub id: Uuid,
    pub purpose: String,
    pub wrapped: Vec<u8>,
    pub created_at: Timestamp,
}

impl KeyRow {
    /// The newest first.
    pub async fn all(mut conn: &AsyncPgConnection) -> Result<Vec<Self>> {
        Ok(Self::query().order((keys::created_at.desc(), keys::id.desc())).load(&mut conn).await?)
    }

    pub async fn insert(&self, mut conn: &AsyncPgConnection) -> Result<()> {
        diesel::insert_into(keys::table).values(self).execute(&mut conn).await?;
        Ok(())
    }

    /// The same key, wrapped anew.
    pub async fn rewrap(&self, mut conn: &AsyncPgConnection) -> Result<()> {
        diesel::update(keys::table)
            .filter(keys::id.eq(self.id))
            .set(keys::wrapped.eq(&self.wrapped))
            .execute(&mut conn)
            .await?;
        Ok(())
    }

    /// Whatever names this key is good for nothing from now on.
    pub async fn delete(mut conn: &AsyncPgConnection, ids: &[Uuid]) -> Result<()> {
        diesel::delete(keys::table).filter(keys::id.eq_any(ids)).execute(&mut conn).await?;
        Ok(())
    }
}

/// The keys for the operator's eyes: which, for what, since when.
pub struct KeyList;

impl KeyList {
    pub async fn read(conn: &OperatorConn) -> Result<Vec<(Uuid, String, Timestamp)>> {
        let rows = KeyRow::all(conn.pg()).await?;
        Ok(rows.into_iter().map(|row| (row.id, row.purpose, row.created_at)).collect())
    }
}

/// A secret as it is kept: encrypted.
#[derive(Debug, HasQuery, Insertable)]
#[diesel(table_name = secrets)]
pub struct SecretRow {
    pub id: Uuid,
    pub kind: String,
    pub row_id: Uuid,
    pub key_id: Uuid,
    pub sealed: Vec<u8>,
}

impl SecretRow {
    /// In its place, whether or not there was one before.
    pub async fn put(&self, conn: &TenantConn) -> Result<()> {
        diesel::insert_into(secrets::table)
            .values((secrets::tenant_id.eq(conn.tenant()), self))
            .on_conflict((secrets::tenant_id, secrets::kind, secrets::row_id))
            .do_update()
            .set((secrets::key_id.eq(self.key_id), secrets::sealed.eq(&self.sealed)))
            .execute(&mut &*conn)
            .await?;
        Ok(())
    }

    pub async fn find(conn: &TenantConn, kind: &str, row: Uuid) -> Result<Option<Self>> {
        let found = Self::query()
            .filter(secrets::tenant_id.eq(conn.tenant()))
            .filter(secrets::kind.eq(kind))
            .filter(secrets::row_id.eq(row))
            .first(&mut &*conn)
            .await;
        Ok(found.optional()?)
    }

    pub async fn delete(conn: &TenantConn, kind: &str, row: Uuid) -> Result<()> {
        diesel::delete(secrets::table)
            .filter(secrets::tenant_id.eq(conn.tenant()))
            .filter(secrets::kind.eq(kind))
            .filter(secrets::row_id.eq(row))
            .execute(&mut &*conn)
            .await?;
        Ok(())
    }

    /// Some of the tenant's that are under another key, locked.
    pub async fn older(conn: &TenantConn, newest: Uuid, most: i64) -> Result<Vec<Self>> {
        let older = Self::query()
            .filter(secrets::tenant_id.eq(conn.tenant()))
            .filter(secrets::key_id.ne(newest))
            .order(secrets::id)
            .limit(most)
            .for_update()
            .load(&mut &*conn)
            .await?;
        Ok(older)
    }
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = SqlUuid)]
    tenant: TenantId,
}

/// Whose secrets are under another key. Across tenants; ids and nothing else.
pub async fn tenants_with_older(
    mut conn: &AsyncPgConnection,
    newest: Uuid,
    most: i32,
) -> Result<Vec<TenantId>> {
    let query = "SELECT t AS tenant FROM kontor.tenants_with_older_secrets($1, $2) t";
    let rows: Vec<Found> = diesel::sql_query(query)
        .bind::<SqlUuid, _>(newest)
        .bind::<Integer, _>(most)
        .load(&mut conn)
        .await?;
    Ok(rows.into_iter().map(|row| row.tenant).collect())
}
