use async_graphql::{Context, Json, Object};
use serde_json::{Map, Value as JsonValue, json};

use super::{AuditEntryId, model};
use crate::{
    access::{Guarded, Permission::*},
    accounts::{ApiClient, ApiClientById, ApiClientId, User, UserById, UserId},
    clock::Timestamp,
    column, connection,
    db::{Filter, TenantConn, Test, Value},
    error::{Error, Result},
    filter,
    graphql::{
        DateTimeFilter, Doors, IDFilter, Paging, SortDirection, StringFilter, requires, shown,
    },
    ids::{self, RawId},
};

/// Something that somebody did.
pub struct AuditEntry(pub model::AuditEntry);

/// Something that somebody did: a change of a record, a sign-in.
#[Object]
impl AuditEntry {
    /// Its id.
    pub async fn id(&self) -> AuditEntryId {
        self.0.id
    }

    /// When.
    async fn at(&self) -> Timestamp {
        self.0.at
    }

    /// Who; null when it was a program, the product itself, or nobody who had signed in.
    async fn actor(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        let Some(actor) = self.0.actor_id else { return Ok(None) };
        Ok(ctx.load::<UserById>(UserId(actor)).await?.map(User))
    }

    /// Which program, where it was one.
    async fn client(&self, ctx: &Context<'_>) -> Result<Option<ApiClient>> {
        let Some(actor) = self.0.actor_id else { return Ok(None) };
        Ok(ctx.load::<ApiClientById>(ApiClientId(actor)).await?.map(ApiClient))
    }

    /// Which table the record is in, such as "companies".
    async fn table(&self) -> &str {
        &self.0.table_name
    }

    /// Which record; of a kind that this version of the product knows.
    async fn record_id(&self) -> Option<async_graphql::ID> {
        let prefix = Guarded::of(&self.0.table_name)?.prefix;
        Some(ids::text(prefix, self.0.record_id).into())
    }

    /// What was done, such as "UPDATED" or "SIGNED_IN".
    async fn action(&self) -> &str {
        &self.0.action
    }

    /// The fields with their values before and after; secrets are never shown, and what you may
    /// not see of the record is null here too.
    async fn changes(&self, ctx: &Context<'_>) -> Json<JsonValue> {
        let part = |value: &Option<JsonValue>| match value {
            Some(JsonValue::Object(fields)) => fields.clone(),
            _ => Map::new(),
        };
        let (old, new) = (part(&self.0.old), part(&self.0.new));
        let names = new.keys().chain(old.keys().filter(|name| !new.contains_key(*name)));
        let hidden = ["tenant_id", "updated_at", "version"];
        let told = names.filter(|name| !hidden.contains(&name.as_str()) && !name.ends_with("_key"));
        let guarded = Guarded::of(&self.0.table_name);
        let values = |name: &String| {
            let permission = guarded.and_then(|guarded| guarded.field(name));
            match permission.is_none_or(|permission| ctx.may_see(permission, Some(name))) {
                true => {
                    let [old, new] =
                        [&old, &new].map(|row| row.get(name).map(|value| shown(name, value)));
                    json!({ "old": old, "new": new })
                }
                false => JsonValue::Null,
            }
        };
        Json(JsonValue::Object(told.map(|name| (name.clone(), values(name))).collect()))
    }

    /// The id of the request that did it, as in its answer and in the log.
    async fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }
}

/// The entry of an id, for `node`.
pub async fn entry_of(conn: &TenantConn, id: AuditEntryId) -> Result<Option<AuditEntry>> {
    Ok(model::AuditEntry::find(conn, id).await?.map(AuditEntry))
}

filter! {
    /// Which entries of the audit trail.
    AuditWhere {
        /// By when.
        at: DateTimeFilter => |at, _| at.on(column!(audit_log::at)),
        /// By who.
        actor_id: IDFilter => |actor, _| actor.of(UserId::parse, column!(audit_log::actor_id)),
        /// By which table the record is in.
        table: StringFilter => |table, _| table.exact(column!(audit_log::table_name)),
        /// By what was done.
        action: StringFilter => |action, _| action.exact(column!(audit_log::action)),
        /// By which record; an id of any kind.
        record_id: async_graphql::ID => |id, _| record_is(&id),
    }
}

fn record_is(id: &str) -> Result<Filter> {
    let raw = RawId::parse(id).ok_or_else(|| Error::BadInput("recordId is no id.".into()))?;
    Ok(Filter::Is(column!(audit_log::record_id), Test::Eq(Value::Uuid(raw.uuid))))
}

connection! {
    /// A page of the audit trail.
    AuditEntry as AuditEntryConnection, AuditEntryEdge, of model::AuditEntry, which AuditWhere, permission AuditRead;
    id audit_log::id;
    /// How to sort the audit trail.
    order AuditOrder by AuditOrderField {
        /// By when.
        At => audit_log::at, |entry| Value::Moment(entry.0.at.0);
    }
}

#[derive(Default)]
pub struct AuditQuery;

#[Object]
impl AuditQuery {
    /// Who did what, the newest first.
    #[graphql(directive = requires::apply(AuditRead))]
    async fn audit_log(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        r#where: Option<AuditWhere>,
    ) -> Result<Option<AuditEntryConnection>> {
        let paging = Paging { first, after, ..Paging::default() };
        let newest =
            AuditOrder { field: AuditOrderField::At, direction: Some(SortDirection::Desc) };
        AuditEntryConnection::load(ctx, paging, r#where, Some(vec![newest])).await
    }
}
