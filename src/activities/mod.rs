//! Activities: what was done and what is to be done (notes, tasks, calls, meetings, e-mails), each about
//! one record: a company, a contact, a lead or a deal.
//!
//! Invariants: an activity is about exactly one record; it is seen by whoever sees that record, and by
//! whoever is to do it.

mod gql;
mod model;
mod values;

pub use gql::{
    Activity, ActivityById, ActivityConnection, ActivityMutation, ActivityOrder, ActivityQuery,
    ActivityRelationFilter, ActivityWhere,
};
pub use model::{
    ACTIVITIES_OF_COMPANIES, ACTIVITIES_OF_CONTACTS, ACTIVITIES_OF_DEALS, ACTIVITIES_OF_LEADS,
    About, ActivityChanges, NewActivity,
};
pub use values::{ActivityDirection, ActivityKind};

/// The row, for areas that span both.
pub use model::Activity as ActivityRow;

crate::id!(
    /// Which activity.
    ActivityId,
    "activity"
);
