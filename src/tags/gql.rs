use async_graphql::{Context, InputObject, MaybeUndefined, Object};

use super::{TagId, model};
use crate::{
    access::Permission::*,
    by_id, column,
    companies::{Company, CompanyId, CompanyPayload, CompanyRow},
    connection,
    db::{Deleted, Value},
    error::{Error, Result},
    filter,
    graphql::{Check, DeletePayload, Doors, Paging, StringFilter, requires},
    has_many, payload, relation_filter,
};

/// The most tags that one company may have.
const MAX_TAGS: usize = 50;

/// A word that a tenant puts on its companies.
pub struct Tag(pub model::Tag);

by_id!(
    /// Tags by id.
    TagById, tags, model::Tag, TagId, TagRead
);
has_many!(
    /// The tags of a company.
    TagsOfCompany, max 50, model::Tag::of_companies, CompanyId, model::Tag, TagRead
);

/// A word that a tenant puts on its companies, to find them again.
#[Object]
impl Tag {
    /// Its id.
    pub async fn id(&self) -> TagId {
        self.0.id
    }

    /// The word.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The colour it is shown in, such as "#3b82f6".
    async fn colour(&self) -> Option<&str> {
        self.0.colour.as_deref()
    }

    /// Counts its changes: give it as `expectedVersion` to change what you have seen.
    async fn version(&self) -> i32 {
        self.0.version
    }
}

filter! {
    /// Which tags.
    TagWhere {
        /// By name; upper and lower case are alike.
        name: StringFilter => |name, _| name.folded(column!(tags::name_key)),
    }
}

relation_filter!(
    /// Some, none or all of the tags.
    TagRelationFilter, TagWhere
);

connection! {
    /// A page of tags.
    Tag as TagConnection, TagEdge, of model::Tag, which TagWhere, permission TagRead;
    id tags::id;
    /// How to sort tags.
    order TagOrder by TagOrderField {
        /// By name, upper and lower case alike.
        Name => tags::name_key, |tag| Value::Text(tag.0.name_key.clone());
    }
}

payload! {
    /// The answer to a change of a tag.
    TagPayload {
        /// The tag as it is now; null when nothing was written.
        tag: Tag
    }
}

#[derive(Default)]
pub struct TagQuery;

#[Object]
impl TagQuery {
    /// The tags, a page at a time.
    #[graphql(directive = requires::apply(TagRead))]
    async fn tags(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        r#where: Option<TagWhere>,
        order_by: Option<Vec<TagOrder>>,
    ) -> Result<Option<TagConnection>> {
        let paging = Paging { first, after, last, before, ..Paging::default() };
        TagConnection::load(ctx, paging, r#where, order_by).await
    }
}

/// A tag to be made.
#[derive(InputObject)]
pub struct TagCreateInput {
    /// The word, 1 to 50 characters; no other tag has it.
    name: String,
    /// The colour it is shown in, such as "#3b82f6".
    colour: Option<String>,
}

/// What to change: an absent field keeps its value, null clears it.
#[derive(InputObject)]
pub struct TagUpdateInput {
    /// The word, 1 to 50 characters; no other tag has it.
    name: MaybeUndefined<String>,
    /// The colour it is shown in, such as "#3b82f6".
    colour: MaybeUndefined<String>,
}

#[derive(Default)]
pub struct TagMutation;

#[Object]
impl TagMutation {
    /// Makes a tag.
    #[graphql(directive = requires::apply(TagWrite))]
    async fn tag_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The tag.")] input: TagCreateInput,
    ) -> Result<Option<TagPayload>> {
        let made = ctx.write(TagWrite, async |tx| {
            let mut check = Check::new();
            let (id, name) = (TagId::new(ctx.clock()), check.text("name", input.name, 50));
            let colour = check.optional("colour", input.colour, 20);
            model::Tag::insert(tx, check.done(model::NewTag { id, name, colour })?).await
        });
        TagPayload::of(made.await.map(Tag))
    }

    /// Changes a tag.
    #[graphql(directive = requires::apply(TagWrite))]
    async fn tag_update(
        &self,
        ctx: &Context<'_>,
        id: TagId,
        expected_version: Option<i32>,
        #[graphql(desc = "What to change.")] input: TagUpdateInput,
    ) -> Result<Option<TagPayload>> {
        let changed = ctx.write(TagWrite, async |tx| {
            let mut check = Check::new();
            let name = check.keep_or_text("name", input.name, 50);
            let colour = check.keep_or_optional("colour", input.colour, 20);
            let changes = check.done(model::TagChanges { name, colour })?;
            model::Tag::lock(tx, id, expected_version).await?;
            model::Tag::update(tx, id, changes).await
        });
        TagPayload::of(changed.await.map(Tag))
    }

    /// Deletes a tag, and takes it off everything that has it.
    #[graphql(directive = requires::apply(TagWrite))]
    async fn tag_delete(
        &self,
        ctx: &Context<'_>,
        id: TagId,
        expected_version: Option<i32>,
    ) -> Result<Option<DeletePayload>> {
        let deleted = ctx.write(TagWrite, async |tx| {
            model::Tag::lock(tx, id, expected_version).await?;
            model::Tag::delete(tx, id).await?;
            Ok(Deleted(id))
        });
        DeletePayload::of(deleted.await)
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
            if tag_ids.len() > MAX_TAGS {
                return Err(Error::BadInput(format!("A company has at most {MAX_TAGS} tags.")));
            }
            let company = CompanyRow::lock(tx, id, expected_version).await?;
            model::replace_tags_of(tx, ctx.clock(), id, &tag_ids).await?;
            Ok(company)
        });
        CompanyPayload::of(changed.await.map(Company))
    }
}
