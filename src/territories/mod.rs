//! Territories: where a tenant sells. They are a tree; rules sort records into it; people work in
//! them, and a permission may reach what is in theirs.
//!
//! Invariants: nothing is below itself; a territory's lineage leads from the root to it.

mod gql;
mod model;

pub use gql::{Territory, TerritoryById, TerritoryWhere};
pub use model::TERRITORY_OF_COMPANIES;

crate::id!(
    /// Which territory.
    TerritoryId,
    "territory"
);
