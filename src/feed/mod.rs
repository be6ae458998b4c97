//! The log of changes: every committed change of a tenant has one position in it, and whoever
//! follows it by position misses nothing and sees nothing twice. Subscriptions and the pull feed
//! read it here; each reader sees what they may see of the records themselves.
//!
//! Architecture Invariant: nothing here knows an area; what a table's changes take to be seen is
//! in `access/tables.rs`.

mod model;
mod shared;

pub use model::{Change, Stretch, Window, follow, head};
pub use shared::{Place, Shared};
