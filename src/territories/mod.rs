//! Territories: where a tenant sells. They are a tree; rules say what belongs into each; people work
//! in them, and a permission may reach what is in theirs and in all below.
//!
//! Invariants: nothing is below itself; a territory's lineage leads from the root to it, at most ten
//! deep; of the rules that fit a record the most specific wins.

mod gql;
mod model;
mod rules;
mod values;

pub use gql::{Territory, TerritoryById, TerritoryMutation, TerritoryQuery, TerritoryWhere};
pub use model::{
    Member as TerritoryMember, NewRule, NewTerritory, Rule as TerritoryRule,
    TERRITORY_OF_COMPANIES, territory_for,
};

/// The row, for areas that span both.
pub use model::Territory as TerritoryRow;

pub use values::Place;

crate::id!(
    /// Which territory.
    TerritoryId,
    "territory"
);
crate::id!(
    /// Which rule of a territory.
    RuleId,
    "territoryrule"
);
