//! `/`: what somebody sees who opens the address in a browser, and how the server is.

use std::fmt::Write;

use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::{Html, IntoResponse, Response},
};

use crate::graphql::Api;

const STYLE: &str = include_str!("kontor.css");
const SIGN: &str = include_str!("kontor.svg");
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";
/// How long browsers keep what hardly changes.
const AN_HOUR: &str = "public, max-age=3600";

const TEXT: &str = "This is Kontor, a CRM back end with a GraphQL API.\n\n\
    POST /graphql      the API; see docs/api.md\n\
    GET  /playground   try it in a browser\n\
    GET  /healthz      is it alive\n\
    GET  /readyz       is it ready\n\
    GET  /metrics      how it does\n";

const LINKS: [(&str, &str, &str); 4] = [
    ("/playground", "Playground", "try the API in this browser"),
    ("/healthz", "/healthz", "is it alive"),
    ("/readyz", "/readyz", "is it ready"),
    ("/metrics", "/metrics", "how it does, for Prometheus"),
];

/// A page for browsers, text for everybody else.
pub(super) async fn welcome(State(api): State<Api>, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let vary = (header::VARY, "Accept");
    if !accept.is_some_and(|accept| accept.contains("text/html")) {
        return ([(header::CONTENT_TYPE, "text/plain; charset=utf-8"), vary], TEXT).into_response();
    }
    let (database, schema) = match api.db().migration_state().await {
        Ok(state) => (
            (true, "reachable".into()),
            match state.complaint() {
                None => (true, "current".into()),
                Some(complaint) => (false, complaint),
            },
        ),
        Err(error) => {
            tracing::warn!(error = ?error, "welcome.state.failed");
            ((false, "cannot be reached".into()), (false, "unknown".into()))
        }
    };
    ([vary], page("Kontor", &body(&database, &schema))).into_response()
}

/// Is it as it should be, and how it is.
type Told = (bool, String);

fn body(database: &Told, schema: &Told) -> String {
    let mut body = String::from(
        "<h1>Kontor</h1><p class=\"lead\">A CRM back end with a GraphQL API. \
         Programs ask <code>/graphql</code>; people begin here.</p><ul class=\"links\">",
    );
    for (path, name, about) in LINKS {
        let _ = write!(body, "<li><a href=\"{path}\">{name}</a> <span>{about}</span></li>");
    }
    let version = env!("CARGO_PKG_VERSION");
    let _ = write!(body, "</ul><h2>State</h2><dl><dt>Version</dt><dd>{version}</dd>");
    for (name, (good, told)) in [("Database", database), ("Schema", schema)] {
        let class = if *good { "good" } else { "bad" };
        let _ = write!(body, "<dt>{name}</dt><dd class=\"{class}\">{}</dd>", escaped(told));
    }
    body.push_str("</dl>");
    body
}

/// A page in Kontor's clothes.
pub(super) fn page(title: &str, body: &str) -> impl IntoResponse + use<> {
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{title}</title>\
         <link rel=\"icon\" href=\"/kontor.svg\" type=\"image/svg+xml\">\
         <link rel=\"stylesheet\" href=\"/kontor.css\"></head><body><main>\
         <img src=\"/kontor.svg\" alt=\"\" width=\"56\" height=\"56\">{body}</main></body></html>"
    );
    ([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(page))
}

pub(super) async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, AN_HOUR)], STYLE)
}

pub(super) async fn sign() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, AN_HOUR)], SIGN)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_says_what_is_wrong() {
        let well = body(&(true, "reachable".into()), &(true, "current".into()));
        assert!(well.contains("<dd class=\"good\">reachable</dd>") && !well.contains("bad"));
        let ill = body(&(true, "reachable".into()), &(false, "Migration <7> & more".into()));
        assert!(ill.contains("<dd class=\"bad\">Migration &lt;7> &amp; more</dd>"), "{ill}");
    }
}
