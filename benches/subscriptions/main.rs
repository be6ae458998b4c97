//! `cargo bench --bench subscriptions`: the resident memory that idle sockets and subscriptions
//! take of the server (below 40 KiB for each subscription), and how soon after a commit they tell
//! of it (p50 below 20 ms).
//!
//! The clock of a delivery runs from the answer to the mutation, which follows the commit, to the
//! message at the follower; beside it from before the mutation. What it is to be seen beside is
//! measured in the same run: an operation that asks nothing, on the same kind of socket, and a bare
//! NOTIFY between two connections to the same Postgres.
#![expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::float_arithmetic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement stops where it is surprised, and speaks to a person"
)]

#[path = "../support/data.rs"]
mod data;
#[path = "../support/http.rs"]
mod http;
#[path = "../support/process.rs"]
mod process;
mod socket;

use std::{future::poll_fn, path::Path, sync::Arc, time::Duration};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};
use tokio::{sync::mpsc, task::JoinSet, time::Instant};
use tokio_postgres::{AsyncMessage, NoTls};
use uuid::Uuid;

use data::{Bench, SignIn};
use http::{Connection, Request, post};
use process::Process;
use socket::Socket;

const FOLLOW: &str = "subscription { changes(types: [\"Company\"]) { cursor recordId action node { ... on Company { name } } } }";
const SUBSCRIPTIONS: usize = 1000;
/// As many as one reader, and one socket, may have.
const SOCKETS: usize = 5;
const ON_ONE_SOCKET: usize = 10;
/// Those who hear of the writes; the rest is in other tenants.
const FOLLOWERS: usize = 50;
/// How many writes, and the time between them.
const OFTEN: (usize, Duration) = (100, Duration::from_millis(50));
/// What is known of the followers' tokens is forgotten in between.
const SELDOM: (usize, Duration) = (30, Duration::from_millis(1500));
/// Longer than until each has looked at its token once.
const SETTLED: Duration = Duration::from_secs(35);
const READERS: &str = "
SET session_replication_role = replica;
INSERT INTO kontor.users (id, email, name, password_hash, created_at)
  SELECT md5('reader' || i)::uuid, 'reader' || i || '@example.test', 'Reader', '-', now() FROM generate_series(1, 200) i;
INSERT INTO kontor.memberships (tenant_id, user_id, roles, created_at)
  SELECT (SELECT array_agg(id ORDER BY slug) FROM kontor.tenants)[CASE WHEN i <= 10 THEN 1 ELSE 2 + i % 9 END], md5('reader' || i)::uuid, ARRAY['MANAGER'], now()
  FROM generate_series(1, 200) i;
SET session_replication_role = origin;";

#[tokio::main(worker_threads = 2)]
async fn main() {
    // Ours and the server's, which takes it over.
    let most = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most }).unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("subscriptions");
    let bench = Bench::prepare(&folder).await;
    println!("rows: {}\n", bench.rows);
    let people = People::new(&bench).await;
    let start = || {
        Process::start(
            env!("CARGO_BIN_EXE_kontor"),
            &bench.server_arguments(),
            "API        http://",
        )
    };

    println!("| idle | KiB before | KiB after | KiB each |");
    println!("|---|---|---|---|");
    let shared = start();
    drop(idle_on_shared_sockets(&shared, &people).await);
    drop(shared);
    let many = start();
    let mut following = idle_on_their_own_sockets(&many, &people).await;

    println!(
        "\n| followers | writes | from the mutation's answer: p50 / p99 ms | from before it | the mutation | CPU µs of each delivery: server + Postgres |"
    );
    println!("|---|---|---|---|---|---|");
    let of_many = format!("{FOLLOWERS}, of {SUBSCRIPTIONS} subscriptions");
    for pace in [OFTEN, SELDOM] {
        deliveries((&bench, &many), &people, (&mut following, FOLLOWERS), (&of_many, pace)).await;
    }
    drop((following, many));
    let quiet = start();
    let mut one = Socket::open(&quiet.address, &people.tokens[0]).await;
    one.ask("s", FOLLOW).await;
    let mut following = Following::of([one]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    for pace in [OFTEN, SELDOM] {
        deliveries((&bench, &quiet), &people, (&mut following, 1), ("1, alone", pace)).await;
    }
    drop(following);

    println!("\n| beside it | p50 / p99 ms |");
    println!("|---|---|");
    println!(
        "| `{{ __typename }}` on a socket, there and back | {} |",
        told(nothing(&quiet, &people).await)
    );
    println!("| NOTIFY from one connection to another | {} |", told(notify(&bench.url()).await));
    drop(quiet);
    bench.stop().await;
}

