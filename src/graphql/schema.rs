//! The areas' parts become one schema. Roots are merged in groups of at most eight: one flat
//! merge of forty overflows the compiler.

use async_graphql::{MergedObject, SDLExportOptions, Schema, extensions::ExtensionFactory};

use super::{
    changes::{ChangeQuery, ChangeSubscription},
    explain::ExplanationQuery,
    node::NodeQuery,
};
use crate::{
    accounts::{
        AccountMutation, AccountQuery, ApiClientMutation, ApiClientQuery, ExplainQuery,
        FactorMutation, FactorQuery, JoiningMutation, JoiningQuery, PeopleMutation, PeopleQuery,
        PolicyMutation, PolicyQuery, RoleMutation,
    },
    activities::{ActivityMutation, ActivityQuery},
    audit::AuditQuery,
    companies::{CompanyMutation, CompanyQuery},
    contacts::{ContactMutation, ContactQuery},
    deals::{
        DealMutation, DealQuery, PipelineMutation, RateMutation, RateQuery, SalesSettingsMutation,
        SalesSettingsQuery,
    },
    documents::{DocumentMutation, DocumentQuery},
    handover::HandoverMutation,
    leads::{LeadMutation, LeadQuery},
    search::SearchQuery,
    sso::{SsoMutation, SsoQuery},
    tags::{TagMutation, TagQuery},
    territories::{TerritoryMutation, TerritoryQuery},
    views::{SavedViewMutation, SavedViewQuery},
};

/// What can be asked.
#[derive(Default, MergedObject)]
pub struct Query(
    NodeQuery,
    ChangeQuery,
    ExplanationQuery,
    Access,
    AuditQuery,
    Customers,
    Sales,
    DocumentQuery,
);

#[derive(Default, MergedObject)]
struct Access(
    AccountQuery,
    FactorQuery,
    PeopleQuery,
    JoiningQuery,
    PolicyQuery,
    ApiClientQuery,
    ExplainQuery,
    SsoQuery,
);

#[derive(Default, MergedObject)]
struct Customers(
    CompanyQuery,
    ContactQuery,
    TagQuery,
    TerritoryQuery,
    LeadQuery,
    ActivityQuery,
    SavedViewQuery,
);

#[derive(Default, MergedObject)]
struct Sales(SearchQuery, DealQuery, RateQuery, SalesSettingsQuery);

/// What can be done.
#[derive(Default, MergedObject)]
pub struct Mutation(AccessChanges, CustomerChanges, SalesChanges, DocumentMutation);

#[derive(Default, MergedObject)]
struct AccessChanges(
    AccountMutation,
    FactorMutation,
    PeopleMutation,
    RoleMutation,
    JoiningMutation,
    PolicyMutation,
    ApiClientMutation,
    SsoMutation,
);

#[derive(Default, MergedObject)]
struct CustomerChanges(
    CompanyMutation,
    ContactMutation,
    TagMutation,
    TerritoryMutation,
    LeadMutation,
    ActivityMutation,
    SavedViewMutation,
);

#[derive(Default, MergedObject)]
struct SalesChanges(
    DealMutation,
    PipelineMutation,
    RateMutation,
    SalesSettingsMutation,
    HandoverMutation,
);

pub type AppSchema = Schema<Query, Mutation, ChangeSubscription>;

/// The schema; what a request needs comes with the request.
pub fn schema() -> AppSchema {
    Schema::build(Query::default(), Mutation::default(), ChangeSubscription)
        .disable_suggestions()
        .finish()
}

/// The same, which an extension keeps from running anything.
pub fn checker(extension: impl ExtensionFactory) -> AppSchema {
    Schema::build(Query::default(), Mutation::default(), ChangeSubscription)
        .disable_suggestions()
        .extension(extension)
        .finish()
}

/// The schema as text, as `schema.graphql` has it.
pub fn sdl() -> String {
    let options = SDLExportOptions::new()
        .use_space_ident()
        .include_specified_by()
        .prefer_single_line_descriptions();
    let sdl = schema().sdl_with_options(options);
    format!("{}\n", sdl.trim())
}
