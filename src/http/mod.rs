//! The edge: what the server answers on which path.

mod arrival;
mod by_id;
mod caller;
mod events;
mod gate;
mod graphql;
mod health;
mod hygiene;
mod identity;
mod line;
mod lines;
mod listen;
mod media;
mod metrics;
mod operations;
mod patience;
mod playground;
mod socket;
mod tls;
mod welcome;

use std::sync::Arc;

use axum::{Router, extract::FromRef, middleware::from_fn_with_state, routing::get};
use ipnet::IpNet;
use tokio::sync::watch;

pub use hygiene::Browsers;
use hygiene::around;
pub use lines::Lines;
pub use listen::{Connections, Held, serve};
pub use operations::{Operations, Rules};
pub use playground::{Demo, DemoPerson, DemoTenant};
pub use socket::SocketTimes;
pub use tls::Certificates;

use crate::graphql::Api;

/// What the edge knows besides the product.
#[derive(Clone)]
pub struct Edge {
    pub api: Api,
    /// The proxies whose word about addresses counts.
    pub trusted_proxies: Arc<[IpNet]>,
    pub browsers: Browsers,
    pub lines: Lines,
    pub sockets: SocketTimes,
    /// Turns true when the server is told to stop.
    pub draining: watch::Receiver<bool>,
    /// Where everybody may sign in; absent where it is no demo.
    pub demo: Option<Arc<Demo>>,
    pub operations: Arc<Operations>,
}

impl FromRef<Edge> for Api {
    fn from_ref(edge: &Edge) -> Self {
        edge.api.clone()
    }
}

impl FromRef<Edge> for Option<Arc<Demo>> {
    fn from_ref(edge: &Edge) -> Self {
        edge.demo.clone()
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
        .route("/graphql/ws", get(socket::handle))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::show))
        .route("/", get(welcome::welcome))
        .route("/kontor.css", get(welcome::style))
        .route("/kontor.svg", get(welcome::sign))
        .merge(playground::routes());
    let identified = from_fn_with_state(edge.api.clone(), identity::identified);
    around(paths, &browsers, body).layer(identified).with_state(edge)
}
