use std::{collections::HashMap, marker::PhantomData};

use async_graphql::{Context, InputObject, Many, MaybeUndefined, Object};

use super::{
    TagId,
    model::{self, MOST_TAGS, Tagged, tags_of},
};
use crate::{
    access::{Permission, Permission::*},
    by_id, column, connection,
    db::{Deleted, TenantConn, Value},
    error::Result,
    filter,
    graphql::{Check, DeletePayload, Doors, Paging, Relation, StringFilter, requires},
    payload, relation_filter,
};

/// A word that a tenant puts on its records.
pub struct Tag(pub model::Tag);

by_id!(
    /// Tags by id.
    TagById, tags, model::Tag, TagId, TagRead
);

/// The tags of records of one kind.
struct TagsOf<Id>(PhantomData<fn() -> Id>);

impl<Id: Tagged> Relation for TagsOf<Id> {
    type Key = Id;
    type Value = Vec<model::Tag>;
    const PERMISSION: Permission = TagRead;

    async fn load(conn: &TenantConn, keys: &[Id]) -> Result<HashMap<Id, Vec<model::Tag>>> {
        let mut all = HashMap::<Id, Vec<model::Tag>>::new();
        for (record, tag) in tags_of(conn, keys, MOST_TAGS).await? {
            all.entry(record).or_default().push(tag);
        }
        Ok(all)
    }
}

/// The tags of a record, by name.
pub async fn tags<Id: Tagged>(ctx: &Context<'_>, of: Id) -> Result<Many<Tag>> {
    Ok(ctx.load::<TagsOf<Id>>(of).await?.into_iter().map(Tag).collect())
}

/// A word that a tenant puts on its companies, contacts, leads and deals, to find them again.
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
}
