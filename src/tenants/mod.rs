//! Tenants: the companies that use Kontor. A tenant's rows are its own; who works there is in
//! `accounts`.

mod gql;
mod model;

pub use gql::{Role, Tenant};
pub use model::NewTenant;

crate::id!(
    /// Which tenant.
    TenantId,
    "tenant"
);
crate::id!(
    /// Which role: a built-in one, the same in every tenant.
    RoleId,
    "role"
);

/// The rows, for areas that span both.
pub use model::Tenant as TenantRow;