/// Those who follow, and the one who writes.
struct People {
    tokens: Vec<String>,
    writer: String,
}

impl People {
    async fn new(bench: &Bench) -> Self {
        let sign_in = SignIn::to(bench).await;
        sign_in.client.batch_execute(READERS).await.unwrap();
        let who = "SELECT tenant_id, user_id FROM kontor.memberships m JOIN generate_series(1, 200) i \
            ON m.user_id = md5('reader' || i)::uuid ORDER BY i";
        let mut tokens = Vec::new();
        for row in sign_in.client.query(who, &[]).await.unwrap() {
            tokens.push(sign_in.token(row.get(0), row.get(1)).await);
        }
        let admin = "SELECT tenant_id, user_id FROM kontor.memberships \
            WHERE tenant_id = (SELECT id FROM kontor.tenants WHERE slug = 'aurora-large') AND roles = ARRAY['ADMIN']";
        let admin = sign_in.client.query_one(admin, &[]).await.unwrap();
        let writer = sign_in.token(admin.get::<_, Uuid>(0), admin.get::<_, Uuid>(1)).await;
        Self { tokens, writer }
    }
}

/// Sockets that are listened to, as clients do: they answer when the server asks whether they are
/// there.
struct Following {
    _tasks: JoinSet<()>,
    heard: mpsc::UnboundedReceiver<(Instant, Value)>,
}

impl Following {
    fn of(sockets: impl IntoIterator<Item = Socket>) -> Self {
        let (sender, heard) = mpsc::unbounded_channel();
        let mut tasks = JoinSet::new();
        for mut socket in sockets {
            let sender = sender.clone();
            tasks.spawn(async move {
                loop {
                    let message = socket.hear("next").await;
                    let id = message["payload"]["data"]["changes"]["recordId"].clone();
                    let _ = sender.send((Instant::now(), id));
                }
            });
        }
        Self { _tasks: tasks, heard }
    }
}

async fn idle_on_their_own_sockets(server: &Process, people: &People) -> Following {
    warm(server, people).await;
    let before = server.resident();
    let mut sockets = Vec::new();
    for token in &people.tokens {
        for _ in 0..SOCKETS {
            sockets.push(Socket::open(&server.address, token).await);
        }
    }
    assert_eq!(sockets.len(), SUBSCRIPTIONS);
    tokio::time::sleep(SETTLED).await;
    let opened = server.resident();
    row("1,000 sockets", before, opened);
    for socket in &mut sockets {
        socket.ask("s", FOLLOW).await;
    }
    let following = Following::of(sockets);
    tokio::time::sleep(SETTLED).await;
    let after = server.resident();
    all_follow(server).await;
    row("a subscription on each of them", opened, after);
    row("both", before, after);
    following
}

async fn idle_on_shared_sockets(server: &Process, people: &People) -> Following {
    warm(server, people).await;
    let before = server.resident();
    let mut sockets = Vec::new();
    for token in people.tokens.iter().take(SUBSCRIPTIONS / ON_ONE_SOCKET) {
        let mut socket = Socket::open(&server.address, token).await;
        for id in 0..ON_ONE_SOCKET {
            socket.ask(&id.to_string(), FOLLOW).await;
        }
        sockets.push(socket);
    }
    let following = Following::of(sockets);
    tokio::time::sleep(SETTLED).await;
    let after = server.resident();
    all_follow(server).await;
    row("1,000 subscriptions on 100 sockets", before, after);
    following
}

/// Those that were refused would take no room.
async fn all_follow(server: &Process) {
    let request = Request::new(b"GET /metrics HTTP/1.1\r\nHost: bench\r\n\r\n".to_vec(), 200);
    let mut connection = Connection::open(&server.address).await;
    let (_, metrics) = connection.ask(&request).await;
    let follow = format!("kontor_subscriptions {SUBSCRIPTIONS}");
    assert!(metrics.lines().any(|line| line == follow), "{metrics}");
}

