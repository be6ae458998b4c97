//! The audit trail: every change of every tenant's table, and what people do besides. The database
//! writes changes down by itself (`kontor.audit`); what is no change of a row is an event.
//!
//! Every few seconds what was written is sealed, so that it can be proven (`kontor audit verify`)
//! that it was neither changed, removed nor added to behind the product's back.
//!
//! Invariants: nobody who serves requests can change or remove an entry. A secret is never in one.

mod chain;
mod gql;
mod model;
mod sealing;
mod verifying;

pub use chain::Finding;
pub use gql::{AuditEntry, AuditQuery, entry_of};
pub use model::{Event, note};
pub use sealing::Sealing;
pub use verifying::{Verified, verify};

crate::id!(
    /// Which entry of the audit trail.
    AuditEntryId,
    "auditentry"
);
