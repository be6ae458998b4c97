//! The demo: two tenants, a person for each role, companies, and what happened with them within three
//! months. Deterministic but for ids; days are told from today.

use std::time::Duration;

use super::{
    DEMO_PASSWORD, Settings,
    life::{PAST, live},
};
use crate::{
    access::BuiltInRole::{self, *},
    accounts::{NewMembership, NewUser, Passwords, UserId, UserRow, report_to},
    clock::Clock,
    companies::{CompanyId, CompanyRow, Domain, NewCompany},
    db::{Db, OperatorConn, Paged, Slice, TenantConn, WriteContext},
    deals::PipelineRow,
    error::{Error, Result},
    http::{Demo, DemoPerson, DemoTenant},
    ids,
    money::{Currency, Money},
    tenants::{NewTenant, TenantId, TenantRow},
};

const TENANTS: [(&str, &str, &str, &str); 2] = [
    ("acme", "Acme Movers", "USD", "America/New_York"),
    ("globex", "Globex", "EUR", "Europe/Berlin"),
];

const PEOPLE: [(&str, BuiltInRole, &str, &str); 9] = [
    ("owner", Owner, "Olivia Owens", "Otto Ostermann"),
    ("admin", Admin, "Adam Archer", "Anna Albrecht"),
    ("manager", Manager, "Maya Miller", "Max Meyer"),
    ("rep", Rep, "Ryan Reed", "Rita Richter"),
    ("rep2", Rep, "Ruth Rogers", "Ralf Roth"),
    ("finance", Finance, "Fiona Fox", "Frida Fuchs"),
    ("operations", Operations, "Oscar Ortiz", "Oskar Ohm"),
    ("field", FieldStaff, "Felix Ford", "Fabian Falk"),
    ("viewer", Viewer, "Vera Vance", "Viktor Vogel"),
];

/// Name, industry, city, country, and revenue in millions; the same in both tenants, so that
/// whoever mixes them up sees it.
const COMPANIES: [(&str, &str, &str, &str, i64); 12] = [
    ("Amber Logistics", "Logistics", "Berlin", "DE", 42),
    ("Beacon Analytics", "Software", "Boston", "US", 12),
    ("Cedar Foods", "Retail", "Chicago", "US", 88),
    ("Delta Clinics", "Healthcare", "Dublin", "IE", 31),
    ("Ember Energy", "Energy", "Oslo", "NO", 140),
    ("Falcon Films", "Media", "Los Angeles", "US", 9),
    ("Granite Builders", "Construction", "Denver", "US", 67),
    ("Harbor Insurance", "Finance", "Hamburg", "DE", 210),
    ("Iron Motors", "Manufacturing", "Detroit", "US", 320),
    ("Juniper Schools", "Education", "Vienna", "AT", 4),
    ("Keystone Legal", "Services", "Philadelphia", "US", 18),
    ("Lumen Telecom", "Telecom", "Lisbon", "PT", 95),
];

/// Who there is, for the playground.
pub fn demo() -> Demo {
    let tenant = |(at, (slug, name, ..)): (usize, (&'static str, &'static str, &str, &str))| {
        let people = PEOPLE.into_iter().map(|(who, role, in_acme, in_globex)| DemoPerson {
            email: format!("{who}@{slug}.test"),
            name: [in_acme, in_globex][at],
            role: role.name(),
        });
        DemoTenant { slug, name, people: people.collect() }
    };
    let tenants = TENANTS.into_iter().enumerate().map(tenant).collect();
    Demo { password: DEMO_PASSWORD, tenants }
}

/// Makes what is missing of the demo; true if anything was.
pub async fn seed_demo(settings: &Settings, clock: &Clock, passwords: &Passwords) -> Result<bool> {
    let began = clock.now().minus(Duration::from_hours(24 * PAST));
    let mut anything = seed_people(settings, &Clock::frozen(began), passwords).await?;
    let (operator, db) = (OperatorConn::open(settings).await?, Db::new(settings)?);
    for (slug, ..) in TENANTS {
        let tenant = TenantRow::by_slug(operator.pg(), slug).await?.ok_or(Error::NotFound)?;
        anything |= live(&db, clock, &tenant).await?;
    }
    Ok(anything)
}

