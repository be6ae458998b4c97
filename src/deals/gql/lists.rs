use super::{
    super::{
        DealId, PipelineId, StageId,
        model::{
            self, COMPANY_OF_DEALS, CONTACT_OF_DEALS, PIPELINE_OF_DEALS, STAGE_OF_DEALS,
            TERRITORY_OF_DEALS,
        },
        values::{ForecastCategoryFilter, StageKindFilter},
    },
    pipelines::{PipelineWhere, StageWhere},
    types::Deal,
};
use crate::{
    accounts::UserId,
    activities::{ACTIVITIES_OF_DEALS, ActivityRelationFilter},
    column,
    companies::{CompanyId, CompanyWhere},
    connection,
    contacts::{ContactId, ContactWhere},
    db::Value,
    filter,
    graphql::{DateFilter, DateTimeFilter, DecimalFilter, IDFilter, IntFilter, StringFilter, one},
    relation_filter,
    tags::{TagRelationFilter, Tagged},
    territories::{TerritoryId, TerritoryWhere},
};

filter! {
    /// Which deals.
    DealWhere {
        /// By what was done and is to be done about them.
        activities: ActivityRelationFilter => |activities, by| activities.through(ACTIVITIES_OF_DEALS, by),
        /// By name; upper and lower case are alike.
        name: StringFilter => |name, _| name.folded(column!(deals::name_key)),
        /// By company.
        company_id: IDFilter => |id, _| id.of(CompanyId::parse, column!(deals::company_id)),
        /// By what the company is.
        company: CompanyWhere => |which, by| one(which, COMPANY_OF_DEALS, by),
        /// By contact.
        contact_id: IDFilter => |id, _| id.of(ContactId::parse, column!(deals::contact_id)),
        /// By who the contact is.
        contact: ContactWhere => |which, by| one(which, CONTACT_OF_DEALS, by),
        /// By owner.
        owner_id: IDFilter => |owner, _| owner.of(UserId::parse, column!(deals::owner_id)),
        /// By territory.
        territory: TerritoryWhere => |which, by| one(which, TERRITORY_OF_DEALS, by),
        /// By pipeline.
        pipeline_id: IDFilter => |id, _| id.of(PipelineId::parse, column!(deals::pipeline_id)),
        /// By what the pipeline is.
        pipeline: PipelineWhere => |which, by| one(which, PIPELINE_OF_DEALS, by),
        /// By stage.
        stage_id: IDFilter => |id, _| id.of(StageId::parse, column!(deals::stage_id)),
        /// By what the stage is.
        stage: StageWhere => |which, by| one(which, STAGE_OF_DEALS, by),
        /// By what it means to be in the stage.
        stage_kind: StageKindFilter => |kind, _| kind.on(column!(deals::stage_kind)),
        /// By what they would bring, whatever the currency.
        amount: DecimalFilter => |amount, _| amount.on(column!(deals::amount)),
        /// By how likely they are, in percent.
        probability: IntFilter => |percent, _| percent.on(column!(deals::probability)),
        /// By how much a forecast counts on them.
        forecast: ForecastCategoryFilter => |forecast, _| forecast.on(column!(deals::forecast)),
        /// By the day on which they are expected to close.
        expected_close_on: DateFilter => |day, _| day.on(column!(deals::expected_close_on)),
        /// By when they were won or lost.
        closed_at: DateTimeFilter => |at, _| at.on(column!(deals::closed_at)),
        /// By when they came to their stage.
        stage_since: DateTimeFilter => |at, _| at.on(column!(deals::stage_since)),
        /// By when they were made.
        created_at: DateTimeFilter => |at, _| at.on(column!(deals::created_at)),
        /// By when they were last changed.
        updated_at: DateTimeFilter => |at, _| at.on(column!(deals::updated_at)),
        /// By their tags.
        tags: TagRelationFilter => |tags, by| tags.through(DealId::TAGS, by),
        /// Those with this text in their name.
        search: String => |text, _| StringFilter::containing(text).folded(column!(deals::name_key)),
    }
}

relation_filter!(
    /// Some, none or all of the deals.
    DealRelationFilter, DealWhere
);

connection! {
    /// A page of deals.
    Deal as DealConnection, DealEdge, of model::Deal, which DealWhere, permission DealRead, nested;
    id deals::id;
    /// How to sort deals.
    order DealOrder by DealOrderField {
        /// By name, upper and lower case alike.
        Name => deals::name_key, |deal| Value::Text(deal.0.name_key.clone());
        /// By when they were made.
        CreatedAt => deals::created_at, |deal| Value::Moment(deal.0.created_at.0);
        /// By when they were last changed.
        UpdatedAt => deals::updated_at, |deal| Value::Moment(deal.0.updated_at.0);
        /// By what they would bring, whatever the currency; what has no amount counts as zero.
        Amount => deals::amount_key, |deal| Value::Decimal(deal.0.amount_key.0);
        /// By the day on which they are expected to close; what has none comes last.
        ExpectedCloseOn => deals::close_key, |deal| Value::Date(deal.0.close_key.0);
    }
    /// What of deals can be counted.
    facets DealFacet {
        /// How far they have come.
        Stage => deals::stage_id, ids StageId;
        /// What that means.
        StageKind => deals::stage_kind;
        /// Who looks after them.
        Owner => deals::owner_id, ids UserId;
        /// The territories they belong to.
        Territory => deals::territory_id, ids TerritoryId;
        /// The ways they go.
        Pipeline => deals::pipeline_id, ids PipelineId;
        /// How much a forecast counts on them.
        Forecast => deals::forecast;
    }
}