/// Connections, prepared statements and caches are there before it counts.
async fn warm(server: &Process, people: &People) {
    let mut sockets = Vec::new();
    for token in &people.tokens {
        let mut socket = Socket::open(&server.address, token).await;
        socket.ask("s", FOLLOW).await;
        sockets.push(socket);
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    drop(sockets);
    tokio::time::sleep(Duration::from_secs(2)).await;
}

fn row(what: &str, before: u64, after: u64) {
    let each = (after as f64 - before as f64) / SUBSCRIPTIONS as f64;
    println!("| {what} | {before} | {after} | {each:.1} |");
}

/// One writes, and waits until all have heard of it.
async fn deliveries(
    (bench, server): (&Bench, &Process),
    people: &People,
    (following, count): (&mut Following, usize),
    (name, (writes, pause)): (&str, (usize, Duration)),
) {
    let mut writer = Connection::open(&server.address).await;
    let (mut after, mut before, mut mutation) = (Vec::new(), Vec::new(), Vec::new());
    let cpu = (server.cpu(), bench.postgres_cpu());
    for number in 0..writes {
        tokio::time::sleep(pause).await;
        let began = Instant::now();
        let id = write(&mut writer, &people.writer, number).await;
        let answered = Instant::now();
        mutation.push(answered - began);
        for _ in 0..count {
            let (at, heard) = following.heard.recv().await.unwrap();
            assert_eq!(heard, id);
            after.push(at.saturating_duration_since(answered));
            before.push(at - began);
        }
    }
    let deliveries = after.len() as f64;
    let (own, postgres) = (server.cpu() - cpu.0, bench.postgres_cpu() - cpu.1);
    println!(
        "| {name} | {writes}, {pause:?} apart | {} | {} | {} | {:.0} + {:.0} |",
        told(after),
        told(before),
        told(mutation),
        own / deliveries,
        postgres / deliveries
    );
}

/// A company; its id.
async fn write(writer: &mut Connection, token: &str, number: usize) -> Value {
    let query = "mutation($name: String!) { companyCreate(input: { name: $name }) { company { id } userErrors { message } } }";
    let variables = json!({ "name": format!("Written {number}") });
    let request = post(token, &json!({ "query": query, "variables": variables }));
    let (_, body) = writer.ask(&request).await;
    let id = serde_json::from_str::<Value>(body).unwrap()["data"]["companyCreate"]["company"]["id"]
        .take();
    assert!(id.is_string(), "{body}");
    id
}

/// The round trips of an operation that asks nothing.
async fn nothing(server: &Process, people: &People) -> Vec<Duration> {
    let mut socket = Socket::open(&server.address, &people.tokens[0]).await;
    let mut took = Vec::new();
    for number in 0..OFTEN.0 {
        let began = Instant::now();
        socket.ask(&number.to_string(), "{ __typename }").await;
        socket.hear("next").await;
        took.push(began.elapsed());
        socket.hear("complete").await;
        tokio::time::sleep(OFTEN.1).await;
    }
    took
}

/// From one plain connection to another.
async fn notify(url: &str) -> Vec<Duration> {
    let (listener, mut driver) = tokio_postgres::connect(url, NoTls).await.unwrap();
    let (sender, mut heard) = mpsc::unbounded_channel();
    let listener = Arc::new(listener);
    let kept = listener.clone();
    tokio::spawn(async move {
        let _kept = kept;
        while let Some(Ok(message)) = poll_fn(|cx| driver.poll_message(cx)).await {
            if matches!(message, AsyncMessage::Notification(_)) {
                let _ = sender.send(Instant::now());
            }
        }
    });
    listener.batch_execute("LISTEN bench").await.unwrap();
    let teller = data::connect(url).await;
    let mut took = Vec::new();
    for _ in 0..OFTEN.0 {
        let began = Instant::now();
        teller.batch_execute("NOTIFY bench").await.unwrap();
        took.push(heard.recv().await.unwrap() - began);
        tokio::time::sleep(OFTEN.1).await;
    }
    took
}

/// p50 and p99, in ms.
fn told(mut took: Vec<Duration>) -> String {
    took.sort_unstable();
    let millis = |share: usize| took[took.len() * share / 100].as_secs_f64() * 1000.0;
    format!("{:.1} / {:.1}", millis(50), millis(99))
}
