//! What one person looks after becomes another's.

use serde_json::{Value as Json, json};

use crate::support::{Person, TestApp};

const TRANSFER: &str = "mutation($f: ID!, $t: ID!, $k: [String!], $c: Boolean! = false) { ownershipTransfer(fromId: $f, toId: $t, types: $k, closedToo: $c) { transferred { type count more } userErrors { code field } } }";

/// How many living records of each kind somebody has, closed ones apart.
async fn of(app: &TestApp, person: &Person<'_>) -> Vec<i64> {
    let mut all = Vec::new();
    for (table, closed) in [
        ("companies", "FALSE"),
        ("contacts", "FALSE"),
        ("leads", "status IN ('CONVERTED', 'UNQUALIFIED', 'DUPLICATE')"),
        ("deals", "stage_kind IN ('WON', 'LOST')"),
        ("activities", "done_at IS NOT NULL"),
    ] {
        for closed in [format!("NOT ({closed})"), closed.to_owned()] {
            let count = format!(
                "SELECT count(*)::text FROM kontor.{table} WHERE tenant_id = '{}' AND owner_id = '{}' AND deleted_at IS NULL AND {closed}",
                person.tenant().0,
                person.user().0
            );
            all.push(app.sql(&count).await[0].parse().unwrap());
        }
    }
    all
}

