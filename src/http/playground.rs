//! `/playground`: the page on which one tries the API, as npm has built it from `playground/`. A
//! release has it inside; a debug build reads it where it was built.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::get,
};
use rust_embed::{Embed, EmbeddedFile};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Edge, welcome::page};

#[derive(Embed)]
#[folder = "playground/dist"]
#[allow_missing = true]
struct Bundle;

/// Where everybody may sign in, and as whom.
#[derive(Debug, Serialize)]
pub struct Demo {
    pub password: &'static str,
    pub tenants: Vec<DemoTenant>,
}

#[derive(Debug, Serialize)]
pub struct DemoTenant {
    pub slug: &'static str,
    pub name: &'static str,
    pub people: Vec<DemoPerson>,
}

#[derive(Debug, Serialize)]
pub struct DemoPerson {
    pub email: String,
    pub name: &'static str,
    pub role: &'static str,
}

pub(super) fn routes() -> Router<Edge> {
    Router::new()
        .route("/playground", get(index))
        .route("/playground/", get(index))
        .route("/playground/server.json", get(server))
        .route("/playground/licenses.md", get(licenses))
        .route("/playground/{*path}", get(file))
}

async fn index(uri: Uri, headers: HeaderMap) -> Response {
    match Bundle::get("index.html") {
        Some(index) => {
            let mut response = content(index, "no-cache");
            response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy(&uri, &headers));
            response
        }
        None => not_built(),
    }
}

/// The names of assets hold a hash of what is in them.
async fn file(Path(path): Path<String>, uri: Uri, headers: HeaderMap) -> Response {
    let asset = path.starts_with("assets/").then(|| Bundle::get(&path)).flatten();
    let Some(asset) = asset else { return StatusCode::NOT_FOUND.into_response() };
    let forever = "public, max-age=31536000, immutable";
    let mut response = content(asset, forever);
    // A worker goes by the policy that it comes with.
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy(&uri, &headers));
    response
}

/// Whose work the page is made of.
async fn licenses() -> Response {
    match Bundle::get("licenses.md") {
        Some(text) => {
            let plain = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
            (plain, text.data.into_owned()).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// What the page asks first.
async fn server(State(demo): State<Option<Arc<Demo>>>) -> Json<Value> {
    Json(json!({ "version": env!("CARGO_PKG_VERSION"), "demo": demo.as_deref() }))
}

fn content(file: EmbeddedFile, caching: &'static str) -> Response {
    let media = match file.metadata.mimetype() {
        "text/html" => "text/html; charset=utf-8",
        other => other,
    };
    let media = HeaderValue::from_str(media);
    let media = media.unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let caching = HeaderValue::from_static(caching);
    let headers = [(header::CONTENT_TYPE, media), (header::CACHE_CONTROL, caching)];
    (headers, file.data.into_owned()).into_response()
}

/// Nothing from elsewhere, and no script in the page. Its editor writes styles as it goes. Older
/// browsers do not count sockets as `'self'`, so they are named.
fn policy(uri: &Uri, headers: &HeaderMap) -> HeaderValue {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or(uri.authority().map(axum::http::uri::Authority::as_str));
    let plain = |host: &&str| {
        host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]".contains(&b)) && !host.is_empty()
    };
    let sockets = host.filter(plain).map(|host| format!(" ws://{host} wss://{host}"));
    let sockets = sockets.unwrap_or_default();
    let policy = format!(
        "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self' 'unsafe-inline'; \
         img-src 'self' data:; font-src 'self' data:; connect-src 'self'{sockets}; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

fn not_built() -> Response {
    const BODY: &str = "<h1>The playground is not built yet</h1>\
        <p>It is made with npm, once. In Kontor's folder:</p>\
        <pre>make playground</pre>\
        <p>Then load this page again. A release takes the playground in when it is compiled: build it \
        first, <code>cargo build --release</code> after.</p>\
        <p><code>make run</code> does it by itself where npm is there (Debian: <code>apt install \
        npm</code>), with Node 20.19 or newer.</p><p><a href=\"/\">Back</a></p>";
    (StatusCode::NOT_FOUND, page("Playground", BODY)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_names_this_host_and_no_other_words() {
        let of = |host: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            policy(&Uri::from_static("/playground"), &headers).to_str().unwrap().to_owned()
        };
        assert!(of("[::1]:8080").contains("connect-src 'self' ws://[::1]:8080 wss://[::1]:8080;"));
        for bad in ["", "evil; script-src *", "a b", "x'y"] {
            assert!(of(bad).contains("connect-src 'self';"), "{bad}");
        }
        assert!(!of("kontor.example").split("script-src").nth(1).unwrap().starts_with(" *"));
    }

    #[test]
    fn without_its_bundle_the_page_says_how_to_build_it() {
        let response = not_built();
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("style-src 'self'"));
    }
}
