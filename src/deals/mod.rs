//! Deals: what a tenant hopes to sell. A deal goes along a pipeline, from stage to stage, and is
//! won, lost or held on the way.
//!
//! ```text
//!            reason, deal:manage
//!        ┌───────────────────────┐
//!        ▼                       │
//!      OPEN ──────────────► WON, LOST
//!       │ ▲
//!       ▼ │
//!     ON_HOLD
//! ```
//!
//! Invariants: a deal's stage is one of its pipeline's, and what kind of stage it is stands in the
//! deal too; each move leaves a line in its history; a stage with deals in it is not deleted, nor
//! does its kind change; a pipeline has an open stage.

mod gql;
mod model;
mod rules;
mod values;

pub use gql::{
    CurrencyRate, CurrencyRateById, Deal, DealById, DealConnection, DealMutation, DealOrder,
    DealQuery, DealRelationFilter, DealWhere, Pipeline, PipelineById, PipelineMutation,
    RateMutation, RateQuery, SalesSettingsMutation, SalesSettingsQuery, Stage, StageById,
    StageChange, StageChangeById,
};
pub use model::{
    CurrencyRate as CurrencyRateRow, DEALS_OF_COMPANIES, DEALS_OF_CONTACTS, DEFAULT_PIPELINE,
    NewDeal, NewRate, first_stage,
};
pub use rules::Said;
pub use values::{ForecastCategory, StageKind};

/// The rows, for areas that span both.
pub use model::{Deal as DealRow, Pipeline as PipelineRow, Stage as StageRow};

crate::id!(
    /// Which deal.
    DealId,
    "deal"
);

crate::id!(
    /// Which pipeline.
    PipelineId,
    "pipeline"
);

crate::id!(
    /// Which stage.
    StageId,
    "stage"
);

crate::id!(
    /// Which step of a deal's history.
    StageChangeId,
    "stagechange"
);

crate::id!(
    /// Which exchange rate.
    CurrencyRateId,
    "rate"
);
