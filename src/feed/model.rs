use diesel::{
    dsl::{min, select},
    prelude::*,
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::{
    clock::Timestamp,
    column,
    db::{TenantConn, WithinReach},
    error::{Error, Result},
    schema::{audit_log, counters, outbox},
};

/// Positions that are looked through at once, whoever sees how much of them.
const WINDOW: i64 = 5_000;
/// Sign-ins and reads have places in the log too; they are the trail's to tell.
const CHANGES: [&str; 3] = ["CREATED", "UPDATED", "DELETED"];

/// A committed change.
#[derive(Clone, Debug, HasQuery)]
#[diesel(table_name = outbox)]
pub struct Change {
    pub position: i64,
    pub at: Timestamp,
    pub table_name: String,
    pub record_id: Uuid,
    pub action: String,
    /// Its entry in the trail.
    audit_id: Uuid,
}

/// Which part of the log is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Window<'a> {
    /// What comes behind this position.
    pub after: i64,
    /// Whoever comes back: is everything behind it still kept?
    pub resumes: bool,
    pub tables: &'a [&'static str],
    pub most: i64,
}

/// A part of the log, as its reader sees it.
#[derive(Clone, Debug)]
pub struct Stretch {
    pub changes: Vec<Change>,
    /// All up to here was looked at.
    pub until: i64,
    /// There is more behind it.
    pub more: bool,
}

/// What came behind a position.
pub async fn follow(conn: &TenantConn, window: Window<'_>) -> Result<Stretch> {
    let Window { after, resumes, tables, most } = window;
    let (head, oldest) = bounds(conn).await?;
    if resumes && oldest.is_some_and(|oldest| oldest > after.saturating_add(1)) {
        return Err(Error::InvalidCursor);
    }
    if head <= after {
        return Ok(Stretch { changes: Vec::new(), until: after, more: false });
    }
    let last = head.min(after.saturating_add(WINDOW));
    let mut changes: Vec<Change> = Change::query()
        .filter(outbox::tenant_id.eq(conn.tenant()))
        .filter(outbox::position.gt(after))
        .filter(outbox::position.le(last))
        .filter(outbox::action.eq_any(CHANGES))
        .filter(outbox::table_name.eq_any(tables))
        .filter(visible(conn))
        .order(outbox::position)
        .limit(most)
        .load(&mut &*conn)
        .await?;
    tell_deletions(conn, &mut changes).await?;
    let full = i64::try_from(changes.len()).is_ok_and(|count| count >= most);
    let until = match changes.last() {
        Some(change) if full => change.position,
        _ => last,
    };
    Ok(Stretch { changes, until, more: until < head })
}

/// A record that is kept, and marked as deleted, is deleted for whoever follows.
async fn tell_deletions(conn: &TenantConn, changes: &mut [Change]) -> Result<()> {
    let updates = changes.iter().filter(|change| change.action == "UPDATED");
    let (at, ids): (Vec<Timestamp>, Vec<Uuid>) =
        updates.map(|change| (change.at, change.audit_id)).unzip();
    if ids.is_empty() {
        return Ok(());
    }
    let marked: Vec<Uuid> = audit_log::table
        .filter(audit_log::tenant_id.eq(conn.tenant()))
        .filter(audit_log::at.eq_any(at))
        .filter(audit_log::id.eq_any(ids))
        .filter(audit_log::new.retrieve_as_text("deleted_at").is_not_null())
        .select(audit_log::id)
        .load(&mut &*conn)
        .await?;
    for change in changes.iter_mut().filter(|change| marked.contains(&change.audit_id)) {
        "DELETED".clone_into(&mut change.action);
    }
    Ok(())
}

/// The position of the newest change.
pub async fn head(conn: &TenantConn) -> Result<i64> {
    Ok(bounds(conn).await?.0)
}

/// The newest position, and the oldest that is kept.
async fn bounds(conn: &TenantConn) -> Result<(i64, Option<i64>)> {
    let newest = counters::table
        .filter(counters::tenant_id.eq(conn.tenant()))
        .filter(counters::name.eq("log"))
        .select(counters::value)
        .single_value();
    let oldest = outbox::table
        .filter(outbox::tenant_id.eq(conn.tenant()))
        .select(min(outbox::position))
        .single_value();
    let bounds: (Option<i64>, Option<i64>) =
        select((newest, oldest)).get_result(&mut &*conn).await?;
    Ok((bounds.0.unwrap_or_default(), bounds.1))
}

fn visible(conn: &TenantConn) -> WithinReach<'_> {
    let row = (column!(outbox::table_name), column!(outbox::record_id));
    let entry = (column!(outbox::at), column!(outbox::audit_id));
    conn.reach().over_changes(conn.tenant(), row, entry)
}
