use async_graphql::{Context, Object};

use super::{
    super::{
        LeadId,
        model::{self, GRADE, TERRITORY_OF_LEADS},
        values::LeadStatus,
    },
    lead::Lead,
};
use crate::{
    access::Permission::*,
    accounts::UserId,
    activities::{ACTIVITIES_OF_LEADS, ActivityRelationFilter},
    column, connection,
    db::Value,
    enum_filter,
    error::Result,
    filter,
    graphql::{
        DateFilter, DateTimeFilter, Doors, IDFilter, IntFilter, Paging, StringFilter, one, requires,
    },
    relation_filter,
    tags::{TagRelationFilter, Tagged},
    territories::{TerritoryId, TerritoryWhere},
    views::{SavedViewId, viewed},
};

enum_filter!(
    /// Compares where leads stand.
    LeadStatusFilter, LeadStatus
);

filter! {
    /// Which leads.
    LeadWhere {
        /// By id.
        id: IDFilter => |id, _| id.of(LeadId::parse, column!(leads::id)),
        /// By name; upper and lower case are alike.
        name: StringFilter => |name, _| name.folded(column!(leads::name_key)),
        /// By where they work; upper and lower case are alike.
        organisation: StringFilter => |name, _| name.folded(column!(leads::organisation_key)),
        /// By e-mail address; upper and lower case are alike.
        email: StringFilter => |email, _| email.folded(column!(leads::email_key)),
        /// By where they stand.
        status: LeadStatusFilter => |status, _| status.on(column!(leads::status)),
        /// By where they came from.
        source: StringFilter => |source, _| source.exact(column!(leads::source)),
        /// By country.
        country: StringFilter => |country, _| country.exact(column!(leads::country)),
        /// By owner; `isNull: true` are those that wait for one.
        owner_id: IDFilter => |owner, _| owner.of(UserId::parse, column!(leads::owner_id)),
        /// By territory.
        territory: TerritoryWhere => |which, by| one(which, TERRITORY_OF_LEADS, by),
        /// By what they are worth, as it was computed last.
        score: IntFilter => |score, _| score.on(column!(leads::score_key)),
        /// By grade, as it was computed last.
        grade: StringFilter => |grade, _| grade.exact(GRADE),
        /// By what was done and is to be done about them.
        activities: ActivityRelationFilter => |activities, by| activities.through(ACTIVITIES_OF_LEADS, by),
        /// By their tags.
        tags: TagRelationFilter => |tags, by| tags.through(LeadId::TAGS, by),
        /// By until when they want to be answered.
        respond_by: DateTimeFilter => |at, _| at.on(column!(leads::respond_by)),
        /// By when they were answered; `isNull: true` are those that were not.
        responded_at: DateTimeFilter => |at, _| at.on(column!(leads::responded_at)),
        /// By until when they rest.
        nurture_until: DateFilter => |day, _| day.on(column!(leads::nurture_until)),
        /// By when they were made.
        created_at: DateTimeFilter => |at, _| at.on(column!(leads::created_at)),
        /// By when they were last changed.
        updated_at: DateTimeFilter => |at, _| at.on(column!(leads::updated_at)),
        /// Those with this text in their name, or in their organisation's.
        search: String => |text, _| {
            let name = StringFilter::containing(text.clone()).folded(column!(leads::name_key))?;
            let works = StringFilter::containing(text).folded(column!(leads::organisation_key))?;
            Ok(Filter::Any(vec![name, works]))
        },
    }
}

relation_filter!(
    /// Some, none or all of the leads.
    LeadRelationFilter, LeadWhere
);

connection! {
    /// A page of leads.
    Lead as LeadConnection, LeadEdge, of model::Lead, which LeadWhere, permission LeadRead;
    id leads::id;
    /// How to sort leads.
    order LeadOrder by LeadOrderField {
        /// By name; upper and lower case alike.
        Name => leads::name_key, |lead| Value::Text(lead.0.name_key.clone());
        /// By when they were made.
        CreatedAt => leads::created_at, |lead| Value::Moment(lead.0.created_at.0);
        /// By when they were last changed.
        UpdatedAt => leads::updated_at, |lead| Value::Moment(lead.0.updated_at.0);
        /// By what they are worth, as it was computed last; what has no score yet counts as zero.
        Score => leads::score_key, |lead| Value::Int(lead.0.score_key);
    }
    /// What of leads can be counted.
    facets LeadFacet {
        /// Where they stand.
        Status => leads::status;
        /// Where they came from.
        Source => leads::source;
        /// Their countries.
        Country => leads::country;
        /// Their grades, as they were computed last.
        Grade => leads::score_key, read by "grade";
        /// Who looks after them.
        Owner => leads::owner_id, ids UserId;
        /// The territories they belong to.
        Territory => leads::territory_id, ids TerritoryId;
    }
}

#[derive(Default)]
pub struct ListQuery;

#[Object]
impl ListQuery {
    /// One lead.
    #[graphql(directive = requires::apply(LeadRead))]
    async fn lead(&self, ctx: &Context<'_>, id: LeadId) -> Result<Option<Lead>> {
        let conn = ctx.read(LeadRead).await?;
        Ok(Some(Lead(model::Lead::find(&conn, id).await?)))
    }

    /// The leads, a page at a time.
    #[graphql(directive = requires::apply(LeadRead))]
    async fn leads(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        r#where: Option<LeadWhere>,
        order_by: Option<Vec<LeadOrder>>,
        #[graphql(desc = "True: those that were deleted, and no others.", default)] deleted: bool,
        #[graphql(
            desc = "A saved view: what it and `where` say both; its order where `orderBy` is absent."
        )]
        view: Option<SavedViewId>,
    ) -> Result<Option<LeadConnection>> {
        let paging = Paging { first, after, last, before, deleted };
        let (r#where, order_by) = viewed(ctx, view, (r#where, order_by)).await?;
        LeadConnection::load(ctx, paging, r#where, order_by).await
    }
}
