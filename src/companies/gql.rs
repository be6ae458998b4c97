use async_graphql::{Context, InputObject, Many, MaybeUndefined, Object};

use super::{CompanyId, Domain, model};
use crate::{
    access::{Permission::*, Viewer},
    accounts::{User, UserById, UserId},
    by_id,
    clock::{Clock, Timestamp},
    column, connection,
    db::{Deleted, Value},
    error::Result,
    filter,
    graphql::{
        Check, DateTimeFilter, DeletePayload, Doors, IDFilter, Paging, ReadField, StringFilter,
        keep, requires,
    },
    money::{Money, MoneyInput},
    payload,
    tags::{TAGS_OF_COMPANIES, Tag, TagRelationFilter, TagsOfCompany},
};

by_id!(
    /// Companies by id; deleted ones are not found.
    CompanyById, companies[not deleted_at][owner owner_id], model::Company, CompanyId, CompanyRead
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

    /// Who looks after it.
    async fn owner(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        let Some(owner) = self.0.owner_id else { return Ok(None) };
        Ok(ctx.load::<UserById>(owner).await?.map(User))
    }

    /// Its tags, by name.
    async fn tags(&self, ctx: &Context<'_>) -> Result<Many<Tag>> {
        Ok(ctx.load::<TagsOfCompany>(self.0.id).await?.into_iter().map(Tag).collect())
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
        /// By when they were made.
        created_at: DateTimeFilter => |at, _| at.on(column!(companies::created_at)),
        /// By their tags.
        tags: TagRelationFilter => |tags, limits| tags.through(TAGS_OF_COMPANIES, limits),
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
}

payload! {
    /// The answer to a change of a company.
    CompanyPayload {
        /// The company as it is now; null when nothing was written.
        company: Company
    }
}

#[derive(Default)]
pub struct CompanyQuery;

#[Object]
impl CompanyQuery {
    /// One company.
    #[graphql(directive = requires::apply(CompanyRead))]
    async fn company(&self, ctx: &Context<'_>, id: CompanyId) -> Result<Option<Company>> {
        let conn = ctx.read(CompanyRead).await?;
        Ok(Some(Company(model::Company::find(&conn, id).await?)))
    }

    /// The companies, a page at a time.
    #[graphql(directive = requires::apply(CompanyRead))]
    async fn companies(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        r#where: Option<CompanyWhere>,
        order_by: Option<Vec<CompanyOrder>>,
    ) -> Result<Option<CompanyConnection>> {
        let paging = Paging { first, after, last, before };
        CompanyConnection::load(ctx, paging, r#where, order_by).await
    }
}

/// A company to be made.
#[derive(InputObject)]
pub struct CompanyCreateInput {
    /// Its name, 1 to 200 characters.
    name: String,
    /// Its internet domain, such as "acme.example"; an address of its web page will do.
    domain: Option<String>,
    /// What it does, at most 100 characters.
    industry: Option<String>,
    /// Its telephone number, at most 50 characters.
    phone: Option<String>,
    /// The city it is in, at most 100 characters.
    city: Option<String>,
    /// The country it is in, best as an ISO 3166 code such as "DE"; at most 100 characters.
    country: Option<String>,
    /// What it turns over in a year.
    annual_revenue: Option<MoneyInput>,
    /// Who looks after it; yourself when absent, nobody when you are a program.
    owner_id: Option<UserId>,
}

impl CompanyCreateInput {
    fn check(self, clock: &Clock, viewer: &Viewer) -> Result<model::NewCompany> {
        let mut check = Check::by(viewer);
        check.may_write(MoneyRead, "annualRevenue", self.annual_revenue.is_some());
        let revenue = |money: MoneyInput| money.check("annualRevenue");
        let draft = model::NewCompany {
            id: CompanyId::new(clock),
            name: check.text("name", self.name, 200),
            domain: check.parse("domain", self.domain, Domain::parse),
            industry: check.optional("industry", self.industry, 100),
            phone: check.optional("phone", self.phone, 50),
            city: check.optional("city", self.city, 100),
            country: check.optional("country", self.country, 100),
            annual_revenue: check.parse("annualRevenue", self.annual_revenue, revenue).into(),
            owner_id: self.owner_id.or(viewer.person().ok()),
        };
        check.done(draft)
    }
}

/// What to change: an absent field keeps its value, null clears it.
#[derive(InputObject)]
pub struct CompanyUpdateInput {
    /// Its name, 1 to 200 characters.
    name: MaybeUndefined<String>,
    /// Its internet domain, such as "acme.example"; an address of its web page will do.
    domain: MaybeUndefined<String>,
    /// What it does, at most 100 characters.
    industry: MaybeUndefined<String>,
    /// Its telephone number, at most 50 characters.
    phone: MaybeUndefined<String>,
    /// The city it is in, at most 100 characters.
    city: MaybeUndefined<String>,
    /// The country it is in, best as an ISO 3166 code such as "DE"; at most 100 characters.
    country: MaybeUndefined<String>,
    /// What it turns over in a year.
    annual_revenue: MaybeUndefined<MoneyInput>,
    /// Who looks after it.
    owner_id: MaybeUndefined<UserId>,
}

impl CompanyUpdateInput {
    fn check(self, viewer: &Viewer) -> Result<model::CompanyChanges> {
        let mut check = Check::by(viewer);
        check.may_write(MoneyRead, "annualRevenue", !self.annual_revenue.is_undefined());
        let revenue = |money: MoneyInput| money.check("annualRevenue");
        let changes = model::CompanyChanges {
            name: check.keep_or_text("name", self.name, 200),
            domain: check.keep_or_parse("domain", self.domain, Domain::parse),
            industry: check.keep_or_optional("industry", self.industry, 100),
            phone: check.keep_or_optional("phone", self.phone, 50),
            city: check.keep_or_optional("city", self.city, 100),
            country: check.keep_or_optional("country", self.country, 100),
            annual_revenue: check
                .keep_or_parse("annualRevenue", self.annual_revenue, revenue)
                .map(Into::into),
            owner_id: keep(self.owner_id),
        };
        check.done(changes)
    }
}

#[derive(Default)]
pub struct CompanyMutation;

#[Object]
impl CompanyMutation {
    /// Makes a company.
    #[graphql(directive = requires::apply(CompanyCreate))]
    async fn company_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The company.")] input: CompanyCreateInput,
    ) -> Result<Option<CompanyPayload>> {
        let made = ctx.write(CompanyCreate, async |tx| {
            let new = input.check(ctx.clock(), ctx.viewer()?)?;
            model::Company::insert(tx, new).await
        });
        CompanyPayload::of(made.await.map(Company))
    }

    /// Changes a company.
    #[graphql(directive = requires::apply(CompanyUpdate))]
    async fn company_update(
        &self,
        ctx: &Context<'_>,
        id: CompanyId,
        expected_version: Option<i32>,
        #[graphql(desc = "What to change.")] input: CompanyUpdateInput,
    ) -> Result<Option<CompanyPayload>> {
        let changed = ctx.write(CompanyUpdate, async |tx| {
            let changes = input.check(ctx.viewer()?)?;
            model::Company::lock(tx, id, expected_version).await?;
            model::Company::update(tx, id, changes).await
        });
        CompanyPayload::of(changed.await.map(Company))
    }

    /// Deletes a company. It is kept where nobody finds it.
    #[graphql(directive = requires::apply(CompanyDelete))]
    async fn company_delete(
        &self,
        ctx: &Context<'_>,
        id: CompanyId,
        expected_version: Option<i32>,
    ) -> Result<Option<DeletePayload>> {
        let deleted = ctx.write(CompanyDelete, async |tx| {
            model::Company::lock(tx, id, expected_version).await?;
            model::Company::delete(tx, id, ctx.clock().now()).await?;
            Ok(Deleted(id))
        });
        DeletePayload::of(deleted.await)
    }
}
