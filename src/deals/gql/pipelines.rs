use async_graphql::{Context, Many, Object};

use super::super::{
    PipelineId, StageId, model,
    values::{DealField, StageKind, StageKindFilter},
};
use crate::{
    by_id,
    clock::Timestamp,
    column,
    error::Result,
    filter,
    graphql::{Doors, IDFilter, StringFilter},
    has_many,
};

/// The most pipelines of a tenant.
pub const MAX_PIPELINES: i64 = 50;
/// The most stages of a pipeline.
pub const MAX_STAGES: i64 = 50;

by_id!(
    /// Pipelines by id; deleted ones are not found.
    PipelineById, pipelines[not deleted_at], model::Pipeline, PipelineId, DealRead
);
by_id!(
    /// Stages by id; deleted ones are not found.
    StageById, stages[not deleted_at], model::Stage, StageId, DealRead
);
by_id!(
    /// Stages by id, with those that are deleted: deals went through them.
    AnyStageById, stages, model::Stage, StageId, DealRead
);
has_many!(
    /// The stages of a pipeline.
    StagesOfPipeline, max 50, model::Stage::of_pipelines, PipelineId, model::Stage, DealRead
);

/// A way that deals go.
pub struct Pipeline(pub model::Pipeline);

/// A way that deals go, from stage to stage.
#[Object]
impl Pipeline {
    /// Its id.
    pub async fn id(&self) -> PipelineId {
        self.0.id
    }

    /// Its name; no other pipeline of the tenant has it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Its place among the pipelines. A new deal goes along the first one.
    async fn position(&self) -> i32 {
        self.0.position
    }

    /// Its stages, in their order.
    async fn stages(&self, ctx: &Context<'_>) -> Result<Many<Stage>> {
        Ok(ctx.load::<StagesOfPipeline>(self.0.id).await?.into_iter().map(Stage).collect())
    }

    /// Counts its changes: give it as `expectedVersion` to change what you have seen.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was made.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// When it was last changed.
    async fn updated_at(&self) -> Timestamp {
        self.0.updated_at
    }
}

/// A place on a pipeline.
pub struct Stage(pub model::Stage);

/// A place on a pipeline, where deals are until they move on.
#[Object]
impl Stage {
    /// Its id.
    pub async fn id(&self) -> StageId {
        self.0.id
    }

    /// Its name; no other stage of the pipeline has it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The pipeline that it is on.
    async fn pipeline(&self, ctx: &Context<'_>) -> Result<Option<Pipeline>> {
        Ok(ctx.load::<PipelineById>(self.0.pipeline_id).await?.map(Pipeline))
    }

    /// What it means for a deal to be here.
    async fn kind(&self) -> StageKind {
        self.0.kind
    }

    /// How likely deals are that come here, in percent.
    async fn probability(&self) -> i32 {
        self.0.probability
    }

    /// Its place on the pipeline.
    async fn position(&self) -> i32 {
        self.0.position
    }

    /// What a deal needs to come here.
    async fn required_fields(&self) -> Many<DealField> {
        Many(self.0.required_fields.clone())
    }

    /// For how many days a deal may be here before it counts as stuck; null: as long as it likes.
    async fn max_days(&self) -> Option<i32> {
        self.0.max_days
    }

    /// May it be left out on the way ahead? Those who hold deal:manage skip any stage.
    async fn allow_skip(&self) -> bool {
        self.0.allow_skip
    }

    /// Counts its changes: give it as `expectedVersion` to change what you have seen.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was made.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// When it was last changed.
    async fn updated_at(&self) -> Timestamp {
        self.0.updated_at
    }
}

filter! {
    /// Which pipelines.
    PipelineWhere {
        /// By id.
        id: IDFilter => |id, _| id.of(PipelineId::parse, column!(pipelines::id)),
        /// By name; upper and lower case are alike.
        name: StringFilter => |name, _| name.folded(column!(pipelines::name_key)),
    }
}

filter! {
    /// Which stages.
    StageWhere {
        /// By id.
        id: IDFilter => |id, _| id.of(StageId::parse, column!(stages::id)),
        /// By name; upper and lower case are alike.
        name: StringFilter => |name, _| name.folded(column!(stages::name_key)),
        /// By what it means to be there.
        kind: StageKindFilter => |kind, _| kind.on(column!(stages::kind)),
    }
}
