//! Is it alive, is it ready.

use axum::{extract::State, http::StatusCode};

use crate::graphql::Api;

/// The process answers.
pub(super) async fn alive() -> &'static str {
    "alive\n"
}

/// The database is there and has the schema that this program expects.
pub(super) async fn ready(State(api): State<Api>) -> (StatusCode, String) {
    match api.db().migration_state().await {
        Ok(state) => match state.complaint() {
            None => (StatusCode::OK, "ready\n".into()),
            Some(complaint) => (StatusCode::SERVICE_UNAVAILABLE, format!("{complaint}\n")),
        },
        Err(error) => {
            tracing::warn!(error = ?error, "ready.failed");
            (StatusCode::SERVICE_UNAVAILABLE, "The database cannot be reached.\n".into())
        }
    }
}
