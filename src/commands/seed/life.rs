//! Plays what happened in the demo: day by day, each day a transaction at its own time, so that the
//! trail tells it as it was.

use std::{collections::HashMap, time::Duration};

use super::{
    setup::set_up,
    story::{Act, STORY},
};
use crate::{
    access::BuiltInRole::Rep,
    accounts::{UserId, UserRow},
    activities::{
        About, ActivityChanges, ActivityDirection, ActivityId, ActivityKind, ActivityRow,
        NewActivity,
    },
    clock::{Clock, Day, Timestamp},
    companies::{CompanyRow, Domain},
    contacts::{ContactId, ContactRow, NewContact},
    db::{Db, Paged, Slice, TenantConn, WriteContext},
    deals::{DealId, DealRow, NewDeal, Said, StageRow, first_stage},
    error::{Error, Result},
    ids::new_uuid,
    leads::{
        LeadId, LeadMove, LeadRow, LeadStatus, NewLead, answered, domain_of, note_outbound,
        rescore, wake_at,
    },
    money::{Currency, Money},
    tags::{TagId, TagRow, replace_tags_of},
    tenants::TenantRow,
    territories::{Place, TerritoryRow, territory_for},
};

/// How long ago the demo begins, in days.
pub const PAST: u64 = 90;
const SET_UP: u64 = 86;
const HOURS_TO_ANSWER: u64 = 24;
const REST: u64 = 25;

/// Who and what has appeared.
struct Play<'a> {
    tenant: &'a TenantRow,
    now: Timestamp,
    reps: Vec<UserId>,
    tags: HashMap<String, TagId>,
    companies: HashMap<String, CompanyRow>,
    contacts: HashMap<String, ContactRow>,
    deals: HashMap<&'static str, DealRow>,
    leads: HashMap<&'static str, LeadRow>,
    planned: HashMap<&'static str, ActivityRow>,
}

/// So many days before a moment.
fn ago(now: Timestamp, days: u64) -> Timestamp {
    now.minus(Duration::from_hours(24 * days))
}

/// So many days from a moment, back or on.
fn from(now: Timestamp, days: i64) -> Timestamp {
    Timestamp(now.0 + chrono::Duration::days(days))
}

async fn begin(db: &Db, tenant: &TenantRow, at: Timestamp) -> Result<(Clock, TenantConn)> {
    let clock = Clock::frozen(at);
    let write = new_uuid(&clock);
    let context = WriteContext { write, actor: None, request: "seed".into() };
    let tx = db.write(tenant.id, context).await?;
    Ok((clock, tx))
}

/// Plays all of it in a tenant where nothing of it is; whether that was so.
pub async fn live(db: &Db, clock: &Clock, tenant: &TenantRow) -> Result<bool> {
    let now = clock.now();
    let (early, tx) = begin(db, tenant, ago(now, SET_UP)).await?;
    if something(&tx, tenant).await? {
        tx.roll_back().await?;
        return Ok(false);
    }
    let (companies, tags) = set_up(&tx, &early, tenant, now).await?;
    let tags = tags.into_iter().map(|tag| (tag.name, tag.id)).collect();
    let companies = companies.into_iter().map(|company| (company.name.clone(), company)).collect();
    let reps = UserRow::by_role(&tx, Rep.name()).await?.iter().map(|rep| rep.id).collect();
    let (contacts, deals, leads, planned) = Default::default();
    let mut play = Play { tenant, now, reps, tags, companies, contacts, deals, leads, planned };
    tx.commit().await?;
    for days in STORY.chunk_by(|one, next| one.0 == next.0) {
        let Some((day, _)) = days.first() else { continue };
        let (clock, tx) = begin(db, tenant, from(now, -day)).await?;
        for (_, act) in days {
            play.act(&tx, &clock, *act).await?;
        }
        tx.commit().await?;
    }
    Ok(true)
}

/// Has somebody worked here already?
async fn something(tx: &TenantConn, tenant: &TenantRow) -> Result<bool> {
    let all = Slice::everything(tenant.id);
    Ok(ContactRow::count(tx, &all).await? > 0
        || DealRow::count(tx, &all).await? > 0
        || LeadRow::count(tx, &all).await? > 0
        || TagRow::count(tx, &all).await? > 0
        || TerritoryRow::count(tx, &all).await? > 0)
}

/// The other currency, and the tenant's own.
pub fn currencies(tenant: &TenantRow) -> Result<(Currency, Currency)> {
    let other = if tenant.currency == "EUR" { "USD" } else { "EUR" };
    let parse = |code| Currency::parse(code).ok_or(Error::NotFound);
    Ok((parse(other)?, parse(&tenant.currency)?))
}

