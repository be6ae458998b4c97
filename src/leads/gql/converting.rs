use async_graphql::{Context, InputObject, Many, Object};
use uuid::Uuid;

use super::{
    super::{
        LeadId,
        model::{
            self, LeadMove,
            conversion::{Conversion, Converted, company_with, contact_with, domain, hand_over},
        },
        rules::Step,
        values::LeadStatus,
    },
    lead::{Lead, allow},
};
use crate::{
    access::{Guarded, Permission, Permission::*},
    companies::{Company, CompanyById, CompanyId, CompanyRow, NewCompany},
    contacts::{Contact, ContactById, ContactId, ContactRow, NewContact},
    db::{TenantConn, expect_version},
    deals::{Deal, DealById, DealId, DealRow, NewDeal, PipelineId, first_stage},
    error::Result,
    graphql::{Check, Doors, UserError, refusals, requires},
    tags::hand_on_tags,
};

/// What a lead becomes.
#[derive(InputObject)]
pub struct LeadConvertInput {
    /// The company that it is of. When absent: the one with the domain of the e-mail address, else a
    /// new one when the lead names an organisation, else none.
    company_id: Option<CompanyId>,
    /// The contact that it is. When absent: the one with its e-mail address, else a new one.
    contact_id: Option<ContactId>,
    /// Shall there be a deal?
    create_deal: bool,
    /// What the deal is called, at most 200 characters; the organisation's or the lead's name when
    /// absent.
    deal_name: Option<String>,
    /// The deal's pipeline; the tenant's first one when absent.
    pipeline_id: Option<PipelineId>,
}

/// What came of a conversion.
pub struct LeadConvertPayload {
    done: Option<Converted>,
    user_errors: Many<UserError>,
}

/// What came of a conversion.
#[Object]
impl LeadConvertPayload {
    /// The lead; null when nothing was written.
    async fn lead(&self) -> Option<Lead> {
        self.done.as_ref().map(|done| Lead(done.lead.clone()))
    }

    /// The company that it is of now.
    async fn company(&self, ctx: &Context<'_>) -> Result<Option<Company>> {
        let company = self.done.as_ref().and_then(|done| done.conversion.company_id);
        let Some(company) = company else { return Ok(None) };
        Ok(ctx.load::<CompanyById>(company).await?.map(Company))
    }

    /// The contact that it is now.
    async fn contact(&self, ctx: &Context<'_>) -> Result<Option<Contact>> {
        let contact = self.done.as_ref().and_then(|done| done.conversion.contact_id);
        let Some(contact) = contact else { return Ok(None) };
        Ok(ctx.load::<ContactById>(contact).await?.map(Contact))
    }

    /// The deal that there is now.
    async fn deal(&self, ctx: &Context<'_>) -> Result<Option<Deal>> {
        let deal = self.done.as_ref().and_then(|done| done.conversion.deal_id);
        let Some(deal) = deal else { return Ok(None) };
        Ok(ctx.load::<DealById>(deal).await?.map(Deal))
    }

    /// Why nothing was written; empty when it was.
    async fn user_errors(&self) -> &Many<UserError> {
        &self.user_errors
    }
}

/// Does whoever asks see a record that another one is to be linked with? It stays until the write
/// ends.
async fn sees(
    ctx: &Context<'_>,
    tx: &TenantConn,
    table: &str,
    id: impl Into<Uuid>,
) -> Result<bool> {
    let viewer = ctx.viewer()?;
    let Some(guarded) = Guarded::of(table) else { return Ok(false) };
    if viewer.check(guarded.read, ctx.clock().now()).is_err() {
        return Ok(false);
    }
    let tx = tx.with_reach(viewer.reach(guarded.read));
    guarded.reference(id.into()).hold(&tx).await
}

/// The connection, for making something that takes a permission of its own.
fn making(ctx: &Context<'_>, tx: &TenantConn, permission: Permission) -> Result<TenantConn> {
    let viewer = ctx.viewer()?;
    viewer.check(permission, ctx.clock().now())?;
    Ok(tx.with_reach(viewer.reach(permission)))
}

async fn company(
    ctx: &Context<'_>,
    tx: &TenantConn,
    lead: &model::Lead,
    named: Option<CompanyId>,
) -> Result<Option<CompanyId>> {
    if named.is_some() {
        return Ok(named);
    }
    let mut own_domain = lead.domain.as_deref().and_then(domain);
    if let Some(found) = &own_domain
        && let Some(known) = company_with(tx, found.as_str()).await?
    {
        if sees(ctx, tx, "companies", known).await? {
            return Ok(Some(known));
        }
        // Somebody else's company has it: nobody learns of that.
        own_domain = None;
    }
    let Some(name) = lead.organisation.clone() else { return Ok(None) };
    let new = NewCompany {
        id: CompanyId::new(ctx.clock()),
        name,
        domain: own_domain,
        industry: lead.industry.clone(),
        phone: None,
        postal_code: lead.postal_code.clone(),
        city: lead.city.clone(),
        country: lead.country.clone(),
        employees: lead.employees,
        annual_revenue: None.into(),
        owner_id: lead.owner_id,
        territory_id: lead.territory_id,
    };
    let tx = making(ctx, tx, CompanyCreate)?;
    Ok(Some(CompanyRow::insert(&tx, new).await?.id))
}

