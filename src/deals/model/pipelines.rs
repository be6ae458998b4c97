use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Integer, Uuid},
};
use diesel_async::RunQueryDsl;

use super::super::{
    PipelineId, StageId,
    rules::Stop,
    values::{DealField, StageKind},
};
use crate::{
    clock::{Clock, Timestamp},
    db::TenantConn,
    error::{Error, Result},
    kept, record,
    schema::{pipelines, stages},
};

/// A way that deals go.
#[derive(Clone, Debug, HasQuery)]
#[diesel(table_name = pipelines)]
pub struct Pipeline {
    pub id: PipelineId,
    pub name: String,
    pub position: i32,
    pub version: i32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = pipelines)]
pub struct NewPipeline {
    pub id: PipelineId,
    pub name: String,
    pub position: i32,
}

#[derive(Clone, Debug, Default, AsChangeset)]
#[diesel(table_name = pipelines)]
pub struct PipelineChanges {
    pub name: Option<String>,
}

record!(Pipeline, pipelines[not deleted_at], PipelineId, NewPipeline, PipelineChanges);
kept!(Pipeline, pipelines, PipelineId);

/// A place on a pipeline.
#[derive(Clone, Debug, HasQuery, QueryableByName)]
#[diesel(table_name = stages)]
pub struct Stage {
    pub id: StageId,
    pub pipeline_id: PipelineId,
    pub name: String,
    pub position: i32,
    pub kind: StageKind,
    pub probability: i32,
    pub required_fields: Vec<DealField>,
    pub max_days: Option<i32>,
    pub allow_skip: bool,
    pub version: i32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = stages, treat_none_as_default_value = false)]
pub struct NewStage {
    pub id: StageId,
    pub pipeline_id: PipelineId,
    pub name: String,
    pub position: i32,
    pub kind: StageKind,
    pub probability: i32,
    pub required_fields: Vec<DealField>,
    pub max_days: Option<i32>,
    pub allow_skip: bool,
}

/// `None` keeps, `Some(None)` clears.
#[derive(Clone, Debug, Default, AsChangeset)]
#[diesel(table_name = stages)]
pub struct StageChanges {
    pub name: Option<String>,
    pub kind: Option<StageKind>,
    pub probability: Option<i32>,
    pub required_fields: Option<Vec<DealField>>,
    pub max_days: Option<Option<i32>>,
    pub allow_skip: Option<bool>,
}

record!(Stage, stages[not deleted_at], StageId, NewStage, StageChanges);
kept!(Stage, stages, StageId);

/// The pipeline that every tenant begins with.
pub const DEFAULT: (&str, [(&str, StageKind, i32); 6]) = (
    "Sales",
    [
        ("Qualification", StageKind::Open, 10),
        ("Needs", StageKind::Open, 20),
        ("Proposal", StageKind::Open, 50),
        ("Negotiation", StageKind::Open, 80),
        ("Won", StageKind::Won, 100),
        ("Lost", StageKind::Lost, 0),
    ],
);

const REORDER_PIPELINES: &str = "
UPDATE kontor.pipelines SET position = o.position FROM unnest($2, $3) AS o (id, position)
WHERE kontor.pipelines.tenant_id = $1 AND kontor.pipelines.id = o.id
  AND kontor.pipelines.position <> o.position";

const REORDER_STAGES: &str = "
UPDATE kontor.stages SET position = o.position FROM unnest($2, $3) AS o (id, position)
WHERE kontor.stages.tenant_id = $1 AND kontor.stages.id = o.id
  AND kontor.stages.position <> o.position";

const STAGES_OF: &str = "
SELECT id, pipeline_id, name, position, kind, probability, required_fields, max_days, allow_skip,
  version, created_at, updated_at FROM (
  SELECT s.*, row_number() OVER (PARTITION BY s.pipeline_id ORDER BY s.position, s.id) AS place
  FROM kontor.stages s
  WHERE s.tenant_id = $1 AND s.pipeline_id = ANY($2) AND s.deleted_at IS NULL
) AS ranked WHERE place <= $3 ORDER BY pipeline_id, place";

impl Pipeline {
    /// All of the tenant's, in their order.
    pub async fn all(mut conn: &TenantConn, max: i64) -> Result<Vec<Self>> {
        let all = Self::query()
            .filter(pipelines::tenant_id.eq(conn.tenant()))
            .filter(pipelines::deleted_at.is_null())
            .order((pipelines::position, pipelines::id))
            .limit(max)
            .load(&mut conn)
            .await?;
        Ok(all)
    }

    /// Makes the pipeline that a tenant begins with, where it has none. Of two at once one makes
    /// it: the other waits at its name.
    pub async fn make_default(mut conn: &TenantConn) -> Result<()> {
        if !Self::all(conn, 1).await?.is_empty() {
            return Ok(());
        }
        let at = conn.written_at().ok_or(Error::NotFound)?;
        let clock = Clock::frozen(at);
        let (name, _) = DEFAULT;
        let new = NewPipeline { id: PipelineId::new(&clock), name: name.into(), position: 1 };
        let made: Option<Self> = diesel::insert_into(pipelines::table)
            .values((pipelines::tenant_id.eq(conn.tenant()), new))
            .on_conflict_do_nothing()
            .returning(Self::as_returning())
            .get_result(&mut conn)
            .await
            .optional()?;
        match made {
            Some(made) => Stage::insert_all(conn, Stage::defaults(&clock, made.id)).await,
            None => Ok(()),
        }
    }

