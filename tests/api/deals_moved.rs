//! How deals go from stage to stage.

use std::{collections::HashMap, time::Duration};

use kontor::access::{BuiltInRole, Permission, Viewer};
use serde_json::{Value as Json, json};

use crate::{
    deals::{MOVE, PIPELINE, company, create, go, made, stages, update},
    support::{TestApp, redacted, refusal},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_deal_goes_its_way_and_its_history_tells_it() {
    let app = TestApp::new().await;
    let manager = app.sign_in("manager@acme.test").await;
    let company = company(&manager).await;
    let deal = create(&manager, json!({
        "name": " Fleet ", "companyId": company, "amount": { "amount": "1000.5", "currency": "USD" }, "expectedCloseOn": "2027-01-31",
    })).await;
    let (id, manager_is) = (deal["deal"]["id"].as_str().unwrap().to_owned(), "manager@acme.test");
    assert_eq!(deal["deal"]["company"]["id"], company);
    let mut shown = redacted(deal.clone());
    shown["deal"].as_object_mut().unwrap().remove("company");
    assert_eq!(
        shown,
        json!({ "userErrors": [], "deal": {
            "id": "deal_…", "name": "Fleet", "version": 1, "stage": { "name": "Qualification" }, "pipeline": { "name": "Sales" },
            "stageKind": "OPEN", "probability": 10, "probabilityOverridden": false, "forecast": "PIPELINE",
            "amount": { "amount": "1000.50", "currency": "USD" }, "owner": { "email": manager_is }, "expectedCloseOn": "2027-01-31",
            "closedAt": null, "reopened": 0, "daysInStage": 0, "isStuck": false,
            "stageHistory": [{ "from": null, "to": { "name": "Qualification" }, "by": { "email": manager_is }, "secondsInPrevious": null }],
        } })
    );
    let stages = stages(&manager).await;
    app.clock.advance(Duration::from_secs(90));
    let moved =
        go(&manager, &id, &stages["Needs"], json!({ "v": 1, "reason": "They called" })).await;
    assert_eq!((&moved["deal"]["version"], &moved["deal"]["probability"]), (&json!(2), &json!(20)));
    let step = &moved["deal"]["stageHistory"][1];
    assert_eq!(step["from"]["name"], "Qualification");
    assert_eq!((&step["secondsInPrevious"], &step["reason"]), (&json!(90), &json!("They called")));
    let by_hand = update(&manager, &id, json!({ "probability": 35, "forecast": "COMMIT" })).await;
    assert_eq!(by_hand["deal"]["probabilityOverridden"], true);
    let moved = go(&manager, &id, &stages["Proposal"], json!({})).await;
    assert_eq!(
        (&moved["deal"]["probability"], &moved["deal"]["forecast"]),
        (&json!(35), &json!("COMMIT"))
    );
    let back = update(&manager, &id, json!({ "probability": null, "forecast": null })).await;
    assert_eq!(
        (&back["deal"]["probability"], &back["deal"]["forecast"]),
        (&json!(50), &json!("PIPELINE"))
    );
    let won = go(&manager, &id, &stages["Won"], json!({})).await;
    assert!(won["deal"]["closedAt"].is_string());
    assert_eq!(
        (&won["deal"]["probability"], &won["deal"]["forecast"]),
        (&json!(100), &json!("CLOSED"))
    );
    for input in [
        json!({ "probability": 3 }),
        json!({ "forecast": "COMMIT" }),
        json!({ "holdUntil": "2027-01-01" }),
    ] {
        let field = input.as_object().unwrap().keys().next().unwrap().clone();
        assert_eq!(refusal(&update(&manager, &id, input).await), ("INVALID", vec![field.as_str()]));
    }
    let open =
        go(&manager, &id, &stages["Negotiation"], json!({ "reason": "They came back" })).await;
    assert_eq!((&open["deal"]["reopened"], &open["deal"]["closedAt"]), (&json!(1), &Json::Null));
    let lost = go(&manager, &id, &stages["Lost"], json!({ "reason": "Too dear" })).await;
    assert_eq!(
        (&lost["deal"]["lostReason"], &lost["deal"]["forecast"]),
        (&json!("Too dear"), &json!("OMITTED"))
    );
    assert_eq!(lost["deal"]["stageHistory"].as_array().unwrap().len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_the_way_is_told() {
    let app = TestApp::new().await;
    let (manager, rep) =
        (app.sign_in("manager@acme.test").await, app.sign_in("rep@acme.test").await);
    let all = stages(&rep).await;
    let id = made(&rep, json!({ "name": "Mine" })).await;
    let skips = go(&rep, &id, &all["Proposal"], json!({})).await;
    assert_eq!(refusal(&skips), ("INVALID_TRANSITION", vec!["stageId"]));
    assert_eq!(
        skips["userErrors"][0]["details"],
        json!({ "from": "Qualification", "to": "Proposal", "allowed": ["Needs", "Won", "Lost"], "blockedBy": ["skips:Needs"] })
    );
    assert_eq!(
        refusal(&go(&rep, &id, &all["Qualification"], json!({})).await).0,
        "INVALID_TRANSITION"
    );
    assert_eq!(
        refusal(&go(&rep, &id, &all["Lost"], json!({})).await),
        ("REQUIRED", vec!["reason"])
    );
    let hold = json!({ "until": "2030-01-01" });
    assert_eq!(refusal(&go(&rep, &id, &all["Needs"], hold).await), ("INVALID", vec!["holdUntil"]));
    let stale = go(&rep, &id, &all["Needs"], json!({ "v": 7 })).await;
    assert_eq!(refusal(&stale), ("STALE_VERSION", vec!["expectedVersion"]));
    // Won once, it is opened again by those who may, and they say why.
    assert_eq!(go(&rep, &id, &all["Won"], json!({})).await["userErrors"], json!([]));
    let said = json!({ "reason": "A mistake" });
    let refused = go(&rep, &id, &all["Needs"], said.clone()).await;
    assert_eq!(refused["userErrors"][0]["details"]["blockedBy"], json!(["permission:deal:manage"]));
    assert_eq!(
        refusal(&go(&manager, &id, &all["Lost"], said.clone()).await).0,
        "INVALID_TRANSITION"
    );
    assert_eq!(
        refusal(&go(&manager, &id, &all["Needs"], json!({})).await),
        ("REQUIRED", vec!["reason"])
    );
    assert_eq!(go(&manager, &id, &all["Needs"], said).await["deal"]["reopened"], 1);
    // A stage that asks for something, one that holds, and a stage of elsewhere.
    let set = "mutation($id: ID!) { stageUpdate(id: $id, input: { requiredFields: [AMOUNT, COMPANY], maxDays: 3 }) { userErrors { code } }
        salesSettingsUpdate(input: { wonWithoutQuote: false }) { salesSettings { wonWithoutQuote version } userErrors { code } } }";
    let set = manager.data(set, json!({ "id": all["Proposal"] })).await;
    assert_eq!(set["salesSettingsUpdate"]["salesSettings"]["wonWithoutQuote"], false);
    let missing = go(&rep, &id, &all["Proposal"], json!({})).await;
    let fields: Vec<_> = missing["userErrors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (&one["code"], &one["field"][0]))
        .collect();
    assert_eq!(
        fields,
        [(&json!("REQUIRED"), &json!("amount")), (&json!("REQUIRED"), &json!("companyId"))]
    );
    let no_quote = go(&rep, &id, &all["Won"], json!({})).await;
    assert_eq!(no_quote["userErrors"][0]["details"]["blockedBy"], json!(["quote:accepted"]));
    let other = json!({ "name": "Other", "stages": [{ "name": "Start" }, { "name": "Wait", "kind": "ON_HOLD", "probability": 5 }, { "name": "End", "kind": "WON" }] });
    let other =
        manager.data(PIPELINE, json!({ "input": other })).await["pipelineCreate"]["pipeline"]
            .clone();
    let stage = |at: usize| other["stages"][at]["id"].as_str().unwrap();
    assert_eq!((&other["stages"][2]["probability"], &other["position"]), (&json!(100), &json!(2)));
    assert_eq!(refusal(&go(&rep, &id, stage(0), json!({})).await), ("INVALID", vec!["stageId"]));
    let input = json!({ "name": "Both", "pipelineId": other["id"], "stageId": all["Needs"] });
    assert_eq!(refusal(&create(&rep, input).await), ("INVALID", vec!["stageId"]));
    assert_eq!(
        refusal(&create(&rep, json!({ "name": "Late", "stageId": all["Won"] })).await),
        ("INVALID", vec!["stageId"])
    );
    let held = made(&rep, json!({ "name": "Held", "pipelineId": other["id"] })).await;
    assert_eq!(
        refusal(&go(&rep, &held, stage(1), json!({})).await),
        ("REQUIRED", vec!["holdUntil"])
    );
    assert_eq!(
        refusal(&go(&rep, &held, stage(1), json!({ "until": "2020-01-01" })).await),
        ("INVALID", vec!["holdUntil"])
    );
    let until = go(&rep, &held, stage(1), json!({ "until": "2030-01-01" })).await;
    assert_eq!(
        (&until["deal"]["holdUntil"], &until["deal"]["forecast"]),
        (&json!("2030-01-01"), &json!("OMITTED"))
    );
    assert_eq!(refusal(&go(&rep, &held, stage(2), json!({})).await).0, "INVALID_TRANSITION");
    let later = update(&rep, &held, json!({ "holdUntil": "2031-01-01" })).await;
    assert_eq!(later["deal"]["holdUntil"], "2031-01-01");
    let again = go(&rep, &held, stage(0), json!({})).await;
    assert_eq!(
        (&again["deal"]["holdUntil"], &again["deal"]["forecast"]),
        (&Json::Null, &json!("PIPELINE"))
    );
}

/// For every stage and role: what `availableTransitions` says is what `dealMove` does.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_offered_is_what_is_done() {
    let app = TestApp::new().await;
    let (manager, rep) =
        (app.sign_in("manager@acme.test").await, app.sign_in("rep@acme.test").await);
    let way = json!({ "name": "Way", "stages": [
        { "name": "A" }, { "name": "B", "allowSkip": true }, { "name": "C", "requiredFields": ["CONTACT"] }, { "name": "D" }, { "name": "E" },
        { "name": "Hold", "kind": "ON_HOLD" }, { "name": "Won", "kind": "WON" }, { "name": "Lost", "kind": "LOST" },
    ] });
    let way =
        manager.data(PIPELINE, json!({ "input": way })).await["pipelineCreate"]["pipeline"].clone();
    let stages: HashMap<&str, &str> = way["stages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|stage| (stage["name"].as_str().unwrap(), stage["id"].as_str().unwrap()))
        .collect();
    let said = json!({ "reason": "So be it", "until": "2030-01-01" });
    let said_for = |to: &str| match to {
        "Hold" => said.clone(),
        _ => json!({ "reason": "So be it" }),
    };
    let mut tried = 0;
    for at in ["A", "B", "D", "E", "Hold", "Won", "Lost"] {
        let owner = rep.user().to_string();
        let id =
            made(&manager, json!({ "name": at, "pipelineId": way["id"], "ownerId": owner })).await;
        if at != "A" {
            let there = go(&manager, &id, stages[at], said_for(at)).await;
            assert_eq!(there["userErrors"], json!([]), "{at}");
        }
        for role in BuiltInRole::ALL {
            let roles = vec![(*role).into()];
            let who = app.as_viewer(Viewer {
                session: rep.viewer().session,
                ..Viewer::new(rep.viewer().who, rep.tenant(), roles)
            });
            if !who.viewer().grants.holds(Permission::DealRead) {
                continue;
            }
            let query = "query($id: ID!) { deal(id: $id) { availableTransitions { name allowed blockedBy } } }";
            let offered =
                who.data(query, json!({ "id": id })).await["deal"]["availableTransitions"].clone();
            assert_eq!(offered.as_array().unwrap().len(), 7, "all others");
            for offer in offered.as_array().unwrap() {
                let name = offer["name"].as_str().unwrap();
                assert_eq!(offer["allowed"], offer["blockedBy"] == json!([]));
                let mut variables = said_for(name);
                variables["id"] = json!(id);
                variables["stage"] = json!(stages[name]);
                let answer = who.dry_run().run(MOVE, variables).await;
                let done = answer["data"]["dealMove"]["deal"].is_object();
                assert_eq!(
                    done,
                    offer["allowed"],
                    "{at} to {name} by {}: {offer} {answer}",
                    role.name()
                );
                tried += 1;
            }
        }
    }
    assert!(tried > 300, "{tried}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_moves_at_once_one_wins() {
    let app = TestApp::new().await;
    let manager = app.sign_in("manager@acme.test").await;
    let (id, all) = (made(&manager, json!({ "name": "Contested" })).await, stages(&manager).await);
    let names = ["Needs", "Proposal", "Won", "Lost"];
    let go = async |n: usize| {
        let said = json!({ "v": 1, "reason": "First" });
        go(&manager, &id, &all[names[n % 4]], said).await["deal"].is_object()
    };
    let won = futures_util::future::join_all((0..12).map(go)).await;
    assert_eq!(won.iter().filter(|won| **won).count(), 1);
    assert_eq!(app.sql("SELECT count(*) FROM kontor.stage_changes").await, ["2"]);
}
