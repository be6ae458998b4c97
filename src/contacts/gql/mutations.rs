use async_graphql::{Context, InputObject, MaybeUndefined, Object};

use super::{
    super::{ContactId, model},
    types::{Contact, ContactPayload, ContactsPayload},
};
use crate::{
    access::{Permission::*, Viewer},
    accounts::{Email, UserId},
    clock::Clock,
    companies::{CompanyId, CompanyRow},
    db::{Deleted, TenantConn},
    deals::DealRow,
    error::Result,
    graphql::{
        Bulk, Check, DeletePayload, DeletesPayload, Doors, ErrorPolicy, keep, requires, rival,
    },
    leads::LeadRow,
    tags::{TagId, replace_tags_of},
    territories::TerritoryId,
};

/// A contact to be made.
#[derive(InputObject)]
pub struct ContactCreateInput {
    /// Their first name, at most 100 characters.
    first_name: Option<String>,
    /// Their last name, 1 to 100 characters.
    last_name: String,
    /// Their e-mail address.
    email: Option<String>,
    /// Their telephone number, at most 50 characters.
    phone: Option<String>,
    /// What they are there, at most 100 characters.
    title: Option<String>,
    /// Where they work.
    company_id: Option<CompanyId>,
    /// Who looks after them; yourself when absent, nobody when you are a program.
    owner_id: Option<UserId>,
    /// The territory they belong to; their company's when absent.
    territory_id: Option<TerritoryId>,
}

impl ContactCreateInput {
    fn check(self, clock: &Clock, viewer: &Viewer) -> Result<model::NewContact> {
        let mut check = Check::by(viewer);
        let draft = model::NewContact {
            id: ContactId::new(clock),
            first_name: check.optional("firstName", self.first_name, 100),
            last_name: check.text("lastName", self.last_name, 100),
            email: check.parse("email", self.email, Email::parse).map(Into::into),
            phone: check.optional("phone", self.phone, 50),
            title: check.optional("title", self.title, 100),
            company_id: self.company_id,
            owner_id: self.owner_id.or(viewer.person().ok()),
            territory_id: self.territory_id,
        };
        check.done(draft)
    }
}

/// What to change: an absent field keeps its value, null clears it.
#[derive(InputObject)]
pub struct ContactUpdateInput {
    /// Their first name, at most 100 characters.
    first_name: MaybeUndefined<String>,
    /// Their last name, 1 to 100 characters.
    last_name: MaybeUndefined<String>,
    /// Their e-mail address.
    email: MaybeUndefined<String>,
    /// Their telephone number, at most 50 characters.
    phone: MaybeUndefined<String>,
    /// What they are there, at most 100 characters.
    title: MaybeUndefined<String>,
    /// Where they work.
    company_id: MaybeUndefined<CompanyId>,
    /// Who looks after them.
    owner_id: MaybeUndefined<UserId>,
    /// The territory they belong to.
    territory_id: MaybeUndefined<TerritoryId>,
}

impl ContactUpdateInput {
    fn check(self, viewer: &Viewer) -> Result<model::ContactChanges> {
        let mut check = Check::by(viewer);
        let email = check.keep_or_parse("email", self.email, Email::parse);
        let changes = model::ContactChanges {
            first_name: check.keep_or_optional("firstName", self.first_name, 100),
            last_name: check.keep_or_text("lastName", self.last_name, 100),
            email: email.map(|email| email.map(Into::into)),
            phone: check.keep_or_optional("phone", self.phone, 50),
            title: check.keep_or_optional("title", self.title, 100),
            company_id: keep(self.company_id),
            owner_id: keep(self.owner_id),
            territory_id: keep(self.territory_id),
        };
        check.done(changes)
    }
}

/// A contact to be changed.
#[derive(InputObject)]
pub struct ContactChangeInput {
    /// Which.
    id: ContactId,
    /// The version that you have seen; another one is refused.
    expected_version: Option<i32>,
    /// What to change.
    input: ContactUpdateInput,
}

async fn create(
    ctx: &Context<'_>,
    tx: &TenantConn,
    input: ContactCreateInput,
) -> Result<model::Contact> {
    let mut new = input.check(ctx.clock(), ctx.viewer()?)?;
    let (company, territory) = (new.company_id, new.territory_id);
    let company_named = ("companyId", "companies", company.map(Into::into));
    let territory_named = ("territoryId", "territories", territory.map(Into::into));
    let named = [company_named, territory_named];
    let theirs = async {
        match (company, territory) {
            (Some(company), None) => CompanyRow::territory(tx, company).await,
            _ => Ok(territory),
        }
    };
    let (expected, territory) = futures_util::join!(ctx.expect(tx, &named), theirs);
    expected?;
    new.territory_id = territory?;
    model::Contact::insert(tx, new).await
}

async fn update(
    ctx: &Context<'_>,
    tx: &TenantConn,
    change: ContactChangeInput,
) -> Result<model::Contact> {
    let ContactChangeInput { id, expected_version, input } = change;
    let changes = input.check(ctx.viewer()?)?;
    let company = changes.company_id.flatten().map(Into::into);
    let territory = changes.territory_id.flatten().map(Into::into);
    let named = [("companyId", "companies", company), ("territoryId", "territories", territory)];
    ctx.expect(tx, &named).await?;
    model::Contact::lock(tx, id, expected_version).await?;
    model::Contact::update(tx, id, changes).await
}

async fn delete(
    ctx: &Context<'_>,
    tx: &TenantConn,
    id: ContactId,
    expected_version: Option<i32>,
) -> Result<Deleted<ContactId>> {
    model::Contact::lock(tx, id, expected_version).await?;
    model::Contact::delete(tx, id, ctx.clock().now()).await?;
    Ok(Deleted(id))
}

