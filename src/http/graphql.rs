//! `/graphql`: from an HTTP request to a call, and from its answer to a response. POST for
//! everything, GET for questions.

use std::{
    any::Any,
    net::IpAddr,
    time::{Duration, Instant},
};

use async_graphql::Variables;
use axum::{
    extract::{Query, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{
    Edge,
    arrival::arrive,
    by_id,
    caller::caller,
    events,
    gate::Entered,
    identity::{REQUEST_ID, request_id},
    line::{self, Line},
    media::{EVENTS, JSON, RESPONSE, is_json, negotiate},
};
use crate::graphql::{Answer, Api, ByName, Call, RequestInfo, SignedIn};

const MAX_KEY: usize = 64;

/// A request that is refused before it is a call.
pub(super) struct Refused {
    pub status: StatusCode,
    pub code: &'static str,
    pub message: String,
    /// In how many seconds it is worth trying again.
    retry_after: Option<u64>,
}

impl Refused {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), retry_after: None }
    }

    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", message)
    }

    fn busy() -> Self {
        let told = "The server has too much to do right now.";
        let refused = Self::new(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", told);
        Self { retry_after: Some(1), ..refused }
    }
}

pub(super) async fn handle(State(edge): State<Edge>, mut request: Request) -> Response {
    let api = &edge.api;
    let began = Instant::now();
    let caller = caller(&request, &edge.trusted_proxies);
    let headers = std::mem::take(request.headers_mut());
    let request_id = request_id(&headers);
    let media = negotiate(&headers);
    let call = match media {
        Some(media) => {
            let info = RequestInfo { id: request_id.clone(), caller, ..RequestInfo::default() };
            let call = read(&edge, request, &headers, info).await;
            call.map(|(call, place)| (Call { may_follow: media == EVENTS, ..call }, place))
        }
        None => Err(Refused::new(
            StatusCode::NOT_ACCEPTABLE,
            "NOT_ACCEPTABLE",
            format!("Accept {RESPONSE}, {JSON} or {EVENTS}."),
        )),
    };
    let media = media.unwrap_or(JSON);
    let (call, _place) = match call {
        Ok(entered) => entered,
        Err(refused) => return refuse(refused, media, &request_id),
    };
    if media == EVENTS {
        return events::answer(&edge, call, bearer(&headers), &request_id).await;
    }
    let viewer = match &call.signed_in {
        SignedIn::As(viewer) => Some(viewer.clone()),
        _ => None,
    };
    let may_be_known = call.is_by_id_alone() && !call.may_mutate;
    let answer = api.answer(call).await;
    let status = status(&answer, media);
    let tag = (may_be_known && answer.codes.is_empty())
        .then(|| by_id::tag(&answer.body, media, &headers));
    let asked = headers;
    let line = Line {
        over: "http",
        request: &request_id,
        viewer: viewer.as_ref(),
        status: Some(status.as_u16()),
        took: began.elapsed(),
        slow: edge.operations.slow,
    };
    line.tell(&answer);
    let (retry_after, headers) = (answer.retry_after, answer.headers);
    let mut response = respond(status, media, answer.body, &request_id);
    response.headers_mut().extend(headers);
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    match tag {
        Some(tag) => by_id::tagged(response, &tag, &asked),
        None => response,
    }
}

pub(super) async fn other_method(headers: HeaderMap) -> Response {
    let refused =
        Refused::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "Use POST or GET.");
    let media = negotiate(&headers).unwrap_or(JSON);
    refuse(refused, media, &request_id(&headers))
}

/// A bug tells nothing.
pub(super) fn panicked(cause: &(dyn Any + Send), request_id: &str) -> Response {
    let told = cause.downcast_ref::<String>().map(String::as_str);
    let told = told.or_else(|| cause.downcast_ref::<&str>().copied()).unwrap_or("unknown");
    tracing::error!(request = request_id, cause = told, "operation.panicked");
    let message = "Something went wrong on our side.";
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    refuse(Refused::new(status, "INTERNAL", message), JSON, request_id)
}

