//! The edge: what the server answers on which path.

mod graphql;
mod health;

use axum::{Router, extract::DefaultBodyLimit, routing::get};
use tower_http::catch_panic::CatchPanicLayer;

use crate::graphql::Api;

const MAX_BODY: usize = 1024 * 1024;

/// All paths.
pub fn router(api: Api) -> Router {
    Router::new()
        .route("/graphql", get(graphql::get).post(graphql::post).fallback(graphql::other_method))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/", get(health::welcome))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(CatchPanicLayer::custom(graphql::panicked))
        .with_state(api)
}
