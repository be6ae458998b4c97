//! The edge: what the server answers on which path.

mod caller;
mod graphql;
mod health;
mod hygiene;
mod media;

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, FromRef},
    routing::get,
};
use ipnet::IpNet;
use tower_http::catch_panic::CatchPanicLayer;

pub use hygiene::Browsers;
use hygiene::around;

use crate::graphql::Api;

/// What the edge knows besides the product.
#[derive(Clone)]
pub struct Edge {
    pub api: Api,
    /// The proxies whose word about addresses counts.
    pub trusted_proxies: Arc<[IpNet]>,
    pub browsers: Browsers,
}

impl FromRef<Edge> for Api {
    fn from_ref(edge: &Edge) -> Self {
        edge.api.clone()
    }
}

/// All paths.
pub fn router(edge: Edge) -> Router {
    let browsers = edge.browsers.clone();
    let body = edge.api.limits().body;
    let paths = Router::new()
        .route(
            "/graphql",
            get(graphql::handle).post(graphql::handle).fallback(graphql::other_method),
        )
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/", get(health::welcome))
        .layer(DefaultBodyLimit::max(body))
        .layer(CatchPanicLayer::custom(graphql::panicked));
    around(paths, &browsers).with_state(edge)
}