async fn read(
    edge: &Edge,
    request: Request,
    headers: &HeaderMap,
    info: RequestInfo,
) -> Result<(Call, Entered), Refused> {
    let may_mutate = !matches!(*request.method(), Method::GET | Method::HEAD);
    let parts = match may_mutate {
        true => from_body(request, headers, edge.operations.arrival).await?,
        false => from_query(request.uri())?,
    };
    let info = RequestInfo { idempotency_key: idempotency_key(headers)?, ..info };
    let address = info.caller.address;
    let call = asked(parts, info)?;
    // What has a tag is the same for the same data.
    let tell_cost = may_mutate || !call.is_by_id_alone();
    let call = Call { may_mutate, tell_cost, ..call };
    // From here on it takes more than it brought.
    let place = edge.operations.gate.enter().await.ok_or_else(Refused::busy)?;
    Ok((Call { signed_in: sign_in(&edge.api, headers, address).await?, ..call }, place))
}

/// What the members of a request ask for, of nobody in particular.
pub(super) fn asked(mut parts: Map<String, Value>, info: RequestInfo) -> Result<Call, Refused> {
    // Of a repeat with the same key the same is asked; without a key nobody needs to know.
    let body_hash = match info.idempotency_key {
        Some(_) => Sha256::digest(Value::Object(parts.clone()).to_string()).into(),
        None => info.body_hash,
    };
    let query = text(&mut parts, "query")?;
    let operation_name = text(&mut parts, "operationName")?;
    let variables = Value::Object(object(&mut parts, "variables")?);
    let extensions = object(&mut parts, "extensions")?;
    let named = by_id::named(&parts, &extensions).map_err(Refused::bad)?;
    let query = match (query, &named) {
        (Some(_), Some(ByName::Id(_))) => {
            return Err(Refused::bad("Send `query` or `documentId`, not both."));
        }
        (None, None) => return Err(Refused::bad("`query` or `documentId` is missing.")),
        (query, _) => query.unwrap_or_default(),
    };
    let dry_run = match extensions.get("dryRun") {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::Bool(true)) => true,
        Some(_) => return Err(Refused::bad("`extensions.dryRun` must be true or false.")),
    };
    Ok(Call {
        query,
        named,
        operation_name,
        variables: Variables::from_json(variables),
        signed_in: SignedIn::Anonymous,
        info: RequestInfo { body_hash, dry_run, ..info },
        may_mutate: true,
        may_follow: false,
        tell_cost: true,
    })
}

/// The members of a body.
async fn from_body(
    request: Request,
    headers: &HeaderMap,
    within: Duration,
) -> Result<Map<String, Value>, Refused> {
    if !is_json(headers) {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(Refused::new(status, "UNSUPPORTED_MEDIA_TYPE", format!("Send {JSON}.")));
    }
    let body = arrive(request, within).await.map_err(|status| match status {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Refused::new(status, "PAYLOAD_TOO_LARGE", "A request has at most 1 MiB.")
        }
        StatusCode::REQUEST_TIMEOUT => {
            Refused::new(status, "BAD_REQUEST", "The body did not arrive in time.")
        }
        _ => Refused::bad("The body did not arrive whole."),
    })?;
    match serde_json::from_slice(&body) {
        Ok(Value::Object(parts)) => Ok(parts),
        Ok(Value::Array(_)) => {
            let told = "Send one request at a time.";
            Err(Refused::new(StatusCode::BAD_REQUEST, "BATCHING_NOT_SUPPORTED", told))
        }
        Ok(_) => Err(Refused::bad("The body must be a JSON object.")),
        Err(_) => Err(Refused::bad("The body is not JSON.")),
    }
}

/// The same from an address: variables and extensions are JSON there.
fn from_query(uri: &Uri) -> Result<Map<String, Value>, Refused> {
    let pairs = Query::<Vec<(String, String)>>::try_from_uri(uri);
    let Query(pairs) = pairs.map_err(|_| Refused::bad("The address cannot be read."))?;
    let mut parts = Map::new();
    // What is empty is absent.
    for (name, text) in pairs.into_iter().filter(|(_, text)| !text.is_empty()) {
        let value = match name.as_str() {
            "variables" | "extensions" => serde_json::from_str(&text)
                .map_err(|_| Refused::bad(format!("`{name}` is not JSON.")))?,
            _ => Value::String(text),
        };
        parts.insert(name, value);
    }
    Ok(parts)
}

