//! Where leads go: who may take them there, and what it takes.

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::{
    leads::{made, read, step},
    support::{Person, TestApp, refusal},
};

const STATUSES: [&str; 7] =
    ["NEW", "WORKING", "NURTURING", "QUALIFIED", "CONVERTED", "UNQUALIFIED", "DUPLICATE"];
const STEPS: [(&str, &str); 7] = [
    ("leadWork", "leadWork(id: $id)"),
    ("leadNurture", "leadNurture(id: $id, until: \"2099-12-31\")"),
    ("leadQualify", "leadQualify(id: $id)"),
    ("leadDisqualify", "leadDisqualify(id: $id, reason: \"BUDGET\")"),
    ("leadReopen", "leadReopen(id: $id)"),
    ("leadConvert", "leadConvert(id: $id, input: { createDeal: false })"),
    ("leadMerge", "leadMerge(id: $id, intoId: \"OTHER\")"),
];

async fn put(app: &TestApp, lead: &Json, status: &str) {
    let id = kontor::leads::LeadId::parse(lead["id"].as_str().unwrap()).unwrap().0;
    app.sql(&format!("SET session_replication_role = replica; UPDATE kontor.leads SET status = '{status}' WHERE id = '{id}'")).await;
}

/// Does the mutation do it? Nothing stays of it.
async fn does(person: &Person<'_>, lead: &Json, other: &Json, step: &str) -> bool {
    let step = step.replace("OTHER", other["id"].as_str().unwrap());
    let query = format!("mutation($id: ID!) {{ done: {step} {{ userErrors {{ code }} }} }}");
    let answer = person.dry_run().run(&query, json!({ "id": lead["id"] })).await;
    answer["data"]["done"]["userErrors"] == json!([])
}

/// What a record says can be done with it is what can be done with it.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_offered_is_what_is_done() {
    let app = TestApp::new().await;
    let rep = app.sign_in("rep@acme.test").await;
    let lead = made(&rep, json!({ "name": "Ada", "email": "ada@engines.example" })).await;
    let other = made(&rep, json!({ "name": "Bob" })).await;
    let mut offered = 0;
    for who in ["owner", "admin", "manager", "rep", "finance", "operations", "viewer"] {
        let person = app.sign_in(&format!("{who}@acme.test")).await;
        for status in STATUSES {
            put(&app, &lead, status).await;
            let seen =
                read(&person, &lead, "availableTransitions { name allowed blockedBy }").await;
            let transitions = seen["availableTransitions"].as_array().unwrap();
            for ((name, step), told) in STEPS.iter().zip(transitions) {
                assert_eq!(told["name"], *name);
                assert_eq!(told["allowed"] == true, told["blockedBy"] == json!([]));
                let done = does(&person, &lead, &other, step).await;
                assert_eq!(told["allowed"], done, "{who}: {status} {name} {told}");
                offered += u32::from(done);
            }
        }
    }
    assert!(offered > 40, "{offered}");
    // A colleague does not even see it.
    let rep2 = app.sign_in("rep2@acme.test").await;
    put(&app, &lead, "NEW").await;
    assert_eq!(refusal(&step(&rep2, &lead, "leadWork(id: $id)").await).0, "NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_no_way_from_everywhere_to_everywhere() {
    let app = TestApp::new().await;
    let manager = app.sign_in("manager@acme.test").await;
    let lead = made(&manager, json!({ "name": "Ada", "email": "ada@engines.example" })).await;
    let other = made(&manager, json!({ "name": "Bob" })).await;
    let ways = |status: &str| match status {
        "WORKING" => json!(["NURTURING", "QUALIFIED", "UNQUALIFIED", "DUPLICATE"]),
        "NEW" | "NURTURING" => json!(["WORKING", "QUALIFIED", "UNQUALIFIED", "DUPLICATE"]),
        "QUALIFIED" => json!(["UNQUALIFIED", "CONVERTED", "DUPLICATE"]),
        "UNQUALIFIED" => json!(["WORKING", "DUPLICATE"]),
        _ => json!([]),
    };
    let mut refused = 0;
    for status in STATUSES {
        put(&app, &lead, status).await;
        for (name, step) in STEPS {
            if status == "CONVERTED" && name == "leadConvert" {
                continue;
            }
            let step = step.replace("OTHER", other["id"].as_str().unwrap());
            let query = format!(
                "mutation($id: ID!) {{ done: {step} {{ userErrors {{ code field details }} }} }}"
            );
            let answer = manager.dry_run().data(&query, json!({ "id": lead["id"] })).await;
            if answer["done"]["userErrors"] == json!([]) {
                continue;
            }
            assert_eq!(
                refusal(&answer["done"]),
                ("INVALID_TRANSITION", vec!["id"]),
                "{status} {name}"
            );
            let details = &answer["done"]["userErrors"][0]["details"];
            assert_eq!(
                (&details["from"], &details["allowed"]),
                (&json!(status), &ways(status)),
                "{name}"
            );
            refused += 1;
        }
    }
    assert_eq!(refused, 7 * 7 - 1 - 17);
}