async fn contact(
    ctx: &Context<'_>,
    tx: &TenantConn,
    lead: &model::Lead,
    (named, company_id): (Option<ContactId>, Option<CompanyId>),
) -> Result<ContactId> {
    if let Some(named) = named {
        return Ok(named);
    }
    let mut own_email = lead.email.clone();
    if let Some(email) = &own_email
        && let Some(known) = contact_with(tx, email).await?
    {
        if sees(ctx, tx, "contacts", known).await? {
            return Ok(known);
        }
        own_email = None;
    }
    let (first_name, last_name) = names(&lead.name);
    let new = NewContact {
        id: ContactId::new(ctx.clock()),
        first_name,
        last_name,
        email: own_email,
        phone: lead.phone.clone(),
        title: None,
        company_id,
        owner_id: lead.owner_id,
        territory_id: lead.territory_id,
    };
    let tx = making(ctx, tx, ContactCreate)?;
    let made = ContactRow::insert(&tx, new).await?;
    hand_on_tags(&tx, ctx.clock(), lead.id, made.id).await?;
    Ok(made.id)
}

/// The last word is the last name.
fn names(name: &str) -> (Option<String>, String) {
    let cut = |text: &str| text.trim().chars().take(100).collect::<String>();
    match name.trim().rsplit_once(char::is_whitespace) {
        Some((first, last)) => (Some(cut(first)), cut(last)),
        None => (None, cut(name)),
    }
}

async fn deal(
    ctx: &Context<'_>,
    tx: &TenantConn,
    lead: &model::Lead,
    (name, pipeline): (Option<String>, Option<PipelineId>),
    (company_id, contact_id): (Option<CompanyId>, ContactId),
) -> Result<DealId> {
    let (clock, tx) = (ctx.clock(), making(ctx, tx, DealCreate)?);
    let stage = first_stage(&tx, pipeline).await?;
    let name = name.or_else(|| lead.organisation.clone()).unwrap_or_else(|| lead.name.clone());
    let new = NewDeal {
        company_id,
        contact_id: Some(contact_id),
        owner_id: lead.owner_id,
        territory_id: lead.territory_id,
        ..NewDeal::in_stage(DealId::new(clock), name, &stage, clock.now())
    };
    let by = ctx.viewer()?.person().ok();
    let made = DealRow::begin(&tx, (clock, by), new).await?;
    hand_on_tags(&tx, clock, lead.id, made.id).await?;
    Ok(made.id)
}

async fn convert(
    ctx: &Context<'_>,
    tx: &TenantConn,
    (id, expected_version): (LeadId, Option<i32>),
    input: LeadConvertInput,
) -> Result<Converted> {
    let LeadConvertInput { company_id, contact_id, create_deal, deal_name, pipeline_id } = input;
    let mut check = Check::new();
    let deal_name = check.optional("dealName", deal_name, 200);
    let deal_name = check.done(deal_name)?;
    let lead = model::Lead::lock(tx, id, None).await?;
    if lead.status == LeadStatus::Converted {
        let conversion = Conversion::of(tx, id).await?;
        return Ok(Converted { lead, conversion });
    }
    expect_version(("leads", id.into()), expected_version, lead.version)?;
    allow(ctx, tx, &lead, Step::Convert).await?;
    let named = [
        ("companyId", "companies", company_id.map(Into::into)),
        ("contactId", "contacts", contact_id.map(Into::into)),
        ("pipelineId", "pipelines", pipeline_id.map(Into::into)),
    ];
    ctx.expect(tx, &named).await?;
    let company_id = company(ctx, tx, &lead, company_id).await?;
    let contact_id = contact(ctx, tx, &lead, (contact_id, company_id)).await?;
    let deal_id = match create_deal {
        true => {
            let made = deal(ctx, tx, &lead, (deal_name, pipeline_id), (company_id, contact_id));
            Some(made.await?)
        }
        false => None,
    };
    hand_over(tx, id, contact_id).await?;
    let (contact_id, at) = (Some(contact_id), ctx.clock().now());
    let conversion = Conversion { lead_id: id, company_id, contact_id, deal_id, at };
    Conversion::insert(tx, ctx.clock(), &conversion).await?;
    let step = LeadMove { status: Some(LeadStatus::Converted), ..LeadMove::default() };
    let lead = model::Lead::go(tx, id, step).await?;
    Ok(Converted { lead, conversion })
}

#[derive(Default)]
pub struct ConvertMutation;

#[Object]
impl ConvertMutation {
    /// Makes of a QUALIFIED lead a contact, where it is of one a company, and perhaps a deal; what is
    /// there already is linked, as far as you see it. Its activities go over to the contact; a contact
    /// and a deal that are made get its tags. A lead is converted once: from then on the first result
    /// is answered.
    #[graphql(directive = requires::apply(LeadUpdate))]
    async fn lead_convert(
        &self,
        ctx: &Context<'_>,
        id: LeadId,
        expected_version: Option<i32>,
        #[graphql(desc = "What it becomes.")] input: LeadConvertInput,
    ) -> Result<Option<LeadConvertPayload>> {
        let which = (id, expected_version);
        let converted = ctx.write(LeadUpdate, async |tx| convert(ctx, tx, which, input).await);
        let (done, problems) = match converted.await {
            Ok(done) => (Some(done), Vec::new()),
            Err(error) => (None, refusals(error)?),
        };
        let user_errors = problems.into_iter().map(Into::into).collect();
        Ok(Some(LeadConvertPayload { done, user_errors }))
    }
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn a_name_has_a_last_word() {
        let told = |name| {
            let (first, last) = names(name);
            (first.unwrap_or_default(), last)
        };
        assert_eq!(told("Ada King Lovelace"), ("Ada King".into(), "Lovelace".into()));
        assert_eq!(told(" Ada "), (String::new(), "Ada".into()));
    }
}
