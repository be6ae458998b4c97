//! Leads, as clients see them.

mod converting;
mod inputs;
mod lead;
mod lists;
mod merging;
mod records;
mod scoring;
mod settings;
mod steps;

use async_graphql::MergedObject;

pub use lead::{Lead, LeadById};
pub use lists::{LeadConnection, LeadOrder, LeadRelationFilter, LeadWhere};

/// What can be asked of leads.
#[derive(Default, MergedObject)]
pub struct LeadQuery(lists::ListQuery, scoring::ScoreQuery, settings::SettingsQuery);

/// What can be done with leads.
#[derive(Default, MergedObject)]
pub struct LeadMutation(
    records::RecordMutation,
    steps::StepMutation,
    converting::ConvertMutation,
    merging::MergeMutation,
    scoring::ScoreMutation,
    settings::SettingsMutation,
);