    /// In this order from now on.
    pub async fn reorder(mut conn: &TenantConn, ids: &[PipelineId]) -> Result<()> {
        diesel::sql_query(REORDER_PIPELINES)
            .bind::<Uuid, _>(conn.tenant())
            .bind::<Array<Uuid>, _>(ids)
            .bind::<Array<Integer>, _>(positions(ids.len()))
            .execute(&mut conn)
            .await?;
        Ok(())
    }
}

fn positions(count: usize) -> Vec<i32> {
    (1..).take(count).collect()
}

impl Stage {
    /// As far as a move is about it.
    pub fn stop(&self) -> Stop<'_> {
        Stop {
            name: &self.name,
            kind: self.kind,
            position: self.position,
            probability: self.probability,
            required: &self.required_fields,
            allow_skip: self.allow_skip,
        }
    }

    /// The stages that a pipeline begins with.
    pub fn defaults(clock: &Clock, pipeline: PipelineId) -> Vec<NewStage> {
        let (_, stages) = DEFAULT;
        let stage = |((name, kind, probability), position): ((&str, _, _), _)| NewStage {
            id: StageId::new(clock),
            pipeline_id: pipeline,
            name: name.into(),
            position,
            kind,
            probability,
            required_fields: Vec::new(),
            max_days: None,
            allow_skip: false,
        };
        stages.into_iter().zip(1..).map(stage).collect()
    }

    pub async fn insert_all(mut conn: &TenantConn, new: Vec<NewStage>) -> Result<()> {
        let tenant = conn.tenant();
        let new = new.into_iter().map(|new| (stages::tenant_id.eq(tenant), new));
        diesel::insert_into(stages::table)
            .values(new.collect::<Vec<_>>())
            .execute(&mut conn)
            .await?;
        Ok(())
    }

    /// The stages of several pipelines in their order, at most `max` of each.
    pub async fn of_pipelines(
        mut conn: &TenantConn,
        pipelines: &[PipelineId],
        max: i64,
    ) -> Result<Vec<(PipelineId, Self)>> {
        let rows: Vec<Self> = diesel::sql_query(STAGES_OF)
            .bind::<Uuid, _>(conn.tenant())
            .bind::<Array<Uuid>, _>(pipelines)
            .bind::<BigInt, _>(max)
            .load(&mut conn)
            .await?;
        Ok(rows.into_iter().map(|row| (row.pipeline_id, row)).collect())
    }

    /// The stages of one pipeline in their order.
    pub async fn of_pipeline(conn: &TenantConn, id: PipelineId, max: i64) -> Result<Vec<Self>> {
        let stages = Self::of_pipelines(conn, &[id], max).await?;
        Ok(stages.into_iter().map(|(_, stage)| stage).collect())
    }

    /// In this order from now on.
    pub async fn reorder(mut conn: &TenantConn, ids: &[StageId]) -> Result<()> {
        diesel::sql_query(REORDER_STAGES)
            .bind::<Uuid, _>(conn.tenant())
            .bind::<Array<Uuid>, _>(ids)
            .bind::<Array<Integer>, _>(positions(ids.len()))
            .execute(&mut conn)
            .await?;
        Ok(())
    }

    /// All of a pipeline's go with it.
    pub async fn delete_of(
        mut conn: &TenantConn,
        pipeline: PipelineId,
        at: Timestamp,
    ) -> Result<Vec<StageId>> {
        let gone = diesel::update(stages::table)
            .filter(stages::tenant_id.eq(conn.tenant()))
            .filter(stages::pipeline_id.eq(pipeline))
            .filter(stages::deleted_at.is_null())
            .set(stages::deleted_at.eq(at))
            .returning(stages::id)
            .get_results(&mut conn)
            .await?;
        Ok(gone)
    }
}

/// Where a new deal begins: the first open stage of a pipeline, or of the tenant's first one, which
/// is made where there is none. It stays until the write ends.
pub async fn first_stage(mut conn: &TenantConn, pipeline: Option<PipelineId>) -> Result<Stage> {
    let pipeline = match pipeline {
        Some(pipeline) => pipeline,
        None => {
            Pipeline::make_default(conn).await?;
            let first = Pipeline::all(conn, 1).await?.into_iter().next();
            first.ok_or(Error::NotFound)?.id
        }
    };
    let first = Stage::query()
        .filter(stages::tenant_id.eq(conn.tenant()))
        .filter(stages::pipeline_id.eq(pipeline))
        .filter(stages::kind.eq(StageKind::Open))
        .filter(stages::deleted_at.is_null())
        .order((stages::position, stages::id))
        .limit(1)
        .for_share()
        .first(&mut conn)
        .await?;
    Ok(first)
}
