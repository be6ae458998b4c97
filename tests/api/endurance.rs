//! Sockets and HTTP clients while the database is stopped and started twice: nobody loses
//! anything, and nothing is left behind.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use kontor::db::{Durability, Embedded};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value as Json, json};
use tokio::{sync::Barrier, task::JoinHandle};

use crate::{
    metrics::sample,
    support::{
        clients::{Caller, Follower, Seen},
        locked, postgres,
        server::{Folder, Server},
    },
};

const SOCKETS: usize = 64;
const CLIENTS: usize = 64;
/// Of one person.
const MOST_SOCKETS: usize = 5;
const SELLERS: [&str; 5] = ["owner", "admin", "manager", "rep", "rep2"];
const READERS: [&str; 2] = ["finance", "viewer"];
const TENANTS: [&str; 2] = ["acme", "globex"];
const PULL: &str = "query($after: String) { changes(after: $after, first: 100, types: [\"Company\"]) { nodes { cursor recordId action } pageInfo { hasNextPage endCursor } } }";
/// How long all may take to be as it was.
const SETTLING: Duration = Duration::from_secs(30);

/// How long it takes.
struct Form {
    /// With the database, each of three times.
    up: Duration,
    /// Without it, each of two.
    down: Duration,
    /// Between two requests of a client.
    pause: Duration,
}

impl Form {
    fn now() -> Self {
        let seconds = Duration::from_secs;
        match std::env::var_os("SOAK") {
            // Two minutes: `make soak`.
            Some(_) => Self { up: seconds(30), down: seconds(15), pause: seconds(1) },
            None => Self {
                up: Duration::from_millis(1200),
                down: Duration::from_millis(1200),
                pause: Duration::from_millis(600),
            },
        }
    }
}

/// Somebody of the demo, and where they begin to follow.
struct Person {
    email: String,
    token: String,
    begins: String,
}

/// What must be as it was when nobody is there any more.
#[derive(Debug, PartialEq, Eq, PartialOrd)]
struct Level {
    sockets: u64,
    subscriptions: u64,
    connections: u64,
    under_way: u64,
    /// In use, or waited for.
    pool_taken: u64,
    /// Without those that a connection to the database has: how many of these there are is the
    /// pool's to decide, and it keeps them for a while.
    tasks: u64,
    files: u64,
}

impl Level {
    fn of(server: &Server) -> Self {
        let text = server.http("GET", "/metrics", "", "").body;
        let of = |name: &str| sample::<u64>(&text, name);
        let pool = of("kontor_pool_connections");
        assert!(pool <= of("kontor_pool_size"), "{text}");
        Self {
            sockets: of("kontor_sockets"),
            subscriptions: of("kontor_subscriptions"),
            connections: of("kontor_connections"),
            under_way: of("kontor_operations_in_flight") + of("kontor_operations_queued"),
            pool_taken: pool - of("kontor_pool_idle") + of("kontor_pool_waiting"),
            tasks: of("kontor_tasks") - pool,
            files: of("process_open_fds") - pool,
        }
    }

    fn all(&self) -> [u64; 7] {
        let Self { sockets, subscriptions, connections, under_way, pool_taken, tasks, files } =
            *self;
        [sockets, subscriptions, connections, under_way, pool_taken, tasks, files]
    }

    fn is_within(&self, before: &Self) -> bool {
        self.all().iter().zip(before.all()).all(|(now, before)| *now <= before)
    }

    /// As soon as it is the same twice.
    async fn at_rest(server: &Server) -> Self {
        let (began, mut last) = (Instant::now(), Self::of(server));
        loop {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let now = Self::of(server);
            if now == last || began.elapsed() > SETTLING {
                return now;
            }
            last = now;
        }
    }
}

