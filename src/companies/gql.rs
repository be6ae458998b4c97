use async_graphql::{Context, InputObject, Many, MaybeUndefined, Object};

use super::{CompanyId, Domain, model};
use crate::{
    access::{Permission::*, Viewer},
    accounts::{User, UserById, UserId},
    bulk_payload, by_id,
    clock::{Clock, Timestamp},
    column, connection,
    contacts::{
        CONTACTS_OF_COMPANIES, ContactConnection, ContactOrder, ContactRelationFilter, ContactRow,
        ContactWhere,
    },
    db::{Deleted, TenantConn, Value},
    error::Result,
    filter,
    graphql::{
        Bulk, Check, DateTimeFilter, DecimalFilter, DeletePayload, DeletesPayload, Doors,
        ErrorPolicy, IDFilter, IntFilter, Nesting, Paging, ReadField, StringFilter, count, keep,
        one, requires, rival,
    },
    leads::LeadRow,
    money::{Money, MoneyInput},
    payload,
    tags::{TAGS_OF_COMPANIES, Tag, TagRelationFilter, TagsOfCompany},
    territories::{TERRITORY_OF_COMPANIES, Territory, TerritoryById, TerritoryId, TerritoryWhere},
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
        /// By when they were last changed.
        updated_at: DateTimeFilter => |at, _| at.on(column!(companies::updated_at)),
        /// By when they were made.
        created_at: DateTimeFilter => |at, _| at.on(column!(companies::created_at)),
        /// By their tags.
        tags: TagRelationFilter => |tags, by| tags.through(TAGS_OF_COMPANIES, by),
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
        #[graphql(desc = "True: those that were deleted, and no others.", default)] deleted: bool,
    ) -> Result<Option<CompanyConnection>> {
        let paging = Paging { first, after, last, before, deleted };
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
    /// Its postal code, at most 20 characters.
    postal_code: Option<String>,
    /// The city it is in, at most 100 characters.
    city: Option<String>,
    /// The country it is in, best as an ISO 3166 code such as "DE"; at most 100 characters.
    country: Option<String>,
    /// What it turns over in a year.
    annual_revenue: Option<MoneyInput>,
    /// How many people work there.
    employees: Option<i32>,
    /// Who looks after it; yourself when absent, nobody when you are a program.
    owner_id: Option<UserId>,
    /// The territory it belongs to.
    territory_id: Option<TerritoryId>,
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
            postal_code: check.optional("postalCode", self.postal_code, 20),
            city: check.optional("city", self.city, 100),
            country: check.optional("country", self.country, 100),
            annual_revenue: check.parse("annualRevenue", self.annual_revenue, revenue).into(),
            employees: check.parse("employees", self.employees, count),
            owner_id: self.owner_id.or(viewer.person().ok()),
            territory_id: self.territory_id,
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
    /// Its postal code, at most 20 characters.
    postal_code: MaybeUndefined<String>,
    /// The city it is in, at most 100 characters.
    city: MaybeUndefined<String>,
    /// The country it is in, best as an ISO 3166 code such as "DE"; at most 100 characters.
    country: MaybeUndefined<String>,
    /// What it turns over in a year.
    annual_revenue: MaybeUndefined<MoneyInput>,
    /// How many people work there.
    employees: MaybeUndefined<i32>,
    /// Who looks after it.
    owner_id: MaybeUndefined<UserId>,
    /// The territory it belongs to.
    territory_id: MaybeUndefined<TerritoryId>,
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
            postal_code: check.keep_or_optional("postalCode", self.postal_code, 20),
            city: check.keep_or_optional("city", self.city, 100),
            country: check.keep_or_optional("country", self.country, 100),
            annual_revenue: check
                .keep_or_parse("annualRevenue", self.annual_revenue, revenue)
                .map(Into::into),
            employees: check.keep_or_parse("employees", self.employees, count),
            owner_id: keep(self.owner_id),
            territory_id: keep(self.territory_id),
        };
        check.done(changes)
    }
}

/// A company to be changed.
#[derive(InputObject)]
pub struct CompanyChangeInput {
    /// Which.
    id: CompanyId,
    /// The version that you have seen; another one is refused.
    expected_version: Option<i32>,
    /// What to change.
    input: CompanyUpdateInput,
}

async fn create(
    ctx: &Context<'_>,
    tx: &TenantConn,
    input: CompanyCreateInput,
) -> Result<model::Company> {
    let new = input.check(ctx.clock(), ctx.viewer()?)?;
    ctx.expect(tx, &[("territoryId", "territories", new.territory_id.map(Into::into))]).await?;
    model::Company::insert(tx, new).await
}

async fn update(
    ctx: &Context<'_>,
    tx: &TenantConn,
    change: CompanyChangeInput,
) -> Result<model::Company> {
    let CompanyChangeInput { id, expected_version, input } = change;
    let changes = input.check(ctx.viewer()?)?;
    let territory = changes.territory_id.flatten().map(Into::into);
    ctx.expect(tx, &[("territoryId", "territories", territory)]).await?;
    model::Company::lock(tx, id, expected_version).await?;
    model::Company::update(tx, id, changes).await
}

