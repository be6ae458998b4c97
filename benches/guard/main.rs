//! `cargo bench --bench guard`: which share of a request's CPU goes to the guard and the cost.
//!
//! The product runs in this process, without HTTP, which would only make the share smaller. A
//! request whose caller has no points goes the whole way of the guard (document, measures, price,
//! bucket) and ends there, with an answer to be written: its CPU is what the guard takes, and
//! rather more. The same operation run to its end is what that is a share of; the database is
//! another process and not in it. Below 5 %.
#![recursion_limit = "256"]
#![expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    clippy::float_arithmetic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement stops where it is surprised, and speaks to a person"
)]

use std::{path::Path, sync::Arc};

use async_graphql::Variables;
use kontor::{
    access::{BuiltInRole, Viewer, Who},
    accounts::{Links, Passwords, UserId},
    buckets::Buckets,
    clock::Clock,
    config::Limits,
    db::{Db, Durability, Embedded, Migrator, Settings},
    graphql::{Api, Call, Parts, RequestInfo, SignedIn},
    keys::Keys,
    sso::Providers,
    tenants::TenantId,
};
use rustix::time::{ClockId, clock_gettime};
use secrecy::ExposeSecret;
use serde_json::json;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

const ROUNDS: usize = 5;
const REQUESTS: u32 = 2000;
const ROWS: &str = "
SET session_replication_role = replica;
INSERT INTO kontor.tenants SELECT '0190a000-0000-7000-8000-000000000001', 'bench', 'Bench', 'EUR', 'Europe/Berlin', now();
INSERT INTO kontor.users (id, email, name, password_hash, created_at)
  VALUES ('0190a000-0000-7000-8000-000000000002', 'bench@example.test', 'Bench', '-', now());
INSERT INTO kontor.companies (tenant_id, id, name, city, owner_id, version, created_at, updated_at)
  SELECT '0190a000-0000-7000-8000-000000000001', gen_random_uuid(), 'Company ' || i, 'Berlin',
         '0190a000-0000-7000-8000-000000000002', 1, now(), now() FROM generate_series(1, 200) i;";
const QUESTIONS: [(&str, &str); 3] = [
    ("who am I", "{ viewer { user { email } permissions } }"),
    ("one company", "{ companies(first: 1) { nodes { id name city owner { name } } } }"),
    (
        "a page of 50",
        "query($n: Int = 50) { companies(first: $n) { nodes { id name city owner { name } } pageInfo { endCursor } } }",
    ),
];

#[tokio::main(worker_threads = 2)]
async fn main() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guard");
    let tell = |text: &str| println!("{text}");
    let postgres = Embedded::start(&folder, None, Durability::Full, &tell).await.unwrap();
    let admin = connect(postgres.url_of("postgres").expose_secret()).await;
    admin.batch_execute("DROP DATABASE IF EXISTS bench WITH (FORCE)").await.unwrap();
    admin.batch_execute("CREATE DATABASE bench").await.unwrap();
    let url = postgres.url_of("bench");
    let settings = Settings::new(url.clone());
    Migrator::open(&settings).await.unwrap().up(&Clock::system()).await.unwrap();
    connect(url.expose_secret()).await.batch_execute(ROWS).await.unwrap();
    measure(&settings).await;
    drop(admin);
    postgres.stop().await.unwrap();
}

async fn connect(url: &str) -> Client {
    let (client, driver) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(driver);
    client
}

async fn measure(settings: &Settings) {
    let free = Limits { points: u32::MAX, restored: 1_000_000, ..Limits::DEFAULT };
    let (runs, stops) =
        (api(settings, free), api(settings, Limits { points: 0, ..Limits::DEFAULT }));
    println!("\n| question | CPU µs of the request | of the guard, at most | share |");
    println!("|---|---|---|---|");
    for (name, query) in QUESTIONS {
        let (mut whole, mut guard) = (f64::MAX, f64::MAX);
        for _ in 0..ROUNDS {
            whole = whole.min(cpu(&runs, query, true).await);
            guard = guard.min(cpu(&stops, query, false).await);
        }
        println!("| {name} | {whole:.1} | {guard:.1} | {:.1} % |", 100.0 * guard / whole);
    }
}

fn api(settings: &Settings, limits: Limits) -> Api {
    let clock = Clock::system();
    Api::new(Parts {
        db: Db::new(settings).unwrap(),
        buckets: Buckets::own(clock.clone()),
        clock,
        keys: Arc::new(Keys::new(&"a secret for measurements".into(), None)),
        passwords: Passwords::new(4),
        links: Links("https://crm.example".into()),
        providers: Providers::new(true),
        limits,
    })
}

/// Microseconds of this process's CPU for each request.
async fn cpu(api: &Api, query: &str, runs: bool) -> f64 {
    let before = clock_gettime(ClockId::ProcessCPUTime);
    for _ in 0..REQUESTS {
        let answer = api.answer(call(query)).await;
        assert_eq!(answer.codes.is_empty(), runs, "{}", String::from_utf8_lossy(&answer.body));
    }
    let after = clock_gettime(ClockId::ProcessCPUTime);
    let nanos = (after.tv_sec - before.tv_sec) * 1_000_000_000 + (after.tv_nsec - before.tv_nsec);
    nanos as f64 / 1000.0 / f64::from(REQUESTS)
}

fn call(query: &str) -> Call {
    let (tenant, user) = (
        Uuid::from_u128(0x0190_a000_0000_7000_8000_0000_0000_0001),
        Uuid::from_u128(0x0190_a000_0000_7000_8000_0000_0000_0002),
    );
    let who = Who::Person(UserId(user));
    let viewer = Viewer::new(who, TenantId(tenant), vec![BuiltInRole::Manager.into()]);
    Call {
        query: query.into(),
        named: None,
        operation_name: None,
        variables: Variables::from_json(json!({})),
        signed_in: SignedIn::As(viewer),
        info: RequestInfo { id: "bench".into(), ..RequestInfo::default() },
        may_mutate: false,
        may_follow: false,
        tell_cost: true,
    }
}
