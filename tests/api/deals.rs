//! Deals, pipelines, stages and exchange rates.

use std::{collections::HashMap, time::Duration};

use kontor::access::{BuiltInRole, Permission, Viewer};
use serde_json::{Value as Json, json};

use crate::support::{Person, TestApp, redacted, refusal};

const CREATE: &str = "mutation($input: DealCreateInput!) { dealCreate(input: $input) {
    deal { id name version stage { name } pipeline { name } stageKind probability probabilityOverridden forecast amount { amount currency }
      company { id } owner { email } expectedCloseOn closedAt reopened daysInStage isStuck stageHistory { from { name } to { name } by { email } secondsInPrevious } }
    userErrors { code field message details } } }";
const UPDATE: &str = "mutation($id: ID!, $v: Int, $input: DealUpdateInput!) { dealUpdate(id: $id, expectedVersion: $v, input: $input) {
    deal { name version probability probabilityOverridden forecast holdUntil } userErrors { code field message details } } }";
const MOVE: &str = "mutation($id: ID!, $stage: ID!, $v: Int, $reason: String, $until: Date) { dealMove(id: $id, stageId: $stage, expectedVersion: $v, reason: $reason, holdUntil: $until) {
    deal { id version stage { name } stageKind probability probabilityOverridden forecast closedAt lostReason holdUntil reopened stageSince
      stageHistory { from { name } to { name } at by { email } reason secondsInPrevious } } userErrors { code field message details } } }";
const PIPELINE: &str = "mutation($input: PipelineCreateInput!) { pipelineCreate(input: $input) {
    pipeline { id name position stages { id name kind position probability requiredFields maxDays allowSkip } } userErrors { code field message } } }";

async fn create(person: &Person<'_>, input: Json) -> Json {
    person.data(CREATE, json!({ "input": input })).await["dealCreate"].clone()
}

async fn made(person: &Person<'_>, input: Json) -> String {
    let payload = create(person, input).await;
    payload["deal"]["id"].as_str().unwrap_or_else(|| panic!("{payload}")).to_owned()
}

async fn update(person: &Person<'_>, id: &str, input: Json) -> Json {
    person.data(UPDATE, json!({ "id": id, "input": input })).await["dealUpdate"].clone()
}

async fn go(person: &Person<'_>, id: &str, stage: &str, said: Json) -> Json {
    let mut variables = json!({ "id": id, "stage": stage });
    variables.as_object_mut().unwrap().extend(said.as_object().unwrap().clone());
    person.data(MOVE, variables).await["dealMove"].clone()
}

/// The stages of the tenant's pipelines, by name.
async fn stages(person: &Person<'_>) -> HashMap<String, String> {
    let data = person.data("{ pipelines { stages { id name } } }", Json::Null).await;
    let all = data["pipelines"].as_array().unwrap().iter();
    let all = all.flat_map(|pipeline| pipeline["stages"].as_array().unwrap());
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    all.map(|stage| (text(&stage["name"]), text(&stage["id"]))).collect()
}

async fn company(person: &Person<'_>) -> Json {
    let data = person.data("{ companies(first: 1) { nodes { id } } }", Json::Null).await;
    data["companies"]["nodes"][0]["id"].clone()
}

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

