use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{SsoProviderId, values::Mappings};
use crate::{
    accounts::{RoleId, UserId},
    clock::{Clock, Timestamp},
    db::TenantConn,
    error::Result,
    ids::new_uuid,
    keys::Place,
    record,
    schema::{sso_attempts, sso_identities, sso_providers},
};

#[derive(Clone, Debug, HasQuery)]
#[diesel(table_name = sso_providers)]
pub struct Provider {
    pub id: SsoProviderId,
    pub name: String,
    pub issuer: String,
    pub client_id: String,
    pub scopes: Vec<String>,
    pub roles_claim: Option<String>,
    pub role_mappings: Mappings,
    pub default_role_ids: Vec<RoleId>,
    pub enabled: bool,
    pub version: i32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Debug, Insertable)]
#[diesel(table_name = sso_providers, treat_none_as_default_value = false)]
pub struct NewProvider {
    pub id: SsoProviderId,
    pub name: String,
    pub issuer: String,
    pub client_id: String,
    pub scopes: Vec<String>,
    pub roles_claim: Option<String>,
    pub role_mappings: Mappings,
    pub default_role_ids: Vec<RoleId>,
    pub enabled: bool,
}

/// `None` keeps, `Some(None)` clears. Issuer and client stay: another one's people are others.
#[derive(Debug, Default, AsChangeset)]
#[diesel(table_name = sso_providers)]
pub struct ProviderChanges {
    pub name: Option<String>,
    pub scopes: Option<Vec<String>>,
    pub roles_claim: Option<Option<String>>,
    pub role_mappings: Option<Mappings>,
    pub default_role_ids: Option<Vec<RoleId>>,
    pub enabled: Option<bool>,
}

record!(Provider, sso_providers, SsoProviderId, NewProvider, ProviderChanges);

impl Provider {
    /// Where its client secret is kept.
    pub fn secret(id: SsoProviderId) -> Place {
        Place { kind: "sso_providers.client_secret", row: id.0 }
    }

    /// By name.
    pub async fn all(conn: &TenantConn) -> Result<Vec<Self>> {
        let all = Self::query()
            .filter(sso_providers::tenant_id.eq(conn.tenant()))
            .order((sso_providers::name_key, sso_providers::id))
            .load(&mut &*conn)
            .await?;
        Ok(all)
    }

    pub async fn count(conn: &TenantConn) -> Result<i64> {
        let count = sso_providers::table
            .filter(sso_providers::tenant_id.eq(conn.tenant()))
            .count()
            .get_result(&mut &*conn)
            .await?;
        Ok(count)
    }

    /// The one of this name that signs people in; without a name the first one.
    pub async fn enabled(conn: &TenantConn, name: Option<&str>) -> Result<Option<Self>> {
        let mut query = Self::query()
            .filter(sso_providers::tenant_id.eq(conn.tenant()))
            .filter(sso_providers::enabled)
            .order((sso_providers::name_key, sso_providers::id))
            .into_boxed();
        if let Some(name) = name {
            query = query.filter(sso_providers::name_key.eq(name.trim().to_lowercase()));
        }
        Ok(query.first(&mut &*conn).await.optional()?)
    }

    pub async fn delete(conn: &TenantConn, id: SsoProviderId) -> Result<()> {
        diesel::delete(sso_providers::table)
            .filter(sso_providers::tenant_id.eq(conn.tenant()))
            .filter(sso_providers::id.eq(id))
            .execute(&mut &*conn)
            .await?;
        Ok(())
    }
}

/// A sign-in that was begun.
#[derive(Debug, Insertable)]
#[diesel(table_name = sso_attempts)]
pub struct Attempt {
    pub id: Uuid,
    pub provider_id: SsoProviderId,
    pub hash: Vec<u8>,
    pub expires_at: Timestamp,
}

impl Attempt {
    /// Those of the tenant that are over go.
    pub async fn begin(&self, conn: &TenantConn, now: Timestamp) -> Result<()> {
        diesel::delete(sso_attempts::table)
            .filter(sso_attempts::tenant_id.eq(conn.tenant()))
            .filter(sso_attempts::expires_at.le(now))
            .execute(&mut &*conn)
            .await?;
        diesel::insert_into(sso_attempts::table)
            .values((sso_attempts::tenant_id.eq(conn.tenant()), self))
            .execute(&mut &*conn)
            .await?;
        Ok(())
    }

    /// Where it was begun, if it is good; from then on it is used. Of several at once one has it.
    pub async fn take(
        conn: &TenantConn,
        hash: &[u8],
        now: Timestamp,
    ) -> Result<Option<SsoProviderId>> {
        let provider = diesel::update(sso_attempts::table)
            .filter(sso_attempts::tenant_id.eq(conn.tenant()))
            .filter(sso_attempts::hash.eq(hash))
            .filter(sso_attempts::used_at.is_null())
            .filter(sso_attempts::expires_at.gt(now))
            .set(sso_attempts::used_at.eq(now))
            .returning(sso_attempts::provider_id)
            .get_result(&mut &*conn)
            .await;
        Ok(provider.optional()?)
    }
}

/// Whom a provider's subject stands for.
#[derive(Clone, Debug, HasQuery)]
#[diesel(table_name = sso_identities)]
pub struct Identity {
    pub subject: String,
    pub user_id: UserId,
    pub managed: bool,
}

impl Identity {
    pub async fn of_subject(
        conn: &TenantConn,
        provider: SsoProviderId,
        subject: &str,
    ) -> Result<Option<Self>> {
        let found = Self::query()
            .filter(sso_identities::tenant_id.eq(conn.tenant()))
            .filter(sso_identities::provider_id.eq(provider))
            .filter(sso_identities::subject.eq(subject))
            .first(&mut &*conn)
            .await;
        Ok(found.optional()?)
    }

    pub async fn of_user(
        conn: &TenantConn,
        provider: SsoProviderId,
        user: UserId,
    ) -> Result<Option<Self>> {
        let found = Self::query()
            .filter(sso_identities::tenant_id.eq(conn.tenant()))
            .filter(sso_identities::provider_id.eq(provider))
            .filter(sso_identities::user_id.eq(user))
            .first(&mut &*conn)
            .await;
        Ok(found.optional()?)
    }

    pub async fn insert(
        &self,
        conn: &TenantConn,
        clock: &Clock,
        provider: SsoProviderId,
    ) -> Result<()> {
        diesel::insert_into(sso_identities::table)
            .values((
                sso_identities::tenant_id.eq(conn.tenant()),
                sso_identities::id.eq(new_uuid(clock)),
                sso_identities::provider_id.eq(provider),
                sso_identities::subject.eq(&self.subject),
                sso_identities::user_id.eq(self.user_id),
                sso_identities::managed.eq(self.managed),
                sso_identities::created_at.eq(clock.now()),
            ))
            .execute(&mut &*conn)
            .await?;
        Ok(())
    }
}
