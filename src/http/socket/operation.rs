//! One operation of a socket, from `subscribe` to `complete`, and the messages that it makes.

use std::sync::Arc;

use axum::extract::ws::Message;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use tokio::{
    sync::{Semaphore, mpsc},
    time::Instant,
};

use super::{
    super::{Edge, line::Line},
    MOST_SUBSCRIPTIONS,
};
use crate::{
    graphql::{Answer, Call, Next, Opened, SignedIn},
    measure::Open,
};

/// What an operation has to tell.
pub struct Told {
    pub id: Arc<str>,
    /// Ids come again; this does not.
    pub number: u64,
    pub what: What,
}

pub enum What {
    Next(Vec<u8>),
    Error(Vec<u8>),
    Complete,
    SignedOut,
}

/// One operation of a socket.
pub struct Operation {
    pub edge: Edge,
    pub call: Call,
    pub token: Option<SecretString>,
    pub subscriptions: Arc<Semaphore>,
    pub id: Arc<str>,
    pub number: u64,
    pub sender: mpsc::Sender<Told>,
}

impl Operation {
    pub async fn run(self) {
        let Self { edge, call, token, subscriptions, id, number, sender } = self;
        // A socket that is gone has nobody to tell.
        let tell = async |what| sender.send(Told { id: id.clone(), number, what }).await.is_ok();
        let request_id = call.info.id.clone();
        let began = Instant::now();
        let viewer = match &call.signed_in {
            SignedIn::As(viewer) => Some(viewer.clone()),
            _ => None,
        };
        let Some(place) = edge.operations.gate.enter().await else {
            let told = "The server has too much to do right now.";
            tell(What::Error(refusal("UNAVAILABLE", told, &request_id))).await;
            return;
        };
        // What it took to begin takes no room for as long as it follows.
        let opened = Box::pin(edge.api.open(call, token)).await;
        drop(place);
        let mut following = match opened {
            Opened::Answered(answer) => {
                let line = Line {
                    over: "socket",
                    request: &request_id,
                    viewer: viewer.as_ref(),
                    status: None,
                    took: began.elapsed(),
                    slow: edge.operations.slow,
                };
                line.tell(&answer);
                if tell(what_of(answer)).await {
                    tell(What::Complete).await;
                }
                return;
            }
            Opened::Following(following) => following,
        };
        let Ok(_place) = subscriptions.try_acquire() else {
            let told = format!("At most {MOST_SUBSCRIPTIONS} subscriptions on one socket.");
            tell(What::Error(refusal("THROTTLED", &told, &request_id))).await;
            return;
        };
        let _open = Open::subscription();
        loop {
            let what = match following.next().await {
                Next::Answer(answer) => what_of(answer),
                Next::Done => What::Complete,
                Next::SignedOut => What::SignedOut,
            };
            let goes_on = matches!(what, What::Next(_));
            if !tell(what).await || !goes_on {
                return;
            }
        }
    }
}

/// What did not run at all is an error, and the operation's end.
fn what_of(answer: Answer) -> What {
    match answer.executed {
        true => What::Next(answer.body),
        false => What::Error(answer.body),
    }
}

pub fn refusal(code: &str, message: &str, request_id: &str) -> Vec<u8> {
    let extensions = json!({ "code": code, "requestId": request_id });
    json!({ "errors": [{ "message": message, "extensions": extensions }] }).to_string().into()
}

/// From a body that has errors only.
pub fn failed(id: &str, body: &[u8]) -> Message {
    #[derive(Deserialize)]
    struct Body<'a> {
        #[serde(borrow)]
        errors: &'a RawValue,
    }
    let errors = serde_json::from_slice::<Body<'_>>(body);
    message(id, "error", errors.map_or("[]", |body| body.errors.get()).as_bytes())
}

/// The payload is JSON already.
pub fn message(id: &str, kind: &str, payload: &[u8]) -> Message {
    let payload = String::from_utf8_lossy(payload);
    let id = Value::from(id);
    Message::Text(format!(r#"{{"id":{id},"type":"{kind}","payload":{payload}}}"#).into())
}

pub fn text_of(value: &Value) -> Message {
    Message::Text(value.to_string().into())
}
