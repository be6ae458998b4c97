//! What was changed of a record, as the trail keeps it and clients read it.

use async_graphql::{Context, Json, Object};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Doors;
use crate::{
    access::{Guarded, Permission, named_by},
    ids,
};

/// A field that was changed.
#[derive(Clone, Debug)]
pub struct FieldChange {
    field: String,
    before: Value,
    now: Value,
    /// What one needs to see it.
    permission: Option<Permission>,
}

impl FieldChange {
    /// `None`: the column follows from others.
    pub fn of(table: &'static str, column: &str, (before, now): (&Value, &Value)) -> Option<Self> {
        let follows = matches!(column, "version" | "updated_at")
            || ["_key", "_tail"].iter().any(|end| column.ends_with(end));
        (!follows).then(|| Self {
            field: camel(column),
            before: shown(column, before),
            now: shown(column, now),
            permission: Guarded::of(table).and_then(|table| table.field(column)),
        })
    }

    /// What a change of a row changed, by the columns' values before and after.
    pub fn of_row(table: &'static str, old: &Value, new: &Value) -> Vec<Self> {
        let columns = old.as_object().into_iter().flatten();
        let change = |(column, before): (&String, &Value)| {
            let now = new.get(column).unwrap_or(&Value::Null);
            Self::of(table, column, (before, now))
        };
        columns.filter_map(change).collect()
    }

    pub fn permission(&self) -> Option<Permission> {
        self.permission
    }

    pub fn is_change(&self) -> bool {
        self.before != self.now
    }

    /// The same, as the details of a refusal.
    pub fn details(&self) -> Value {
        json!({ "field": self.field, "before": self.before, "now": self.now })
    }

    fn seen<'a>(&self, ctx: &Context<'_>, value: &'a Value) -> Option<Json<&'a Value>> {
        let seen = self.permission.is_none_or(|permission| ctx.may_see(permission, None));
        Some(Json(value)).filter(|_| seen && !value.is_null())
    }
}

/// A field that was changed.
#[Object]
impl FieldChange {
    /// Which, such as "name"; where it names another record, as inputs call it: "ownerId".
    async fn field(&self) -> &str {
        &self.field
    }

    /// Its value before; null where there was none, or you may not see it.
    async fn before(&self, ctx: &Context<'_>) -> Option<Json<&Value>> {
        self.seen(ctx, &self.before)
    }

    /// Its value after; null where there is none, or you may not see it.
    async fn now(&self, ctx: &Context<'_>) -> Option<Json<&Value>> {
        self.seen(ctx, &self.now)
    }
}

/// A column's value as clients know it: an id says of what.
pub fn shown(column: &str, value: &Value) -> Value {
    match (named_by(column), value.as_str().map(Uuid::parse_str)) {
        (Some(prefix), Some(Ok(id))) => Value::String(ids::text(prefix, id)),
        _ => value.clone(),
    }
}

/// As the schema names it.
fn camel(column: &str) -> String {
    let mut name = String::with_capacity(column.len());
    let mut upper = false;
    for c in column.chars() {
        match (c, upper) {
            ('_', _) => upper = true,
            (c, true) => {
                name.push(c.to_ascii_uppercase());
                upper = false;
            }
            (c, false) => name.push(c),
        }
    }
    name
}

#[cfg(test)]
mod tests {
    #[test]
    fn columns_are_told_as_fields() {
        assert_eq!(super::camel("annual_revenue_currency"), "annualRevenueCurrency");
        assert_eq!(super::camel("name"), "name");
    }
}