/// All that a person may see of what was changed since they began to follow.
fn pulled(server: &Server, person: &Person) -> Vec<Json> {
    let (mut nodes, mut after) = (Vec::new(), json!(person.begins));
    loop {
        let page = server.ask(Some(&person.token), PULL, json!({ "after": after }));
        let page = &page["data"]["changes"];
        nodes.extend(page["nodes"].as_array().unwrap_or_else(|| panic!("{page}")).clone());
        after = page["pageInfo"]["endCursor"].clone();
        if page["pageInfo"]["hasNextPage"] == false {
            return nodes;
        }
    }
}

fn sign_in(server: &Server, who: &str, tenant: &str) -> Person {
    let email = format!("{who}@{tenant}.test");
    let token = server.sign_in(&email);
    let page = server.ask(Some(&token), PULL, json!({ "after": "0" }));
    let page = &page["data"]["changes"]["pageInfo"];
    assert_eq!(page["hasNextPage"], false, "the demo's log is short");
    Person { email, token, begins: page["endCursor"].as_str().unwrap().to_owned() }
}

async fn start(folder: &Folder) -> Embedded {
    Embedded::start(&folder.0, None, Durability::None, &|_| {}).await.unwrap()
}

/// The server's connections, as the database has them: idle ones, and all.
async fn backends(url: &SecretString) -> String {
    let count = "SELECT count(*) FILTER (WHERE state = 'idle') || ' of ' || count(*) FROM pg_stat_activity \
        WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
    postgres::ask(url, count).await.remove(0)
}

/// One who follows, and whose part of the log it is.
struct Following {
    person: Arc<Person>,
    follower: Follower,
    task: JoinHandle<()>,
}

fn follow(server: &Server, people: &[Arc<Person>], seen: &Arc<Seen>) -> Vec<Following> {
    let one = |n: usize| {
        let person = people[n / MOST_SOCKETS].clone();
        let follower = Follower {
            address: server.address.clone(),
            token: person.token.clone(),
            begins: person.begins.clone(),
            // Some come and go all the time.
            is_restless: n.is_multiple_of(4),
            seen: seen.clone(),
            over: Arc::default(),
            told: Arc::default(),
            sockets: Arc::default(),
        };
        let task = tokio::spawn(follower.clone().run(n));
        Following { person, follower, task }
    };
    (0..SOCKETS).map(one).collect()
}

/// Until it is calm; all write once more when it is.
fn call(
    server: &Server,
    people: &[Arc<Person>],
    seen: &Arc<Seen>,
    (pause, calm): (Duration, &Arc<AtomicBool>),
) -> Vec<JoinHandle<Vec<String>>> {
    let all = Arc::new(Barrier::new(CLIENTS));
    let one = |n: usize| {
        let caller = Caller {
            address: server.address.clone(),
            token: people[n % (SELLERS.len() * TENANTS.len())].token.clone(),
            name: format!("Endurance {n}"),
            hangs_up: n.is_multiple_of(8),
            pause,
            seen: seen.clone(),
            made: Vec::new(),
        };
        tokio::spawn(caller.run(n, calm.clone(), all.clone()))
    };
    (0..CLIENTS).map(one).collect()
}

