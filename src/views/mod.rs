//! Saved views: what somebody wants to see of a list (a filter, an order, columns), kept under a name,
//! and perhaps shared. A list runs one by its id, with the rights of whoever reads it.
//!
//! Invariants: a view is what its list would take when it was saved; one that is not any more gives an
//! error, and never all records. A private view is its owner's, and nobody else hears of it.

mod gql;
mod model;
mod rules;
mod values;

pub use gql::{SavedView, SavedViewById, SavedViewMutation, SavedViewQuery, viewed};
pub use values::{ViewKind, ViewVisibility};

crate::id!(
    /// Which saved view.
    SavedViewId,
    "view"
);
