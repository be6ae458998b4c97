//! Pipelines and their stages.

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::{
    deals::{PIPELINE, create, made},
    support::{TestApp, refusal},
};

#[tokio::test(flavor = "multi_thread")]
async fn pipelines_and_stages_are_set_up() {
    let app = TestApp::new().await;
    let (manager, rep) =
        (app.sign_in("manager@acme.test").await, app.sign_in("rep@acme.test").await);
    let made_one =
        manager.data(PIPELINE, json!({ "input": { "name": "Renewals" } })).await["pipelineCreate"]
            .clone();
    let (id, count) =
        (&made_one["pipeline"]["id"], made_one["pipeline"]["stages"].as_array().unwrap().len());
    assert_eq!(count, 6);
    let again = manager.data(PIPELINE, json!({ "input": { "name": "renewals" } })).await;
    assert_eq!(refusal(&again["pipelineCreate"]), ("DUPLICATE", vec!["name"]));
    let closed = manager
        .data(
            PIPELINE,
            json!({ "input": { "name": "Closed", "stages": [{ "name": "Won", "kind": "WON" }] } }),
        )
        .await;
    assert_eq!(refusal(&closed["pipelineCreate"]), ("INVALID", vec!["stages"]));
    let refused = rep.run(PIPELINE, json!({ "input": { "name": "No" } })).await;
    assert_eq!(refused["errors"][0]["message"], "This needs the permission sales:manage.");
    let stage = "mutation($p: ID!, $i: StageInput!) { stageCreate(pipelineId: $p, input: $i) { stage { id position requiredFields pipeline { name } } userErrors { code field } } }";
    let added = manager.data(stage, json!({ "p": id, "i": { "name": "Trial", "requiredFields": ["OWNER", "AMOUNT", "OWNER"], "maxDays": 2 } })).await["stageCreate"]["stage"].clone();
    assert_eq!(
        (&added["position"], &added["requiredFields"]),
        (&json!(7), &json!(["AMOUNT", "OWNER"]))
    );
    let bad =
        manager.data(stage, json!({ "p": id, "i": { "name": "Trial", "probability": 101 } })).await;
    assert_eq!(refusal(&bad["stageCreate"]), ("INVALID", vec!["probability"]));
    let stages =
        made_one["pipeline"]["stages"].as_array().unwrap().iter().map(|stage| stage["id"].clone());
    let order: Vec<Json> = std::iter::once(added["id"].clone()).chain(stages).collect();
    let reorder = "mutation($p: ID!, $ids: [ID!]!) { stagesReorder(pipelineId: $p, ids: $ids) { pipeline { stages { name } } userErrors { code field } } }";
    let ordered = manager.data(reorder, json!({ "p": id, "ids": order })).await;
    assert_eq!(ordered["stagesReorder"]["pipeline"]["stages"][0]["name"], "Trial");
    let short = manager.data(reorder, json!({ "p": id, "ids": order[1..] })).await;
    assert_eq!(refusal(&short["stagesReorder"]), ("INVALID", vec!["ids"]));
    let all = manager.data("{ pipelines { id name } }", Json::Null).await;
    let ids = [&all["pipelines"][1]["id"], &all["pipelines"][0]["id"]];
    let turn = "mutation($ids: [ID!]!) { pipelinesReorder(ids: $ids) { pipelines { name } userErrors { code } } }";
    let turned = manager.data(turn, json!({ "ids": ids })).await;
    assert_eq!(
        turned["pipelinesReorder"]["pipelines"],
        json!([{ "name": "Renewals" }, { "name": "Sales" }])
    );
    // The first stage asks for an amount now: so does a new deal. It gets stuck there.
    let input = json!({ "name": "Late", "pipelineId": id });
    assert_eq!(refusal(&create(&rep, input).await), ("REQUIRED", vec!["amount"]));
    let deal =
        made(&rep, json!({ "name": "Late", "amount": { "amount": "1", "currency": "USD" } })).await;
    app.clock.advance(Duration::from_hours(49));
    let stuck = rep
        .data(
            "query($id: ID!) { deal(id: $id) { stage { name } daysInStage isStuck } }",
            json!({ "id": deal }),
        )
        .await;
    assert_eq!(
        stuck["deal"],
        json!({ "stage": { "name": "Trial" }, "daysInStage": 2, "isStuck": true })
    );
    // What deals are in stays as it is.
    let manager = app.sign_in("manager@acme.test").await;
    let delete = "mutation($id: ID!) { stageDelete(id: $id) { deletedId userErrors { code field details } } }";
    let kept = manager.data(delete, json!({ "id": added["id"] })).await;
    assert_eq!(refusal(&kept["stageDelete"]), ("INVALID", vec!["id"]));
    assert_eq!(kept["stageDelete"]["userErrors"][0]["details"], json!({ "deals": 1 }));
    let change = "mutation($id: ID!, $i: StageUpdateInput!) { stageUpdate(id: $id, input: $i) { stage { name kind maxDays } userErrors { code field } } }";
    let kind = manager.data(change, json!({ "id": added["id"], "i": { "kind": "LOST" } })).await;
    assert_eq!(refusal(&kind["stageUpdate"]), ("INVALID", vec!["id"]));
    let renamed = manager
        .data(change, json!({ "id": added["id"], "i": { "name": "Pilot", "maxDays": null } }))
        .await;
    assert_eq!(
        renamed["stageUpdate"]["stage"],
        json!({ "name": "Pilot", "kind": "OPEN", "maxDays": null })
    );
    let pipeline =
        "mutation($id: ID!) { pipelineDelete(id: $id) { deletedId userErrors { code field } } }";
    let kept = manager.data(pipeline, json!({ "id": id })).await;
    assert_eq!(refusal(&kept["pipelineDelete"]), ("INVALID", vec!["id"]));
    assert_eq!(
        manager.data(delete, json!({ "id": order[1] })).await["stageDelete"]["deletedId"],
        order[1]
    );
    let other = manager.data(pipeline, json!({ "id": ids[1] })).await;
    assert_eq!(other["pipelineDelete"]["deletedId"], *ids[1]);
    let gone =
        manager.run("query($id: ID!) { node(id: $id) { id } }", json!({ "id": ids[1] })).await;
    assert_eq!(gone["errors"][0]["extensions"]["code"], "NOT_FOUND");
}