async fn delete(
    ctx: &Context<'_>,
    tx: &TenantConn,
    id: CompanyId,
    expected_version: Option<i32>,
) -> Result<Deleted<CompanyId>> {
    model::Company::lock(tx, id, expected_version).await?;
    model::Company::delete(tx, id, ctx.clock().now()).await?;
    Ok(Deleted(id))
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
        let made = ctx.write(CompanyCreate, async |tx| create(ctx, tx, input).await);
        CompanyPayload::of(made.await.map(Company))
    }

    /// Makes several companies.
    #[graphql(directive = requires::apply(CompanyCreate))]
    async fn companies_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The companies, at most 100.")] input: Vec<CompanyCreateInput>,
        #[graphql(desc = "What becomes of the others when some are refused.")] error_policy: Option<
            ErrorPolicy,
        >,
    ) -> Result<Option<CompaniesPayload>> {
        let made = ctx.write(CompanyCreate, async |tx| {
            let mut all = Bulk::of(&input, error_policy)?;
            for one in input {
                all.begin(tx).await?;
                let made = create(ctx, tx, one).await;
                all.end(tx, made).await?;
            }
            all.done()
        });
        CompaniesPayload::of(made.await, Company)
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
        let change = CompanyChangeInput { id, expected_version, input };
        let changed = ctx.write(CompanyUpdate, async |tx| update(ctx, tx, change).await);
        CompanyPayload::of(changed.await.map(Company))
    }

    /// Changes several companies.
    #[graphql(directive = requires::apply(CompanyUpdate))]
    async fn companies_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The changes, at most 100.")] input: Vec<CompanyChangeInput>,
        #[graphql(desc = "What becomes of the others when some are refused.")] error_policy: Option<
            ErrorPolicy,
        >,
    ) -> Result<Option<CompaniesPayload>> {
        let changed = ctx.write(CompanyUpdate, async |tx| {
            let mut all = Bulk::of(&input, error_policy)?;
            for one in input {
                all.begin(tx).await?;
                let changed = update(ctx, tx, one).await;
                all.end(tx, changed).await?;
            }
            all.done()
        });
        CompaniesPayload::of(changed.await, Company)
    }

    /// Deletes a company. It is kept where nobody finds it, until it is restored or purged.
    #[graphql(directive = requires::apply(CompanyDelete))]
    async fn company_delete(
        &self,
        ctx: &Context<'_>,
        id: CompanyId,
        expected_version: Option<i32>,
    ) -> Result<Option<DeletePayload>> {
        let deleted =
            ctx.write(CompanyDelete, async |tx| delete(ctx, tx, id, expected_version).await);
        DeletePayload::of(deleted.await)
    }

    /// Deletes several companies.
    #[graphql(directive = requires::apply(CompanyDelete))]
    async fn companies_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, at most 100.")] ids: Vec<CompanyId>,
        #[graphql(desc = "What becomes of the others when some are refused.")] error_policy: Option<
            ErrorPolicy,
        >,
    ) -> Result<Option<DeletesPayload>> {
        let deleted = ctx.write(CompanyDelete, async |tx| {
            let mut all = Bulk::of(&ids, error_policy)?;
            for id in ids {
                all.begin(tx).await?;
                let deleted = delete(ctx, tx, id, None).await;
                all.end(tx, deleted).await?;
            }
            all.done()
        });
        DeletesPayload::of(deleted.await)
    }

    /// Brings a deleted company back. Another one that has taken its domain since is named.
    #[graphql(directive = requires::apply(CompanyDelete))]
    async fn company_restore(
        &self,
        ctx: &Context<'_>,
        id: CompanyId,
    ) -> Result<Option<CompanyPayload>> {
        let restored = ctx.write(CompanyDelete, async |tx| {
            let deleted = model::Company::lock_deleted(tx, id).await?;
            if let Some(other) = model::Company::rival(tx, &deleted).await? {
                let seen = tx
                    .reach()
                    .covers(other.owner_id.map(Into::into), other.territory_id.map(Into::into));
                return Err(rival("domain", seen.then_some(other.id)));
            }
            model::Company::restore(tx, id).await
        });
        CompanyPayload::of(restored.await.map(Company))
    }

    /// Removes a deleted company for good, with all activities about it. Its contacts and deals stay,
    /// without a company.
    #[graphql(directive = requires::apply(RecordPurge))]
    async fn company_purge(
        &self,
        ctx: &Context<'_>,
        id: CompanyId,
    ) -> Result<Option<DeletePayload>> {
        let purged = ctx.write(RecordPurge, async |tx| {
            model::Company::lock_deleted(tx, id).await?;
            ContactRow::leave(tx, id).await?;
            LeadRow::forget_company(tx, id).await?;
            model::Company::purge(tx, id).await?;
            Ok(Deleted(id))
        });
        DeletePayload::of(purged.await)
    }
}
