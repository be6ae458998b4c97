//! `/graphql/ws`: graphql-transport-ws, with every close code of the protocol. The token comes in
//! `connection_init` and nowhere else, and is looked at again while the socket lives.
//!
//! Nothing piles up behind a slow reader: whoever produces answers waits for a short queue, and a
//! message that is not taken in time closes the socket.

mod operation;

use std::{collections::HashMap, future::pending, sync::Arc, time::Duration};

use axum::{
    extract::{
        FromRequestParts, Request, State,
        ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade},
    },
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::{
    sync::{Semaphore, mpsc},
    task::{AbortHandle, JoinSet},
    time::{Instant, interval, sleep_until, timeout},
};

use self::operation::{Operation, Told, What, failed, message, refusal, text_of};
use super::{
    Edge,
    caller::caller,
    graphql::{Refused, asked, refuse, token_in},
    identity::request_id,
    lines::{self, MOST, Whose},
    listen::Held,
    media::JSON,
};
use crate::{
    graphql::{Call, Caller, RequestInfo, SignedIn},
    ids::new_uuid,
    measure::Open,
};

const PROTOCOL: &str = "graphql-transport-ws";
const MESSAGE: usize = 1024 * 1024;
/// What is read at once. Each socket has this much room, whether or not anything comes.
const READ: usize = 4 * 1024;
const MOST_ID: usize = 64;
/// Sockets of one reader.
const MOST_SOCKETS: usize = 5;
/// Operations of one socket, and how many of them may be subscriptions.
const MOST_OPERATIONS: usize = 50;
const MOST_SUBSCRIPTIONS: usize = 10;
/// Answers that wait to be sent.
const QUEUE: usize = 16;

/// How long a socket waits, and for what.
#[derive(Clone, Copy, Debug)]
pub struct SocketTimes {
    /// For `connection_init`.
    pub init: Duration,
    /// For a reader to take one message.
    pub slow: Duration,
    /// Until the token is looked at again.
    pub recheck: Duration,
    /// Until it asks whether the client is there. Who is silent for twice as long is gone.
    pub ping: Duration,
}

impl SocketTimes {
    pub const DEFAULT: Self = Self {
        init: Duration::from_secs(5),
        slow: Duration::from_secs(10),
        recheck: Duration::from_secs(30),
        ping: Duration::from_secs(25),
    };
}

