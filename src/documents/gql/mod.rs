mod types;

use async_graphql::{Context, InputObject, Json, Many, Object, SimpleObject};
use serde_json::Value as JsonValue;

pub use types::{
    DocumentById, DocumentsOfClient, FieldUse, PersistedDocument, UnknownDocument, UnknownOfClient,
};
use types::{PersistedDocumentConnection, PersistedDocumentOrder, PersistedDocumentWhere};

use super::{
    DocumentId,
    model::{self, Registered},
    registering::{live_client, prepare, register},
    registry::Registry,
    rules::{MOST_AT_ONCE, Wanted, read_manifest},
};
use crate::{
    access::Permission::*,
    accounts::{ApiClientId, may_hand_on},
    db::Deleted,
    error::{Error, ErrorCode, Result},
    graphql::{DeletePayload, Doors, Examiner, Paging, UserError, refusals, requires},
};

/// The most fields whose usage is told at once.
const MOST_FIELDS: i64 = 1000;
const MOST_NAMED: usize = 100;

/// A document to be registered.
#[derive(InputObject)]
pub struct DocumentInput {
    /// Its name, 1 to 200 characters. Absent: its operation's.
    name: Option<String>,
    /// The text, exactly as it stands for its id.
    body: String,
}

/// The answer to a registration.
#[derive(SimpleObject)]
pub struct DocumentsPayload {
    /// The documents, in the order of the input, whether they are new or were registered before;
    /// empty when nothing was written.
    documents: Many<PersistedDocument>,
    /// Why nothing was written; empty when it was.
    user_errors: Many<UserError>,
}

#[derive(Default)]
pub struct DocumentQuery;

#[Object]
impl DocumentQuery {
    /// The registered documents of all programs, a page at a time.
    #[graphql(directive = requires::apply(ApiClientRead))]
    async fn persisted_documents(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        r#where: Option<PersistedDocumentWhere>,
        order_by: Option<Vec<PersistedDocumentOrder>>,
    ) -> Result<Option<PersistedDocumentConnection>> {
        let paging = Paging { first, after, last, before, ..Paging::default() };
        PersistedDocumentConnection::load(ctx, paging, r#where, order_by).await
    }

    /// Which fields of the schema programs have used, at most 1,000, by name; of one field the
    /// program that uses it most comes first. Whoever is signed in as a person counts for the program
    /// whose document their front end asked. It lags behind by some seconds.
    #[graphql(directive = requires::apply(ApiClientRead))]
    async fn field_usage(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Of this program only.")] client_id: Option<ApiClientId>,
        #[graphql(desc = "Of these fields only, such as \"Company.name\"; at most 100.")]
        fields: Option<Vec<String>>,
        #[graphql(desc = "True: of deprecated fields only.")] deprecated: Option<bool>,
    ) -> Result<Option<Many<FieldUse>>> {
        let conn = ctx.read(ApiClientRead).await?;
        if fields.as_ref().is_some_and(|fields| fields.len() > MOST_NAMED) {
            return Err(Error::BadInput(format!("At most {MOST_NAMED} fields at once.")));
        }
        let examiner = ctx.data_unchecked::<Examiner>();
        let named = match (deprecated, fields) {
            (Some(true), None) => Some(examiner.deprecated().map(str::to_owned).collect()),
            (Some(true), Some(mut fields)) => {
                fields.retain(|field| examiner.is_deprecated(field));
                Some(fields)
            }
            (_, fields) => fields,
        };
        let uses = model::field_uses(&conn, client_id, named.as_deref(), MOST_FIELDS).await?;
        Ok(Some(uses.into_iter().map(FieldUse).collect()))
    }
}

#[derive(Default)]
pub struct DocumentMutation;

#[Object]
impl DocumentMutation {
    /// Registers documents for a program, at most 100 at once: all of them or none. What is registered
    /// already stays as it is. Each must be valid, and must not cost too much.
    #[graphql(directive = requires::apply(ApiClientManage))]
    async fn documents_register(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The program.")] client_id: ApiClientId,
        #[graphql(desc = "The documents.", default)] documents: Vec<DocumentInput>,
        #[graphql(
            desc = "A manifest as Apollo, Relay or graphql-codegen write it. The ids in it find the documents, too."
        )]
        manifest: Option<Json<JsonValue>>,
    ) -> Result<Option<DocumentsPayload>> {
        ctx.allow(ApiClientManage)?;
        let examiner = ctx.data_unchecked::<Examiner>();
        // Before there is a transaction: examining takes its time.
        let prepared = wanted(documents, manifest).and_then(|wanted| prepare(examiner, wanted));
        let registered = match prepared {
            Err(error) => Err(error),
            Ok(prepared) => {
                let work = ctx.write(ApiClientManage, async |tx| {
                    let client = live_client(tx, client_id).await?;
                    may_hand_on(ctx, &client, "clientId")?;
                    register(tx, ctx.clock(), &client, &prepared).await
                });
                work.await
            }
        };
        ctx.data_unchecked::<Registry>().forget();
        let (documents, problems) = match registered {
            Ok(Registered(documents)) => (documents, Vec::new()),
            Err(error) => (Vec::new(), refusals(error)?),
        };
        let documents = documents.into_iter().map(PersistedDocument).collect();
        let user_errors = problems.into_iter().map(Into::into).collect();
        Ok(Some(DocumentsPayload { documents, user_errors }))
    }

    /// Takes a document out of its program's registry, at once. Whoever asks it by its id is told that
    /// there is none.
    #[graphql(directive = requires::apply(ApiClientManage))]
    async fn document_delete(
        &self,
        ctx: &Context<'_>,
        id: DocumentId,
    ) -> Result<Option<DeletePayload>> {
        let deleted =
            ctx.write(ApiClientManage, async |tx| match model::Document::delete(tx, id).await? {
                true => Ok(Deleted(id)),
                false => Err(Error::NotFound),
            });
        let deleted = deleted.await;
        ctx.data_unchecked::<Registry>().forget();
        DeletePayload::of(deleted)
    }
}

fn wanted(documents: Vec<DocumentInput>, manifest: Option<Json<JsonValue>>) -> Result<Vec<Wanted>> {
    let plain = documents.into_iter().enumerate().map(|(at, DocumentInput { name, body })| {
        Wanted { place: vec!["documents".into(), at.to_string()], name, body, alias: None }
    });
    let mut wanted: Vec<Wanted> = plain.collect();
    if let Some(Json(manifest)) = manifest {
        wanted.extend(read_manifest("manifest", &manifest)?);
    }
    match wanted.len() <= MOST_AT_ONCE {
        true => Ok(wanted),
        false => {
            let told = format!(
                "At most {MOST_AT_ONCE} at once; `kontor documents publish` takes any number."
            );
            Err(Error::refused(ErrorCode::LimitReached, "documents", &told))
        }
    }
}