fn text(parts: &mut Map<String, Value>, name: &str) -> Result<Option<String>, Refused> {
    match parts.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
        Some(_) => Err(Refused::bad(format!("`{name}` must be a string."))),
    }
}

fn object(parts: &mut Map<String, Value>, name: &str) -> Result<Map<String, Value>, Refused> {
    match parts.remove(name) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(object)) => Ok(object),
        Some(_) => Err(Refused::bad(format!("`{name}` must be an object."))),
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Refused> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    match key.to_str() {
        Ok(key) if (1..=MAX_KEY).contains(&key.len()) => Ok(Some(key.to_owned())),
        _ => Err(Refused::bad(format!("Idempotency-Key has 1 to {MAX_KEY} plain characters."))),
    }
}

/// Only the Authorization header signs in.
async fn sign_in(
    api: &Api,
    headers: &HeaderMap,
    address: Option<IpAddr>,
) -> Result<SignedIn, Refused> {
    if !headers.contains_key(header::AUTHORIZATION) {
        return Ok(SignedIn::Anonymous);
    }
    let Some(token) = bearer(headers) else { return Ok(SignedIn::BadToken) };
    api.signed_in(token.expose_secret(), address).await.map_err(|error| {
        tracing::error!(error = ?error, "sign_in.failed");
        let status = match error.code() {
            "UNAVAILABLE" => StatusCode::SERVICE_UNAVAILABLE,
            "TIMEOUT" => StatusCode::GATEWAY_TIMEOUT,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Refused::new(status, error.code(), error.to_string())
    })
}

fn bearer(headers: &HeaderMap) -> Option<SecretString> {
    token_in(headers.get(header::AUTHORIZATION)?.to_str().ok()?)
}

/// The token of "Bearer …".
pub(super) fn token_in(authorization: &str) -> Option<SecretString> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().into())
}

/// Legacy clients (`application/json`) get 200 for whatever is GraphQL's own business.
pub(super) fn status(answer: &Answer, media: &str) -> StatusCode {
    let has = |code: &str| answer.codes.contains(&code);
    match answer.codes.first() {
        None => StatusCode::OK,
        _ if has("UNAUTHENTICATED") && !answer.executed => StatusCode::UNAUTHORIZED,
        _ if has("METHOD_NOT_ALLOWED") => StatusCode::METHOD_NOT_ALLOWED,
        _ if has("THROTTLED") => StatusCode::TOO_MANY_REQUESTS,
        _ if has("PAYLOAD_TOO_LARGE") && !answer.executed => StatusCode::PAYLOAD_TOO_LARGE,
        _ if has("UNAVAILABLE") => StatusCode::SERVICE_UNAVAILABLE,
        _ if has("TIMEOUT") => StatusCode::GATEWAY_TIMEOUT,
        _ if has("INTERNAL") && !answer.executed => StatusCode::INTERNAL_SERVER_ERROR,
        _ if answer.executed || media == JSON => StatusCode::OK,
        _ if has("PERSISTED_DOCUMENT_NOT_FOUND") => StatusCode::NOT_FOUND,
        _ => StatusCode::BAD_REQUEST,
    }
}

pub(super) fn refuse(refused: Refused, media: &'static str, request_id: &str) -> Response {
    let Refused { status, code, message, retry_after } = refused;
    let extensions = json!({ "code": code, "requestId": request_id });
    let body = json!({ "errors": [{ "message": message, "extensions": extensions }] });
    line::refused(request_id, status.as_u16(), code);
    let mut response = respond(status, media, body.to_string().into_bytes(), request_id);
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

pub(super) fn respond(
    status: StatusCode,
    media: &'static str,
    body: Vec<u8>,
    request_id: &str,
) -> Response {
    let content_type = match media {
        RESPONSE => "application/graphql-response+json; charset=utf-8",
        _ => "application/json; charset=utf-8",
    };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::VARY, HeaderValue::from_static("Accept, Authorization"));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(header::ALLOW, HeaderValue::from_static("GET, POST"));
    }
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    identify(response, request_id)
}

/// Logs on both sides meet by the id.
pub(super) fn identify(mut response: Response, request_id: &str) -> Response {
    if let Ok(id) = HeaderValue::from_str(request_id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}
