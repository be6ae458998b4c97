//! What is counted while it happens, for `/metrics`. Whoever does something calls one of these;
//! [`crate::telemetry`] collects it where the server wants it, and elsewhere they cost nothing.
//!
//! Labels come from closed sets: what a stranger writes never becomes one.

use std::{
    collections::HashSet,
    sync::{PoisonError, RwLock},
    time::Duration,
};

use metrics::{Gauge, Unit, counter, gauge, histogram};

/// Names of registered documents that have a label of their own; further ones share "other".
const NAMES: usize = 300;

/// Seconds that operations take.
pub const OPERATION: &str = "kontor_operation_seconds";

/// Every measure of ours that is counted here, with what it says.
const MEASURES: &[(Kind, &str, &str)] = &[
    (Kind::Seconds, OPERATION, "How long operations took, by what they asked first."),
    (Kind::Count, "kontor_errors_total", "Errors that clients were told, by their codes."),
    (Kind::Count, "kontor_rows_total", "Tenants' rows that operations read or wrote."),
    (Kind::Count, "kontor_statements_total", "Statements that operations ran."),
    (Kind::Count, "kontor_shed_total", "Operations refused because too many were under way."),
    (Kind::Count, "kontor_throttled_total", "Operations refused by a limit, by which one."),
    (Kind::Count, "kontor_loader_batches_total", "Batches of relations, by relation."),
    (Kind::Count, "kontor_loader_keys_total", "Keys in those batches, by relation."),
    (Kind::Count, "kontor_jobs_total", "Jobs by kind and outcome: enqueued, done, failed, dead."),
    (Kind::Gauge, "kontor_jobs_tenants", "Tenants whose jobs were due at the last look."),
    (Kind::Gauge, "kontor_jobs_queued", "Jobs that are not done: due, later, leased, dead."),
    (Kind::Gauge, "kontor_connections", "Open connections of clients."),
    (Kind::Gauge, "kontor_sockets", "Open sockets."),
    (Kind::Gauge, "kontor_subscriptions", "Subscriptions under way."),
    (Kind::Count, "kontor_handshakes_failed_total", "TLS handshakes that came to nothing."),
];

enum Kind {
    Count,
    Gauge,
    Seconds,
}

/// Tells the collector what each measure says.
pub fn describe() {
    for (kind, name, text) in MEASURES {
        match kind {
            Kind::Count => metrics::describe_counter!(*name, *text),
            Kind::Gauge => metrics::describe_gauge!(*name, *text),
            Kind::Seconds => metrics::describe_histogram!(*name, Unit::Seconds, *text),
        }
    }
    // What has not happened is 0, and not absent: an alert can be about it.
    counter!("kontor_shed_total").absolute(0);
    counter!("kontor_handshakes_failed_total").absolute(0);
    for open in ["kontor_connections", "kontor_sockets", "kontor_subscriptions"] {
        gauge!(open).set(0);
    }
}

/// An operation came to its end. `what` is its first field, such as `query companies`.
pub fn operation(what: String, took: Duration, statements: u32, rows: u64) {
    histogram!(OPERATION, "operation" => what).record(took);
    counter!("kontor_statements_total").increment(u64::from(statements));
    counter!("kontor_rows_total").increment(rows);
}

/// The label of a registered document.
pub fn registered(name: &str) -> String {
    static KNOWN: RwLock<Option<HashSet<String>>> = RwLock::new(None);
    let is_known =
        |known: &Option<HashSet<String>>| known.as_ref().is_some_and(|known| known.contains(name));
    if is_known(&KNOWN.read().unwrap_or_else(PoisonError::into_inner)) {
        return name.to_owned();
    }
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    let known = known.get_or_insert_default();
    if known.len() >= NAMES {
        return "other".to_owned();
    }
    known.insert(name.to_owned());
    name.to_owned()
}

/// A client was told an error.
pub fn error(code: &'static str) {
    counter!("kontor_errors_total", "code" => code).increment(1);
}

/// An operation was refused because too many were under way.
pub fn shed() {
    counter!("kontor_shed_total").increment(1);
}

/// An operation was refused by a limit, such as `cost` or `address`.
pub fn throttled(limit: &'static str) {
    counter!("kontor_throttled_total", "limit" => limit).increment(1);
}

/// A relation was loaded for so many keys.
pub fn loaded(relation: &'static str, keys: usize) {
    // Of what is the same for several kinds the kind is told too.
    let bare = relation.split('<').map(|part| part.rsplit("::").next().unwrap_or(part));
    let relation = bare.collect::<Vec<_>>().join("<");
    counter!("kontor_loader_batches_total", "relation" => relation.clone()).increment(1);
    let keys = u64::try_from(keys).unwrap_or(u64::MAX);
    counter!("kontor_loader_keys_total", "relation" => relation).increment(keys);
}

/// What became of a job.
#[derive(Clone, Copy, Debug)]
pub enum Job {
    Enqueued,
    Done,
    /// To be tried again.
    Failed,
    /// Failed for good.
    Dead,
}

pub fn job(kind: &str, became: Job) {
    let became = match became {
        Job::Enqueued => "enqueued",
        Job::Done => "done",
        Job::Failed => "failed",
        Job::Dead => "dead",
    };
    counter!("kontor_jobs_total", "kind" => kind.to_owned(), "became" => became).increment(1);
}

/// So many tenants have jobs that are due.
pub fn tenants_with_jobs(tenants: usize) {
    gauge!("kontor_jobs_tenants").set(f64::from(u32::try_from(tenants).unwrap_or(u32::MAX)));
}

/// So many jobs of all tenants are not done: `due`, `later`, `leased` or `dead`.
pub fn jobs_queued(state: &'static str, jobs: i64) {
    let jobs = u32::try_from(jobs).unwrap_or(u32::MAX);
    gauge!("kontor_jobs_queued", "state" => state).set(f64::from(jobs));
}

/// A TLS handshake came to nothing.
pub fn handshake_failed() {
    counter!("kontor_handshakes_failed_total").increment(1);
}

/// Something that is open, counted until it is dropped.
#[must_use]
pub struct Open(Gauge);

impl Open {
    fn count(gauge: Gauge) -> Self {
        gauge.increment(1);
        Self(gauge)
    }

    /// A client's connection.
    pub fn connection() -> Self {
        Self::count(gauge!("kontor_connections"))
    }

    /// A socket that speaks graphql-transport-ws.
    pub fn socket() -> Self {
        Self::count(gauge!("kontor_sockets"))
    }

    /// A subscription, on a socket or as a stream of events.
    pub fn subscription() -> Self {
        Self::count(gauge!("kontor_subscriptions"))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beyond_the_most_share_one_label() {
        let names = |range: std::ops::Range<usize>| -> HashSet<String> {
            range.map(|n| registered(&format!("Document{n}"))).collect()
        };
        assert!(names(0..2 * NAMES).len() <= NAMES + 1);
        assert_eq!(registered("OneMore"), "other");
        assert_eq!(registered("Document7"), "Document7", "who was there first keeps its own");
    }
}