#[tokio::test(flavor = "multi_thread")]
async fn amounts_are_weighted_in_the_tenants_currency() {
    let app = TestApp::new().await;
    let manager = app.sign_in("manager@acme.test").await;
    let set = async |currency: &str, from: &str, rate: &str| {
        let set = "mutation($c: String!, $f: Date!, $r: Decimal!) { currencyRateSet(currency: $c, validFrom: $f, rate: $r) { currencyRate { id rate version } userErrors { code field } } }";
        manager.data(set, json!({ "c": currency, "f": from, "r": rate })).await["currencyRateSet"]
            .clone()
    };
    assert_eq!(set("EUR", "2020-01-01", "1.10").await["currencyRate"]["rate"], "1.1");
    assert_eq!(
        set("EUR", "2020-01-01", "1.08345678").await["currencyRate"]["version"],
        2,
        "replaced"
    );
    assert_eq!(set("JPY", "2020-01-01", "0.0063").await["userErrors"], json!([]));
    for (currency, rate, field) in [
        ("USD", "1", "currency"),
        ("euro", "1", "currency"),
        ("EUR", "0", "rate"),
        ("EUR", "1.123456789", "rate"),
        ("EUR", "99999999999", "rate"),
    ] {
        assert_eq!(
            refusal(&set(currency, "2020-01-01", rate).await),
            ("INVALID", vec![field]),
            "{currency} {rate}"
        );
    }
    let all = stages(&manager).await;
    let weighted = async |amount: &str, currency: &str, percent: i32| {
        let input = json!({ "name": "W", "amount": { "amount": amount, "currency": currency }, "probability": percent });
        let id = made(&manager, input).await;
        let data = manager
            .data(
                "query($id: ID!) { deal(id: $id) { weighted { amount currency } } }",
                json!({ "id": id }),
            )
            .await;
        (id, data["deal"]["weighted"].clone())
    };
    for (amount, currency, percent, expected) in [
        ("1000", "USD", 50, "500.00"),
        ("0.01", "USD", 50, "0.01"),
        ("0.01", "USD", 49, "0.00"),
        ("100", "EUR", 20, "21.67"),
        ("1000", "JPY", 10, "0.63"),
        ("5", "JPY", 50, "0.02"),
    ] {
        assert_eq!(
            weighted(amount, currency, percent).await.1,
            json!({ "amount": expected, "currency": "USD" }),
            "{amount} {currency} {percent}"
        );
    }
    assert_eq!(weighted("5", "GBP", 50).await.1, Json::Null, "no rate is known");
    // Closed, the deal keeps the rate of its day; another one takes the rate of today.
    let (closed, _) = weighted("100", "EUR", 20).await;
    go(&manager, &closed, &all["Won"], json!({})).await;
    app.clock.advance(Duration::from_hours(72));
    let now = app.clock.now().0.date_naive();
    set("EUR", &(now - chrono::Duration::days(1)).to_string(), "2").await;
    set("EUR", &(now + chrono::Duration::days(2)).to_string(), "3").await;
    let query = "{ deals(first: 100, where: { amount: { eq: \"100\" } }) { nodes { stageKind weighted { amount } } } }";
    let data = manager.data(query, Json::Null).await;
    let mut shown: Vec<String> = data["deals"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|deal| {
            format!(
                "{} {}",
                deal["stageKind"].as_str().unwrap(),
                deal["weighted"]["amount"].as_str().unwrap()
            )
        })
        .collect();
    shown.sort();
    assert_eq!(shown, ["OPEN 40.00", "WON 108.35"]);
    let rates = manager.data("{ currencyRates(where: { currency: { eq: \"EUR\" } }) { nodes { id validFrom rate } totalCount { value } } }", Json::Null).await;
    assert_eq!(rates["currencyRates"]["totalCount"]["value"], 3);
    let delete = "mutation($id: ID!) { currencyRateDelete(id: $id, expectedVersion: 1) { deletedId userErrors { code } } }";
    let gone =
        manager.data(delete, json!({ "id": rates["currencyRates"]["nodes"][1]["id"] })).await;
    assert_eq!(gone["currencyRateDelete"]["userErrors"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_amount_that_one_may_not_see_is_nowhere() {
    let app = TestApp::new().await;
    let manager = app.sign_in("manager@acme.test").await;
    made(
        &manager,
        json!({ "name": "Secret", "amount": { "amount": "987654", "currency": "USD" } }),
    )
    .await;
    let operations = app.sign_in("operations@acme.test").await;
    let seen = operations
        .run(
            "{ deals { nodes { amount { amount } weighted { amount } probability } } }",
            Json::Null,
        )
        .await;
    assert_eq!(
        seen["data"]["deals"]["nodes"][0],
        json!({ "amount": null, "weighted": null, "probability": 10 })
    );
    assert_eq!(
        seen["extensions"]["masked"],
        json!([["deals", "nodes", 0, "amount"], ["deals", "nodes", 0, "weighted"]])
    );
    for list in [
        "deals(where: { amount: { gt: \"1\" } }) { totalCount { value } }",
        "deals(where: { not: { amount: { isNull: true } } }) { totalCount { value } }",
        "deals(orderBy: [{ field: AMOUNT }]) { nodes { id } }",
        "companies(where: { deals: { some: { amount: { gt: \"1\" } } } }) { totalCount { value } }",
    ] {
        let refused = operations.run(&format!("{{ {list} }}"), Json::Null).await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN", "{list}: {refused}");
    }
    let without =
        Permission::ALL.iter().copied().filter(|one| *one != Permission::MoneyRead).collect();
    let person = app.as_viewer(Viewer { grants: without, ..manager.viewer() });
    let input = json!({ "name": "New", "amount": { "amount": "5", "currency": "USD" } });
    assert_eq!(refusal(&create(&person, input).await), ("FORBIDDEN_FIELD", vec!["amount"]));
    let id = made(&person, json!({ "name": "New" })).await;
    assert_eq!(
        refusal(&update(&person, &id, json!({ "amount": null })).await),
        ("FORBIDDEN_FIELD", vec!["amount"])
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
