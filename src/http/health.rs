//! Is it alive, is it ready, what is it.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};

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

/// What somebody sees who opens the address in a browser.
pub(super) async fn welcome() -> impl IntoResponse {
    const TEXT: &str = "This is Kontor, a CRM back end with a GraphQL API.\n\n\
        POST /graphql   the API; see docs/api.md\n\
        GET  /healthz   is it alive\n\
        GET  /readyz    is it ready\n";
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], TEXT)
}
