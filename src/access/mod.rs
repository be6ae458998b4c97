//! Who may do what: the permissions, the one table of who holds them, and the person asking.
//!
//! Architecture Invariant: no other room decides who holds a permission. Elsewhere code only
//! names the permission it needs, at a door (`graphql/session.rs`).

mod permission;
mod role;
mod tables;
mod viewer;

pub use permission::{Grants, Permission, Scope};
pub use role::BuiltInRole;
pub use tables::{Guarded, TABLES, named_by, whose};
pub use viewer::{HeldRole, Viewer, Who};
