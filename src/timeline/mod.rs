//! Timelines: what happened with a record, the newest first. One list of what is kept in several places:
//! the activities about it, the steps of its deals, and what the trail says of the record itself.
//!
//! Invariants: nothing is kept here. An entry is there for whoever sees what it tells of, wherever that
//! is kept; a place that one may not read is left out, and not counted either.

mod gql;
mod model;
mod values;

pub use gql::{TimelineConnection, TimelineEntry, timeline};
pub use values::TimelineKind;
