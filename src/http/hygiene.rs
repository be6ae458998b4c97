//! What every answer has: headers that keep browsers from doing more than is meant, compression
//! where it saves something, and the front ends that may ask from other addresses.

use std::time::Duration;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    middleware::from_fn,
};
use tower_http::{
    compression::{
        CompressionLayer,
        predicate::{NotForContentType, Predicate, SizeAbove},
    },
    cors::CorsLayer,
    set_header::SetResponseHeaderLayer,
};

use super::identity::unbroken;

/// Shorter answers are sent as they are.
const WORTH_COMPRESSING: u64 = 1024;
/// How long a browser remembers that it may ask.
const PREFLIGHT: Duration = Duration::from_hours(2);

/// What the operator says about browsers.
#[derive(Clone, Debug, Default)]
pub struct Browsers {
    /// Where front ends come from, such as "https://crm.acme.example".
    pub origins: Vec<HeaderValue>,
    /// Only ever ask over TLS again.
    pub tls_only: bool,
}

impl Browsers {
    /// May a page from there open a socket? Browsers ask nobody before they do. Whoever sends no
    /// origin is no browser.
    pub fn may_open_sockets(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(header::ORIGIN) else { return true };
        let own = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let page = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
        let same = page.is_some_and(|(_, host)| Some(host) == own);
        same || self.origins.contains(origin)
    }
}

/// Around all paths, whose requests have bodies of at most so many bytes.
pub fn around<S: Clone + Send + Sync + 'static>(
    router: Router<S>,
    browsers: &Browsers,
    body: usize,
) -> Router<S> {
    let set = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    let year = HeaderValue::from_static("max-age=31536000; includeSubDomains");
    let year = Some(year).filter(|_| browsers.tls_only);
    // An event is sent when it happens, and not when there is enough to compress.
    let worth = SizeAbove::new(WORTH_COMPRESSING).and(NotForContentType::SSE);
    // As one layer: the router copies a path's layers for each request, those inside of them again
    // and again. Nothing that is answered here is a page that needs more.
    let router = router.layer((
        CompressionLayer::new().gzip(true).br(true).compress_when(worth),
        SetResponseHeaderLayer::if_not_present(header::STRICT_TRANSPORT_SECURITY, year),
        set(header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        set(header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        set(header::X_FRAME_OPTIONS, "DENY"),
        set(header::REFERRER_POLICY, "no-referrer"),
        set(header::CACHE_CONTROL, "no-store"),
        from_fn(unbroken),
        DefaultBodyLimit::max(body),
    ));
    // Nobody is signed in by a cookie, so credentials are not asked for.
    if browsers.origins.is_empty() {
        return router;
    }
    let own = [
        header::ACCEPT,
        header::AUTHORIZATION,
        header::CONTENT_TYPE,
        header::IF_NONE_MATCH,
        HeaderName::from_static("idempotency-key"),
        HeaderName::from_static("x-request-id"),
    ];
    let cors = CorsLayer::new()
        .allow_origin(browsers.origins.clone())
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(own)
        .expose_headers([
            header::ETAG,
            header::RETRY_AFTER,
            HeaderName::from_static("deprecation"),
            HeaderName::from_static("sunset"),
            HeaderName::from_static("x-request-id"),
        ])
        .max_age(PREFLIGHT);
    router.layer(cors)
}
