//! The media types of GraphQL over HTTP and over server-sent events, and which of them a client wants.

use axum::http::{HeaderMap, header};

pub const RESPONSE: &str = "application/graphql-response+json";
pub const EVENTS: &str = "text/event-stream";
pub const JSON: &str = "application/json";

/// The media type to answer in; none fits: `None`.
pub fn negotiate(headers: &HeaderMap) -> Option<&'static str> {
    let Some(accept) = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()) else {
        return Some(JSON);
    };
    let mut best: Option<(u32, &'static str)> = None;
    for part in accept.split(',') {
        let mut words = part.split(';').map(str::trim);
        let media = match words.next().unwrap_or_default().to_ascii_lowercase().as_str() {
            RESPONSE => RESPONSE,
            EVENTS => EVENTS,
            JSON | "application/*" | "*/*" => JSON,
            _ => continue,
        };
        let quality = words.find_map(|word| word.strip_prefix("q=")).map_or(1000, thousandths);
        if quality > 0 && best.is_none_or(|(other, _)| quality > other) {
            best = Some((quality, media));
        }
    }
    best.map(|(_, media)| media)
}

/// "0.25" is 250.
fn thousandths(quality: &str) -> u32 {
    let (whole, part) = quality.split_once('.').unwrap_or((quality, ""));
    let part: String = part.chars().chain("000".chars()).take(3).collect();
    let number = |text: &str| text.parse::<u32>().unwrap_or(0);
    (number(whole) * 1000 + number(&part)).min(1000)
}

/// Is the body JSON?
pub fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media = content_type.unwrap_or_default().split(';').next().unwrap_or_default();
    media.trim().eq_ignore_ascii_case(JSON)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_that_is_offered_is_taken() {
        let of = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            negotiate(&headers)
        };
        assert_eq!(negotiate(&HeaderMap::new()), Some(JSON));
        for (accept, best) in [
            ("*/*", Some(JSON)),
            ("application/graphql-response+json", Some(RESPONSE)),
            ("application/json, application/graphql-response+json", Some(JSON)),
            ("application/json;q=0.5, application/graphql-response+json", Some(RESPONSE)),
            ("text/html, application/*;q=0.1", Some(JSON)),
            ("application/json;q=0", None),
            ("text/html", None),
            ("text/event-stream", Some(EVENTS)),
            ("application/json, text/event-stream;q=0.9", Some(JSON)),
        ] {
            assert_eq!(of(accept), best, "{accept}");
        }
    }
}
