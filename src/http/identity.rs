//! Every request has an id, in every answer and in every line of the log; also where the answer
//! is a bug.

use std::panic::AssertUnwindSafe;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use futures_util::FutureExt;

use super::graphql;
use crate::{graphql::Api, ids};

pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LENGTH: usize = 64;

/// Around everything: gives the request its id, and the answer the same.
pub async fn identified(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let headers = request.headers_mut();
    let id = match headers.get(&REQUEST_ID).filter(|value| is_sensible(value.as_bytes())) {
        Some(own) => own.clone(),
        None => {
            let new = ids::new_uuid(api.clock()).simple().to_string();
            // Hexadecimal digits always make a header.
            let new = HeaderValue::try_from(new).unwrap_or(HeaderValue::from_static("none"));
            headers.insert(REQUEST_ID, new.clone());
            new
        }
    };
    let mut response = next.run(request).await;
    response.headers_mut().entry(REQUEST_ID).or_insert(id);
    response
}

/// A bug must not take the connection with it.
pub async fn unbroken(request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(cause) => graphql::panicked(&*cause, &id),
    }
}

/// The id that [`identified`] gave.
pub fn request_id(headers: &HeaderMap) -> String {
    let id = headers.get(&REQUEST_ID).and_then(|value| value.to_str().ok());
    id.unwrap_or_default().to_owned()
}

/// The caller's own id is taken if it is a sensible one, so that logs on both sides meet.
fn is_sensible(id: &[u8]) -> bool {
    (1..=LENGTH).contains(&id.len())
        && id.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b))
}

#[cfg(test)]
mod tests {
    use axum::{Router, body::Body, http::StatusCode, middleware::from_fn, routing::get};
    use http_body_util::BodyExt;
    use hyper::service::Service;
    use hyper_util::service::TowerToHyperService;

    use super::*;

    #[tokio::test]
    async fn a_bug_says_nothing_but_the_requests_id() {
        async fn bug() -> &'static str {
            panic!("a secret")
        }
        let router = Router::new().route("/", get(bug)).layer(from_fn(unbroken));
        let request = Request::get("/").header("x-request-id", "mine").body(Body::empty()).unwrap();
        let response = TowerToHyperService::new(router).call(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()[&REQUEST_ID], "mine");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["errors"][0]["extensions"]["code"], "INTERNAL");
        assert_eq!(body["errors"][0]["extensions"]["requestId"], "mine");
        assert!(!body.to_string().contains("secret"), "{body}");
    }
}
