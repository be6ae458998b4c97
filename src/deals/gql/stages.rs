//! Pipelines and their stages are set up.

use async_graphql::{Context, InputObject, MaybeUndefined, Object};

use super::{
    super::{
        PipelineId, StageId, model,
        values::{DealField, StageKind},
    },
    inputs::percent,
    pipelines::{MAX_PIPELINES, MAX_STAGES, Pipeline, Stage},
};
use crate::{
    access::Permission::*,
    bulk_payload,
    clock::Clock,
    db::{Deleted, TenantConn},
    error::{Error, ErrorCode, Problem, Result},
    graphql::{Bulk, Check, DeletePayload, Doors, keep, requires},
    payload,
};

/// A stage to be made.
#[derive(InputObject)]
pub struct StageInput {
    /// Its name, 1 to 100 characters.
    name: String,
    /// What it means for a deal to be here; OPEN when absent.
    kind: Option<StageKind>,
    /// How likely deals are that come here, in percent; 100 when absent where deals are won, else 0.
    probability: Option<i32>,
    /// What a deal needs to come here.
    required_fields: Option<Vec<DealField>>,
    /// For how many days a deal may be here before it counts as stuck.
    max_days: Option<i32>,
    /// May it be left out on the way ahead? It may not when absent.
    allow_skip: Option<bool>,
}

/// What to change: an absent field keeps its value, null clears it.
#[derive(InputObject)]
pub struct StageUpdateInput {
    /// Its name, 1 to 100 characters.
    name: MaybeUndefined<String>,
    /// What it means for a deal to be here; it stays while there are any.
    kind: Option<StageKind>,
    /// How likely deals are that come here from now on, in percent.
    probability: Option<i32>,
    /// What a deal needs to come here.
    required_fields: Option<Vec<DealField>>,
    /// For how many days a deal may be here before it counts as stuck.
    max_days: MaybeUndefined<i32>,
    /// May it be left out on the way ahead?
    allow_skip: Option<bool>,
}

/// A pipeline to be made.
#[derive(InputObject)]
pub struct PipelineCreateInput {
    /// Its name, 1 to 100 characters.
    name: String,
    /// Its stages in their order, at most 50, an open one among them. Absent: Qualification, Needs,
    /// Proposal, Negotiation, Won and Lost.
    stages: Option<Vec<StageInput>>,
}

/// What to change: an absent field keeps its value.
#[derive(InputObject)]
pub struct PipelineUpdateInput {
    /// Its name, 1 to 100 characters.
    name: MaybeUndefined<String>,
}

payload! {
    /// The answer to a change of a pipeline.
    PipelinePayload {
        /// The pipeline as it is now; null when nothing was written.
        pipeline: Pipeline
    }
}

payload! {
    /// The answer to a change of a stage.
    StagePayload {
        /// The stage as it is now; null when nothing was written.
        stage: Stage
    }
}

bulk_payload! {
    /// The answer to a change of the order of pipelines.
    PipelinesPayload {
        /// The pipelines, in their order.
        pipelines: Pipeline
    }
}

fn days(number: i32) -> Result<i32, Problem> {
    let told = "must be more than none";
    (number > 0).then_some(number).ok_or_else(|| Problem::new(ErrorCode::Invalid, [], told))
}

fn each_once(mut fields: Vec<DealField>) -> Vec<DealField> {
    fields.sort_by_key(|field| field.word());
    fields.dedup();
    fields
}

impl StageInput {
    fn check(
        self,
        check: &mut Check,
        clock: &Clock,
        (pipeline_id, position): (PipelineId, i32),
    ) -> model::NewStage {
        let kind = self.kind.unwrap_or(StageKind::Open);
        let usual = if kind == StageKind::Won { 100 } else { 0 };
        model::NewStage {
            id: StageId::new(clock),
            pipeline_id,
            name: check.text("name", self.name, 100),
            position,
            kind,
            probability: check.parse("probability", self.probability, percent).unwrap_or(usual),
            required_fields: each_once(self.required_fields.unwrap_or_default()),
            max_days: check.parse("maxDays", self.max_days, days),
            allow_skip: self.allow_skip.unwrap_or_default(),
        }
    }
}

impl StageUpdateInput {
    fn check(self) -> Result<model::StageChanges> {
        let mut check = Check::new();
        let max_days = keep(self.max_days);
        let changes = model::StageChanges {
            name: check.keep_or_text("name", self.name, 100),
            kind: self.kind,
            probability: check.parse("probability", self.probability, percent),
            required_fields: self.required_fields.map(each_once),
            max_days: max_days.map(|max_days| check.parse("maxDays", max_days, days)),
            allow_skip: self.allow_skip,
        };
        check.done(changes)
    }
}

const NO_OPEN_STAGE: &str = "A pipeline keeps at least one open stage: deals begin there.";

fn limited(what: &str, most: i64) -> Error {
    let told = format!("There may be at most {most} {what}.");
    Error::Refused(vec![Problem::new(ErrorCode::LimitReached, [], told)])
}

