//! Activities.

use serde_json::{Value as Json, json};

use crate::support::{Person, TestApp, refusal};

const CREATE: &str = "mutation($input: ActivityCreateInput!) { activityCreate(input: $input) {
    activity { id kind doneAt dueAt direction owner { email } author { email } about { __typename id } version } userErrors { code field } } }";
const COMPLETE: &str = "mutation($id: ID!) { activityComplete(id: $id) { activity { doneAt version } userErrors { code } } }";

async fn create(person: &Person<'_>, input: Json) -> Json {
    person.data(CREATE, json!({ "input": input })).await["activityCreate"].clone()
}

async fn companies(person: &Person<'_>) -> Vec<Json> {
    let data = person.data("{ companies { nodes { id } } }", Json::Null).await;
    data["companies"]["nodes"].as_array().unwrap().iter().map(|node| node["id"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_done_and_a_task_is_to_be_done() {
    let app = TestApp::new().await;
    let rep = app.sign_in("rep@acme.test").await;
    let company = companies(&rep).await[0].clone();
    let call =
        create(&rep, json!({ "kind": "CALL", "subject": "Hello", "aboutId": company })).await;
    let call = &call["activity"];
    assert!(call["doneAt"].is_string(), "{call}");
    assert_eq!((&call["direction"], &call["about"]["id"]), (&json!("OUTBOUND"), &company));
    assert_eq!(
        (&call["owner"]["email"], &call["author"]["email"]),
        (&json!("rep@acme.test"), &json!("rep@acme.test"))
    );
    let task =
        create(&rep, json!({ "kind": "TASK", "subject": "Write", "aboutId": company })).await;
    let id = task["activity"]["id"].clone();
    assert_eq!(task["activity"]["doneAt"], Json::Null);
    let open = "query($c: ID!) { activities(where: { done: false, aboutId: $c }) { nodes { id } facets(by: [KIND]) { values { value count } } } company(id: $c) { activities { totalCount { value } nodes { kind } } } }";
    let seen = rep.data(open, json!({ "c": company })).await;
    assert_eq!(seen["activities"]["nodes"], json!([{ "id": id }]));
    assert_eq!(seen["activities"]["facets"][0]["values"], json!([{ "value": "TASK", "count": 1 }]));
    assert_eq!(seen["company"]["activities"]["totalCount"]["value"], 2);
    let done = rep.data(COMPLETE, json!({ "id": id })).await;
    assert_eq!(done["activityComplete"]["activity"]["version"], 2);
    let again = rep.data(COMPLETE, json!({ "id": id })).await;
    assert_eq!(again["activityComplete"]["activity"]["version"], 2, "it was done already");
    let note = create(
        &rep,
        json!({ "kind": "NOTE", "subject": "x", "direction": "INBOUND", "aboutId": company }),
    )
    .await;
    assert_eq!(refusal(&note), ("INVALID", vec!["direction"]));
}

/// An activity is seen by whoever sees what it is about, and by whoever is to do it.
#[tokio::test(flavor = "multi_thread")]
async fn an_activity_goes_with_its_record() {
    let app = TestApp::new().await;
    let (rep, rep2, manager) = (
        app.sign_in("rep@acme.test").await,
        app.sign_in("rep2@acme.test").await,
        app.sign_in("manager@acme.test").await,
    );
    let own = companies(&rep).await[0].clone();
    let of_manager =
        create(&manager, json!({ "kind": "NOTE", "subject": "Theirs", "aboutId": own })).await;
    let id = of_manager["activity"]["id"].clone();
    let look = "query($id: ID!) { node(id: $id) { id } activity(id: $id) { about { id } } activities { nodes { id } totalCount { value } facets(by: [OWNER]) { values { count } } } changes(types: [\"Activity\"], first: 100) { nodes { recordId } } }";
    let seen = rep.run(look, json!({ "id": id })).await["data"].clone();
    assert_eq!((&seen["node"]["id"], &seen["activity"]["about"]["id"]), (&id, &own));
    assert_eq!(seen["activities"]["nodes"], json!([{ "id": id }]));
    assert_eq!(seen["changes"]["nodes"], json!([{ "recordId": id }]));
    let unseen = rep2.run(look, json!({ "id": id })).await["data"].clone();
    assert_eq!((&unseen["node"], &unseen["activity"]), (&Json::Null, &Json::Null));
    assert_eq!(
        unseen["activities"],
        json!({ "nodes": [], "totalCount": { "value": 0 }, "facets": [{ "values": [] }] })
    );
    assert_eq!(unseen["changes"]["nodes"], json!([]));
    // What one is to do one sees, and of what it is about no more than one may.
    let asked = json!({ "kind": "TASK", "subject": "Help", "aboutId": own, "ownerId": rep2.user().to_string() });
    let task = create(&manager, asked).await["activity"]["id"].clone();
    let seen = rep2.run(look, json!({ "id": task })).await["data"].clone();
    assert_eq!((&seen["node"]["id"], &seen["activity"]["about"]), (&task, &Json::Null));
    // About what one does not see one writes nothing down.
    let hidden = create(&rep2, json!({ "kind": "NOTE", "subject": "x", "aboutId": own })).await;
    assert_eq!(refusal(&hidden), ("NOT_FOUND", vec!["aboutId"]));
    rep.data("mutation($id: ID!) { companyDelete(id: $id) { deletedId } }", json!({ "id": own }))
        .await;
    let deleted = create(&rep, json!({ "kind": "NOTE", "subject": "x", "aboutId": own })).await;
    assert_eq!(refusal(&deleted), ("NOT_FOUND", vec!["aboutId"]), "its record is deleted");
    let wrong = rep.run(CREATE, json!({ "input": { "kind": "NOTE", "subject": "x", "aboutId": rep.user().to_string() } })).await;
    assert_eq!(wrong["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
}