/// Its tenants and people, the companies and the pipeline. Each step is one transaction.
pub async fn seed_people(
    settings: &Settings,
    clock: &Clock,
    passwords: &Passwords,
) -> Result<bool> {
    let operator = OperatorConn::open(settings).await?;
    let mut anything = false;
    for (at, (slug, ..)) in TENANTS.iter().enumerate() {
        if TenantRow::by_slug(operator.pg(), slug).await?.is_none() {
            let hash = passwords.hash(DEMO_PASSWORD.into()).await?;
            people(&operator, clock, at, slug, &hash).await?;
            anything = true;
        }
    }
    let db = Db::new(settings)?;
    for (slug, ..) in TENANTS {
        let tenant = TenantRow::by_slug(operator.pg(), slug).await?.ok_or(Error::NotFound)?;
        let context =
            WriteContext { write: ids::new_uuid(clock), actor: None, request: "seed".into() };
        let tx = db.write(tenant.id, context).await?;
        if companies(&tx, clock, &tenant).await? {
            reporting_line(&tx, clock).await?;
            anything = true;
        }
        PipelineRow::make_default(&tx).await?;
        tx.commit().await?;
    }
    Ok(anything)
}

async fn people(
    conn: &OperatorConn,
    clock: &Clock,
    at: usize,
    slug: &str,
    hash: &str,
) -> Result<()> {
    let (tenant, created_at) = (TenantId::new(clock), clock.now());
    let (_, name, currency, time_zone) = TENANTS[at];
    let new = NewTenant { id: tenant, slug, name, currency, time_zone, created_at };
    conn.write(tenant, clock, async || {
        TenantRow::insert(conn, &new).await?;
        for (who, role, in_acme, in_globex) in PEOPLE {
            let (id, email) = (UserId::new(clock), format!("{who}@{slug}.test"));
            let name = [in_acme, in_globex][at];
            let new = NewUser { id, email: &email, name, password_hash: hash, created_at };
            UserRow::insert(conn, &new).await?;
            let roles = vec![role.name()];
            let new = NewMembership { tenant_id: tenant, user_id: id, roles, created_at };
            new.insert(conn).await?;
        }
        Ok(())
    })
    .await
}

/// Reps report to the manager, the manager to the administrator, and they to the owner.
async fn reporting_line(tx: &TenantConn, clock: &Clock) -> Result<()> {
    let mut above = None;
    for role in [Owner, Admin, Manager, Rep] {
        let people = UserRow::by_role(tx, role.name()).await?;
        for person in &people {
            report_to(tx, clock, person.id, above).await?;
        }
        above = people.first().map(|person| person.id).or(above);
    }
    Ok(())
}

async fn companies(tx: &TenantConn, clock: &Clock, tenant: &TenantRow) -> Result<bool> {
    if CompanyRow::count(tx, &Slice::everything(tenant.id)).await? > 0 {
        return Ok(false);
    }
    let reps = UserRow::by_role(tx, Rep.name()).await?;
    let currency = Currency::parse(&tenant.currency).ok_or(Error::NotFound)?;
    let mut new = Vec::new();
    for (at, (name, industry, city, country, millions)) in COMPANIES.into_iter().enumerate() {
        let first = name.split(' ').next().unwrap_or(name).to_lowercase();
        let domain = Domain::parse(format!("{first}.example")).ok();
        let amount = (millions * 1_000_000).into();
        new.push(NewCompany {
            postal_code: None,
            employees: None,
            territory_id: None,
            id: CompanyId::new(clock),
            name: name.into(),
            domain,
            industry: Some(industry.into()),
            phone: Some(format!("+1 555 01{at:02}")),
            city: Some(city.into()),
            country: Some(country.into()),
            annual_revenue: Some(Money { amount, currency }).into(),
            owner_id: reps.get(at % reps.len().max(1)).map(|rep| rep.id),
        });
    }
    for new in new {
        CompanyRow::insert(tx, new).await?;
    }
    Ok(true)
}
