use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::{
    accounts::{ApiClientId, ApiSecretId},
    clock::Timestamp,
    db::TenantConn,
    error::Result,
    record,
    schema::{api_client_secrets as secrets, api_client_uses as uses, api_clients as clients},
};

/// A program that uses the API.
#[derive(Clone, Debug, HasQuery)]
#[diesel(table_name = clients)]
pub struct ApiClient {
    pub id: ApiClientId,
    pub name: String,
    pub prefix: String,
    pub scopes: Vec<String>,
    pub mode: String,
    pub addresses: Vec<String>,
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    pub version: i32,
    pub created_at: Timestamp,
    pub most_points: Option<i32>,
    pub restored_points: Option<i32>,
}

#[derive(Debug, Insertable)]
#[diesel(table_name = clients, treat_none_as_default_value = false)]
pub struct NewApiClient {
    pub id: ApiClientId,
    pub name: String,
    pub prefix: String,
    pub scopes: Vec<String>,
    pub mode: &'static str,
    pub addresses: Vec<String>,
    pub expires_at: Option<Timestamp>,
    pub most_points: Option<i32>,
    pub restored_points: Option<i32>,
}

#[derive(Debug, Default, AsChangeset)]
#[diesel(table_name = clients)]
pub struct ApiClientChanges {
    pub name: Option<String>,
    pub prefix: Option<String>,
    pub scopes: Option<Vec<String>>,
    pub mode: Option<&'static str>,
    pub addresses: Option<Vec<String>>,
    pub expires_at: Option<Option<Timestamp>>,
    pub revoked_at: Option<Timestamp>,
    pub most_points: Option<Option<i32>>,
    pub restored_points: Option<Option<i32>>,
}

record!(ApiClient, api_clients, ApiClientId, NewApiClient, ApiClientChanges);

impl ApiClient {
    /// Those of the tenant, by name; the revoked ones last.
    pub async fn all(conn: &TenantConn, most: i64) -> Result<Vec<Self>> {
        let all = Self::query()
            .filter(clients::tenant_id.eq(conn.tenant()))
            .order((clients::revoked_at.is_not_null(), clients::name_key, clients::id))
            .limit(most)
            .load(&mut &*conn)
            .await?;
        Ok(all)
    }

    /// By its name, whatever the case.
    pub async fn named(conn: &TenantConn, name: &str) -> Result<Option<Self>> {
        let found = Self::query()
            .filter(clients::tenant_id.eq(conn.tenant()))
            .filter(clients::name_key.eq(name.to_lowercase()))
            .first(&mut &*conn)
            .await;
        Ok(found.optional()?)
    }

    pub async fn count(conn: &TenantConn) -> Result<i64> {
        let all = clients::table.filter(clients::tenant_id.eq(conn.tenant())).count();
        Ok(all.get_result(&mut &*conn).await?)
    }
}

/// One of a client's secrets, but for the secret.
#[derive(Clone, Debug, HasQuery)]
#[diesel(table_name = secrets)]
pub struct Secret {
    pub id: ApiSecretId,
    pub client_id: ApiClientId,
    pub prefix: String,
    pub created_at: Timestamp,
}

impl Secret {
    pub async fn insert(conn: &TenantConn, secret: &Self, hash: &[u8]) -> Result<()> {
        diesel::insert_into(secrets::table)
            .values((
                secrets::tenant_id.eq(conn.tenant()),
                secrets::id.eq(secret.id),
                secrets::client_id.eq(secret.client_id),
                secrets::prefix.eq(&secret.prefix),
                secrets::hash.eq(hash),
                secrets::created_at.eq(secret.created_at),
            ))
            .execute(&mut &*conn)
            .await?;
        Ok(())
    }

    /// Good for nothing from now on; false when there was no such live secret of this client.
    pub async fn revoke(
        conn: &TenantConn,
        client: ApiClientId,
        id: ApiSecretId,
        now: Timestamp,
    ) -> Result<bool> {
        let revoked = diesel::update(secrets::table)
            .filter(secrets::tenant_id.eq(conn.tenant()))
            .filter(secrets::client_id.eq(client))
            .filter(secrets::id.eq(id))
            .filter(secrets::revoked_at.is_null())
            .set(secrets::revoked_at.eq(now))
            .execute(&mut &*conn)
            .await?;
        Ok(revoked == 1)
    }
}

/// The live secrets of several clients, the newest first.
pub async fn secrets_of(
    conn: &TenantConn,
    ids: &[ApiClientId],
    _most: i64,
) -> Result<Vec<(ApiClientId, Secret)>> {
    let live: Vec<Secret> = Secret::query()
        .filter(secrets::tenant_id.eq(conn.tenant()))
        .filter(secrets::client_id.eq_any(ids))
        .filter(secrets::revoked_at.is_null())
        .order((secrets::client_id, secrets::created_at.desc(), secrets::id.desc()))
        .load(&mut &*conn)
        .await?;
    Ok(live.into_iter().map(|secret| (secret.client_id, secret)).collect())
}

/// When several clients were last there.
pub async fn last_uses(
    conn: &TenantConn,
    ids: &[ApiClientId],
) -> Result<Vec<(ApiClientId, Timestamp)>> {
    let last = uses::table
        .filter(uses::tenant_id.eq(conn.tenant()))
        .filter(uses::id.eq_any(ids))
        .select((uses::id, uses::last_used_at))
        .load(&mut &*conn)
        .await?;
    Ok(last)
}

/// It was there.
pub async fn note_use(
    conn: &TenantConn,
    client: ApiClientId,
    now: Timestamp,
    address: Option<&str>,
) -> Result<()> {
    use diesel::upsert::excluded;
    diesel::insert_into(uses::table)
        .values((
            uses::tenant_id.eq(conn.tenant()),
            uses::id.eq(client),
            uses::last_used_at.eq(now),
            uses::address.eq(address),
        ))
        .on_conflict((uses::tenant_id, uses::id))
        .do_update()
        .set((
            uses::last_used_at.eq(excluded(uses::last_used_at)),
            uses::address.eq(excluded(uses::address)),
        ))
        .execute(&mut &*conn)
        .await?;
    Ok(())
}

/// The client behind a secret, if both are good.
pub async fn client_of(
    conn: &TenantConn,
    prefix: &str,
    hash: &[u8],
    now: Timestamp,
) -> Result<Option<ApiClient>> {
    let found = secrets::table
        .inner_join(
            clients::table
                .on(clients::tenant_id.eq(conn.tenant()).and(clients::id.eq(secrets::client_id))),
        )
        .filter(secrets::tenant_id.eq(conn.tenant()))
        .filter(secrets::prefix.eq(prefix))
        .filter(secrets::hash.eq(hash))
        .filter(secrets::revoked_at.is_null())
        .filter(clients::revoked_at.is_null())
        .filter(clients::expires_at.is_null().or(clients::expires_at.gt(now)))
        .select(ApiClient::as_select())
        .first(&mut &*conn)
        .await;
    Ok(found.optional()?)
}
