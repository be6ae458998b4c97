//! The write door: audit, log, idempotency, dry run.

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::support::{Person, TestApp, refusal};

const CREATE: &str = "mutation($name: String!, $domain: String) { companyCreate(input: { name: $name, domain: $domain }) {
    company { id name version } userErrors { code field } } }";

async fn create(person: &Person<'_>, name: &str, domain: Option<&str>) -> Json {
    person.data(CREATE, json!({ "name": name, "domain": domain })).await["companyCreate"].clone()
}

async fn count(app: &TestApp, name: &str) -> String {
    app.sql(&format!("SELECT count(*) FROM kontor.companies WHERE name = '{name}'")).await.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_is_audited_and_has_its_place_in_the_log() {
    let app = TestApp::new().await;
    let rep = app.sign_in("manager@acme.test").await;
    let id = create(&rep, "Audited", None).await["company"]["id"].as_str().unwrap().to_owned();
    rep.data("mutation($id: ID!) { companyUpdate(id: $id, input: { city: \"Rome\" }) { company { id } } }", json!({ "id": id })).await;
    rep.data("mutation($id: ID!) { companyDelete(id: $id) { deletedId } }", json!({ "id": id }))
        .await;
    let uuid = kontor::ids::RawId::parse(&id).unwrap().uuid;
    let trail = app
        .sql(&format!(
            "SELECT action || ' ' || (actor_id = '{}') || ' ' || request_id || ' ' || coalesce(old->>'city', '-') || ' ' || \
             coalesce(new->>'city', '-') || ' ' || (new ? 'deleted_at') FROM kontor.audit_log WHERE record_id = '{uuid}' ORDER BY at, ordinal",
            rep.user().0
        ))
        .await;
    assert_eq!(
        trail,
        [
            "CREATED true test - - false",
            "UPDATED true test - Rome false",
            "UPDATED true test - - true",
        ]
    );
    let log = app
        .sql(&format!(
            "SELECT (o.position - min(o.position) OVER ()) || ' ' || o.table_name || ' ' || o.action || ' ' || (a.id IS NOT NULL) \
             FROM kontor.outbox o LEFT JOIN kontor.audit_log a ON a.tenant_id = o.tenant_id AND a.at = o.at AND a.id = o.audit_id \
             WHERE o.record_id = '{uuid}' ORDER BY o.position"
        ))
        .await;
    assert_eq!(
        log,
        ["0 companies CREATED true", "1 companies UPDATED true", "2 companies UPDATED true"]
    );
}

/// Writers in parallel: positions are gapless, and appear in the order of the commits.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_has_no_gaps_and_is_never_overtaken() {
    let app = TestApp::new().await;
    let rep = app.sign_in("manager@acme.test").await;
    let tenant = rep.tenant().0;
    let read = format!(
        "SELECT string_agg(position::text, ',' ORDER BY position) FROM kontor.outbox WHERE tenant_id = '{tenant}'"
    );
    let writers = futures_util::future::join_all((0..40).map(async |n| {
        create(&rep, &format!("Parallel {n}"), None).await;
    }));
    // A reader that follows the log sees it grow at its end only.
    let mut seen = String::new();
    let mut writers = std::pin::pin!(writers);
    loop {
        let done = tokio::select! { biased; _ = &mut writers => true, () = tokio::time::sleep(Duration::from_millis(5)) => false };
        let now = app.sql(&read).await.remove(0);
        assert!(now.starts_with(&seen), "the log was overtaken");
        seen = now;
        if done {
            break;
        }
    }
    let last: usize = seen.rsplit(',').next().unwrap().parse().unwrap();
    let gapless: Vec<String> = (1..=last).map(|n| n.to_string()).collect();
    assert_eq!(seen, gapless.join(","));
    assert!(last >= 52, "twelve companies of the demo and forty: {last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_write_leaves_nothing_behind() {
    let app = TestApp::new().await;
    let rep = app.sign_in("manager@acme.test").await;
    let before = app.sql("SELECT count(*) FROM kontor.audit_log").await;
    assert_eq!(refusal(&create(&rep, "Twin", Some("amber.example")).await).0, "DUPLICATE");
    assert_eq!(app.sql("SELECT count(*) FROM kontor.audit_log").await, before);
    assert_eq!(count(&app, "Twin").await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_with_the_same_key_is_the_same_request() {
    let app = TestApp::new().await;
    let rep = app.sign_in("manager@acme.test").await.with_key("k1");
    let first = create(&rep, "Once", None).await;
    assert_eq!(create(&rep, "Once", None).await, first);
    assert_eq!(count(&app, "Once").await, "1");
    let other = rep.run(CREATE, json!({ "name": "Other" })).await;
    assert_eq!(other["errors"][0]["extensions"]["code"], "IDEMPOTENCY_KEY_REUSED");
    let colleague = app.sign_in("rep2@acme.test").await.with_key("k1");
    assert_ne!(
        create(&colleague, "Once", None).await["company"]["id"],
        first["company"]["id"],
        "a key is its caller's own"
    );
    app.clock.advance(Duration::from_hours(25));
    assert_ne!(
        create(&rep, "Once", None).await["company"]["id"],
        first["company"]["id"],
        "a key is forgotten after a day"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_of_a_refused_request_is_refused_the_same_way() {
    let app = TestApp::new().await;
    let rep = app.sign_in("manager@acme.test").await.with_key("k2");
    let first = create(&rep, "Twin", Some("amber.example")).await;
    assert_eq!(refusal(&first), ("DUPLICATE", vec!["domain"]));
    app.sql("UPDATE kontor.companies SET domain = NULL WHERE domain = 'amber.example'").await;
    assert_eq!(create(&rep, "Twin", Some("amber.example")).await, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_fields_of_one_request_have_an_entry_each() {
    let app = TestApp::new().await;
    let rep = app.sign_in("manager@acme.test").await.with_key("k3");
    let query = "mutation { a: companyCreate(input: { name: \"A\" }) { company { id name } } b: companyCreate(input: { name: \"B\" }) { company { id name } } }";
    let first = rep.data(query, Json::Null).await;
    assert_ne!(first["a"]["company"]["id"], first["b"]["company"]["id"]);
    assert_eq!(rep.data(query, Json::Null).await, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_at_once_make_one_effect() {
    let app = TestApp::new().await;
    let rep = app.sign_in("manager@acme.test").await.with_key("k4");
    let answers =
        futures_util::future::join_all((0..50).map(|_| create(&rep, "Fifty", None))).await;
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(count(&app, "Fifty").await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_is_repeated_as_itself() {
    let app = TestApp::new().await;
    let rep = app.sign_in("manager@acme.test").await;
    let id = create(&rep, "Gone", None).await["company"]["id"].clone();
    let query = "mutation($id: ID!) { companyDelete(id: $id) { deletedId userErrors { code } } }";
    let keyed = rep.with_key("k5");
    let first = keyed.data(query, json!({ "id": id })).await;
    assert_eq!(first["companyDelete"], json!({ "deletedId": id, "userErrors": [] }));
    assert_eq!(keyed.data(query, json!({ "id": id })).await, first);
    assert_eq!(
        refusal(&rep.data(query, json!({ "id": id })).await["companyDelete"]).0,
        "NOT_FOUND"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_answers_and_is_undone() {
    let app = TestApp::new().await;
    let rep = app.sign_in("manager@acme.test").await;
    let query = "mutation {
        a: companyCreate(input: { name: \"Dry\", domain: \"dry.example\" }) { company { name version owner { email } } userErrors { code } }
        b: companyCreate(input: { name: \"Dry too\", domain: \"dry.example\" }) { company { name } userErrors { code } }
        c: companyCreate(input: { name: \"Dry three\" }) { company { name } userErrors { code } } }";
    let before = app.sql("SELECT count(*) FROM kontor.audit_log").await;
    let data = rep.dry_run().data(query, Json::Null).await;
    assert_eq!(
        data["a"]["company"],
        json!({ "name": "Dry", "version": 1, "owner": { "email": "manager@acme.test" } })
    );
    assert_eq!(data["b"]["userErrors"][0]["code"], "DUPLICATE", "it sees what came before it");
    assert_eq!(data["c"]["company"]["name"], "Dry three", "and a refusal undoes itself only");
    assert_eq!(app.sql("SELECT count(*) FROM kontor.audit_log").await, before);
    assert_eq!(count(&app, "Dry").await, "0");
    let state = app.api.db().state();
    assert_eq!(
        (state.idle, state.closed),
        (state.connections, 0),
        "the connection is back in the pool"
    );
}

/// The payload reads what was committed, and each mutation sees the one before it.
#[tokio::test(flavor = "multi_thread")]
async fn a_payload_reads_after_its_commit() {
    let app = TestApp::new().await;
    let rep = app.sign_in("manager@acme.test").await;
    let id = create(&rep, "Twice", None).await["company"]["id"].clone();
    let query = "mutation($id: ID!, $to: ID!) {
        a: companyUpdate(id: $id, input: { name: \"First\" }) { company { name version owner { email } } }
        b: companyUpdate(id: $id, input: { ownerId: $to }) { company { name version owner { email } } } }";
    let to = app.sign_in("rep2@acme.test").await.user().to_string();
    let data = rep.data(query, json!({ "id": id, "to": to })).await;
    assert_eq!(
        data["a"]["company"],
        json!({ "name": "First", "version": 2, "owner": { "email": "manager@acme.test" } })
    );
    assert_eq!(
        data["b"]["company"],
        json!({ "name": "First", "version": 3, "owner": { "email": "rep2@acme.test" } })
    );
}
