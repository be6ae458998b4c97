//! Is it alive, is it ready.

use std::time::Duration;

use axum::{extract::State, http::StatusCode};
use tokio::{sync::Mutex, time::Instant};

use super::Edge;
use crate::graphql::Api;

/// Whoever asks gets an answer within this time, and the database answers in less.
const PATIENCE: Duration = Duration::from_secs(2);
const DATABASE: Duration = Duration::from_millis(1500);
/// For so long an answer is good for all who ask: a thousand who ask are one question to the
/// database.
const FRESH: Duration = Duration::from_millis(500);

/// The process answers.
pub(super) async fn alive() -> &'static str {
    "alive\n"
}

/// The last answer about the database, and when it was found.
#[derive(Default)]
pub(super) struct Readiness(Mutex<Option<(Instant, Option<String>)>>);

impl Readiness {
    /// Why it is not ready; whoever finds somebody asking already waits for that answer.
    async fn complaint(&self, api: &Api) -> Option<String> {
        let mut last = self.0.lock().await;
        if let Some((at, complaint)) = &*last
            && at.elapsed() < FRESH
        {
            return complaint.clone();
        }
        let complaint = complaint(api).await;
        *last = Some((Instant::now(), complaint.clone()));
        complaint
    }
}

async fn complaint(api: &Api) -> Option<String> {
    match tokio::time::timeout(DATABASE, api.db().migration_state()).await {
        Ok(Ok(state)) => state.complaint(),
        Ok(Err(error)) => {
            tracing::warn!(error = ?error, "ready.failed");
            Some("The database cannot be reached.".into())
        }
        Err(_) => {
            tracing::warn!(pool = ?api.db().state(), "ready.late");
            Some("The database does not answer in time, or all connections are in use.".into())
        }
    }
}

/// The database is there and has the schema that this program expects, and it is not stopping.
pub(super) async fn ready(State(edge): State<Edge>) -> (StatusCode, String) {
    if *edge.draining.borrow() {
        return (StatusCode::SERVICE_UNAVAILABLE, "It is being stopped.\n".into());
    }
    let asked = edge.operations.readiness.complaint(&edge.api);
    // Those who come late wait for an answer that somebody else waits for already.
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(None) => (StatusCode::OK, "ready\n".into()),
        Ok(Some(complaint)) => (StatusCode::SERVICE_UNAVAILABLE, format!("{complaint}\n")),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "Too many ask.\n".into()),
    }
}
