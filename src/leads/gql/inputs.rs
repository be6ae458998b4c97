use async_graphql::{Enum, InputObject, MaybeUndefined};

use super::super::{LeadId, likeness::domain_of, model, values::LeadStatus};
use crate::{
    access::Viewer,
    accounts::{Email, UserId},
    clock::Clock,
    error::{ErrorCode, Result},
    graphql::{Check, count, keep},
    territories::TerritoryId,
};

/// What to do when a lead seems to be there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub enum OnDuplicate {
    /// Make none: DUPLICATE, with the ids of those that you see. A colleague of a known company is
    /// no duplicate.
    Reject,
    /// Make it, and link it with what was found (`Lead.links`).
    Link,
    /// Make it; `duplicates` tells what was found.
    #[default]
    Create,
}

/// A lead to be made: at least a name, an organisation, an e-mail address or a telephone number.
#[derive(InputObject)]
pub struct LeadCreateInput {
    /// Who it is, at most 200 characters. When it is empty, the organisation, the e-mail address or
    /// the telephone number takes its place.
    name: String,
    /// Where they work, at most 200 characters.
    organisation: Option<String>,
    /// Their e-mail address.
    email: Option<String>,
    /// Their telephone number, at most 50 characters.
    phone: Option<String>,
    /// Where it came from, such as "Trade fair"; at most 100 characters.
    source: Option<String>,
    /// What their organisation does, at most 100 characters.
    industry: Option<String>,
    /// How many people work there.
    employees: Option<i32>,
    /// Their country, best as an ISO 3166 code such as "DE"; at most 100 characters.
    country: Option<String>,
    /// Their postal code, at most 20 characters.
    postal_code: Option<String>,
    /// Their city, at most 100 characters.
    city: Option<String>,
    /// Who looks after it. Absent: whoever's turn it is in the territory that the tenant's rules
    /// find; where none fits, yourself (nobody when you are a program). Null: the same, but where no
    /// rule fits it waits for somebody.
    owner_id: MaybeUndefined<UserId>,
    /// The territory it belongs to; when absent, the one that the tenant's rules find.
    territory_id: Option<TerritoryId>,
    /// What to do when it seems to be there already; CREATE when absent.
    on_duplicate: Option<OnDuplicate>,
}

/// A lead to be made, before it is assigned.
pub struct Draft {
    pub new: model::NewLead,
    pub owner: MaybeUndefined<UserId>,
    pub on_duplicate: OnDuplicate,
}

impl LeadCreateInput {
    pub fn check(self, clock: &Clock, viewer: &Viewer) -> Result<Draft> {
        let mut check = Check::by(viewer);
        let email: Option<String> = check.parse("email", self.email, Email::parse).map(Into::into);
        let organisation = check.optional("organisation", self.organisation, 200);
        let phone = check.optional("phone", self.phone, 50);
        let name = check.optional("name", Some(self.name), 200);
        let name = name.or_else(|| organisation.clone()).or_else(|| email.clone());
        let name = name.or_else(|| phone.clone()).unwrap_or_default();
        if name.is_empty() {
            let told = "needs a name, an organisation, an e-mail address or a telephone number";
            check.problem(ErrorCode::Required, "name", told);
        }
        let new = model::NewLead {
            id: LeadId::new(clock),
            name,
            organisation,
            domain: email.as_deref().and_then(domain_of),
            email,
            phone,
            source: check.optional("source", self.source, 100),
            industry: check.optional("industry", self.industry, 100),
            employees: check.parse("employees", self.employees, count),
            country: check.optional("country", self.country, 100),
            postal_code: check.optional("postalCode", self.postal_code, 20),
            city: check.optional("city", self.city, 100),
            status: LeadStatus::New,
            owner_id: None,
            territory_id: self.territory_id,
            reopened: 0,
            respond_by: None,
        };
        let on_duplicate = self.on_duplicate.unwrap_or_default();
        check.done(Draft { new, owner: self.owner_id, on_duplicate })
    }
}

/// What to change: an absent field keeps its value, null clears it.
#[derive(InputObject)]
pub struct LeadUpdateInput {
    /// Who it is, 1 to 200 characters.
    name: MaybeUndefined<String>,
    /// Where they work, at most 200 characters.
    organisation: MaybeUndefined<String>,
    /// Their e-mail address.
    email: MaybeUndefined<String>,
    /// Their telephone number, at most 50 characters.
    phone: MaybeUndefined<String>,
    /// Where it came from, at most 100 characters.
    source: MaybeUndefined<String>,
    /// What their organisation does, at most 100 characters.
    industry: MaybeUndefined<String>,
    /// How many people work there.
    employees: MaybeUndefined<i32>,
    /// Their country, best as an ISO 3166 code such as "DE"; at most 100 characters.
    country: MaybeUndefined<String>,
    /// Their postal code, at most 20 characters.
    postal_code: MaybeUndefined<String>,
    /// Their city, at most 100 characters.
    city: MaybeUndefined<String>,
    /// Who looks after it; null: it waits for somebody.
    owner_id: MaybeUndefined<UserId>,
    /// The territory it belongs to.
    territory_id: MaybeUndefined<TerritoryId>,
}

impl LeadUpdateInput {
    pub fn check(self, viewer: &Viewer) -> Result<model::LeadChanges> {
        let mut check = Check::by(viewer);
        let email = check.keep_or_parse("email", self.email, Email::parse);
        let email = email.map(|email| email.map(String::from));
        let changes = model::LeadChanges {
            name: check.keep_or_text("name", self.name, 200),
            organisation: check.keep_or_optional("organisation", self.organisation, 200),
            domain: email.as_ref().map(|email| email.as_deref().and_then(domain_of)),
            email,
            phone: check.keep_or_optional("phone", self.phone, 50),
            source: check.keep_or_optional("source", self.source, 100),
            industry: check.keep_or_optional("industry", self.industry, 100),
            employees: check.keep_or_parse("employees", self.employees, count),
            country: check.keep_or_optional("country", self.country, 100),
            postal_code: check.keep_or_optional("postalCode", self.postal_code, 20),
            city: check.keep_or_optional("city", self.city, 100),
            owner_id: keep(self.owner_id),
            territory_id: keep(self.territory_id),
        };
        check.done(changes)
    }
}

/// A lead to be changed.
#[derive(InputObject)]
pub struct LeadChangeInput {
    /// Which.
    pub id: LeadId,
    /// The version that you have seen; another one is refused.
    pub expected_version: Option<i32>,
    /// What to change.
    pub input: LeadUpdateInput,
}
