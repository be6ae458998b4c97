//! A request's body, which has to arrive in time.

use std::time::Duration;

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::StatusCode,
    response::IntoResponse,
};

/// The whole body; or the status of why there is none.
pub async fn arrive(request: Request, within: Duration) -> Result<Bytes, StatusCode> {
    match tokio::time::timeout(within, Bytes::from_request(request, &())).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(error)) => Err(error.into_response().status()),
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
    }
}
