//! Companies: the organisations that a tenant sells to. Each may have an owner, the person who
//! looks after it.
//!
//! Invariants: a domain belongs to one living company of a tenant. A deleted company is kept, is
//! found by nobody, and never blocks a successor.

mod gql;
mod model;
mod values;

pub use gql::{
    Company, CompanyById, CompanyMutation, CompanyOrder, CompanyPayload, CompanyQuery, CompanyWhere,
};
pub use model::{CompanyChanges, NewCompany, Revenue};
pub use values::Domain;

/// The row, for areas that span both.
pub use model::Company as CompanyRow;

crate::id!(
    /// Which company.
    CompanyId,
    "company"
);
