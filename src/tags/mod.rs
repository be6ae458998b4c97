//! Tags: words that a tenant puts on its companies, contacts, leads and deals, to find them again.
//!
//! Each of these areas says with [`crate::tagged!`] where its records have their tags, and replaces
//! them with a mutation of its own; what is the same for all of them is here.
//!
//! Invariants: a tag's name is unique in its tenant, whatever the case. A deleted tag is gone
//! from everything that had it.

mod gql;
mod model;

pub use gql::{Tag, TagById, TagMutation, TagQuery, TagRelationFilter, tags};
pub use model::{NewTag, Tagged, hand_on_tags, replace_tags_of};

/// The row, for areas that span both.
pub use model::Tag as TagRow;

crate::id!(
    /// Which tag.
    TagId,
    "tag"
);
