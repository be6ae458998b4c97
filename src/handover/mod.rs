//! Handover: what one person looks after becomes another's, all at once; when somebody leaves, or
//! takes over for somebody.
//!
//! Invariants: it changes what its caller could change one by one, and gives it to those to whom
//! they could give it one by one. What is over stays with whoever did it, unless that is asked for.

mod gql;
mod model;

pub use gql::HandoverMutation;
