//! The audit trail: every change of every tenant's table, and what people do besides. The database
//! writes changes down by itself (`kontor.audit`); what is no change of a row is an event.
//!
//! Invariants: nobody who serves requests can change or remove an entry. A secret is never in one.

mod gql;
mod model;

pub use gql::{AuditEntry, AuditQuery, entry_of};
pub use model::{Event, note};

crate::id!(
    /// Which entry of the audit trail.
    AuditEntryId,
    "auditentry"
);
