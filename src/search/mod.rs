//! Search: any record by what one remembers of it: a part of its name, words that stand somewhere in
//! it, its telephone number in any notation, or a name that is nearly right.
//!
//! Invariants: it finds what its reader could find in a list, and nothing else; what takes a
//! permission of its own to see is not searched.

mod gql;
mod model;
mod rules;

pub use gql::SearchQuery;
