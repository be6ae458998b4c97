//! `/graphql` with `Accept: text/event-stream`: graphql-sse's distinct connections, one stream for
//! one operation. What GraphQL itself refuses comes as an event, because a browser's EventSource
//! can read nothing else; what HTTP refuses (sign-in, limits, a database that is away) has its
//! status.

use std::{
    convert::Infallible,
    time::{Duration, Instant},
};

use axum::{
    http::{StatusCode, header},
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use futures_util::{Stream, stream};
use secrecy::SecretString;

use super::{
    Edge,
    graphql::{Refused, identify, refuse, respond, status},
    line::Line,
    lines::{self, Whose},
    media::JSON,
};
use crate::{
    graphql::{Answer, Call, Following, Next, Opened, SignedIn},
    measure::Open,
};

/// Streams of one reader.
const MOST_STREAMS: usize = 10;
/// So that proxies see that somebody is there.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub(super) async fn answer(
    edge: &Edge,
    call: Call,
    token: Option<SecretString>,
    request_id: &str,
) -> Response {
    let viewer = match &call.signed_in {
        SignedIn::As(viewer) => Some(viewer),
        _ => None,
    };
    let whose = Whose::of(viewer, call.info.caller.address);
    let Some(both) = edge.lines.both(whose, MOST_STREAMS) else {
        let told = format!("At most {MOST_STREAMS} streams at once.");
        let refused = Refused::new(StatusCode::TOO_MANY_REQUESTS, "THROTTLED", told);
        return refuse(refused, JSON, request_id);
    };
    let (viewer, began) = (viewer.cloned(), Instant::now());
    let state = match edge.api.open(call, token).await {
        Opened::Answered(answer) => {
            let status = status(&answer, JSON);
            let line = Line {
                over: "events",
                request: request_id,
                viewer: viewer.as_ref(),
                status: Some(status.as_u16()),
                took: began.elapsed(),
                slow: edge.operations.slow,
            };
            line.tell(&answer);
            if status != StatusCode::OK {
                return refused(status, answer, request_id);
            }
            State::Answered(answer)
        }
        Opened::Following(following) => State::Following(following),
    };
    let draining = edge.draining.clone();
    let events = Events { state, draining, _lines: both, _open: Open::subscription() };
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    identify(Sse::new(events.stream()).keep_alive(keep_alive).into_response(), request_id)
}

/// As HTTP has it.
fn refused(status: StatusCode, answer: Answer, request_id: &str) -> Response {
    let Answer { body, retry_after, headers, .. } = answer;
    let mut response = respond(status, JSON, body, request_id);
    response.headers_mut().extend(headers);
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

enum State {
    Answered(Answer),
    Following(Box<Following>),
    Complete,
    Over,
}

struct Events {
    state: State,
    draining: tokio::sync::watch::Receiver<bool>,
    _lines: [lines::Line; 2],
    _open: Open,
}

impl Events {
    fn stream(self) -> impl Stream<Item = Result<Event, Infallible>> {
        stream::unfold(self, async |mut events| {
            let event = events.next().await?;
            Some((Ok(event), events))
        })
    }

    async fn next(&mut self) -> Option<Event> {
        let answer = match &mut self.state {
            State::Answered(answer) => {
                let body = std::mem::take(&mut answer.body);
                self.state = State::Complete;
                body
            }
            State::Following(following) => {
                let next = tokio::select! {
                    next = following.next() => next,
                    // Without `complete`: whoever follows comes back and goes on.
                    () = async { drop(self.draining.wait_for(|draining| *draining).await) } => {
                        return None;
                    }
                };
                match next {
                    Next::Answer(answer) => answer.body,
                    Next::Done => return Some(self.complete()),
                    Next::SignedOut => return None,
                }
            }
            State::Complete => return Some(self.complete()),
            State::Over => return None,
        };
        Some(Event::default().event("next").data(String::from_utf8_lossy(&answer)))
    }

    fn complete(&mut self) -> Event {
        self.state = State::Over;
        Event::default().event("complete").data("")
    }
}
