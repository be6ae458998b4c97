//! Two people change one record: what the second one is told.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::FieldChange;
use crate::{
    access::Viewer,
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
    let mut fields: BTreeMap<String, (Value, Value)> = BTreeMap::new();
    // What it was when the caller saw it, and what it is now.
    for change in &changes {
        for (column, before) in change.old.as_object().into_iter().flatten() {
            let after = change.new.get(column).cloned().unwrap_or_default();
            fields.entry(column.clone()).or_insert((before.clone(), Value::Null)).1 = after;
        }
    }
    let seen = |change: &FieldChange| {
        change.permission().is_none_or(|permission| viewer.check(permission, now).is_ok())
    };
    let changed = fields
        .iter()
        .filter_map(|(column, (before, after))| {
            FieldChange::of(stale.table, column, (before, after))
        })
        .filter(|change| change.is_change() && seen(change))
        .map(|change| change.details())
        .collect::<Vec<_>>();
    let Stale { expected, actual, .. } = stale;
    let details = json!({ "expected": expected, "actual": actual, "changed": changed });
    let told = "Somebody changed this record since you read it.";
    let problem = Problem::new(ErrorCode::StaleVersion, ["expectedVersion"], told);
    Ok(Error::Refused(vec![problem.with_details(details)]))
}
