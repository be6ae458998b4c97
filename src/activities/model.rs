use diesel::prelude::{
    AsChangeset, ExpressionMethods, HasQuery, Insertable, OptionalEmptyChangesetExtension,
    QueryDsl, Queryable, Selectable, SelectableHelper,
};
use uuid::Uuid;

use super::{ActivityDirection, ActivityId, ActivityKind};
use crate::{
    accounts::UserId,
    clock::Timestamp,
    column,
    companies::CompanyId,
    contacts::ContactId,
    db::{Column, Link},
    ids::RawId,
    kept, listed, record,
    schema::activities,
};

const fn of(record: Column, names_it: Column) -> Link {
    Link::one(record, names_it).alive(column!(activities::deleted_at))
}

/// How records reach the activities about them, for filters.
pub const ACTIVITIES_OF_COMPANIES: Link =
    of(column!(companies::id), column!(activities::company_id));
pub const ACTIVITIES_OF_CONTACTS: Link = of(column!(contacts::id), column!(activities::contact_id));
pub const ACTIVITIES_OF_LEADS: Link = of(column!(leads::id), column!(activities::lead_id));
pub const ACTIVITIES_OF_DEALS: Link = of(column!(deals::id), column!(activities::deal_id));

#[derive(Clone, Debug, HasQuery)]
#[diesel(table_name = activities)]
pub struct Activity {
    pub id: ActivityId,
    pub kind: ActivityKind,
    pub subject: String,
    pub body: Option<String>,
    pub direction: Option<ActivityDirection>,
    pub duration_seconds: Option<i32>,
    pub due_at: Option<Timestamp>,
    pub done_at: Option<Timestamp>,
    pub at: Timestamp,
    pub author_id: Option<Uuid>,
    pub owner_id: Option<UserId>,
    #[diesel(embed)]
    pub about: About,
    pub version: i32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What an activity is about; one of these is there.
#[derive(Clone, Copy, Debug, Default, Queryable, Selectable, Insertable)]
#[diesel(table_name = activities, treat_none_as_default_value = false)]
pub struct About {
    pub company_id: Option<CompanyId>,
    pub contact_id: Option<ContactId>,
    pub lead_id: Option<Uuid>,
    pub deal_id: Option<Uuid>,
}

impl About {
    /// From the id of a record: with its table, or `None` where there are no activities about such.
    pub fn record(id: &RawId<'_>) -> Option<(Self, &'static str)> {
        let (uuid, none) = (id.uuid, Self::default());
        match id.prefix {
            "company" => Some((Self { company_id: Some(CompanyId(uuid)), ..none }, "companies")),
            "contact" => Some((Self { contact_id: Some(ContactId(uuid)), ..none }, "contacts")),
            "lead" => Some((Self { lead_id: Some(uuid), ..none }, "leads")),
            "deal" => Some((Self { deal_id: Some(uuid), ..none }, "deals")),
            _ => None,
        }
    }

    /// What its id begins with, and the rest of it.
    pub fn id(&self) -> Option<(&'static str, Uuid)> {
        let Self { company_id, contact_id, lead_id, deal_id } = *self;
        let company = company_id.map(|id| ("company", id.0));
        let contact = contact_id.map(|id| ("contact", id.0));
        let lead = lead_id.map(|id| ("lead", id));
        company.or(contact).or(lead).or(deal_id.map(|id| ("deal", id)))
    }
}

/// An activity to be made; the tenant is the connection's.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = activities, treat_none_as_default_value = false)]
pub struct NewActivity {
    pub id: ActivityId,
    pub kind: ActivityKind,
    pub subject: String,
    pub body: Option<String>,
    pub direction: Option<ActivityDirection>,
    pub duration_seconds: Option<i32>,
    pub due_at: Option<Timestamp>,
    pub done_at: Option<Timestamp>,
    pub author_id: Option<Uuid>,
    pub owner_id: Option<UserId>,
    #[diesel(embed)]
    pub about: About,
}

/// What an update changes: `None` keeps, `Some(None)` clears.
#[derive(Clone, Debug, Default, AsChangeset)]
#[diesel(table_name = activities)]
pub struct ActivityChanges {
    pub subject: Option<String>,
    pub body: Option<Option<String>>,
    pub direction: Option<Option<ActivityDirection>>,
    pub duration_seconds: Option<Option<i32>>,
    pub due_at: Option<Option<Timestamp>>,
    pub done_at: Option<Option<Timestamp>>,
    pub owner_id: Option<Option<UserId>>,
}

record!(Activity, activities[not deleted_at][owner owner_id], ActivityId, NewActivity, ActivityChanges);
kept!(Activity, activities, ActivityId);
listed!(Activity, activities[not deleted_at]);
