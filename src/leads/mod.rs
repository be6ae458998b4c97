//! Leads: those who may become customers. Each has an owner who answers, or waits for one.
//!
//! ```text
//! NEW → WORKING ⇄ NURTURING → QUALIFIED → CONVERTED (for good)
//!   \______\__________\___________\→ UNQUALIFIED → WORKING
//!    any that is not at its end → DUPLICATE (for 30 days it can be undone)
//! ```
//!
//! Invariants: a lead that is CONVERTED or DUPLICATE is not changed any more. It is converted once,
//! whoever tries at the same time. A score is no change of a lead. Nobody learns of a record that
//! they do not see, neither by a duplicate that is found nor by one that is refused.

mod assigning;
mod chores;
mod gql;
mod likeness;
mod model;
mod rules;
mod scoring;
mod values;

pub use chores::{Chores, wake_at};
pub use gql::{
    Lead, LeadById, LeadConnection, LeadMutation, LeadOrder, LeadQuery, LeadRelationFilter,
    LeadWhere,
};
pub use likeness::domain_of;
pub use model::{
    LeadMove, NewLead, answered, note_outbound,
    scores::{NewScoreRule, ScoreRule as ScoreRuleRow, rescore},
};
pub use values::{LeadStatus, ScoreDirection, ScoreEvent, ScoreField, ScoreOperator};

/// The row, for areas that span both.
pub use model::Lead as LeadRow;

/// The kinds of work that leads want done later.
pub mod work {
    pub use super::{chores::WAKE, model::scores::RESCORE};
}

crate::id!(
    /// Which lead.
    LeadId,
    "lead"
);
crate::id!(
    /// Which rule of the score.
    ScoreRuleId,
    "scorerule"
);
