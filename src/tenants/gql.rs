use async_graphql::Object;

use super::{RoleId, TenantId, model};
use crate::access::BuiltInRole;

/// A company that uses Kontor.
pub struct Tenant(pub model::Tenant);

/// A company that uses Kontor. Everything else belongs to exactly one.
#[Object]
impl Tenant {
    /// Its id.
    pub async fn id(&self) -> TenantId {
        self.0.id
    }

    /// Its short name, as used at sign-in.
    async fn slug(&self) -> &str {
        &self.0.slug
    }

    /// Its name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The currency it keeps its books in.
    async fn currency(&self) -> &str {
        &self.0.currency
    }

    /// Its time zone, in which its days begin and end, such as "Europe/Berlin".
    async fn time_zone(&self) -> &str {
        &self.0.time_zone
    }
}

/// What a person is in a tenant.
pub struct Role(pub BuiltInRole);

/// What a person is in a tenant, and so what they may do.
#[Object]
impl Role {
    /// Its id; a built-in role has the same one in every tenant.
    pub async fn id(&self) -> RoleId {
        self.0.id()
    }

    /// Its name, such as "MANAGER".
    async fn name(&self) -> &str {
        self.0.name()
    }

    /// True for the roles that every tenant has.
    async fn built_in(&self) -> bool {
        true
    }

    /// What it allows, such as "company:read".
    async fn permissions(&self) -> Vec<&str> {
        self.0.grants().iter().map(crate::access::Permission::name).collect()
    }
}
