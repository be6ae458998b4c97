use async_graphql::{Context, Many, Object};

use super::super::{
    ContactId,
    model::{self, COMPANY_OF_CONTACTS, TERRITORY_OF_CONTACTS},
};
use crate::{
    accounts::{User, UserById, UserId},
    activities::{
        ACTIVITIES_OF_CONTACTS, ActivityConnection, ActivityOrder, ActivityRelationFilter,
        ActivityWhere,
    },
    bulk_payload, by_id,
    clock::Timestamp,
    column,
    companies::{Company, CompanyById, CompanyId, CompanyWhere},
    connection,
    db::Value,
    deals::{DEALS_OF_CONTACTS, DealConnection, DealOrder, DealRelationFilter, DealWhere},
    error::Result,
    filter,
    graphql::{DateTimeFilter, Doors, IDFilter, Nesting, Paging, StringFilter, one},
    payload, relation_filter,
    tags::{Tag, TagRelationFilter, Tagged, tags},
    territories::{Territory, TerritoryById, TerritoryId, TerritoryWhere},
    timeline::{TimelineConnection, TimelineKind, timeline},
};

by_id!(
    /// Contacts by id; deleted ones are not found.
    ContactById, contacts[not deleted_at], model::Contact, ContactId, ContactRead
);

/// A person that the tenant talks to.
pub struct Contact(pub model::Contact);

/// A person that the tenant talks to.
#[Object]
impl Contact {
    /// Their id.
    pub async fn id(&self) -> ContactId {
        self.0.id
    }