impl Play<'_> {
    async fn act(&mut self, tx: &TenantConn, clock: &Clock, act: Act) -> Result<()> {
        match act {
            Act::Contact(first, last, title, company) => {
                self.contact(tx, clock, (first, last), title, company).await
            }
            Act::Deal(name, company, thousands, other, closes) => {
                self.deal(tx, clock, name, company, (thousands, other, closes)).await
            }
            Act::Move(name, stage, reason) => self.go(tx, clock, name, stage, reason).await,
            Act::Lead(name, organisation, source, country, employees) => {
                let works = (organisation, source, country, employees);
                self.lead(tx, clock, name, works).await
            }
            Act::Step(name, to) => self.step(tx, clock, name, to).await,
            Act::Did(about, kind, subject, by_them) => {
                let touches = matches!(kind, ActivityKind::Call | ActivityKind::Email);
                let direction = match by_them {
                    true => ActivityDirection::Inbound,
                    false => ActivityDirection::Outbound,
                };
                let new = NewActivity {
                    direction: touches.then_some(direction),
                    done_at: Some(clock.now()),
                    ..self.activity(clock, about, kind, subject)?
                };
                self.write_down(tx, clock, new).await.map(drop)
            }
            Act::Plan(about, kind, subject, due) => {
                let direction = (kind == ActivityKind::Call).then_some(ActivityDirection::Outbound);
                let due_at = Some(from(self.now, due));
                let new = self.activity(clock, about, kind, subject)?;
                let new = NewActivity { direction, due_at, ..new };
                let planned = self.write_down(tx, clock, new).await?;
                self.planned.insert(subject, planned);
                Ok(())
            }
            Act::Done(subject) => {
                let planned = self.planned.get(subject).ok_or(Error::NotFound)?;
                let done_at = Some(Some(clock.now()));
                let changes = ActivityChanges { done_at, ..Default::default() };
                ActivityRow::update(tx, planned.id, changes).await.map(drop)
            }
            Act::Tag(what, tag) => {
                let tag = [*self.tags.get(tag).ok_or(Error::NotFound)?];
                if let Some(deal) = self.deals.get(what) {
                    replace_tags_of(tx, clock, deal.id, &tag).await
                } else if let Some(contact) = self.contacts.get(what) {
                    replace_tags_of(tx, clock, contact.id, &tag).await
                } else {
                    let lead = self.leads.get(what).ok_or(Error::NotFound)?;
                    replace_tags_of(tx, clock, lead.id, &tag).await
                }
            }
        }
    }

    fn rep(&self, at: usize) -> Option<UserId> {
        self.reps.get(at % self.reps.len().max(1)).copied()
    }

    async fn contact(
        &mut self,
        tx: &TenantConn,
        clock: &Clock,
        (first, last): (&str, &str),
        title: &str,
        company: &str,
    ) -> Result<()> {
        let company = self.companies.get(company).ok_or(Error::NotFound)?;
        let domain = company.domain.as_ref().map(Domain::as_str);
        let email = domain.map(|domain| format!("{first}.{last}@{domain}").to_lowercase());
        let new = NewContact {
            id: ContactId::new(clock),
            first_name: Some(first.into()),
            last_name: last.into(),
            email,
            phone: Some(format!("+1 555 02{:02}", self.contacts.len())),
            title: Some(title.into()),
            company_id: Some(company.id),
            owner_id: company.owner_id,
            territory_id: company.territory_id,
        };
        let made = ContactRow::insert(tx, new).await?;
        self.contacts.insert(format!("{first} {last}"), made);
        Ok(())
    }

    async fn deal(
        &mut self,
        tx: &TenantConn,
        clock: &Clock,
        name: &'static str,
        company: &str,
        (thousands, other, closes): (i64, bool, i64),
    ) -> Result<()> {
        let company = self.companies.get(company).ok_or(Error::NotFound)?;
        let works_there =
            self.contacts.values().filter(|contact| contact.company_id == Some(company.id));
        let (foreign, own) = currencies(self.tenant)?;
        let currency = if other { foreign } else { own };
        let amount = Some(Money { amount: (thousands * 1_000).into(), currency });
        let stage = first_stage(tx, None).await?;
        let new = NewDeal {
            company_id: Some(company.id),
            contact_id: works_there.map(|contact| contact.id).min(),
            owner_id: company.owner_id,
            territory_id: company.territory_id,
            amount: amount.into(),
            expected_close_on: Some(Day(from(self.now, closes).0.date_naive())),
            ..NewDeal::in_stage(DealId::new(clock), name.into(), &stage, clock.now())
        };
        let made = DealRow::begin(tx, (clock, company.owner_id), new).await?;
        self.deals.insert(name, made);
        Ok(())
    }

    async fn go(
        &mut self,
        tx: &TenantConn,
        clock: &Clock,
        name: &'static str,
        stage: &str,
        reason: Option<&str>,
    ) -> Result<()> {
        let deal = self.deals.get(name).ok_or(Error::NotFound)?;
        let stages = StageRow::of_pipeline(tx, deal.pipeline_id, 50).await?;
        let to = stages.iter().find(|known| known.name == stage).ok_or(Error::NotFound)?;
        let said = Said { reason: reason.map(Into::into), hold_until: None };
        let moved = DealRow::go(tx, (clock, deal.owner_id), deal, (to, said)).await?;
        self.deals.insert(name, moved);
        Ok(())
    }

    async fn lead(
        &mut self,
        tx: &TenantConn,
        clock: &Clock,
        name: &'static str,
        (organisation, source, country, employees): (&str, &str, &str, i32),
    ) -> Result<()> {
        let slug = |text: &str| text.to_lowercase().replace(" & ", "-").replace(' ', "-");
        let email = format!("{}@{}.example", slug(name).replace('-', "."), slug(organisation));
        let place =
            Place { country: Some(country), employees: Some(employees), ..Place::default() };
        let new = NewLead {
            id: LeadId::new(clock),
            name: name.into(),
            organisation: Some(organisation.into()),
            domain: domain_of(&email),
            email: Some(email),
            phone: Some(format!("+1 555 03{:02}", self.leads.len())),
            source: Some(source.into()),
            industry: None,
            employees: Some(employees),
            country: Some(country.into()),
            postal_code: None,
            city: None,
            status: LeadStatus::New,
            owner_id: self.rep(self.leads.len()),
            territory_id: territory_for(tx, place).await?,
            reopened: 0,
            respond_by: Some(clock.now().plus(Duration::from_hours(HOURS_TO_ANSWER))),
        };
        let made = LeadRow::insert(tx, new).await?;
        rescore(tx, clock, &[made.id]).await?;
        self.leads.insert(name, made);
        Ok(())
    }

    async fn step(
        &mut self,
        tx: &TenantConn,
        clock: &Clock,
        name: &str,
        to: LeadStatus,
    ) -> Result<()> {
        let id = self.leads.get(name).ok_or(Error::NotFound)?.id;
        let lead = LeadRow::find(tx, id).await?;
        let rests = (to == LeadStatus::Nurturing)
            .then(|| Day(self.now.plus(Duration::from_hours(24 * REST)).0.date_naive()));
        let lost = (to == LeadStatus::Unqualified).then(|| "TIMING".to_owned());
        if let Some(until) = rests {
            wake_at(tx, clock, id, TenantRow::hour(tx, until, 0).await?).await?;
        }
        let step = LeadMove {
            status: Some(to),
            nurture_until: Some(rests),
            lost_reason: Some(lost),
            ..answered(&lead, clock.now())
        };
        LeadRow::go(tx, id, step).await.map(drop)
    }

    /// Something about somebody, to be written down.
    fn activity(
        &self,
        clock: &Clock,
        about: &str,
        kind: ActivityKind,
        subject: &str,
    ) -> Result<NewActivity> {
        let nothing = About::default();
        let (about, owner) = if let Some(deal) = self.deals.get(about) {
            (About { deal_id: Some(deal.id.0), ..nothing }, deal.owner_id)
        } else if let Some(contact) = self.contacts.get(about) {
            (About { contact_id: Some(contact.id), ..nothing }, contact.owner_id)
        } else if let Some(lead) = self.leads.get(about) {
            (About { lead_id: Some(lead.id.0), ..nothing }, lead.owner_id)
        } else {
            let company = self.companies.get(about).ok_or(Error::NotFound)?;
            (About { company_id: Some(company.id), ..nothing }, company.owner_id)
        };
        Ok(NewActivity {
            id: ActivityId::new(clock),
            kind,
            subject: subject.into(),
            body: None,
            direction: None,
            duration_seconds: None,
            due_at: None,
            done_at: None,
            author_id: owner.map(Into::into),
            owner_id: owner,
            about,
        })
    }

    /// A lead is answered by what goes to it, and worth what was done with it.
    async fn write_down(
        &self,
        tx: &TenantConn,
        clock: &Clock,
        new: NewActivity,
    ) -> Result<ActivityRow> {
        let answers = new.done_at.is_some() && new.direction == Some(ActivityDirection::Outbound);
        let made = ActivityRow::insert(tx, new).await?;
        if let Some(lead) = made.about.lead_id.map(LeadId) {
            if answers {
                note_outbound(tx, clock, lead).await?;
            }
            rescore(tx, clock, &[lead]).await?;
        }
        Ok(made)
    }
}
