use async_graphql::{Context, InputObject, MaybeUndefined, Object};

use super::super::{CompanyId, Domain, model};
use super::types::{CompaniesPayload, Company, CompanyPayload};
use crate::{
    access::{Permission::*, Viewer},
    accounts::UserId,
    clock::Clock,
    contacts::ContactRow,
    db::{Deleted, TenantConn},
    deals::DealRow,
    error::Result,
    graphql::{
        Bulk, Check, DeletePayload, DeletesPayload, Doors, ErrorPolicy, count, keep, requires,
        rival,
    },
    leads::LeadRow,
    money::MoneyInput,
    tags::{TagId, replace_tags_of},
    territories::TerritoryId,
};

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

    /// Gives a company exactly these tags.
    #[graphql(directive = requires::apply(CompanyUpdate))]
    async fn company_tags_replace(
        &self,
        ctx: &Context<'_>,
        id: CompanyId,
        expected_version: Option<i32>,
        #[graphql(desc = "Its tags from now on, at most 50.")] tag_ids: Vec<TagId>,
    ) -> Result<Option<CompanyPayload>> {
        let changed = ctx.write(CompanyUpdate, async |tx| {
            let company = model::Company::lock(tx, id, expected_version).await?;
            replace_tags_of(tx, ctx.clock(), id, &tag_ids).await?;
            Ok(company)
        });
        CompanyPayload::of(changed.await.map(Company))
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
            DealRow::leave_company(tx, id).await?;
            LeadRow::forget_company(tx, id).await?;
            model::Company::purge(tx, id).await?;
            Ok(Deleted(id))
        });
        DeletePayload::of(purged.await)
    }
}