/// One of each kind that is open, and one that is over where there is such a thing.
async fn fill(rep: &Person<'_>) {
    let made = rep
        .data(
            "mutation { companyCreate(input: { name: \"Theirs\" }) { company { id } } contactCreate(input: { lastName: \"Theirs\" }) { contact { id } } leadCreate(input: { name: \"Theirs\" }) { lead { id } } dealCreate(input: { name: \"Theirs\" }) { deal { id stage { pipeline { stages { id kind } } } } } over: dealCreate(input: { name: \"Over\" }) { deal { id } } }",
            Json::Null,
        )
        .await;
    let stages = made["dealCreate"]["deal"]["stage"]["pipeline"]["stages"].as_array().unwrap();
    let lost = stages.iter().find(|stage| stage["kind"] == "LOST").unwrap();
    let more = "mutation($d: ID!, $s: ID!, $a: ID!) { dealMove(id: $d, stageId: $s, reason: \"Price\") { userErrors { message } } open: activityCreate(input: { kind: TASK, subject: \"To do\", aboutId: $a }) { activity { id } } done: activityCreate(input: { kind: NOTE, subject: \"Done\", aboutId: $a }) { activity { id } } }";
    let variables = json!({ "d": made["over"]["deal"]["id"], "s": lost["id"], "a": made["companyCreate"]["company"]["id"] });
    let more = rep.data(more, variables).await;
    assert_eq!(more["dealMove"]["userErrors"], json!([]), "{more}");
    let complete = "mutation($id: ID!) { activityComplete(id: $id) { userErrors { message } } }";
    rep.data(complete, json!({ "id": more["done"]["activity"]["id"] })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_open_changes_hands_and_what_is_over_stays() {
    let app = TestApp::new().await;
    let manager = app.sign_in("manager@acme.test").await;
    let (rep, rep2) = (app.sign_in("rep@acme.test").await, app.sign_in("rep2@acme.test").await);
    fill(&rep).await;
    let (before, others) = (of(&app, &rep).await, of(&app, &rep2).await);
    assert!(
        before.iter().step_by(2).all(|open| *open > 0) && before[7] > 0 && before[9] > 0,
        "{before:?}"
    );
    let people = json!({ "f": rep.user().to_string(), "t": rep2.user().to_string() });
    let keyed = manager.with_key("handover-1");
    let done = keyed.data(TRANSFER, people.clone()).await["ownershipTransfer"].clone();
    assert_eq!(done["userErrors"], json!([]));
    let counts: Vec<Json> = before.iter().step_by(2).map(|count| json!(count)).collect();
    let told = done["transferred"].as_array().unwrap().iter();
    assert_eq!(told.clone().map(|one| one["count"].clone()).collect::<Vec<_>>(), counts);
    assert!(told.into_iter().all(|one| one["more"] == false));
    let after = of(&app, &rep).await;
    assert!(after.iter().step_by(2).all(|open| *open == 0), "{after:?}");
    let closed = |all: &[i64]| all.iter().skip(1).step_by(2).copied().collect::<Vec<_>>();
    assert_eq!(closed(&after), closed(&before));
    let sum: Vec<i64> = before.iter().zip(&others).map(|(a, b)| a + b).collect();
    let now = of(&app, &rep2).await;
    assert!(now.iter().zip(&sum).step_by(2).all(|(now, sum)| now == sum), "{now:?} {sum:?}");
    // The trail has each of them; a repeat tells the same and does nothing.
    let trail = "SELECT count(*)::text FROM kontor.audit_log WHERE table_name = 'companies' AND action = 'UPDATED' AND new ->> 'owner_id' = ";
    let trail = app.sql(&format!("{trail}'{}'", rep2.user().0)).await;
    assert_eq!(trail[0], before[0].to_string());
    assert_eq!(keyed.data(TRANSFER, people.clone()).await["ownershipTransfer"], done);
    let again = manager.data(TRANSFER, people.clone()).await["ownershipTransfer"].clone();
    assert_eq!(again["transferred"], json!([]));
    let mut too = people;
    too["c"] = json!(true);
    too["k"] = json!(["Deal"]);
    let rest = manager.data(TRANSFER, too).await["ownershipTransfer"]["transferred"].clone();
    assert_eq!(rest, json!([{ "type": "Deal", "count": before[7], "more": false }]));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_given_that_could_not_be_given_one_by_one() {
    let app = TestApp::new().await;
    let manager = app.sign_in("manager@acme.test").await;
    let (rep, rep2) = (app.sign_in("rep@acme.test").await, app.sign_in("rep2@acme.test").await);
    let stranger = app.sign_in("rep@globex.test").await;
    let (rep_id, rep2_id) = (rep.user().to_string(), rep2.user().to_string());
    let elsewhere = stranger.user().to_string();
    let before = of(&app, &rep).await;
    for (from, to, code, field) in [
        (&rep_id, &rep_id, "INVALID", "toId"),
        (&elsewhere, &rep_id, "NOT_FOUND", "fromId"),
        (&rep_id, &elsewhere, "NOT_FOUND", "toId"),
    ] {
        let told = manager.data(TRANSFER, json!({ "f": from, "t": to })).await;
        let told = told["ownershipTransfer"].clone();
        assert_eq!(told["userErrors"], json!([{ "code": code, "field": [field] }]), "{from} {to}");
        assert_eq!(told["transferred"], json!([]));
    }
    let people = json!({ "f": rep_id, "t": rep2_id });
    let refused = rep.run(TRANSFER, people.clone()).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN");
    let unknown = json!({ "f": rep_id, "t": rep2_id, "k": ["Tag"] });
    let refused = manager.run(TRANSFER, unknown).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
    let leave = "mutation($id: ID!) { userDeactivate(id: $id) { userErrors { code } } }";
    app.sign_in("admin@acme.test").await.data(leave, json!({ "id": rep2_id })).await;
    let gone = manager.data(TRANSFER, people).await["ownershipTransfer"]["userErrors"].clone();
    assert_eq!(gone, json!([{ "code": "INVALID", "field": ["toId"] }]));
    assert_eq!(of(&app, &rep).await, before, "nothing has moved");
    // Back from whoever has left.
    let back = json!({ "f": rep2_id, "t": rep_id, "k": ["Company"] });
    let back = manager.data(TRANSFER, back).await["ownershipTransfer"]["transferred"].clone();
    assert!(back[0]["count"].as_i64().unwrap() > 0);
}