/// Where there are so many already there is no room for one more.
fn expect_room<T>(list: &[T], (what, most): (&str, i64)) -> Result<()> {
    match i64::try_from(list.len()).is_ok_and(|count| count < most) {
        true => Ok(()),
        false => Err(limited(what, most)),
    }
}

/// Nothing that deals are in goes away.
async fn expect_empty(tx: &TenantConn, stages: &[StageId], told: &str) -> Result<()> {
    let deals = model::Deal::count_in(tx, stages).await?;
    if deals == 0 {
        return Ok(());
    }
    let details = serde_json::json!({ "deals": deals });
    let problem = Problem::new(ErrorCode::Invalid, ["id"], told).with_details(details);
    Err(Error::Refused(vec![problem]))
}

/// The order names all that there are, each once.
fn expect_all<T: Copy + PartialEq>(ids: &[T], known: &[T]) -> Result<()> {
    let each = known.iter().all(|id| ids.contains(id)) && ids.len() == known.len();
    let told = "must name all that there are, each once";
    each.then_some(()).ok_or_else(|| Error::refused(ErrorCode::Invalid, "ids", told))
}

async fn create(
    ctx: &Context<'_>,
    tx: &TenantConn,
    input: PipelineCreateInput,
) -> Result<model::Pipeline> {
    let clock = ctx.clock();
    let mut check = Check::new();
    let name = check.text("name", input.name, 100);
    let id = PipelineId::new(clock);
    let stages = match input.stages {
        None => model::Stage::defaults(clock, id),
        Some(stages) => {
            let placed = stages.into_iter().zip(1..);
            placed.map(|(stage, position)| stage.check(&mut check, clock, (id, position))).collect()
        }
    };
    if !stages.iter().any(|stage| stage.kind == StageKind::Open) {
        check.problem(ErrorCode::Invalid, "stages", NO_OPEN_STAGE);
    }
    let (name, stages) = check.done((name, stages))?;
    if i64::try_from(stages.len()).is_ok_and(|count| count > MAX_STAGES) {
        return Err(limited("stages", MAX_STAGES));
    }
    let all = model::Pipeline::all(tx, MAX_PIPELINES).await?;
    expect_room(&all, ("pipelines", MAX_PIPELINES))?;
    let position = all.last().map_or(1, |last| last.position.saturating_add(1));
    let made = model::Pipeline::insert(tx, model::NewPipeline { id, name, position }).await?;
    model::Stage::insert_all(tx, stages).await?;
    Ok(made)
}

async fn update_stage(
    tx: &TenantConn,
    (id, expected_version): (StageId, Option<i32>),
    input: StageUpdateInput,
) -> Result<model::Stage> {
    let changes = input.check()?;
    let stage = lock_stage(tx, id, expected_version).await?;
    if changes.kind.is_some_and(|kind| kind != stage.kind) {
        let told = "There are deals in this stage: what it means stays.";
        expect_empty(tx, &[id], told).await?;
        if changes.kind != Some(StageKind::Open) {
            expect_other_open(tx, &stage, "kind").await?;
        }
    }
    model::Stage::update(tx, id, changes).await
}

/// With its pipeline, which is locked first.
async fn lock_stage(
    tx: &TenantConn,
    id: StageId,
    expected_version: Option<i32>,
) -> Result<model::Stage> {
    let pipeline = model::Stage::find(tx, id).await?.pipeline_id;
    model::Pipeline::lock(tx, pipeline, None).await?;
    model::Stage::lock(tx, id, expected_version).await
}

async fn expect_other_open(tx: &TenantConn, stage: &model::Stage, field: &str) -> Result<()> {
    let stages = model::Stage::of_pipeline(tx, stage.pipeline_id, MAX_STAGES).await?;
    let open = |other: &model::Stage| other.id != stage.id && other.kind == StageKind::Open;
    match stages.iter().any(open) {
        true => Ok(()),
        false => Err(Error::refused(ErrorCode::Invalid, field, NO_OPEN_STAGE)),
    }
}

#[derive(Default)]
pub struct PipelineMutation;

