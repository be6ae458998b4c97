//! What leads are worth.

use std::time::Duration;

use kontor::{
    db::{Db, WriteContext},
    leads::{LeadId, note_outbound, rescore},
};
use serde_json::{Value as Json, json};

use crate::{
    leads::{made, read, step},
    support::{Person, TestApp, refusal},
};

async fn rule(person: &Person<'_>, input: Json) -> Json {
    let query = "mutation($i: ScoreRuleCreateInput!) { scoreRuleCreate(input: $i) { scoreRule { id version } userErrors { code field } } }";
    person.data(query, json!({ "i": input })).await["scoreRuleCreate"].clone()
}

fn id(lead: &Json) -> LeadId {
    LeadId::parse(lead["id"].as_str().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_say_what_a_lead_is_worth_and_why() {
    let app = TestApp::new().await;
    let (manager, rep) =
        (app.sign_in("manager@acme.test").await, app.sign_in("rep@acme.test").await);
    for input in [
        json!({ "name": "Fair", "field": "SOURCE", "value": "fair", "points": 40, "halfLifeDays": 10 }),
        json!({ "name": "Large", "field": "EMPLOYEES", "operator": "AT_LEAST", "value": "100", "points": 20 }),
        json!({ "name": "No phone", "field": "PHONE", "operator": "ABSENT", "points": -5 }),
    ] {
        assert_eq!(rule(&manager, input).await["userErrors"], json!([]));
    }
    let lead = made(&rep, json!({ "name": "Ada", "source": "Fair", "employees": 120 })).await;
    assert_eq!(
        (&lead["score"], &lead["grade"], &lead["version"]),
        (&json!(55), &json!("B"), &json!(1))
    );
    let explained = async || {
        let rep = app.sign_in("rep@acme.test").await;
        read(&rep, &lead, "score grade version scoreParts { rule points decayed reason }").await
    };
    let parts = explained().await["scoreParts"].clone();
    assert_eq!(
        parts[0],
        json!({ "rule": "Fair", "points": 40, "decayed": "40", "reason": "SOURCE is \"Fair\"" })
    );
    assert_eq!(parts.as_array().unwrap().len(), 3);
    app.clock.advance(Duration::from_hours(240));
    let later = explained().await;
    assert_eq!(
        (&later["score"], &later["grade"], &later["version"]),
        (&json!(35), &json!("C"), &json!(1))
    );
    assert_eq!(later["scoreParts"][0]["decayed"], "20");
    // A change counts at once, and a rule's a moment later.
    let rep = app.sign_in("rep@acme.test").await;
    let query = "mutation($id: ID!) { leadUpdate(id: $id, input: { phone: \"1\" }) { lead { score version } } }";
    let changed = rep.data(query, json!({ "id": lead["id"] })).await["leadUpdate"]["lead"].clone();
    assert_eq!(changed, json!({ "score": 40, "version": 2 }));
    let manager = app.sign_in("manager@acme.test").await;
    rule(&manager, json!({ "name": "Bad", "field": "NAME", "operator": "PRESENT", "points": -50 }))
        .await;
    assert_eq!(explained().await["score"], 40);
    while app.worker().round().await.unwrap() > 0 {}
    assert_eq!(explained().await["score"], 0, "never below nothing");
    let listed = rep
        .data("{ leads(where: { score: { eq: 0 } }) { totalCount { value } } }", Json::Null)
        .await;
    assert_eq!(listed["leads"]["totalCount"]["value"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_with_a_lead_counts() {
    let app = TestApp::new().await;
    let (manager, rep) =
        (app.sign_in("manager@acme.test").await, app.sign_in("rep@acme.test").await);
    rule(&manager, json!({ "name": "They called", "event": "CALL", "direction": "INBOUND", "points": 30, "halfLifeDays": 1 })).await;
    let lead = made(&rep, json!({ "name": "Ada" })).await;
    let call = |direction: &str, done: &str| {
        format!(
            "SET session_replication_role = replica; INSERT INTO kontor.activities (tenant_id, id, kind, subject, direction, due_at, done_at, lead_id, version, created_at, updated_at) \
             VALUES ('{}', gen_random_uuid(), 'CALL', 'A call', '{direction}', now(), {done}, '{}', 1, now(), now())",
            rep.tenant().0,
            id(&lead).0
        )
    };
    let now = format!("'{}'::timestamptz", app.clock.now());
    let before = format!("{now} - interval '1 day'");
    for (direction, done) in
        [("INBOUND", &now), ("INBOUND", &before), ("OUTBOUND", &now), ("INBOUND", &"NULL".into())]
    {
        app.sql(&call(direction, done)).await;
    }
    let write = async |what: &str| {
        let db: Db = app.api.db().clone();
        let write = kontor::ids::new_uuid(&app.clock);
        let context = WriteContext { write, actor: None, request: "test".into() };
        let tx = db.write(rep.tenant(), context).await.unwrap();
        match what {
            "rescore" => rescore(&tx, &app.clock, &[id(&lead)]).await.unwrap(),
            _ => note_outbound(&tx, &app.clock, id(&lead)).await.unwrap(),
        }
        tx.commit().await.unwrap();
    };
    write("rescore").await;
    let scored = read(&rep, &lead, "score version status respondedAt").await;
    assert_eq!(scored, json!({ "score": 45, "version": 1, "status": "NEW", "respondedAt": null }));
    write("outbound").await;
    write("outbound").await;
    let answered = read(&rep, &lead, "version status respondedAt").await;
    assert_eq!((&answered["status"], &answered["version"]), (&json!("WORKING"), &json!(2)));
    assert!(answered["respondedAt"].is_string());
    assert_eq!(refusal(&step(&rep, &lead, "leadWork(id: $id)").await).0, "INVALID_TRANSITION");
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_make_sense() {
    let app = TestApp::new().await;
    let manager = app.sign_in("manager@acme.test").await;
    for (input, code, field) in [
        (json!({ "name": "A", "points": 1 }), "INVALID", "field"),
        (
            json!({ "name": "A", "points": 1, "field": "CITY", "event": "CALL", "value": "x" }),
            "INVALID",
            "field",
        ),
        (json!({ "name": "A", "points": 1, "field": "CITY" }), "REQUIRED", "value"),
        (
            json!({ "name": "A", "points": 1, "field": "EMPLOYEES", "operator": "AT_MOST", "value": "many" }),
            "INVALID",
            "value",
        ),
        (json!({ "name": "A", "points": 51, "event": "CALL" }), "INVALID", "points"),
        (
            json!({ "name": "A", "points": 1, "event": "CALL", "halfLifeDays": 0 }),
            "INVALID",
            "halfLifeDays",
        ),
        (json!({ "name": "", "points": 1, "event": "CALL" }), "REQUIRED", "name"),
    ] {
        assert_eq!(refusal(&rule(&manager, input.clone()).await), (code, vec![field]), "{input}");
    }
    let made = rule(&manager, json!({ "name": "Calls", "points": 1, "event": "CALL" })).await;
    let twin = rule(&manager, json!({ "name": "CALLS", "points": 1, "event": "CALL" })).await;
    assert_eq!(refusal(&twin), ("DUPLICATE", vec!["name"]));
    let query = "mutation($id: ID!, $v: Int, $i: ScoreRuleUpdateInput!) { scoreRuleUpdate(id: $id, expectedVersion: $v, input: $i) { scoreRule { points version } userErrors { code field } } }";
    let change = async |version: i32, input: Json| {
        let variables = json!({ "id": made["scoreRule"]["id"], "v": version, "i": input });
        manager.data(query, variables).await["scoreRuleUpdate"].clone()
    };
    assert_eq!(
        change(1, json!({ "points": 9 })).await["scoreRule"],
        json!({ "points": 9, "version": 2 })
    );
    assert_eq!(refusal(&change(1, json!({ "points": 9 })).await).0, "STALE_VERSION");
    assert_eq!(refusal(&change(2, json!({ "event": null })).await), ("INVALID", vec!["field"]));
    let rep = app.sign_in("rep@acme.test").await;
    let denied = rep.run("{ scoreRules { id } }", Json::Null).await;
    assert_eq!(denied["errors"][0]["extensions"]["code"], "FORBIDDEN");
}

/// The first call to somebody is the answer; what is written down counts at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_answers_a_lead_and_is_worth_something() {
    let app = TestApp::new().await;
    let (manager, rep) =
        (app.sign_in("manager@acme.test").await, app.sign_in("rep@acme.test").await);
    rule(&manager, json!({ "name": "Calls", "event": "CALL", "points": 30 })).await;
    let lead = made(&rep, json!({ "name": "Ada" })).await;
    let query = "mutation($id: ID!, $kind: ActivityKind!) { activityCreate(input: { kind: $kind, subject: \"It\", aboutId: $id }) { activity { id } userErrors { code } } }";
    let write = async |kind: &str| {
        let did = rep.data(query, json!({ "id": lead["id"], "kind": kind })).await;
        did["activityCreate"]["activity"]["id"].clone()
    };
    let fields = "status score version activities { totalCount { value } }";
    write("NOTE").await;
    assert_eq!(
        read(&rep, &lead, fields).await,
        json!({ "status": "NEW", "score": 0, "version": 1, "activities": { "totalCount": { "value": 1 } } })
    );
    let call = write("CALL").await;
    assert_eq!(
        read(&rep, &lead, fields).await,
        json!({ "status": "WORKING", "score": 30, "version": 2, "activities": { "totalCount": { "value": 2 } } })
    );
    let gone = "mutation($id: ID!) { activityDelete(id: $id) { deletedId } }";
    rep.data(gone, json!({ "id": call })).await;
    assert_eq!(read(&rep, &lead, "score").await["score"], 0);
}
