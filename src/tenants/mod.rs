//! Tenants: the companies that use Kontor. A tenant's rows are its own; who works there is in
//! `accounts`.

mod gql;
mod model;

pub use gql::Tenant;
pub use model::NewTenant;

crate::id!(
    /// Which tenant.
    TenantId,
    "tenant"
);
/// The rows, for areas that span both.
pub use model::Tenant as TenantRow;
