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
