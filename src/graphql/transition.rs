//! Where a record can go from the state that it is in.

use async_graphql::SimpleObject;

/// A state that a record may go to.
#[derive(SimpleObject)]
pub struct Transition {
    /// What it is called; of a deal: the stage that it would go to.
    pub name: String,
    /// May you do it now?
    pub allowed: bool,
    /// What stands in the way, for programs: what it is and, behind a colon, what of it, such as
    /// "required:amount", "permission:deal:manage", "skips:Needs", "quote:accepted"; "transition"
    /// where there is no such way. Empty when it is allowed.
    pub blocked_by: Vec<String>,
}
