use std::collections::HashMap;

use async_graphql::{Context, Enum, Many, Object};

use super::super::super::{
    ApiClientId, ApiSecretId,
    model::{self, last_uses, secrets_of},
};
use crate::{
    access::{Permission, Permission::*},
    by_id,
    clock::Timestamp,
    db::TenantConn,
    documents::{DocumentsOfClient, PersistedDocument, UnknownDocument, UnknownOfClient},
    error::Result,
    graphql::{Doors, Relation},
    has_many,
};

/// What a program may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ClientMode {
    /// Any document.
    Open,
    /// Any document; those that are not registered are written down.
    LogUnknown,
    /// Registered documents only, by their ids.
    RequireId,
}

impl ClientMode {
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::LogUnknown => "LOG_UNKNOWN",
            Self::RequireId => "REQUIRE_ID",
        }
    }

    fn of(word: &str) -> Self {
        match word {
            "OPEN" => Self::Open,
            "LOG_UNKNOWN" => Self::LogUnknown,
            _ => Self::RequireId,
        }
    }
}

by_id!(
    /// Programs by id, revoked ones too.
    ApiClientById, api_clients, model::ApiClient, ApiClientId, ApiClientRead
);

has_many!(
    /// The live secrets of programs.
    SecretsOfClient, max 2, secrets_of, ApiClientId, model::Secret, ApiClientRead
);

/// When programs were last there.
struct LastUse;

impl Relation for LastUse {
    type Key = ApiClientId;
    type Value = Option<Timestamp>;
    const PERMISSION: Permission = ApiClientRead;

    async fn load(
        conn: &TenantConn,
        keys: &[ApiClientId],
    ) -> Result<HashMap<ApiClientId, Option<Timestamp>>> {
        let last = last_uses(conn, keys).await?;
        Ok(last.into_iter().map(|(id, at)| (id, Some(at))).collect())
    }
}

/// A program that uses the API.
pub struct ApiClient(pub model::ApiClient);

/// A program that uses the API. It sends its secret as `Authorization: Bearer kontor_…`.
#[Object]
impl ApiClient {
    /// Its id.
    pub async fn id(&self) -> ApiClientId {
        self.0.id
    }

    /// Its name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What its newest secret begins with; empty when all are revoked.
    async fn prefix(&self) -> &str {
        &self.0.prefix
    }

    /// Its live secrets, the newest first: one, or two while one takes the other's place.
    async fn secrets(&self, ctx: &Context<'_>) -> Result<Many<ApiSecret>> {
        Ok(ctx.load::<SecretsOfClient>(self.0.id).await?.into_iter().map(ApiSecret).collect())
    }

    /// What it may do, such as "company:read".
    async fn scopes(&self) -> &[String] {
        &self.0.scopes
    }

    /// What it may send.
    async fn mode(&self) -> ClientMode {
        ClientMode::of(&self.0.mode)
    }

    /// From where it may come, such as "203.0.113.0/24"; empty: from anywhere.
    async fn addresses(&self) -> &[String] {
        &self.0.addresses
    }

    /// The points that it may spend at once; null: as many as anybody.
    async fn maximum_points(&self) -> Option<i32> {
        self.0.most_points
    }

    /// The points that it gets back each second; null: as many as anybody.
    async fn restore_rate(&self) -> Option<i32> {
        self.0.restored_points
    }

    /// When it was last there, to the minute; null: never.
    async fn last_used_at(&self, ctx: &Context<'_>) -> Result<Option<Timestamp>> {
        ctx.load::<LastUse>(self.0.id).await
    }

    /// The documents that are registered for it, the newest first, at most 100;
    /// `persistedDocuments` lists all of them.
    async fn documents(&self, ctx: &Context<'_>) -> Result<Many<PersistedDocument>> {
        let documents = ctx.load::<DocumentsOfClient>(self.0.id).await?;
        Ok(documents.into_iter().map(PersistedDocument).collect())
    }

    /// What it asked lately that is not registered, the last used first, at most 100.
    async fn unknown_documents(&self, ctx: &Context<'_>) -> Result<Many<UnknownDocument>> {
        let unknown = ctx.load::<UnknownOfClient>(self.0.id).await?;
        Ok(unknown.into_iter().map(UnknownDocument).collect())
    }

    /// When it ends; null: when it is revoked.
    async fn expires_at(&self) -> Option<Timestamp> {
        self.0.expires_at
    }

    /// Since when it is good for nothing; null: it is good.
    async fn revoked_at(&self) -> Option<Timestamp> {
        self.0.revoked_at
    }

    /// Counts its changes: give it as `expectedVersion` to change what you have seen.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was made.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }
}

/// One of a program's secrets.
pub struct ApiSecret(pub model::Secret);

/// One of a program's secrets, but for the secret.
#[Object]
impl ApiSecret {
    /// Its id.
    async fn id(&self) -> ApiSecretId {
        self.0.id
    }

    /// What it begins with.
    async fn prefix(&self) -> &str {
        &self.0.prefix
    }

    /// When it was made.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }
}