#[derive(Default)]
pub struct ContactMutation;

#[Object]
impl ContactMutation {
    /// Makes a contact.
    #[graphql(directive = requires::apply(ContactCreate))]
    async fn contact_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The contact.")] input: ContactCreateInput,
    ) -> Result<Option<ContactPayload>> {
        let made = ctx.write(ContactCreate, async |tx| create(ctx, tx, input).await);
        ContactPayload::of(made.await.map(Contact))
    }

    /// Makes several contacts.
    #[graphql(directive = requires::apply(ContactCreate))]
    async fn contacts_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The contacts, at most 100.")] input: Vec<ContactCreateInput>,
        #[graphql(desc = "What becomes of the others when some are refused.")] error_policy: Option<
            ErrorPolicy,
        >,
    ) -> Result<Option<ContactsPayload>> {
        let made = ctx.write(ContactCreate, async |tx| {
            let mut all = Bulk::of(&input, error_policy)?;
            for one in input {
                all.begin(tx).await?;
                let made = create(ctx, tx, one).await;
                all.end(tx, made).await?;
            }
            all.done()
        });
        ContactsPayload::of(made.await, Contact)
    }

    /// Changes a contact.
    #[graphql(directive = requires::apply(ContactUpdate))]
    async fn contact_update(
        &self,
        ctx: &Context<'_>,
        id: ContactId,
        expected_version: Option<i32>,
        #[graphql(desc = "What to change.")] input: ContactUpdateInput,
    ) -> Result<Option<ContactPayload>> {
        let change = ContactChangeInput { id, expected_version, input };
        let changed = ctx.write(ContactUpdate, async |tx| update(ctx, tx, change).await);
        ContactPayload::of(changed.await.map(Contact))
    }

    /// Changes several contacts.
    #[graphql(directive = requires::apply(ContactUpdate))]
    async fn contacts_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The changes, at most 100.")] input: Vec<ContactChangeInput>,
        #[graphql(desc = "What becomes of the others when some are refused.")] error_policy: Option<
            ErrorPolicy,
        >,
    ) -> Result<Option<ContactsPayload>> {
        let changed = ctx.write(ContactUpdate, async |tx| {
            let mut all = Bulk::of(&input, error_policy)?;
            for one in input {
                all.begin(tx).await?;
                let changed = update(ctx, tx, one).await;
                all.end(tx, changed).await?;
            }
            all.done()
        });
        ContactsPayload::of(changed.await, Contact)
    }

    /// Gives a contact exactly these tags.
    #[graphql(directive = requires::apply(ContactUpdate))]
    async fn contact_tags_replace(
        &self,
        ctx: &Context<'_>,
        id: ContactId,
        expected_version: Option<i32>,
        #[graphql(desc = "Their tags from now on, at most 50.")] tag_ids: Vec<TagId>,
    ) -> Result<Option<ContactPayload>> {
        let changed = ctx.write(ContactUpdate, async |tx| {
            let contact = model::Contact::lock(tx, id, expected_version).await?;
            replace_tags_of(tx, ctx.clock(), id, &tag_ids).await?;
            Ok(contact)
        });
        ContactPayload::of(changed.await.map(Contact))
    }

    /// Deletes a contact. It is kept where nobody finds it, until it is restored or purged.
    #[graphql(directive = requires::apply(ContactDelete))]
    async fn contact_delete(
        &self,
        ctx: &Context<'_>,
        id: ContactId,
        expected_version: Option<i32>,
    ) -> Result<Option<DeletePayload>> {
        let deleted =
            ctx.write(ContactDelete, async |tx| delete(ctx, tx, id, expected_version).await);
        DeletePayload::of(deleted.await)
    }

    /// Deletes several contacts.
    #[graphql(directive = requires::apply(ContactDelete))]
    async fn contacts_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, at most 100.")] ids: Vec<ContactId>,
        #[graphql(desc = "What becomes of the others when some are refused.")] error_policy: Option<
            ErrorPolicy,
        >,
    ) -> Result<Option<DeletesPayload>> {
        let deleted = ctx.write(ContactDelete, async |tx| {
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

    /// Brings a deleted contact back. Another one that has taken its e-mail address since is named.
    #[graphql(directive = requires::apply(ContactDelete))]
    async fn contact_restore(
        &self,
        ctx: &Context<'_>,
        id: ContactId,
    ) -> Result<Option<ContactPayload>> {
        let restored = ctx.write(ContactDelete, async |tx| {
            let deleted = model::Contact::lock_deleted(tx, id).await?;
            if let Some(other) = model::Contact::rival(tx, &deleted).await? {
                let seen = tx
                    .reach()
                    .covers(other.owner_id.map(Into::into), other.territory_id.map(Into::into));
                return Err(rival("email", seen.then_some(other.id)));
            }
            model::Contact::restore(tx, id).await
        });
        ContactPayload::of(restored.await.map(Contact))
    }

    /// Removes a deleted contact for good, with all activities about it. Its deals stay, without a
    /// contact.
    #[graphql(directive = requires::apply(RecordPurge))]
    async fn contact_purge(
        &self,
        ctx: &Context<'_>,
        id: ContactId,
    ) -> Result<Option<DeletePayload>> {
        let purged = ctx.write(RecordPurge, async |tx| {
            model::Contact::lock_deleted(tx, id).await?;
            DealRow::leave_contact(tx, id).await?;
            LeadRow::forget_contact(tx, id).await?;
            model::Contact::purge(tx, id).await?;
            Ok(Deleted(id))
        });
        DeletePayload::of(purged.await)
    }
}
