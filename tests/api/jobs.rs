//! Work to be done later: once, in turn, again when it fails.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    time::Duration,
};

use kontor::{
    db::WriteContext,
    error::Error,
    ids::new_uuid,
    jobs::{NO_TENANT, NewJob, Schedule, Worker, enqueue, upkeep},
};
use serde_json::json;

use crate::support::TestApp;

async fn add(app: &TestApp, kind: &str, count: usize) {
    let context = WriteContext { write: new_uuid(&app.clock), actor: None, request: "t".into() };
    let tx = app.api.db().write(NO_TENANT, context).await.unwrap();
    for n in 0..count {
        let job = NewJob { kind, payload: json!({ "secret": n }), due_at: app.clock.now() };
        enqueue(&tx, &app.clock, job).await.unwrap();
    }
    tx.commit().await.unwrap();
}

fn counting(app: &TestApp) -> (Worker, Arc<AtomicU32>) {
    let (done, worker) =
        (Arc::new(AtomicU32::new(0)), Worker::new(app.api.db().clone(), app.clock.clone()));
    let count = done.clone();
    let good = worker.on("good", move |_| {
        count.fetch_add(1, SeqCst);
        async { Ok(()) }
    });
    (good.on("bad", |_| async { Err(Error::NotFound) }), done)
}

#[tokio::test(flavor = "multi_thread")]
async fn work_is_done_once_by_whoever_comes_first() {
    let app = TestApp::new().await;
    add(&app, "good", 30).await;
    let (a, done_a) = counting(&app);
    let (b, done_b) = counting(&app);
    let drain = async |worker: &Worker| while worker.round().await.unwrap() > 0 {};
    futures_util::join!(drain(&a), drain(&b));
    assert_eq!(done_a.load(SeqCst) + done_b.load(SeqCst), 30);
    let left = "SELECT DISTINCT state || ' ' || payload::text FROM kontor.jobs";
    assert_eq!(app.sql(left).await, ["DONE {}"], "what it was done with is forgotten");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_rolled_back_is_not_done() {
    let app = TestApp::new().await;
    let context = WriteContext { write: new_uuid(&app.clock), actor: None, request: "t".into() };
    let tx = app.api.db().write(NO_TENANT, context).await.unwrap();
    let job = NewJob { kind: "good", payload: json!({}), due_at: app.clock.now() };
    enqueue(&tx, &app.clock, job).await.unwrap();
    tx.roll_back().await.unwrap();
    assert_eq!(counting(&app).0.round().await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_tried_again_and_then_kept() {
    let app = TestApp::new().await;
    add(&app, "bad", 1).await;
    let (worker, _) = counting(&app);
    let mut tries = 0;
    for _ in 0..10 {
        tries += worker.round().await.unwrap();
        assert_eq!(worker.round().await.unwrap(), 0, "not before its time");
        app.clock.advance(Duration::from_mins(15));
    }
    assert_eq!(tries, 5);
    let kept = app
        .sql("SELECT state || ' ' || attempts || ' ' || (payload ? 'secret') FROM kontor.jobs")
        .await;
    assert_eq!(kept, ["DEAD 5 true"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_ran_out_is_taken_over() {
    let app = TestApp::new().await;
    add(&app, "good", 1).await;
    app.sql("UPDATE kontor.jobs SET state = 'LEASED', attempts = 1, leased_until = now() + interval '1 minute'").await;
    let (worker, done) = counting(&app);
    assert_eq!(worker.round().await.unwrap(), 0, "somebody is at it");
    app.clock.advance(Duration::from_mins(2));
    worker.round().await.unwrap();
    assert_eq!(done.load(SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_and_a_schedule_wait_for_their_time() {
    let app = TestApp::new().await;
    let turns = Arc::new(AtomicU32::new(0));
    let worker = |turns: Arc<AtomicU32>| {
        let run = move || {
            turns.fetch_add(1, SeqCst);
            async { Ok(()) }
        };
        counting(&app).0.every(Schedule::new("hourly", Duration::from_hours(1), run))
    };
    let (a, b) = (worker(turns.clone()), worker(turns.clone()));
    for _ in 0..3 {
        a.round().await.unwrap();
        b.round().await.unwrap();
    }
    assert_eq!(turns.load(SeqCst), 1, "one of them, once");
    app.clock.advance(Duration::from_hours(1));
    b.round().await.unwrap();
    a.round().await.unwrap();
    assert_eq!(turns.load(SeqCst), 2);
}

/// What is done stays a week; what failed for good, and what waits, stays.
#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_asks_for_again_goes() {
    let app = TestApp::new().await;
    app.sql(
        "INSERT INTO kontor.jobs (tenant_id, id, kind, payload, state, due_at, created_at, finished_at)
           SELECT t.id, gen_random_uuid(), 'test', '{}', state, now() + interval '1 year', now(), finished
           FROM kontor.tenants t, (VALUES ('DONE', now()), ('DEAD', now()), ('READY', NULL)) v (state, finished);
         INSERT INTO kontor.sign_in_attempts VALUES ('a', NULL, 9, now(), now());
         INSERT INTO kontor.password_resets
           SELECT 'a', id, now(), now(), NULL FROM kontor.users LIMIT 1;
         INSERT INTO kontor.idempotency_keys
           SELECT id, id, 'a', 'a', 'a', NULL, now() FROM kontor.tenants",
    )
    .await;
    let worker = counting(&app).0.every(upkeep(app.api.db().clone(), app.clock.clone()));
    let left = async || {
        worker.round().await.unwrap();
        let states =
            "SELECT (SELECT string_agg(DISTINCT state, ' ' ORDER BY state) FROM kontor.jobs)
           || ' ' || (SELECT count(*) FROM kontor.sign_in_attempts)
           || ' ' || (SELECT count(*) FROM kontor.password_resets)
           || ' ' || (SELECT count(*) > 0 FROM kontor.idempotency_keys)";
        app.sql(states).await.remove(0)
    };
    assert_eq!(left().await, "DEAD DONE READY 1 1 true");
    app.clock.advance(Duration::from_hours(3 * 24));
    assert_eq!(left().await, "DEAD DONE READY 0 0 false");
    app.clock.advance(Duration::from_hours(5 * 24));
    assert_eq!(left().await, "DEAD READY 0 0 false");
    let months = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'kontor.audit_log'::regclass";
    let before: i32 = app.sql(months).await[0].parse().unwrap();
    app.clock.advance(Duration::from_hours(62 * 24));
    assert_eq!(left().await, "DEAD READY 0 0 false");
    let after: i32 = app.sql(months).await[0].parse().unwrap();
    assert!(after >= before + 2, "the trail has its months, a year ahead: {before}, {after}");
}