    /// Their first and last name, as one writes it.
    async fn name(&self) -> String {
        let names = self.0.first_name.iter().chain([&self.0.last_name]);
        names.map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    /// Their first name.
    async fn first_name(&self) -> Option<&str> {
        self.0.first_name.as_deref()
    }

    /// Their last name.
    async fn last_name(&self) -> &str {
        &self.0.last_name
    }

    /// Their e-mail address; no other contact of the tenant has it.
    async fn email(&self) -> Option<&str> {
        self.0.email.as_deref()
    }

    /// Their telephone number.
    async fn phone(&self) -> Option<&str> {
        self.0.phone.as_deref()
    }

    /// What they are there, such as "Head of Purchasing".
    async fn title(&self) -> Option<&str> {
        self.0.title.as_deref()
    }

    /// Where they work.
    async fn company(&self, ctx: &Context<'_>) -> Result<Option<Company>> {
        let Some(company) = self.0.company_id else { return Ok(None) };
        Ok(ctx.load::<CompanyById>(company).await?.map(Company))
    }

    /// Who looks after them.
    async fn owner(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        let Some(owner) = self.0.owner_id else { return Ok(None) };
        Ok(ctx.load::<UserById>(owner).await?.map(User))
    }

    /// The territory they belong to.
    async fn territory(&self, ctx: &Context<'_>) -> Result<Option<Territory>> {
        let Some(territory) = self.0.territory_id else { return Ok(None) };
        Ok(ctx.load::<TerritoryById>(territory).await?.map(Territory))
    }

    /// What was done and is to be done about them.
    async fn activities(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        r#where: Option<ActivityWhere>,
        order_by: Option<Vec<ActivityOrder>>,
    ) -> Result<Option<ActivityConnection>> {
        let (paging, of) = (Paging::forward(first, after), column!(activities::contact_id));
        ActivityConnection::of(ctx, Nesting::of(self.0.id, of), paging, r#where, order_by).await
    }

    /// What they are talked to about, by name.
    async fn deals(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        r#where: Option<DealWhere>,
        order_by: Option<Vec<DealOrder>>,
    ) -> Result<Option<DealConnection>> {
        let (paging, of) = (Paging::forward(first, after), column!(deals::contact_id));
        DealConnection::of(ctx, Nesting::of(self.0.id, of), paging, r#where, order_by).await
    }

    /// Their tags, by name.
    async fn tags(&self, ctx: &Context<'_>) -> Result<Many<Tag>> {
        tags(ctx, self.0.id).await
    }

    /// What happened with them, the newest first (what is still to come is on top): the activities about
    /// them and about their deals; the steps of their deals; and how the contact was made, changed,
    /// given to somebody else, deleted and brought back. What you may not see is not in it, and not
    /// counted.
    async fn timeline(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        #[graphql(desc = "Of these kinds only; absent: of all.")] kinds: Option<Vec<TimelineKind>>,
    ) -> Result<Option<TimelineConnection>> {
        timeline(ctx, (self.0.id, column!(contacts::id)), (first, after), kinds).await
    }

    /// Counts their changes: give it as `expectedVersion` to change what you have seen.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When they were made.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// When they were last changed.
    async fn updated_at(&self) -> Timestamp {
        self.0.updated_at
    }
}

filter! {
    /// Which contacts.
    ContactWhere {
        /// By name, the last one first: "lovelace ada". Upper and lower case are alike.
        name: StringFilter => |name, _| name.folded(column!(contacts::name_key)),
        /// By e-mail address; upper and lower case are alike.
        email: StringFilter => |email, _| email.folded(column!(contacts::email_key)),
        /// By company.
        company_id: IDFilter => |id, _| id.of(CompanyId::parse, column!(contacts::company_id)),
        /// By what their company is.
        company: CompanyWhere => |which, by| one(which, COMPANY_OF_CONTACTS, by),
        /// By owner.
        owner_id: IDFilter => |owner, _| owner.of(UserId::parse, column!(contacts::owner_id)),
        /// By territory.
        territory: TerritoryWhere => |which, by| one(which, TERRITORY_OF_CONTACTS, by),
        /// By what they are talked to about.
        deals: DealRelationFilter => |deals, by| deals.through(DEALS_OF_CONTACTS, by),
        /// By when they were made.
        created_at: DateTimeFilter => |at, _| at.on(column!(contacts::created_at)),
        /// By what was done and is to be done about them.
        activities: ActivityRelationFilter => |activities, by| activities.through(ACTIVITIES_OF_CONTACTS, by),
        /// By their tags.
        tags: TagRelationFilter => |tags, by| tags.through(ContactId::TAGS, by),
        /// By when they were last changed.
        updated_at: DateTimeFilter => |at, _| at.on(column!(contacts::updated_at)),
        /// Those with this text in their name.
        search: String => |text, _| StringFilter::containing(text).folded(column!(contacts::name_key)),
    }
}

relation_filter!(
    /// Some, none or all of the contacts.
    ContactRelationFilter, ContactWhere
);

connection! {
    /// A page of contacts.
    Contact as ContactConnection, ContactEdge, of model::Contact, which ContactWhere, permission ContactRead, nested;
    id contacts::id;
    /// How to sort contacts.
    order ContactOrder by ContactOrderField {
        /// By name, the last one first; upper and lower case alike.
        Name => contacts::name_key, |contact| Value::Text(contact.0.name_key.clone());
        /// By when they were made.
        CreatedAt => contacts::created_at, |contact| Value::Moment(contact.0.created_at.0);
        /// By when they were last changed.
        UpdatedAt => contacts::updated_at, |contact| Value::Moment(contact.0.updated_at.0);
    }
    /// What of contacts can be counted.
    facets ContactFacet {
        /// Where they work.
        Company => contacts::company_id, ids CompanyId;
        /// Who looks after them.
        Owner => contacts::owner_id, ids UserId;
        /// The territories they belong to.
        Territory => contacts::territory_id, ids TerritoryId;
    }
}

payload! {
    /// The answer to a change of a contact.
    ContactPayload {
        /// The contact as it is now; null when nothing was written.
        contact: Contact
    }
}

bulk_payload! {
    /// The answer to a change of several contacts.
    ContactsPayload {
        /// The contacts that were written, in the order of the input.
        contacts: Contact
    }
}
