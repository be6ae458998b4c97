//! Tags: words that a tenant puts on its companies, to find them again.
//!
//! Invariants: a tag's name is unique in its tenant, whatever the case. A deleted tag is gone
//! from everything that had it.

mod gql;
mod model;

pub use gql::{Tag, TagById, TagMutation, TagQuery, TagRelationFilter, TagsOfCompany};
pub use model::{NewTag, TAGS_OF_COMPANIES, replace_tags_of};

/// The row, for areas that span both.
pub use model::Tag as TagRow;

crate::id!(
    /// Which tag.
    TagId,
    "tag"
);