#[tokio::test(flavor = "multi_thread")]
async fn some_steps_take_something() {
    let app = TestApp::new().await;
    let manager = app.sign_in("manager@acme.test").await;
    let waits = made(&manager, json!({ "name": "Ada", "ownerId": null })).await;
    assert_eq!(waits["owner"], Json::Null, "it waits for somebody");
    let refused = async |lead: &Json, what: &str| {
        let answer = step(&manager, lead, what).await;
        let (code, field) = refusal(&answer);
        format!("{code} {}", field.join("."))
    };
    assert_eq!(refused(&waits, "leadWork(id: $id)").await, "REQUIRED ownerId");
    assert_eq!(refused(&waits, "leadQualify(id: $id)").await, "REQUIRED email");
    let lost = "leadDisqualify(id: $id, reason: \"OTHER\", note: \"  short    \")";
    assert_eq!(refused(&waits, lost).await, "REQUIRED note");
    assert_eq!(refused(&waits, "leadDisqualify(id: $id, reason: \" \")").await, "REQUIRED reason");
    let lead = made(&manager, json!({ "name": "Bob", "phone": "1" })).await;
    step(&manager, &lead, "leadWork(id: $id)").await;
    let today = app.clock.now().0.date_naive();
    for day in [today, today.pred_opt().unwrap()] {
        let rest = format!("leadNurture(id: $id, until: \"{day}\")");
        assert_eq!(refused(&lead, &rest).await, "INVALID until");
    }
    let demanding =
        "mutation { leadSettingsUpdate(input: { minimumScore: 1 }) { userErrors { code } } }";
    manager.data(demanding, Json::Null).await;
    assert_eq!(refused(&lead, "leadQualify(id: $id)").await, "INVALID score");
    let lost = "leadDisqualify(id: $id, reason: \"OTHER\", note: \"They have moved away.\")";
    assert_eq!(step(&manager, &lead, lost).await["lead"]["lostReason"], "OTHER");
    let again = step(&manager, &lead, "leadReopen(id: $id)").await;
    assert_eq!(
        (&again["lead"]["status"], &again["lead"]["reopened"], &again["lead"]["lostReason"]),
        (&json!("WORKING"), &json!(1), &Json::Null)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_that_rests_wakes_by_itself() {
    let app = TestApp::new().await;
    let rep = app.sign_in("rep@acme.test").await;
    let lead = made(&rep, json!({ "name": "Ada" })).await;
    step(&rep, &lead, "leadWork(id: $id)").await;
    let until = app.clock.now().0.date_naive() + chrono::Days::new(2);
    let rests = step(&rep, &lead, &format!("leadNurture(id: $id, until: \"{until}\")")).await;
    assert_eq!(
        (&rests["lead"]["status"], &rests["lead"]["nurtureUntil"]),
        (&json!("NURTURING"), &json!(until.to_string()))
    );
    let tasks = "query($id: ID!) { activities(where: { aboutId: $id }) { nodes { kind subject dueAt doneAt owner { email } } } }";
    let tasks = rep.data(tasks, json!({ "id": lead["id"] })).await["activities"]["nodes"].clone();
    // Acme is in New York: four or five hours behind.
    let due = chrono::DateTime::parse_from_rfc3339(tasks[0]["dueAt"].as_str().unwrap()).unwrap();
    let nine = [13, 14].map(|hour| until.and_hms_opt(hour, 0, 0).unwrap().and_utc());
    assert!(nine.contains(&due.to_utc()), "{due}");
    assert_eq!(
        (&tasks[0]["kind"], &tasks[0]["subject"], &tasks[0]["doneAt"], &tasks[0]["owner"]["email"]),
        (&json!("TASK"), &json!("Get in touch again: Ada"), &Json::Null, &json!("rep@acme.test"))
    );
    let status = async || {
        let worker = app.worker();
        while worker.round().await.unwrap() > 0 {}
        let rep = app.sign_in("rep@acme.test").await;
        read(&rep, &lead, "status nurtureUntil").await
    };
    assert_eq!(status().await["status"], "NURTURING");
    app.clock.advance(Duration::from_hours(48));
    assert_eq!(status().await, json!({ "status": "WORKING", "nurtureUntil": null }));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tenant_says_how_soon_a_lead_is_answered() {
    let app = TestApp::new().await;
    let (manager, rep) =
        (app.sign_in("manager@acme.test").await, app.sign_in("rep@acme.test").await);
    let query = "mutation($h: Int!, $v: Int) { leadSettingsUpdate(expectedVersion: $v, input: { respondWithinHours: $h }) { leadSettings { respondWithinHours version } userErrors { code field } } }";
    let set = async |hours: i32, version: i32| {
        manager.data(query, json!({ "h": hours, "v": version })).await["leadSettingsUpdate"].clone()
    };
    assert_eq!(refusal(&set(0, 0).await), ("INVALID", vec!["respondWithinHours"]));
    assert_eq!(set(2, 0).await["leadSettings"]["respondWithinHours"], 2);
    assert_eq!(refusal(&set(3, 0).await).0, "STALE_VERSION");
    let lead = made(&rep, json!({ "name": "Ada" })).await;
    let by = chrono::DateTime::parse_from_rfc3339(lead["respondBy"].as_str().unwrap()).unwrap();
    assert_eq!(by.to_utc(), app.clock.now().0 + chrono::Duration::hours(2));
}
