use async_graphql::{Context, ID, Many, Object};
use uuid::Uuid;

use super::{model, values::TimelineKind};
use crate::{
    access::Guarded,
    accounts::{User, UserById, UserId},
    activities::{Activity, ActivityById, ActivityId},
    audit::AuditEntryId,
    clock::Timestamp,
    column, connection,
    db::{Column, Filter, Test, Value},
    deals::{StageChange, StageChangeById, StageChangeId},
    error::{Error, Result},
    graphql::{Asker, Doors, FieldChange, Nesting, Node, Paging, SortDirection, Where, find},
    ids,
};

/// Something that happened.
pub struct TimelineEntry(pub model::Entry);

/// Something that happened with a record. By its kind it has an `activity`, a `stageChange`, or
/// `changes`.
#[Object]
impl TimelineEntry {
    /// The id of what it tells of: of the activity, of the step of a deal, or of the trail's entry.
    pub async fn id(&self) -> ID {
        let prefix = match self.0.kind {
            TimelineKind::Activity => ActivityId::PREFIX,
            TimelineKind::StageChange => StageChangeId::PREFIX,
            _ => AuditEntryId::PREFIX,
        };
        ids::text(prefix, self.0.id).into()
    }

    /// When; of an activity that is still to be done, when it is due.
    async fn at(&self) -> Timestamp {
        self.0.at
    }

    /// What it tells of.
    async fn kind(&self) -> TimelineKind {
        self.0.kind
    }

    /// Who did it, or wrote it down; null when it was a program, or the product itself.
    async fn actor(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        let Some(actor) = self.0.actor_id else { return Ok(None) };
        Ok(ctx.load::<UserById>(UserId(actor)).await?.map(User))
    }

    /// The record that it is about: the one whose timeline it is in, or a contact or deal of a company,
    /// a deal of a contact, a lead that was merged into this one. Null when it has been deleted.
    async fn record(&self, ctx: &Context<'_>) -> Result<Option<Node>> {
        let Some(guarded) = Guarded::of(&self.0.table) else { return Ok(None) };
        match find(ctx, &ids::text(guarded.prefix, self.0.record).into()).await {
            Ok(node) => Ok(Some(node)),
            Err(Error::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The activity, of an ACTIVITY.
    async fn activity(&self, ctx: &Context<'_>) -> Result<Option<Activity>> {
        match self.0.kind {
            TimelineKind::Activity => {
                Ok(ctx.load::<ActivityById>(ActivityId(self.0.id)).await?.map(Activity))
            }
            _ => Ok(None),
        }
    }

    /// The step, of a STAGE_CHANGE.
    async fn stage_change(&self, ctx: &Context<'_>) -> Result<Option<StageChange>> {
        match self.0.kind {
            TimelineKind::StageChange => {
                let change = ctx.load::<StageChangeById>(StageChangeId(self.0.id)).await?;
                Ok(change.map(StageChange))
            }
            _ => Ok(None),
        }
    }

    /// What was changed of the record; empty for an activity, a step, and a record that was made.
    async fn changes(&self) -> Many<FieldChange> {
        let model::Entry { table, old, new, .. } = &self.0;
        match (Guarded::of(table), old, new) {
            (Some(guarded), Some(old), Some(new)) => {
                Many(FieldChange::of_row(guarded.table, old, new))
            }
            _ => Many(Vec::new()),
        }
    }
}

connection! {
    /// A page of a timeline.
    TimelineEntry as TimelineConnection, TimelineEdge, of model::Entry, which Kinds, permission ApiUse, nested;
    id audit_log::id;
    /// How a timeline is sorted.
    order TimelineOrder by TimelineOrderField {
        /// By when it happened.
        At => audit_log::at, |entry| Value::Moment(entry.0.at.0);
    }
}

/// Which kinds of entries.
pub struct Kinds(Vec<TimelineKind>);

impl Where for Kinds {
    fn filter(self, _: &mut Asker<'_>) -> Result<Filter> {
        let words = self.0.into_iter().map(|kind| kind.word().to_owned()).collect();
        Ok(Filter::Is(column!(audit_log::action), Test::In(Value::Texts(words))))
    }
}

/// The timeline of a record: `of` is the id column of its table. What it spans is of several kinds, each
/// with a permission of its own.
pub async fn timeline(
    ctx: &Context<'_>,
    (id, of): (impl Into<Uuid>, Column),
    (first, after): (Option<i32>, Option<String>),
    kinds: Option<Vec<TimelineKind>>,
) -> Result<Option<TimelineConnection>> {
    let newest =
        TimelineOrder { field: TimelineOrderField::At, direction: Some(SortDirection::Desc) };
    let (nesting, paging) = (Nesting::of(id, of), Paging::forward(first, after));
    TimelineConnection::of(ctx, nesting, paging, kinds.map(Kinds), Some(vec![newest])).await
}
