//! Deals, pipelines, stages and exchange rates.

use std::collections::HashMap;

use serde_json::{Value as Json, json};

use crate::support::{Person, TestApp, refusal};

pub const CREATE: &str = "mutation($input: DealCreateInput!) { dealCreate(input: $input) {
    deal { id name version stage { name } pipeline { name } stageKind probability probabilityOverridden forecast amount { amount currency }
      company { id } owner { email } expectedCloseOn closedAt reopened daysInStage isStuck stageHistory { from { name } to { name } by { email } secondsInPrevious } }
    userErrors { code field message details } } }";
pub const UPDATE: &str = "mutation($id: ID!, $v: Int, $input: DealUpdateInput!) { dealUpdate(id: $id, expectedVersion: $v, input: $input) {
    deal { name version probability probabilityOverridden forecast holdUntil } userErrors { code field message details } } }";
pub const MOVE: &str = "mutation($id: ID!, $stage: ID!, $v: Int, $reason: String, $until: Date) { dealMove(id: $id, stageId: $stage, expectedVersion: $v, reason: $reason, holdUntil: $until) {
    deal { id version stage { name } stageKind probability probabilityOverridden forecast closedAt lostReason holdUntil reopened stageSince
      stageHistory { from { name } to { name } at by { email } reason secondsInPrevious } } userErrors { code field message details } } }";
pub const PIPELINE: &str = "mutation($input: PipelineCreateInput!) { pipelineCreate(input: $input) {
    pipeline { id name position stages { id name kind position probability requiredFields maxDays allowSkip } } userErrors { code field message } } }";

pub async fn create(person: &Person<'_>, input: Json) -> Json {
    person.data(CREATE, json!({ "input": input })).await["dealCreate"].clone()
}

pub async fn made(person: &Person<'_>, input: Json) -> String {
    let payload = create(person, input).await;
    payload["deal"]["id"].as_str().unwrap_or_else(|| panic!("{payload}")).to_owned()
}

pub async fn update(person: &Person<'_>, id: &str, input: Json) -> Json {
    person.data(UPDATE, json!({ "id": id, "input": input })).await["dealUpdate"].clone()
}

pub async fn go(person: &Person<'_>, id: &str, stage: &str, said: Json) -> Json {
    let mut variables = json!({ "id": id, "stage": stage });
    variables.as_object_mut().unwrap().extend(said.as_object().unwrap().clone());
    person.data(MOVE, variables).await["dealMove"].clone()
}

/// The stages of the tenant's pipelines, by name.
pub async fn stages(person: &Person<'_>) -> HashMap<String, String> {
    let data = person.data("{ pipelines { stages { id name } } }", Json::Null).await;
    let all = data["pipelines"].as_array().unwrap().iter();
    let all = all.flat_map(|pipeline| pipeline["stages"].as_array().unwrap());
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    all.map(|stage| (text(&stage["name"]), text(&stage["id"]))).collect()
}

