//! Two people change one record: what the second one is told.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    access::{Guarded, Viewer},
    clock::Timestamp,
    db::{Stale, TenantConn, changes_since},
    error::{Error, ErrorCode, Problem, Result},
};

/// What a write fails with: a change of an older version is told which fields others have changed
/// since, from what to what.
pub(super) async fn told(
    tx: &TenantConn,
    (viewer, now): (&Viewer, Timestamp),
    error: Error,
) -> Result<Error> {
    let Error::Stale(stale) = error else { return Ok(error) };
    let changes = changes_since(tx, &stale).await?;
    let seen = |column: &str| {
        let needed = Guarded::of(stale.table).and_then(|table| table.field(column));
        needed.is_none_or(|permission| viewer.check(permission, now).is_ok())
    };
    // What it was when the caller saw it, and what it is now.
    let mut fields: BTreeMap<String, (Value, Value)> = BTreeMap::new();
    for change in &changes {
        for (column, before) in change.old.as_object().into_iter().flatten() {
            if !seen(column) || is_the_products_own(column) {
                continue;
            }
            let after = change.new.get(column).cloned().unwrap_or_default();
            fields.entry(camel(column)).or_insert((before.clone(), Value::Null)).1 = after;
        }
    }
    let changed = fields
        .into_iter()
        .filter(|(_, (before, after))| before != after)
        .map(|(field, (before, after))| json!({ "field": field, "before": before, "now": after }))
        .collect::<Vec<_>>();
    let Stale { expected, actual, .. } = stale;
    let details = json!({ "expected": expected, "actual": actual, "changed": changed });
    let told = "Somebody changed this record since you read it.";
    let problem = Problem::new(ErrorCode::StaleVersion, ["expectedVersion"], told);
    Ok(Error::Refused(vec![problem.with_details(details)]))
}

/// Columns that follow from others.
fn is_the_products_own(column: &str) -> bool {
    matches!(column, "version" | "updated_at")
        || column.ends_with("_key")
        || column.ends_with("_tail")
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
