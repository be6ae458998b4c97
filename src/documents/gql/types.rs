use std::collections::HashMap;

use async_graphql::{Context, Object};

use super::super::{
    DocumentId,
    model::{self, Tally, unknown_of_clients, uses_of},
};
use crate::{
    access::{Permission, Permission::*},
    accounts::{ApiClient, ApiClientById, ApiClientId},
    by_id,
    clock::Timestamp,
    column, connection,
    db::{TenantConn, Value},
    error::Result,
    filter,
    graphql::{DateTimeFilter, Doors, Examiner, IDFilter, Relation, StringFilter},
    has_many,
};

by_id!(
    /// Registered documents by id.
    DocumentById, documents, model::Document, DocumentId, ApiClientRead
);
has_many!(
    /// The newest documents of programs.
    DocumentsOfClient, max 100, model::Document::of_clients, ApiClientId, model::Document, ApiClientRead
);
has_many!(
    /// What programs asked lately without having registered it.
    UnknownOfClient, max 100, unknown_of_clients, ApiClientId, model::Unknown, ApiClientRead
);

/// How often documents were asked.
struct UsesOfDocument;

impl Relation for UsesOfDocument {
    type Key = DocumentId;
    type Value = Option<Tally>;
    const PERMISSION: Permission = ApiClientRead;

    async fn load(
        conn: &TenantConn,
        keys: &[DocumentId],
    ) -> Result<HashMap<DocumentId, Option<Tally>>> {
        Ok(uses_of(conn, keys).await?.into_iter().map(|(id, tally)| (id, Some(tally))).collect())
    }
}

/// A document that is registered for a program.
pub struct PersistedDocument(pub model::Document);

/// A document that is registered for a program: it is asked by its id instead of its text.
#[Object]
impl PersistedDocument {
    /// Its id as a record, such as "document_01k9…".
    pub async fn id(&self) -> DocumentId {
        self.0.id
    }

    /// What to send instead of the text: "sha256:" and 64 digits, the hash of the exact text.
    async fn document_id(&self) -> String {
        self.0.hash.to_string()
    }

    /// Its name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The text.
    async fn body(&self) -> &str {
        &self.0.body
    }

    /// What it costs where its variables say nothing of how much.
    async fn cost(&self) -> i32 {
        self.0.cost
    }

    /// How often it was asked, by its id or with its text. It lags behind by some seconds.
    async fn uses(&self, ctx: &Context<'_>) -> Result<i32> {
        let tally = ctx.load::<UsesOfDocument>(self.0.id).await?;
        Ok(tally.map_or(0, |tally| many(tally.uses)))
    }

    /// When it was asked last; null: never.
    async fn last_used_at(&self, ctx: &Context<'_>) -> Result<Option<Timestamp>> {
        Ok(ctx.load::<UsesOfDocument>(self.0.id).await?.map(|tally| tally.last))
    }

    /// The program it is registered for.
    async fn client(&self, ctx: &Context<'_>) -> Result<Option<ApiClient>> {
        Ok(ctx.load::<ApiClientById>(self.0.client_id).await?.map(ApiClient))
    }

    /// When it was registered.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }
}

filter! {
    /// Which documents.
    PersistedDocumentWhere {
        /// By name; upper and lower case are alike.
        name: StringFilter => |name, _| name.folded(column!(documents::name_key)),
        /// By program.
        client_id: IDFilter => |id, _| id.of(ApiClientId::parse, column!(documents::client_id)),
        /// By when they were registered.
        created_at: DateTimeFilter => |at, _| at.on(column!(documents::created_at)),
    }
}

connection! {
    /// A page of registered documents.
    PersistedDocument as PersistedDocumentConnection, PersistedDocumentEdge, of model::Document, which PersistedDocumentWhere, permission ApiClientRead;
    id documents::id;
    /// How to sort registered documents.
    order PersistedDocumentOrder by PersistedDocumentOrderField {
        /// By name, upper and lower case alike.
        Name => documents::name_key, |document| Value::Text(document.0.name_key.clone());
        /// By when they were registered.
        CreatedAt => documents::created_at, |document| Value::Moment(document.0.created_at.0);
    }
}

/// A document that a program asked without having registered it.
pub struct UnknownDocument(pub model::Unknown);

/// A document that a program asked without having registered it. Its text is not kept.
#[Object]
impl UnknownDocument {
    /// The hash of its text: its id, were it registered.
    async fn document_id(&self) -> String {
        self.0.hash.to_string()
    }

    /// Its operation's name, where it has one.
    async fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// How often it was asked.
    async fn uses(&self) -> i32 {
        many(self.0.uses)
    }

    /// When it was asked last.
    async fn last_used_at(&self) -> Timestamp {
        self.0.last_used_at
    }
}

/// A field of the schema that a program has used.
pub struct FieldUse(pub model::FieldUse);

/// A field of the schema that a program has used.
#[Object]
impl FieldUse {
    /// The field, such as "Company.name".
    async fn field(&self) -> &str {
        &self.0.field
    }

    /// Will it be removed?
    async fn deprecated(&self, ctx: &Context<'_>) -> bool {
        ctx.data_unchecked::<Examiner>().is_deprecated(&self.0.field)
    }

    /// The program.
    async fn client(&self, ctx: &Context<'_>) -> Result<Option<ApiClient>> {
        Ok(ctx.load::<ApiClientById>(self.0.client_id).await?.map(ApiClient))
    }

    /// In how many operations.
    async fn uses(&self) -> i32 {
        many(self.0.uses)
    }

    /// When last.
    async fn last_used_at(&self) -> Timestamp {
        self.0.last_used_at
    }
}

/// A count that GraphQL can say.
fn many(count: i64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
