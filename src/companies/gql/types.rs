use async_graphql::{Context, Many, Object};

use super::super::{CompanyId, Domain, model};
use crate::{
    access::Permission::*,
    accounts::{User, UserById, UserId},
    activities::{
        ACTIVITIES_OF_COMPANIES, ActivityConnection, ActivityOrder, ActivityRelationFilter,
        ActivityWhere,
    },
    bulk_payload, by_id,
    clock::Timestamp,
    column, connection,
    contacts::{
        CONTACTS_OF_COMPANIES, ContactConnection, ContactOrder, ContactRelationFilter, ContactWhere,
    },
    db::Value,
    deals::{DEALS_OF_COMPANIES, DealConnection, DealOrder, DealRelationFilter, DealWhere},
    error::Result,
    filter,
    graphql::{
        DateTimeFilter, DecimalFilter, Doors, IDFilter, IntFilter, Nesting, Paging, ReadField,
        StringFilter, one, requires,
    },
    money::Money,
    payload,
    tags::{Tag, TagRelationFilter, Tagged, tags},
    territories::{TERRITORY_OF_COMPANIES, Territory, TerritoryById, TerritoryId, TerritoryWhere},
    timeline::{TimelineConnection, TimelineKind, timeline},
};

by_id!(
    /// Companies by id; deleted ones are not found.
    CompanyById, companies[not deleted_at], model::Company, CompanyId, CompanyRead
);

/// An organisation that the tenant sells to.
pub struct Company(pub model::Company);

/// An organisation that the tenant sells to.
#[Object]
impl Company {
    /// Its id.
    pub async fn id(&self) -> CompanyId {
        self.0.id
    }

    /// Its name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Its internet domain; no other company of the tenant has it.
    async fn domain(&self) -> Option<&str> {
        self.0.domain.as_ref().map(Domain::as_str)
    }

    /// What it does.
    async fn industry(&self) -> Option<&str> {
        self.0.industry.as_deref()
    }

    /// Its telephone number.
    async fn phone(&self) -> Option<&str> {
        self.0.phone.as_deref()
    }

    /// Its postal code.
    async fn postal_code(&self) -> Option<&str> {
        self.0.postal_code.as_deref()
    }

    /// The city it is in.
    async fn city(&self) -> Option<&str> {
        self.0.city.as_deref()
    }

    /// The country it is in, best as an ISO 3166 code such as "DE".
    async fn country(&self) -> Option<&str> {
        self.0.country.as_deref()
    }

    /// What it turns over in a year.
    #[graphql(directive = requires::apply(MoneyRead))]
    async fn annual_revenue(&self, ctx: &Context<'_>) -> Option<Money> {
        let (table, record) = ("companies", self.0.id.into());
        let seen = ctx.may_see_field(MoneyRead, ReadField { table, record, name: "annualRevenue" });
        let Company(model::Company { annual_revenue, annual_revenue_currency, .. }) = self;
        seen.then(|| Money::from_columns(*annual_revenue, annual_revenue_currency.as_deref()))?
    }

    /// How many people work there.
    async fn employees(&self) -> Option<i32> {
        self.0.employees
    }

    /// The territory it belongs to.
    async fn territory(&self, ctx: &Context<'_>) -> Result<Option<Territory>> {
        let Some(territory) = self.0.territory_id else { return Ok(None) };
        Ok(ctx.load::<TerritoryById>(territory).await?.map(Territory))
    }

    /// Who looks after it.
    async fn owner(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        let Some(owner) = self.0.owner_id else { return Ok(None) };
        Ok(ctx.load::<UserById>(owner).await?.map(User))
    }

