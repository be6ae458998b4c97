mod inputs;
mod lists;
mod moving;
mod mutations;
mod pipelines;
mod queries;
mod rates;
mod settings;
mod stages;
mod types;

pub use lists::{DealConnection, DealOrder, DealRelationFilter, DealWhere};
pub use mutations::DealMutation;
pub use pipelines::{Pipeline, PipelineById, Stage, StageById};
pub use queries::DealQuery;
pub use rates::{CurrencyRate, CurrencyRateById, RateMutation, RateQuery};
pub use settings::{SalesSettingsMutation, SalesSettingsQuery};
pub use stages::PipelineMutation;
pub use types::{Deal, DealById, StageChange, StageChangeById};
