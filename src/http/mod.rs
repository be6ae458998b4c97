//! The edge: what the server answers on which path.

mod arrival;
mod caller;
mod gate;
mod graphql;
mod health;
mod hygiene;
mod identity;
mod line;
mod listen;
mod media;
mod metrics;
mod operations;
mod patience;
mod tls;

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, FromRef},
    middleware::{from_fn, from_fn_with_state},
    routing::get,
};
use ipnet::IpNet;
use tokio::sync::watch;

pub use hygiene::Browsers;
use hygiene::around;
pub use listen::{Connections, Held, serve};
pub use operations::{Operations, Rules};
pub use tls::Certificates;

use crate::graphql::Api;

const MAX_BODY: usize = 1024 * 1024;

/// What the edge knows besides the product.
#[derive(Clone)]
pub struct Edge {
    pub api: Api,
    /// The proxies whose word about addresses counts.
    pub trusted_proxies: Arc<[IpNet]>,
    pub browsers: Browsers,
    pub operations: Arc<Operations>,
    /// Turns true when the server is to stop: what would never end by itself ends then.
    pub draining: watch::Receiver<bool>,
}

impl FromRef<Edge> for Api {
    fn from_ref(edge: &Edge) -> Self {
        edge.api.clone()
    }
}

/// All paths.
pub fn router(edge: Edge) -> Router {
    let browsers = edge.browsers.clone();
    let paths = Router::new()
        .route(
            "/graphql",
            get(graphql::handle).post(graphql::handle).fallback(graphql::other_method),
        )
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::show))
        .route("/", get(health::welcome))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(from_fn(identity::unbroken));
    let identified = from_fn_with_state(edge.api.clone(), identity::identified);
    around(paths, &browsers).layer(identified).with_state(edge)
}