/// Waits until each has everything, once and in order; what was committed.
async fn caught_up(server: &Server, following: &[Following], seen: &Seen) -> BTreeSet<String> {
    let (began, mut committed) = (Instant::now(), BTreeSet::new());
    for Following { person, follower, .. } in following {
        let expected = pulled(server, person);
        loop {
            let told = locked(&follower.told).clone();
            if told.len() >= expected.len() {
                assert_eq!(told, expected, "{}", person.email);
                break;
            }
            let lacks = format!("{} of {} for {}", told.len(), expected.len(), person.email);
            assert!(began.elapsed() < SETTLING, "{lacks}: {:?}", seen.all());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        // Owners see all of their tenant's.
        if person.email.starts_with("owner") {
            let ids = expected.iter().map(|node| node["recordId"].as_str().unwrap().to_owned());
            committed.extend(ids);
        }
    }
    eprintln!("{} changes, told after {:?}: {:?}", committed.len(), began.elapsed(), seen.all());
    committed
}

/// Waits until the server is as it was; the database thinks so, too.
async fn at_rest_again(server: &Server, url: &SecretString, before: &Level) {
    let began = Instant::now();
    let after = loop {
        let after = Level::at_rest(server).await;
        if after.is_within(before) || began.elapsed() > SETTLING {
            break after;
        }
    };
    let text = server.http("GET", "/metrics", "", "").body;
    let of = |name: &str| sample::<u64>(&text, name);
    let size = of("process_resident_memory_bytes") / 1_000_000;
    eprintln!("{size} MB, at rest after {:?}: {after:?}", began.elapsed());
    assert!(after.is_within(before), "before {before:?}, after {after:?}");
    // One of them hears of commits elsewhere. Now and then it looks for work, and whoever counted
    // them before may not be gone yet.
    let open = of("kontor_pool_connections") + 1;
    let expected = format!("{open} of {open}");
    while backends(url).await != expected {
        assert!(began.elapsed() < SETTLING * 2, "not {expected}: {}", backends(url).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    eprintln!("{expected} connections idle after {:?}", began.elapsed());
    assert!(!text.contains("code=\"INTERNAL\""), "{text}");
}

/// Nothing but that the database was away.
fn has_no_bugs(log: &str) {
    for line in log.lines().filter(|line| line.contains("\"ERROR\"")) {
        let told: Json = serde_json::from_str(line).unwrap();
        let away = told["error"].as_str().is_some_and(|error| error.starts_with("Unavailable"));
        assert!(away, "{line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_database_that_goes_twice_costs_nobody_anything() {
    let form = Form::now();
    let (folder, began) = (Folder::new(), Instant::now());
    let mut database = Some(start(&folder).await);
    let url = database.as_ref().unwrap().url();
    let arguments =
        ["serve", "--demo", "--limit-points", "4000000000", "--database-url", url.expose_secret()];
    let server = Server::start(&arguments);
    let people: Vec<Arc<Person>> = SELLERS
        .into_iter()
        .chain(READERS)
        .flat_map(|who| TENANTS.map(|tenant| Arc::new(sign_in(&server, who, tenant))))
        .collect();
    let before = Level::at_rest(&server).await;
    eprintln!("ready after {:?}: {before:?}", began.elapsed());

    let (seen, calm) = (Arc::new(Seen::default()), Arc::new(AtomicBool::new(false)));
    let following = follow(&server, &people, &seen);
    let calling = call(&server, &people, &seen, (form.pause, &calm));
    for _ in 0..2 {
        tokio::time::sleep(form.up).await;
        database.take().unwrap().stop().await.unwrap();
        tokio::time::sleep(form.down).await;
        database = Some(start(&folder).await);
    }
    tokio::time::sleep(form.up).await;
    calm.store(true, SeqCst);
    let mut made = BTreeSet::new();
    for calling in calling {
        for id in calling.await.unwrap() {
            assert!(made.insert(id), "one effect each");
        }
    }
    let committed = caught_up(&server, &following, &seen).await;
    assert_eq!(committed, made, "what was answered was committed, and nothing else");
    following.iter().for_each(|one| one.follower.over.store(true, SeqCst));
    for Following { follower, task, .. } in following {
        task.await.unwrap();
        let sockets = follower.sockets.load(SeqCst);
        assert!(follower.is_restless || sockets == 1, "a database that is away ends no socket");
    }
    at_rest_again(&server, &url, &before).await;
    assert_eq!(seen.surprises(), Vec::<String>::new(), "{:?}", seen.all());
    has_no_bugs(&server.log());
    assert!(server.stop().success());
    database.take().unwrap().stop().await.unwrap();
    eprintln!("all took {:?}", began.elapsed());
}