/// A tenant that has no pipeline gets one with its first deal, and two first deals one and the same.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_deals_make_one_pipeline() {
    let app = TestApp::new().await;
    let manager = app.sign_in("manager@acme.test").await;
    let tenant = manager.tenant().0;
    app.sql(&format!("DELETE FROM kontor.pipelines WHERE tenant_id = '{tenant}' RETURNING id"))
        .await;
    let first = async |n: usize| create(&manager, json!({ "name": format!("Deal {n}") })).await;
    for payload in futures_util::future::join_all((0..8).map(first)).await {
        assert_eq!(payload["deal"]["stage"]["name"], "Qualification", "{payload}");
    }
    let query = "{ pipelines { name stages { name kind position probability } } }";
    let data = manager.data(query, Json::Null).await;
    let shown: Vec<String> = data["pipelines"][0]["stages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|stage| {
            format!(
                "{} {} {}",
                stage["name"].as_str().unwrap(),
                stage["kind"].as_str().unwrap(),
                stage["probability"]
            )
        })
        .collect();
    assert_eq!(data["pipelines"].as_array().unwrap().len(), 1);
    assert_eq!(
        shown,
        [
            "Qualification OPEN 10",
            "Needs OPEN 20",
            "Proposal OPEN 50",
            "Negotiation OPEN 80",
            "Won WON 100",
            "Lost LOST 0"
        ]
    );
}