    /// Those who work there, by name.
    async fn contacts(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        r#where: Option<ContactWhere>,
        order_by: Option<Vec<ContactOrder>>,
    ) -> Result<Option<ContactConnection>> {
        let (paging, of) = (Paging::forward(first, after), column!(contacts::company_id));
        ContactConnection::of(ctx, Nesting::of(self.0.id, of), paging, r#where, order_by).await
    }

    /// What was done and is to be done about it.
    async fn activities(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        r#where: Option<ActivityWhere>,
        order_by: Option<Vec<ActivityOrder>>,
    ) -> Result<Option<ActivityConnection>> {
        let (paging, of) = (Paging::forward(first, after), column!(activities::company_id));
        ActivityConnection::of(ctx, Nesting::of(self.0.id, of), paging, r#where, order_by).await
    }

    /// What it may buy, by name.
    async fn deals(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        r#where: Option<DealWhere>,
        order_by: Option<Vec<DealOrder>>,
    ) -> Result<Option<DealConnection>> {
        let (paging, of) = (Paging::forward(first, after), column!(deals::company_id));
        DealConnection::of(ctx, Nesting::of(self.0.id, of), paging, r#where, order_by).await
    }

    /// Its tags, by name.
    async fn tags(&self, ctx: &Context<'_>) -> Result<Many<Tag>> {
        tags(ctx, self.0.id).await
    }

    /// What happened with it, the newest first (what is still to come is on top): the activities about
    /// it, its contacts and its deals; the steps of its deals; and how it was made, changed, given to
    /// somebody else, deleted and brought back. How its contacts and deals were changed is in their own
    /// timelines. What you may not see is not in it, and not counted.
    async fn timeline(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        #[graphql(desc = "Of these kinds only; absent: of all.")] kinds: Option<Vec<TimelineKind>>,
    ) -> Result<Option<TimelineConnection>> {
        timeline(ctx, (self.0.id, column!(companies::id)), (first, after), kinds).await
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
    /// Which companies.
    CompanyWhere {
        /// By name; upper and lower case are alike.
        name: StringFilter => |name, _| name.folded(column!(companies::name_key)),
        /// By domain.
        domain: StringFilter => |domain, _| domain.folded(column!(companies::domain)),
        /// By industry.
        industry: StringFilter => |industry, _| industry.exact(column!(companies::industry)),
        /// By country.
        country: StringFilter => |country, _| country.exact(column!(companies::country)),
        /// By owner.
        owner_id: IDFilter => |owner, _| owner.of(UserId::parse, column!(companies::owner_id)),
        /// By city.
        city: StringFilter => |city, _| city.exact(column!(companies::city)),
        /// By how many people work there.
        employees: IntFilter => |employees, _| employees.on(column!(companies::employees)),
        /// By what they turn over in a year, whatever the currency.
        annual_revenue: DecimalFilter => |revenue, _| revenue.on(column!(companies::annual_revenue)),
        /// By territory.
        territory: TerritoryWhere => |which, by| one(which, TERRITORY_OF_COMPANIES, by),
        /// By those who work there.
        contacts: ContactRelationFilter => |contacts, by| contacts.through(CONTACTS_OF_COMPANIES, by),
        /// By what was done and is to be done about them.
        activities: ActivityRelationFilter => |activities, by| activities.through(ACTIVITIES_OF_COMPANIES, by),
        /// By what they may buy.
        deals: DealRelationFilter => |deals, by| deals.through(DEALS_OF_COMPANIES, by),
        /// By when they were last changed.
        updated_at: DateTimeFilter => |at, _| at.on(column!(companies::updated_at)),
        /// By when they were made.
        created_at: DateTimeFilter => |at, _| at.on(column!(companies::created_at)),
        /// By their tags.
        tags: TagRelationFilter => |tags, by| tags.through(CompanyId::TAGS, by),
        /// Those with this text in their name.
        search: String => |text, _| StringFilter::containing(text).folded(column!(companies::name_key)),
    }
}

connection! {
    /// A page of companies.
    Company as CompanyConnection, CompanyEdge, of model::Company, which CompanyWhere, permission CompanyRead;
    id companies::id;
    /// How to sort companies.
    order CompanyOrder by CompanyOrderField {
        /// By name, upper and lower case alike.
        Name => companies::name_key, |company| Value::Text(company.0.name_key.clone());
        /// By when they were made.
        CreatedAt => companies::created_at, |company| Value::Moment(company.0.created_at.0);
        /// By when they were last changed.
        UpdatedAt => companies::updated_at, |company| Value::Moment(company.0.updated_at.0);
    }
    /// What of companies can be counted.
    facets CompanyFacet {
        /// What they do.
        Industry => companies::industry;
        /// The countries they are in.
        Country => companies::country;
        /// Who looks after them.
        Owner => companies::owner_id, ids UserId;
        /// The territories they belong to.
        Territory => companies::territory_id, ids TerritoryId;
    }
}

payload! {
    /// The answer to a change of a company.
    CompanyPayload {
        /// The company as it is now; null when nothing was written.
        company: Company
    }
}

bulk_payload! {
    /// The answer to a change of several companies.
    CompaniesPayload {
        /// The companies that were written, in the order of the input.
        companies: Company
    }
}
