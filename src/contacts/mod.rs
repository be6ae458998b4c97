//! Contacts: the people that a tenant talks to. Each may work for a company, and have an owner who
//! looks after them.
//!
//! Invariants: an e-mail address belongs to one living contact of a tenant. A deleted contact is kept,
//! is found by nobody, and never blocks a successor.

mod gql;
mod model;

pub use gql::{
    Contact, ContactById, ContactConnection, ContactMutation, ContactOrder, ContactQuery,
    ContactRelationFilter, ContactWhere,
};
pub use model::{CONTACTS_OF_COMPANIES, NewContact};

/// The row, for areas that span both.
pub use model::Contact as ContactRow;

crate::id!(
    /// Which contact.
    ContactId,
    "contact"
);
