//! Clients that go on through trouble: some follow on sockets, some ask and write over HTTP.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use http_body_util::{BodyExt, Full};
use hyper::{
    Request,
    body::Bytes,
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use serde_json::{Value as Json, json};
use tokio::{net::TcpStream, sync::Barrier, time::Instant};

use super::{
    locked,
    socket::{Heard, Socket},
};

const FOLLOW: &str = "subscription($after: String) { changes(after: $after, types: [\"Company\"]) { cursor recordId action node { ... on Company { name } } } }";
const READ: &str = "{ companies(first: 5) { nodes { name owner { name } } } }";
const WRITE: &str = "mutation($name: String!) { companyCreate(input: { name: $name }) { company { id name } userErrors { code } } }";
/// Who was sent away comes back a little later.
const LATER: Duration = Duration::from_millis(200);
/// One of so many requests is a write.
const WRITES: usize = 16;

/// What all of them were answered, counted.
#[derive(Default)]
pub struct Seen(Mutex<BTreeMap<String, u32>>);

impl Seen {
    fn count(&self, what: impl Into<String>) {
        *locked(&self.0).entry(what.into()).or_default() += 1;
    }

    pub fn all(&self) -> BTreeMap<String, u32> {
        locked(&self.0).clone()
    }

    /// What nobody should be told because a database is away.
    pub fn surprises(&self) -> Vec<String> {
        let expected = ["fine", "change", "503 UNAVAILABLE", "error UNAVAILABLE", "closed 1013"];
        let seen = self.all().into_keys();
        seen.filter(|what| !expected.contains(&what.as_str())).collect()
    }
}

/// Follows changes on a socket, and comes back with its last cursor.
#[derive(Clone)]
pub struct Follower {
    pub address: String,
    pub token: String,
    /// The cursor that it begins with.
    pub begins: String,
    /// It hangs up now and then, politely or not.
    pub is_restless: bool,
    pub seen: Arc<Seen>,
    pub over: Arc<AtomicBool>,
    pub told: Arc<Mutex<Vec<Json>>>,
    /// How many it has opened.
    pub sockets: Arc<AtomicUsize>,
}

impl Follower {
    pub async fn run(self, number: usize) {
        while !self.over.load(SeqCst) {
            let opened = self.sockets.fetch_add(1, SeqCst);
            match Socket::open(&self.address).await {
                Ok(socket) => self.follow(socket, number + opened).await,
                Err(error) => self.seen.count(format!("no socket: {error}")),
            }
            tokio::time::sleep(LATER).await;
        }
    }

    /// On one socket, until one of both ends it.
    async fn follow(&self, mut socket: Socket, dice: usize) {
        socket.init(&self.token).await;
        let millis = u64::try_from(300 + dice * 137 % 1500).unwrap();
        let until = Instant::now() + Duration::from_millis(millis);
        let mut is_let_in = false;
        loop {
            let heard = tokio::select! {
                heard = socket.next() => heard,
                () = tokio::time::sleep_until(until), if self.is_restless => break,
                () = self.over() => break,
            };
            match heard {
                Heard::Said(message) if message["type"] == "connection_ack" && !is_let_in => {
                    is_let_in = true;
                    self.go_on(&mut socket).await;
                }
                Heard::Said(message) if message["type"] == "next" => {
                    let payload = &message["payload"];
                    if payload.get("errors").is_some() {
                        return self.seen.count(format!("a spoilt change: {payload}"));
                    }
                    self.seen.count("change");
                    let mut change = payload["data"]["changes"].clone();
                    let node = change.as_object_mut().unwrap().remove("node").unwrap();
                    if !node["name"].as_str().is_some_and(|name| name.starts_with("Endurance")) {
                        self.seen.count(format!("no node: {payload}"));
                    }
                    locked(&self.told).push(change);
                }
                Heard::Said(message) if message["type"] == "error" => {
                    let code = &message["payload"][0]["extensions"]["code"];
                    self.seen.count(format!("error {}", code.as_str().unwrap_or("without code")));
                    tokio::time::sleep(LATER).await;
                    self.go_on(&mut socket).await;
                }
                Heard::Said(message) => return self.seen.count(message.to_string()),
                Heard::Closed(code) => return self.seen.count(format!("closed {code}")),
                Heard::Gone => return self.seen.count("gone"),
            }
        }
        // One half as the protocol has it, the other without a word.
        if dice.is_multiple_of(2) {
            socket.close().await;
        }
    }

    async fn go_on(&self, socket: &mut Socket) {
        let last = locked(&self.told).last().map(|change| change["cursor"].clone());
        let after = last.unwrap_or_else(|| json!(self.begins));
        socket.subscribe("follow", FOLLOW, json!({ "after": after })).await;
    }

    async fn over(&self) {
        while !self.over.load(SeqCst) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Reads and writes on a connection that it keeps; a write is tried until it is answered.
pub struct Caller {
    pub address: String,
    pub token: String,
    pub name: String,
    /// It goes away in the middle of some requests.
    pub hangs_up: bool,
    pub pause: Duration,
    pub seen: Arc<Seen>,
    /// The ids of what it made.
    pub made: Vec<String>,
}

type Sender = SendRequest<Full<Bytes>>;

impl Caller {
    /// Until it is calm, and then once more, when all others are there too: that goes well at once.
    pub async fn run(
        mut self,
        number: usize,
        calm: Arc<AtomicBool>,
        all: Arc<Barrier>,
    ) -> Vec<String> {
        let mut sender = self.connect().await;
        // Not all at the same moment.
        let phase = u32::try_from(number % 16).unwrap();
        tokio::time::sleep(self.pause * phase / 16).await;
        let mut turn = number;
        while !calm.load(SeqCst) {
            if turn.is_multiple_of(WRITES) {
                while !self.write(&mut sender, turn).await {
                    tokio::time::sleep(LATER).await;
                }
            } else if self.hangs_up && turn.is_multiple_of(3) {
                let body = json!({ "query": READ });
                let answer = self.ask(&mut sender, &body, None);
                let _ = tokio::time::timeout(Duration::from_millis(2), answer).await;
                sender = self.connect().await;
            } else {
                let answer = self.ask(&mut sender, &json!({ "query": READ }), None).await;
                if let Some(answer) = answer
                    && answer["data"]["companies"]["nodes"].as_array().is_none_or(Vec::is_empty)
                {
                    self.seen.count(format!("nothing read: {answer}"));
                }
            }
            turn += 1;
            tokio::time::sleep(self.pause).await;
        }
        all.wait().await;
        if !self.write(&mut sender, turn).await {
            self.seen.count("a write in vain when it was calm");
        }
        if self.ask(&mut sender, &json!({ "query": READ }), None).await.is_none() {
            self.seen.count("a read in vain when it was calm");
        }
        self.made
    }

    async fn connect(&self) -> Sender {
        let stream = TcpStream::connect(&self.address).await.unwrap();
        let (sender, driver) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        // It ends with the sender.
        tokio::spawn(driver);
        sender
    }

    /// One more company, once however often it is tried.
    async fn write(&mut self, sender: &mut Sender, turn: usize) -> bool {
        let name = format!("{} {turn}", self.name);
        let body = json!({ "query": WRITE, "variables": { "name": name } });
        let Some(answer) = self.ask(sender, &body, Some(&name.replace(' ', "-"))).await else {
            return false;
        };
        let company = &answer["data"]["companyCreate"]["company"];
        match company["id"].as_str() {
            Some(id) if company["name"] == json!(name) => self.made.push(id.to_owned()),
            _ => self.seen.count(format!("not made: {answer}")),
        }
        true
    }

    /// `None`: an error, which is counted.
    async fn ask(&self, sender: &mut Sender, body: &Json, key: Option<&str>) -> Option<Json> {
        let mut request = Request::post("/graphql")
            .header("host", &self.address)
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {}", self.token));
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let request = request.body(Full::new(Bytes::from(body.to_string()))).unwrap();
        let answered = async {
            sender.ready().await?;
            let answer = sender.send_request(request).await?;
            let status = answer.status().as_u16();
            Ok::<_, hyper::Error>((status, answer.into_body().collect().await?.to_bytes()))
        };
        let (status, body) = match answered.await {
            Ok(answered) => answered,
            Err(error) => {
                self.seen.count(format!("no answer: {error}"));
                *sender = self.connect().await;
                return None;
            }
        };
        let answer: Json = serde_json::from_slice(&body).unwrap();
        match answer["errors"][0]["extensions"]["code"].as_str() {
            Some(code) => {
                self.seen.count(format!("{status} {code}"));
                None
            }
            None => {
                self.seen.count("fine");
                Some(answer)
            }
        }
    }
}