/// Why a socket is closed: the protocol's code, and a sentence.
type Closed = (u16, &'static str);

const GOING_AWAY: Closed = (1001, "The server is stopping. Come back.");
const TRY_LATER: Closed = (1013, "Not right now.");
const MALFORMED: Closed = (4400, "That is no message of graphql-transport-ws.");
const NOT_YET: Closed = (4401, "Unauthorized");
const FORBIDDEN: Closed = (4403, "Forbidden");
const NO_INIT: Closed = (4408, "Connection initialisation timeout");
const TWICE: Closed = (4429, "Too many initialisation requests");

pub(super) async fn handle(State(edge): State<Edge>, request: Request) -> Response {
    let request_id = request_id(request.headers());
    let refused = |status, code, told: &str| {
        refuse(Refused::new(status, code, told.to_owned()), JSON, &request_id)
    };
    if !edge.browsers.may_open_sockets(request.headers()) {
        let told = "Pages from there may not open sockets here.";
        return refused(StatusCode::FORBIDDEN, "CSRF_BLOCKED", told);
    }
    let caller = caller(&request, &edge.trusted_proxies);
    let held = request.extensions().get::<Held>().cloned();
    let speaks = speaks(request.headers());
    let (mut parts, _) = request.into_parts();
    let Ok(upgrade) = WebSocketUpgrade::from_request_parts(&mut parts, &edge).await else {
        return refused(StatusCode::BAD_REQUEST, "BAD_REQUEST", "This is for sockets.");
    };
    if !speaks {
        let told = "Ask for the protocol graphql-transport-ws.";
        return refused(StatusCode::BAD_REQUEST, "BAD_REQUEST", told);
    }
    let Some(line) = edge.lines.open(Whose::Anybody, MOST) else {
        let told = "There are too many sockets. Try again later.";
        return refused(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", told);
    };
    upgrade
        .protocols([PROTOCOL])
        .read_buffer_size(READ)
        .max_message_size(MESSAGE)
        .max_frame_size(MESSAGE)
        .on_upgrade(async move |socket| Connection::new(edge, caller, line, held).run(socket).await)
}

fn speaks(headers: &HeaderMap) -> bool {
    let asked = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    let asked = asked.filter_map(|value| value.to_str().ok());
    asked.flat_map(|value| value.split(',')).any(|name| name.trim() == PROTOCOL)
}

/// What a client says.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Said {
    ConnectionInit { payload: Option<Map<String, Value>> },
    Ping { payload: Option<Value> },
    Pong {},
    Subscribe { id: String, payload: Map<String, Value> },
    Complete { id: String },
}

struct Connection {
    edge: Edge,
    caller: Caller,
    /// `None` until `connection_init`.
    init: Option<Option<SecretString>>,
    running: HashMap<Arc<str>, (u64, AbortHandle)>,
    tasks: JoinSet<()>,
    count: u64,
    subscriptions: Arc<Semaphore>,
    sender: mpsc::Sender<Told>,
    queue: mpsc::Receiver<Told>,
    lines: Vec<lines::Line>,
    /// The server's end waits for it.
    _held: Option<Held>,
    _open: Open,
}

impl Connection {
    fn new(edge: Edge, caller: Caller, line: lines::Line, held: Option<Held>) -> Self {
        let (sender, queue) = mpsc::channel(QUEUE);
        Self {
            edge,
            caller,
            init: None,
            running: HashMap::new(),
            tasks: JoinSet::new(),
            count: 0,
            subscriptions: Arc::new(Semaphore::new(MOST_SUBSCRIPTIONS)),
            sender,
            queue,
            lines: vec![line],
            _held: held,
            _open: Open::socket(),
        }
    }

    async fn run(mut self, mut socket: WebSocket) {
        let closed = self.serve(&mut socket).await;
        // Whatever still runs for it has nobody to tell.
        self.tasks.shutdown().await;
        if let Some((code, reason)) = closed {
            let frame = CloseFrame { code, reason: reason.into() };
            let goodbye = async {
                socket.send(Message::Close(Some(frame))).await?;
                while let Some(Ok(_)) = socket.recv().await {}
                Ok::<(), axum::Error>(())
            };
            let _ = timeout(Duration::from_secs(1), goodbye).await;
        }
    }

    /// Until it is over; `None`: the client went away.
    async fn serve(&mut self, socket: &mut WebSocket) -> Option<Closed> {
        let SocketTimes { init, slow, recheck, ping } = self.edge.sockets;
        let begun = Instant::now();
        let (mut heard, mut pinged, mut rechecked) = (begun, interval(ping), interval(recheck));
        let mut draining = self.edge.draining.clone();
        loop {
            let waits = self.init.is_none();
            let no_init = async {
                match waits {
                    true => sleep_until(begun + init).await,
                    false => pending().await,
                }
            };
            let answer = tokio::select! {
                message = socket.recv() => {
                    heard = Instant::now();
                    match message? {
                        Ok(Message::Text(text)) => match self.hear(text.as_str()).await {
                            Ok(answer) => answer,
                            Err(closed) => return Some(closed),
                        },
                        Ok(Message::Close(_)) => return None,
                        Ok(Message::Ping(_) | Message::Pong(_)) => None,
                        // No text, or too much of it.
                        Ok(Message::Binary(_)) | Err(_) => return Some(MALFORMED),
                    }
                }
                Some(told) = self.queue.recv() => match self.tell(told) {
                    Ok(message) => message,
                    Err(closed) => return Some(closed),
                },
                () = no_init => return Some(NO_INIT),
                _ = rechecked.tick() => match self.still_signed_in().await {
                    true => None,
                    false => return Some(FORBIDDEN),
                },
                _ = pinged.tick() => match heard.elapsed() < ping * 2 {
                    true => Some(Message::Ping(Vec::new().into())),
                    false => return None,
                },
                () = async { drop(draining.wait_for(|draining| *draining).await) } => {
                    return Some(GOING_AWAY);
                }
            };
            if let Some(message) = answer
                && !matches!(timeout(slow, socket.send(message)).await, Ok(Ok(())))
            {
                tracing::info!("socket.slow");
                return None;
            }
        }
    }

    async fn hear(&mut self, text: &str) -> Result<Option<Message>, Closed> {
        match serde_json::from_str(text).map_err(|_| MALFORMED)? {
            Said::ConnectionInit { payload } => self.begin(payload).await.map(Some),
            Said::Ping { payload: None } => Ok(Some(text_of(&json!({ "type": "pong" })))),
            Said::Ping { payload } => {
                Ok(Some(text_of(&json!({ "type": "pong", "payload": payload }))))
            }
            Said::Pong {} => Ok(None),
            Said::Complete { id } => {
                if let Some((_, task)) = self.running.remove(id.as_str()) {
                    task.abort();
                }
                Ok(None)
            }
            Said::Subscribe { id, payload } => self.start(id, payload).await,
        }
    }

    async fn begin(&mut self, payload: Option<Map<String, Value>>) -> Result<Message, Closed> {
        if self.init.is_some() {
            return Err(TWICE);
        }
        let payload = payload.unwrap_or_default();
        let said = payload.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        let token = match said {
            None => None,
            Some((_, Value::String(text))) => Some(token_in(&text).ok_or(FORBIDDEN)?),
            Some(_) => return Err(FORBIDDEN),
        };
        let viewer = match self.signed_in(token.as_ref()).await? {
            SignedIn::BadToken => return Err(FORBIDDEN),
            SignedIn::Anonymous => None,
            SignedIn::As(viewer) => Some(viewer),
        };
        let whose = Whose::of(viewer.as_ref(), self.caller.address);
        self.lines.push(self.edge.lines.open(whose, MOST_SOCKETS).ok_or(TRY_LATER)?);
        self.init = Some(token);
        Ok(text_of(&json!({ "type": "connection_ack" })))
    }

    async fn signed_in(&self, token: Option<&SecretString>) -> Result<SignedIn, Closed> {
        let Some(token) = token else { return Ok(SignedIn::Anonymous) };
        let asked = self.edge.api.signed_in(token.expose_secret(), self.caller.address);
        asked.await.map_err(|_| TRY_LATER)
    }

    /// A database that is away ends no socket.
    async fn still_signed_in(&self) -> bool {
        let token = self.init.as_ref().and_then(Option::as_ref);
        !matches!(self.signed_in(token).await, Ok(SignedIn::BadToken))
    }

    async fn start(
        &mut self,
        id: String,
        payload: Map<String, Value>,
    ) -> Result<Option<Message>, Closed> {
        let Some(token) = self.init.clone() else { return Err(NOT_YET) };
        if id.is_empty() || id.len() > MOST_ID {
            return Err(MALFORMED);
        }
        let id: Arc<str> = id.into();
        if self.running.contains_key(&id) {
            return Err((4409, "Subscriber already exists"));
        }
        let request_id = new_uuid(self.edge.api.clock()).simple().to_string();
        if self.running.len() >= MOST_OPERATIONS {
            let told = format!("At most {MOST_OPERATIONS} operations at once.");
            return Ok(Some(failed(&id, &refusal("THROTTLED", &told, &request_id))));
        }
        let (id_of, caller) = (request_id.clone(), self.caller.clone());
        let info = RequestInfo { id: id_of, caller, ..RequestInfo::default() };
        let call = match asked(payload, info) {
            Ok(call) => call,
            Err(refused) => {
                let Refused { code, message, .. } = refused;
                return Ok(Some(failed(&id, &refusal(code, &message, &request_id))));
            }
        };
        let signed_in = match self.signed_in(token.as_ref()).await? {
            SignedIn::BadToken => return Err(FORBIDDEN),
            signed_in => signed_in,
        };
        self.count += 1;
        let operation = Operation {
            edge: self.edge.clone(),
            call: Call { signed_in, may_follow: true, ..call },
            token,
            subscriptions: self.subscriptions.clone(),
            id: id.clone(),
            number: self.count,
            sender: self.sender.clone(),
        };
        while self.tasks.try_join_next().is_some() {}
        let task = self.tasks.spawn(operation.run());
        self.running.insert(id, (self.count, task));
        Ok(None)
    }

    /// What is sent of what an operation told; nothing, if the client has completed it.
    fn tell(&mut self, told: Told) -> Result<Option<Message>, Closed> {
        let Told { id, number, what } = told;
        if self.running.get(&id).is_none_or(|(running, _)| *running != number) {
            return Ok(None);
        }
        if !matches!(what, What::Next(_)) {
            self.running.remove(&id);
        }
        match what {
            What::Next(body) => Ok(Some(message(&id, "next", &body))),
            What::Error(body) => Ok(Some(failed(&id, &body))),
            What::Complete => Ok(Some(text_of(&json!({ "id": &*id, "type": "complete" })))),
            What::SignedOut => Err(FORBIDDEN),
        }
    }
}
