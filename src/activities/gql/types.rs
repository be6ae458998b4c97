use async_graphql::{Context, ID, Object};

use super::super::{
    ActivityId, model,
    values::{ActivityDirection, ActivityKind},
};
use crate::{
    accounts::{User, UserById, UserId},
    bulk_payload, by_id,
    clock::Timestamp,
    column, connection,
    db::{Test, Value},
    enum_filter,
    error::{Error, Result},
    filter,
    graphql::{DateTimeFilter, Doors, IDFilter, Node, StringFilter, find},
    ids::{self, RawId},
    payload, relation_filter,
};

by_id!(
    /// Activities by id; deleted ones are not found.
    ActivityById, activities[not deleted_at], model::Activity, ActivityId, ActivityRead
);

/// Something that was done, or is to be done.
pub struct Activity(pub model::Activity);

/// Something that was done, or is to be done, about one record.
#[Object]
impl Activity {
    /// Its id.
    pub async fn id(&self) -> ActivityId {
        self.0.id
    }

    /// What it is.
    async fn kind(&self) -> ActivityKind {
        self.0.kind
    }

    /// What it is in a line.
    async fn subject(&self) -> &str {
        &self.0.subject
    }

    /// What there is to say of it.
    async fn body(&self) -> Option<&str> {
        self.0.body.as_deref()
    }

    /// Of a call or an e-mail: who got in touch with whom.
    async fn direction(&self) -> Option<ActivityDirection> {
        self.0.direction
    }

    /// How long it took.
    async fn duration_seconds(&self) -> Option<i32> {
        self.0.duration_seconds
    }

    /// Until when it is to be done.
    async fn due_at(&self) -> Option<Timestamp> {
        self.0.due_at
    }

    /// When it was done; null: it is still to be done.
    async fn done_at(&self) -> Option<Timestamp> {
        self.0.done_at
    }

    /// When it counts: when it was done, else is due, else was written down.
    async fn at(&self) -> Timestamp {
        self.0.at
    }

    /// Who wrote it down; null when that was a program.
    async fn author(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        let Some(author) = self.0.author_id else { return Ok(None) };
        Ok(ctx.load::<UserById>(UserId(author)).await?.map(User))
    }

    /// Who is to do it, or did it.
    async fn owner(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        let Some(owner) = self.0.owner_id else { return Ok(None) };
        Ok(ctx.load::<UserById>(owner).await?.map(User))
    }

    /// The record that it is about; null when that was deleted, or you do not see it.
    async fn about(&self, ctx: &Context<'_>) -> Result<Option<Node>> {
        let Some((prefix, uuid)) = self.0.about.id() else { return Ok(None) };
        match find(ctx, &ID(ids::text(prefix, uuid))).await {
            Ok(node) => Ok(Some(node)),
            Err(Error::NotFound | Error::Forbidden(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Counts its changes: give it as `expectedVersion` to change what you have seen.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was written down.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// When it was last changed.
    async fn updated_at(&self) -> Timestamp {
        self.0.updated_at
    }
}

enum_filter!(
    /// Which kinds of activities.
    ActivityKindFilter, ActivityKind
);

filter! {
    /// Which activities.
    ActivityWhere {
        /// By kind.
        kind: ActivityKindFilter => |kind, _| kind.on(column!(activities::kind)),
        /// By subject; upper and lower case are alike.
        subject: StringFilter => |subject, _| subject.folded(column!(activities::subject_key)),
        /// Done, or still to be done.
        done: bool => |done, _| Ok(Filter::Is(column!(activities::done_at), Test::Null(!done))),
        /// By when they are due.
        due_at: DateTimeFilter => |at, _| at.on(column!(activities::due_at)),
        /// By when they were done.
        done_at: DateTimeFilter => |at, _| at.on(column!(activities::done_at)),
        /// By when they count.
        at: DateTimeFilter => |at, _| at.on(column!(activities::at)),
        /// By whoever is to do them, or did them.
        owner_id: IDFilter => |owner, _| owner.of(UserId::parse, column!(activities::owner_id)),
        /// About this record: a company, a contact, a lead or a deal.
        about_id: ID => |id, _| about(&id),
        /// By when they were written down.
        created_at: DateTimeFilter => |at, _| at.on(column!(activities::created_at)),
        /// Those with this text in their subject.
        search: String => |text, _| StringFilter::containing(text).folded(column!(activities::subject_key)),
    }
}

/// Activities about one record.
fn about(id: &ID) -> Result<crate::db::Filter> {
    let raw = RawId::parse(id).ok_or_else(|| not_about(id))?;
    let column = match raw.prefix {
        "company" => column!(activities::company_id),
        "contact" => column!(activities::contact_id),
        "lead" => column!(activities::lead_id),
        "deal" => column!(activities::deal_id),
        _ => return Err(not_about(id)),
    };
    Ok(crate::db::Filter::Is(column, Test::Eq(Value::Uuid(raw.uuid))))
}

pub(super) fn not_about(id: &ID) -> Error {
    let shown: String = id.chars().take(64).collect();
    let told = format!("\"{shown}\" is no id of a company, contact, lead or deal.");
    Error::BadInput(told)
}

relation_filter!(
    /// Some, none or all of the activities.
    ActivityRelationFilter, ActivityWhere
);

connection! {
    /// A page of activities.
    Activity as ActivityConnection, ActivityEdge, of model::Activity, which ActivityWhere, permission ActivityRead, nested;
    id activities::id;
    /// How to sort activities.
    order ActivityOrder by ActivityOrderField {
        /// By when they count.
        At => activities::at, |activity| Value::Moment(activity.0.at.0);
        /// By when they were written down.
        CreatedAt => activities::created_at, |activity| Value::Moment(activity.0.created_at.0);
    }
    /// What of activities can be counted.
    facets ActivityFacet {
        /// What they are.
        Kind => activities::kind;
        /// Who is to do them, or did them.
        Owner => activities::owner_id, ids UserId;
    }
}

payload! {
    /// The answer to a change of an activity.
    ActivityPayload {
        /// The activity as it is now; null when nothing was written.
        activity: Activity
    }
}

bulk_payload! {
    /// The answer to a change of several activities.
    ActivitiesPayload {
        /// The activities that were written, in the order of the input.
        activities: Activity
    }
}
