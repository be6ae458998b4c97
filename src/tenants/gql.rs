use async_graphql::Object;

use super::{TenantId, model};

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
