//! The database goes away and comes back; requests are dropped in the middle.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use diesel::{QueryableByName, sql_types::Text};
use kontor::{
    accounts::Passwords,
    clock::Clock,
    commands::seed_people,
    db::{Durability, Embedded, Migrator, Settings},
};
use serde_json::{Value as Json, json};

use crate::support::{TestApp, locked, postgres, server::Folder};

const LIST: &str = "{ companies(first: 5) { nodes { name owner { name } } totalCount { value } } }";

/// Restarted under load: UNAVAILABLE while it is away, then service again by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_database_may_be_restarted_under_load() {
    let folder = Folder::new();
    let start = async || Embedded::start(&folder.0, None, Durability::None, &|_| {}).await.unwrap();
    let mut database = Some(start().await);
    let settings = Settings {
        pool_size: 4,
        acquire_timeout: Duration::from_millis(500),
        ..Settings::new(database.as_ref().unwrap().url())
    };
    Migrator::open(&settings).await.unwrap().up(&Clock::system()).await.unwrap();
    seed_people(&settings, &Clock::system(), &Passwords::new(4)).await.unwrap();
    let app = TestApp::with(|own| *own = settings.clone()).await;
    let rep = app.sign_in("manager@acme.test").await;

    let (stop, tally) = (AtomicBool::new(false), Mutex::new(BTreeMap::<String, u32>::new()));
    let client = async |n: usize| {
        while !stop.load(SeqCst) {
            let answer = match n % 4 {
                0 => rep.run("mutation { companyUpdate(id: \"company_01h2xcejqtf2nbrexx3vqjhp41\", input: {}) { userErrors { code } } }", Json::Null).await,
                _ => rep.run(LIST, Json::Null).await,
            };
            let code =
                answer["errors"][0]["extensions"]["code"].as_str().unwrap_or("fine").to_owned();
            *locked(&tally).entry(code).or_default() += 1;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let clients = futures_util::future::join_all((0..8).map(client));
    let trouble = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        for _ in 0..2 {
            database.take().unwrap().stop().await.unwrap();
            tokio::time::sleep(Duration::from_millis(700)).await;
            database = Some(start().await);
            tokio::time::sleep(Duration::from_millis(900)).await;
        }
        stop.store(true, SeqCst);
    };
    futures_util::join!(clients, trouble);
    let tally = tally.into_inner().unwrap();
    assert_eq!(tally.keys().collect::<Vec<_>>(), ["UNAVAILABLE", "fine"], "{tally:?}");
    assert_eq!(rep.data(LIST, Json::Null).await["companies"]["totalCount"]["value"], 12);
    let state = app.api.db().state();
    assert_eq!(state.idle, state.connections, "no connection is lost: {state:?}");
    database.take().unwrap().stop().await.unwrap();
}

/// Nobody waits for a read's transaction to end; the connection serves the next one all the same.
#[tokio::test(flavor = "multi_thread")]
async fn one_connection_serves_one_request_after_the_other() {
    let app = TestApp::new().await;
    let rep = app.sign_in("manager@acme.test").await;
    rep.data(LIST, Json::Null).await;
    let before = app.api.db().state();
    for _ in 0..20 {
        rep.data(LIST, Json::Null).await;
        rep.data("{ viewer { user { email } } }", Json::Null).await;
    }
    let after = app.api.db().state();
    assert_eq!((after.opened, after.closed), (before.opened, before.closed));
}

/// Dropped while its statement waits: no transaction, no tenant and no connection stay behind.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_dropped_in_the_middle_leaves_nothing_behind() {
    let app = TestApp::new().await;
    let rep = app.sign_in("manager@acme.test").await;
    let id = rep.data("{ companies(first: 1) { nodes { id } } }", Json::Null).await["companies"]["nodes"][0]["id"].clone();
    let before = app.api.db().state();

    let hold = hold_companies(&app).await;
    let read = rep.run("query($id: ID!) { company(id: $id) { id } }", json!({ "id": id }));
    let write = rep.run("mutation($id: ID!) { companyUpdate(id: $id, input: { city: \"Rome\" }) { company { id } } }", json!({ "id": id }));
    let both = futures_util::future::join(read, write);
    assert!(
        tokio::time::timeout(Duration::from_millis(200), Box::pin(both)).await.is_err(),
        "both wait for the lock"
    );
    let_go(&app, hold).await;

    let after = app.api.db().state();
    assert_eq!(after.closed, before.closed + 2, "the two connections were closed, not reused");
    assert_eq!(after.idle, after.connections);
    let open = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    let began = Instant::now();
    while app.sql(open).await != ["0"] {
        assert!(began.elapsed() < Duration::from_secs(5), "a transaction stayed open");
    }
    let city = "SELECT count(*) FROM kontor.companies WHERE city = 'Rome'";
    assert_eq!(app.sql(city).await, ["0"], "the write was undone");

    // Whatever connection comes next knows no tenant.
    rep.data(LIST, Json::Null).await;
    assert_eq!(tenant_of_next_connection(&app).await, "");
}

/// Whoever went away while they waited for a connection waits no more.
#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_connection_is_counted_until_they_go() {
    let app = TestApp::with(|settings| settings.pool_size = 1).await;
    let db = app.api.db();
    let only = db.system().await.unwrap();
    let read = |_| Box::pin(db.system());
    let waiting = futures_util::future::join_all((0..3).map(read));
    let watching = async {
        while db.state().waiting < 3 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! { _ = waiting => panic!("there is only one"), () = watching => {} }
    assert_eq!(db.state().waiting, 0, "all three are gone");
    only.release();
    db.system().await.unwrap().release();
}

async fn tenant_of_next_connection(app: &TestApp) -> String {
    use diesel_async::RunQueryDsl;

    #[derive(QueryableByName)]
    struct Setting {
        #[diesel(sql_type = Text)]
        tenant: String,
    }
    let conn = app.api.db().system().await.unwrap();
    let query = "SELECT coalesce(current_setting('app.tenant_id', true), '') AS tenant";
    let setting: Setting = diesel::sql_query(query).get_result(&mut conn.pg()).await.unwrap();
    conn.release();
    setting.tenant
}

/// Locks the companies until [`let_go`]; returns when they are locked.
pub async fn hold_companies(app: &TestApp) -> tokio::task::JoinHandle<()> {
    let url = app.settings.owner_url.clone();
    let hold = "BEGIN; LOCK TABLE kontor.companies IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(60)";
    let holding = tokio::spawn(async move {
        let _ = postgres::try_ask(&url, hold).await;
    });
    let held = "SELECT count(*) FROM pg_locks WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND relation = 'kontor.companies'::regclass AND mode = 'AccessExclusiveLock' AND granted";
    while app.sql(held).await != ["1"] {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    holding
}

pub async fn let_go(app: &TestApp, holding: tokio::task::JoinHandle<()>) {
    let holder = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE datname = current_database() \
        AND pid <> pg_backend_pid() AND query LIKE '%pg_sleep(60)'";
    assert_eq!(app.sql(holder).await, ["t"]);
    holding.await.unwrap();
}

/// A statement that takes too long is ended by the database and told as TIMEOUT.
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_has_its_time() {
    let app =
        TestApp::with(|settings| settings.statement_timeout = Duration::from_millis(100)).await;
    let rep = app.sign_in("manager@acme.test").await;
    let hold = hold_companies(&app).await;
    let answer = rep.run(LIST, Json::Null).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "TIMEOUT", "{answer}");
    let_go(&app, hold).await;
    rep.data(LIST, Json::Null).await;
}
