//! `/metrics`, for those who may look: whoever asks from an address that the operator named.
//! Others learn not even that it is there.

use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{
    Edge,
    caller::{caller, peer},
};
use crate::telemetry::Standing;

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) async fn show(State(edge): State<Edge>, request: Request) -> Response {
    let address = caller(&request, &edge.trusted_proxies).address;
    // A proxy beside us that is not trusted would lend its own address to everybody.
    let is_led = ["x-forwarded-for", "forwarded"].map(|name| request.headers().contains_key(name));
    let is_lent = is_led.contains(&true) && address == peer(&request);
    let operations = &edge.operations;
    let may = address.is_some_and(|address| {
        !is_lent && operations.metrics_from.iter().any(|net| net.contains(&address))
    });
    let Some(metrics) = operations.metrics.as_ref().filter(|_| may) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let gate = &operations.gate;
    let standing = Standing {
        pool: edge.api.db().state(),
        in_flight: gate.inside(),
        queued: gate.waiting(),
        most_in_flight: gate.most(),
    };
    ([(header::CONTENT_TYPE, TEXT)], metrics.render(standing)).into_response()
}
