//! Those who follow the log of a server that is killed: every committed change once for each.

use std::{
    collections::HashSet,
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use serde_json::{Value as Json, json};

use crate::support::{
    locked,
    server::{Folder, Server},
};

const FOLLOWERS: usize = 3;
const WRITERS: usize = 4;
const CREATE: &str = "mutation($name: String!) { companyCreate(input: { name: $name }) { company { id } userErrors { code } } }";
const FOLLOW: &str = "subscription($after: String) { changes(after: $after, types: [\"Company\"]) { cursor action recordId } }";

/// What all threads share: where the server is by now, and whether it is over.
#[derive(Clone, Default)]
struct Place {
    address: Arc<Mutex<String>>,
    over: Arc<AtomicBool>,
}

impl Place {
    /// A request whose answer is read line by line; `None`: nobody is there.
    fn ask(&self, token: &str, accept: &str, body: &Json) -> Option<BufReader<TcpStream>> {
        let address = locked(&self.address).clone();
        let mut stream = TcpStream::connect(address).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
        let body = body.to_string();
        let head = format!(
            "POST /graphql HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept: {accept}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(body.as_bytes()).ok()?;
        Some(BufReader::new(stream))
    }

    /// Follows until it is over, and comes back with its last cursor whenever the server goes.
    fn follow(self, token: String, told: Arc<Mutex<Vec<Json>>>) {
        while !self.over.load(SeqCst) {
            let after = locked(&told).last().map(|change| change["cursor"].clone());
            let body =
                json!({ "query": FOLLOW, "variables": { "after": after.unwrap_or(json!("0")) } });
            let Some(answer) = self.ask(&token, "text/event-stream", &body) else {
                std::thread::sleep(Duration::from_millis(50));
                continue;
            };
            // A second of silence is an error too: it looks whether it is over, and comes back.
            for line in answer.lines().map_while(Result::ok) {
                if let Some(data) = line.strip_prefix("data: {") {
                    let data: Json = serde_json::from_str(&format!("{{{data}")).unwrap();
                    assert!(data.get("errors").is_none(), "{data}");
                    locked(&told).push(data["data"]["changes"].clone());
                }
            }
        }
    }

    /// Makes companies; what is not answered is not tried again.
    fn write(self, token: String, left: Arc<AtomicUsize>) {
        loop {
            let n = left.fetch_sub(1, SeqCst);
            if n == 0 || n > usize::MAX / 2 {
                return;
            }
            let body = json!({ "query": CREATE, "variables": { "name": format!("Durable {n}") } });
            match self.ask(&token, "application/json", &body) {
                Some(answer) => drop(answer.lines().map_while(Result::ok).last()),
                None => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }
}

fn start(folder: &Path) -> Server {
    let folder = folder.to_str().unwrap();
    Server::start(&["serve", "--demo", "--data-dir", folder, "--limit-points", "4000000000"])
}

/// The ids of all that was written, page by page.
fn written(server: &Server, token: &str) -> HashSet<String> {
    let query = "query($after: String) { companies(first: 100, after: $after, where: { name: { startsWith: \"Durable\" } }) { nodes { id } pageInfo { hasNextPage endCursor } } }";
    let (mut ids, mut after) = (HashSet::new(), Json::Null);
    loop {
        let page = server.ask(Some(token), query, json!({ "after": after }));
        let page = &page["data"]["companies"];
        let nodes = page["nodes"].as_array().unwrap_or_else(|| panic!("{page}"));
        ids.extend(nodes.iter().map(|node| node["id"].as_str().unwrap().to_owned()));
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            return ids;
        }
    }
}

#[test]
fn whoever_follows_a_server_that_is_killed_gets_every_change_once() {
    // The long form: `make soak`.
    let all = if std::env::var_os("SOAK").is_some() { 10_000 } else { 600 };
    let folder = Folder::new();
    let mut server = start(&folder.0);
    let token = server.sign_in("owner@acme.test");
    let place = Place::default();
    locked(&place.address).clone_from(&server.address);
    let told: Vec<Arc<Mutex<Vec<Json>>>> = (0..FOLLOWERS).map(|_| Arc::default()).collect();
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    for told in &told {
        let (place, token, told) = (place.clone(), token.clone(), told.clone());
        threads.push(std::thread::spawn(move || place.follow(token, told)));
    }
    let left = Arc::new(AtomicUsize::new(all));
    let writers: Vec<_> = (0..WRITERS)
        .map(|_| {
            let (place, token, left) = (place.clone(), token.clone(), left.clone());
            std::thread::spawn(move || place.write(token, left))
        })
        .collect();
    for part in [2, 1] {
        while left.load(SeqCst) > all * part / 3 {
            std::thread::sleep(Duration::from_millis(5));
        }
        server.kill();
        server = start(&folder.0);
        locked(&place.address).clone_from(&server.address);
    }
    writers.into_iter().for_each(|writer| writer.join().unwrap());
    let ids = written(&server, &token);
    assert!(ids.len() > all / 4, "{} were written", ids.len());
    let created = |told: &Mutex<Vec<Json>>| -> Vec<(String, String)> {
        let text = |value: &Json| value.as_str().unwrap().to_owned();
        let mine = locked(told).clone().into_iter();
        let mine = mine.filter(|change| ids.contains(change["recordId"].as_str().unwrap()));
        mine.map(|change| (text(&change["recordId"]), text(&change["cursor"]))).collect()
    };
    let began = Instant::now();
    while told.iter().any(|told| created(told).len() < ids.len()) {
        assert!(began.elapsed() < Duration::from_secs(30), "something is missing");
        std::thread::sleep(Duration::from_millis(100));
    }
    place.over.store(true, SeqCst);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let first = created(&told[0]);
    let distinct: HashSet<_> = first.iter().map(|(id, _)| id.clone()).collect();
    assert_eq!((first.len(), distinct), (ids.len(), ids.clone()), "each once");
    for told in &told {
        assert_eq!(created(told), first, "all in the same order");
    }
    assert!(server.stop().success());
}