#[Object]
impl PipelineMutation {
    /// Makes a pipeline, behind the others.
    #[graphql(directive = requires::apply(SalesManage))]
    async fn pipeline_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The pipeline.")] input: PipelineCreateInput,
    ) -> Result<Option<PipelinePayload>> {
        let made = ctx.write(SalesManage, async |tx| create(ctx, tx, input).await);
        PipelinePayload::of(made.await.map(Pipeline))
    }

    /// Changes a pipeline.
    #[graphql(directive = requires::apply(SalesManage))]
    async fn pipeline_update(
        &self,
        ctx: &Context<'_>,
        id: PipelineId,
        expected_version: Option<i32>,
        #[graphql(desc = "What to change.")] input: PipelineUpdateInput,
    ) -> Result<Option<PipelinePayload>> {
        let changed = ctx.write(SalesManage, async |tx| {
            let mut check = Check::new();
            let name = check.keep_or_text("name", input.name, 100);
            let changes = check.done(model::PipelineChanges { name })?;
            model::Pipeline::lock(tx, id, expected_version).await?;
            model::Pipeline::update(tx, id, changes).await
        });
        PipelinePayload::of(changed.await.map(Pipeline))
    }

    /// Puts the pipelines in another order. A new deal goes along the first one.
    #[graphql(directive = requires::apply(SalesManage))]
    async fn pipelines_reorder(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "All pipelines of the tenant, each once.")] ids: Vec<PipelineId>,
    ) -> Result<Option<PipelinesPayload>> {
        let ordered = ctx.write(SalesManage, async |tx| {
            let mut all = Bulk::of(&ids, None)?;
            let known = model::Pipeline::all(tx, MAX_PIPELINES).await?;
            expect_all(&ids, &known.iter().map(|one| one.id).collect::<Vec<_>>())?;
            model::Pipeline::reorder(tx, &ids).await?;
            all.done = model::Pipeline::all(tx, MAX_PIPELINES).await?;
            Ok(all)
        });
        PipelinesPayload::of(ordered.await, Pipeline)
    }

    /// Deletes a pipeline with its stages. One with deals in it stays, even if they are deleted; they
    /// are to be purged first.
    #[graphql(directive = requires::apply(SalesManage))]
    async fn pipeline_delete(
        &self,
        ctx: &Context<'_>,
        id: PipelineId,
        expected_version: Option<i32>,
    ) -> Result<Option<DeletePayload>> {
        let deleted = ctx.write(SalesManage, async |tx| {
            let at = ctx.clock().now();
            model::Pipeline::lock(tx, id, expected_version).await?;
            let stages = model::Stage::delete_of(tx, id, at).await?;
            expect_empty(tx, &stages, "There are deals in this pipeline.").await?;
            model::Pipeline::delete(tx, id, at).await?;
            Ok(Deleted(id))
        });
        DeletePayload::of(deleted.await)
    }

    /// Makes a stage, behind the others of its pipeline.
    #[graphql(directive = requires::apply(SalesManage))]
    async fn stage_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "On which pipeline.")] pipeline_id: PipelineId,
        #[graphql(desc = "The stage.")] input: StageInput,
    ) -> Result<Option<StagePayload>> {
        let made = ctx.write(SalesManage, async |tx| {
            model::Pipeline::lock(tx, pipeline_id, None).await?;
            let stages = model::Stage::of_pipeline(tx, pipeline_id, MAX_STAGES).await?;
            expect_room(&stages, ("stages", MAX_STAGES))?;
            let position = stages.last().map_or(1, |last| last.position.saturating_add(1));
            let mut check = Check::new();
            let new = input.check(&mut check, ctx.clock(), (pipeline_id, position));
            model::Stage::insert(tx, check.done(new)?).await
        });
        StagePayload::of(made.await.map(Stage))
    }

    /// Changes a stage.
    #[graphql(directive = requires::apply(SalesManage))]
    async fn stage_update(
        &self,
        ctx: &Context<'_>,
        id: StageId,
        expected_version: Option<i32>,
        #[graphql(desc = "What to change.")] input: StageUpdateInput,
    ) -> Result<Option<StagePayload>> {
        let changed = ctx
            .write(SalesManage, async |tx| update_stage(tx, (id, expected_version), input).await);
        StagePayload::of(changed.await.map(Stage))
    }

    /// Puts the stages of a pipeline in another order.
    #[graphql(directive = requires::apply(SalesManage))]
    async fn stages_reorder(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Of which pipeline.")] pipeline_id: PipelineId,
        #[graphql(desc = "All stages of the pipeline, each once.")] ids: Vec<StageId>,
    ) -> Result<Option<PipelinePayload>> {
        let ordered = ctx.write(SalesManage, async |tx| {
            let pipeline = model::Pipeline::lock(tx, pipeline_id, None).await?;
            let known = model::Stage::of_pipeline(tx, pipeline_id, MAX_STAGES).await?;
            expect_all(&ids, &known.iter().map(|one| one.id).collect::<Vec<_>>())?;
            model::Stage::reorder(tx, &ids).await?;
            Ok(pipeline)
        });
        PipelinePayload::of(ordered.await.map(Pipeline))
    }

    /// Deletes a stage. One with deals in it stays, even if they are deleted, and so does the last
    /// open one of its pipeline.
    #[graphql(directive = requires::apply(SalesManage))]
    async fn stage_delete(
        &self,
        ctx: &Context<'_>,
        id: StageId,
        expected_version: Option<i32>,
    ) -> Result<Option<DeletePayload>> {
        let deleted = ctx.write(SalesManage, async |tx| {
            let stage = lock_stage(tx, id, expected_version).await?;
            expect_empty(tx, &[id], "There are deals in this stage.").await?;
            expect_other_open(tx, &stage, "id").await?;
            model::Stage::delete(tx, id, ctx.clock().now()).await?;
            Ok(Deleted(id))
        });
        DeletePayload::of(deleted.await)
    }
}