pub async fn company(person: &Person<'_>) -> Json {
    let data = person.data("{ companies(first: 1) { nodes { id } } }", Json::Null).await;
    data["companies"]["nodes"][0]["id"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_deal_comes_back_or_is_gone_for_good() {
    let app = TestApp::new().await;
    let admin = app.sign_in("admin@acme.test").await;
    let company = company(&admin).await;
    let id = made(&admin, json!({ "name": "Brief", "companyId": company })).await;
    let delete = "mutation($id: ID!) { dealDelete(id: $id) { deletedId userErrors { code } } }";
    admin.data(delete, json!({ "id": id })).await;
    let gone = admin.run("query($id: ID!) { deal(id: $id) { id } }", json!({ "id": id })).await;
    assert_eq!(gone["errors"][0]["extensions"]["code"], "NOT_FOUND");
    let deleted = admin
        .data("{ deals(deleted: true) { nodes { id availableTransitions { name } } } }", Json::Null)
        .await;
    assert_eq!(deleted["deals"]["nodes"], json!([{ "id": id, "availableTransitions": [] }]));
    let restore = "mutation($id: ID!) { dealRestore(id: $id) { deal { stage { name } } userErrors { code } } }";
    let back = admin.data(restore, json!({ "id": id })).await;
    assert_eq!(back["dealRestore"]["deal"]["stage"]["name"], "Qualification");
    // Whoever would buy is purged: the deal stays.
    let purge = "mutation($id: ID!) { companyDelete(id: $id) { deletedId } companyPurge(id: $id) { deletedId userErrors { code } } }";
    assert_eq!(
        admin.data(purge, json!({ "id": company })).await["companyPurge"]["deletedId"],
        company
    );
    let alone = admin
        .data("query($id: ID!) { deal(id: $id) { company { id } } }", json!({ "id": id }))
        .await;
    assert_eq!(alone["deal"]["company"], Json::Null);
    admin.data(delete, json!({ "id": id })).await;
    let purge = "mutation($id: ID!) { dealPurge(id: $id) { deletedId userErrors { code } } }";
    assert_eq!(admin.data(purge, json!({ "id": id })).await["dealPurge"]["deletedId"], json!(id));
    assert_eq!(app.sql("SELECT count(*) FROM kontor.stage_changes").await, ["0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenant_sees_and_moves_nothing() {
    let app = TestApp::new().await;
    let (manager, rival) =
        (app.sign_in("manager@acme.test").await, app.sign_in("owner@globex.test").await);
    let id = made(&manager, json!({ "name": "Ours" })).await;
    let (ours, theirs) = (stages(&manager).await, stages(&rival).await);
    for field in ["deal", "node"] {
        let query = format!("query($id: ID!) {{ {field}(id: $id) {{ id }} }}");
        let seen = rival.run(&query, json!({ "id": id })).await;
        assert_eq!(seen["errors"][0]["extensions"]["code"], "NOT_FOUND");
    }
    assert_eq!(
        refusal(&go(&rival, &id, &theirs["Needs"], json!({})).await),
        ("NOT_FOUND", vec!["id"])
    );
    assert_eq!(
        refusal(&go(&manager, &id, &theirs["Needs"], json!({})).await),
        ("NOT_FOUND", vec!["stageId"])
    );
    for (field, value) in
        [("stageId", json!(ours["Needs"])), ("companyId", company(&manager).await)]
    {
        let input = json!({ "name": "Spy", field: value });
        assert_eq!(refusal(&create(&rival, input).await), ("NOT_FOUND", vec![field]));
    }
    let all = rival.data("{ deals { totalCount { value } } }", Json::Null).await;
    assert_eq!(all["deals"]["totalCount"]["value"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_change_is_told_what_others_changed() {
    let app = TestApp::new().await;
    let (manager, rep) =
        (app.sign_in("manager@acme.test").await, app.sign_in("rep@acme.test").await);
    let id = made(&rep, json!({ "name": "Shared" })).await;
    update(&manager, &id, json!({ "expectedCloseOn": "2027-05-01" })).await;
    let late = rep.data(UPDATE, json!({ "id": id, "v": 1, "input": { "name": "Mine" } })).await;
    assert_eq!(refusal(&late["dealUpdate"]), ("STALE_VERSION", vec!["expectedVersion"]));
    let changed = &late["dealUpdate"]["userErrors"][0]["details"]["changed"];
    assert_eq!(
        changed,
        &json!([{ "field": "expectedCloseOn", "before": null, "now": "2027-05-01" }])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn deals_are_found_within_and_through_what_they_belong_to() {
    let app = TestApp::new().await;
    let manager = app.sign_in("manager@acme.test").await;
    let (company, all) = (company(&manager).await, stages(&manager).await);
    let contact = manager
        .data(
            "mutation { contactCreate(input: { lastName: \"Lovelace\" }) { contact { id } } }",
            Json::Null,
        )
        .await;
    let contact = contact["contactCreate"]["contact"]["id"].clone();
    for (name, amount, stage, day) in [
        ("One", "10", "Needs", json!("2027-03-01")),
        ("Two", "30", "Needs", Json::Null),
        ("Three", "20", "Proposal", json!("2027-01-01")),
    ] {
        made(
            &manager,
            json!({ "name": name, "companyId": company, "contactId": contact, "stageId": all[stage],
            "amount": { "amount": amount, "currency": "USD" }, "expectedCloseOn": day }),
        )
        .await;
    }
    made(&manager, json!({ "name": "Elsewhere" })).await;
    let query = "query($c: ID!, $p: ID!) {
        company(id: $c) { deals(first: 2, orderBy: [{ field: AMOUNT, direction: DESC }]) { nodes { name } totalCount { value } facets(by: [STAGE, STAGE_KIND, OWNER, TERRITORY, PIPELINE, FORECAST]) { field values { value count } } } }
        contact(id: $p) { deals(orderBy: [{ field: EXPECTED_CLOSE_ON }]) { nodes { name stage { name } pipeline { name } contact { lastName } } } }
        companies(where: { deals: { some: { stage: { name: { eq: \"proposal\" } }, pipeline: { name: { startsWith: \"sal\" } } } } }) { nodes { id } }
        contacts(where: { deals: { every: { stageKind: { eq: OPEN } }, some: { probability: { gte: 50 }, forecast: { in: [PIPELINE] } } } }) { nodes { id } }
        deals(where: { or: [{ company: { deals: { some: { name: { eq: \"one\" } } } } }, { contact: { lastName: { eq: \"x\" } } }], expectedCloseOn: { isNull: false } }) { nodes { name } } }";
    let query = query.replace(", { contact: { lastName: { eq: \"x\" } } }", "");
    let data = manager.data(&query, json!({ "c": company, "p": contact })).await;
    let names = |list: &Json| {
        list["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|deal| deal["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&data["company"]["deals"]), ["Two", "Three"]);
    assert_eq!(data["company"]["deals"]["totalCount"]["value"], 3);
    let facets = data["company"]["deals"]["facets"].as_array().unwrap();
    assert_eq!(facets[0]["values"][0], json!({ "value": all["Needs"], "count": 2 }));
    assert_eq!(facets[1]["values"], json!([{ "value": "OPEN", "count": 3 }]));
    assert_eq!(names(&data["contact"]["deals"]), ["Three", "One", "Two"]);
    assert_eq!(data["companies"]["nodes"], json!([{ "id": company }]));
    assert_eq!(data["contacts"]["nodes"], json!([{ "id": contact }]));
    assert_eq!(names(&data["deals"]), ["One", "Three"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_deals_at_once_are_all_or_those_that_can_be() {
    let app = TestApp::new().await;
    let manager = app.sign_in("manager@acme.test").await;
    let many = "mutation($i: [DealCreateInput!]!, $p: ErrorPolicy) { dealsCreate(input: $i, errorPolicy: $p) { deals { id name stageHistory { to { name } } } userErrors { code elementIndex } } }";
    let input = json!([{ "name": "First" }, { "name": "" }, { "name": "Third" }]);
    let none = manager.data(many, json!({ "i": input })).await;
    assert_eq!(
        (&none["dealsCreate"]["deals"], &none["dealsCreate"]["userErrors"][0]["elementIndex"]),
        (&json!([]), &json!(1))
    );
    let some = manager.data(many, json!({ "i": input, "p": "REJECT_FAILED" })).await["dealsCreate"]
        .clone();
    assert_eq!(some["deals"].as_array().unwrap().len(), 2);
    let ids: Vec<_> =
        some["deals"].as_array().unwrap().iter().map(|deal| deal["id"].clone()).collect();
    let change = "mutation($i: [DealChangeInput!]!) { dealsUpdate(input: $i) { deals { name } userErrors { code } } }";
    let changes: Vec<_> = ids
        .iter()
        .map(|id| json!({ "id": id, "expectedVersion": 1, "input": { "name": "Renamed" } }))
        .collect();
    let changed = manager.data(change, json!({ "i": changes })).await;
    assert_eq!(
        changed["dealsUpdate"]["deals"],
        json!([{ "name": "Renamed" }, { "name": "Renamed" }])
    );
    let delete =
        "mutation($ids: [ID!]!) { dealsDelete(ids: $ids) { deletedIds userErrors { code } } }";
    let deleted = manager.data(delete, json!({ "ids": ids })).await;
    assert_eq!(deleted["dealsDelete"]["deletedIds"], json!(ids));
}
