//! Requests that name a registered document, and answers to them that need not be sent twice.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::{documents::DocumentHash, graphql::ByName};

/// Who writes `documentId`, who writes `doc_id`.
const IDS: [&str; 2] = ["documentId", "doc_id"];

/// The document's name in the members of a request; the error is a sentence for the client.
pub fn named(
    parts: &Map<String, Value>,
    extensions: &Map<String, Value>,
) -> Result<Option<ByName>, String> {
    for name in IDS {
        match parts.get(name) {
            None | Some(Value::Null) => {}
            // What is empty is absent.
            Some(Value::String(id)) if id.is_empty() => {}
            Some(Value::String(id)) => return Ok(Some(ByName::Id(id.clone()))),
            Some(_) => return Err(format!("`{name}` must be a string.")),
        }
    }
    let query = match extensions.get("persistedQuery") {
        None | Some(Value::Null) => return Ok(None),
        Some(query) => query,
    };
    let version = query.get("version").and_then(Value::as_u64);
    match (version, query.get("sha256Hash")) {
        (Some(1), Some(Value::String(hash))) => Ok(Some(ByName::Hash(hash.clone()))),
        _ => Err("`extensions.persistedQuery` has version 1 and a sha256Hash.".into()),
    }
}

/// The tag of an answer: another one where a byte would differ. What it is compressed with is
/// decided further out, by the same header each time.
pub fn tag(body: &[u8], media: &str, headers: &HeaderMap) -> String {
    let mut hash = Sha256::new();
    hash.update(media);
    for accepted in headers.get_all(header::ACCEPT_ENCODING) {
        hash.update(b"\n");
        hash.update(accepted.as_bytes());
    }
    hash.update(b"\n\n");
    hash.update(body);
    // As long as a document's id, and as good.
    format!("\"{}\"", DocumentHash(hash.finalize().into()).to_string().replace("sha256:", ""))
}

/// Puts the tag on the answer; whoever has it already is told only that.
pub fn tagged(mut response: Response, tag: &str, headers: &HeaderMap) -> Response {
    let own = response.headers_mut();
    // Its reader may keep it and asks each time; nobody in between may.
    own.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    own.insert(header::VARY, HeaderValue::from_static("Accept, Authorization, Accept-Encoding"));
    if let Ok(tag) = HeaderValue::from_str(tag) {
        own.insert(header::ETAG, tag);
    }
    if !has(headers, tag) {
        return response;
    }
    own.remove(header::CONTENT_TYPE);
    own.remove(header::CONTENT_LENGTH);
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    *response.body_mut() = Body::empty();
    response
}

fn has(headers: &HeaderMap, tag: &str) -> bool {
    let lists = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|list| list.to_str().ok());
    let mut tags = lists.flat_map(|list| list.split(',')).map(str::trim);
    // A weak tag is as good here.
    tags.any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(body: Value) -> Result<Option<ByName>, String> {
        let parts = body.as_object().unwrap();
        let none = Map::new();
        named(parts, parts.get("extensions").and_then(Value::as_object).unwrap_or(&none))
    }

    #[test]
    fn a_document_is_named_in_three_ways() {
        let id = Ok(Some(ByName::Id("x".into())));
        assert_eq!(read(json!({ "documentId": "x" })), id);
        assert_eq!(read(json!({ "documentId": null, "doc_id": "x" })), id);
        let hash =
            json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": "h" } } });
        assert_eq!(read(hash), Ok(Some(ByName::Hash("h".into()))));
        for nothing in [
            json!({}),
            json!({ "documentId": "" }),
            json!({ "extensions": { "persistedQuery": null } }),
        ] {
            assert_eq!(read(nothing), Ok(None));
        }
        for wrong in [
            json!({ "documentId": 7 }),
            json!({ "extensions": { "persistedQuery": 7 } }),
            json!({ "extensions": { "persistedQuery": { "version": 2, "sha256Hash": "h" } } }),
            json!({ "extensions": { "persistedQuery": { "version": 1 } } }),
        ] {
            assert!(read(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_tag_is_one_representations() {
        let with = |encodings: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(encodings));
            headers
        };
        let plain = tag(b"{}", "a", &HeaderMap::new());
        assert_eq!(plain, tag(b"{}", "a", &HeaderMap::new()));
        assert_eq!((plain.len(), &plain[..1]), (66, "\""));
        for other in [
            tag(b"{ }", "a", &HeaderMap::new()),
            tag(b"{}", "b", &HeaderMap::new()),
            tag(b"{}", "a", &with("gzip")),
        ] {
            assert_ne!(plain, other);
        }
        let mut headers = with("gzip");
        for (said, expected) in
            [("\"x\"", false), ("*", true), ("W/\"t\"", true), ("\"x\", \"t\"", true)]
        {
            headers.insert(header::IF_NONE_MATCH, HeaderValue::from_static(said));
            assert_eq!(has(&headers, "\"t\""), expected, "{said}");
        }
    }
}
