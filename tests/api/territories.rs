//! Territories.

use std::time::Duration;

use kontor::access::BuiltInRole;
use serde_json::{Value as Json, json};

use crate::support::{Person, TestApp, refusal};

const CREATE: &str = "mutation($input: TerritoryCreateInput!) { territoryCreate(input: $input) { territory { id } userErrors { code field } } }";
const UPDATE: &str = "mutation($id: ID!, $v: Int, $input: TerritoryUpdateInput!) { territoryUpdate(id: $id, expectedVersion: $v, input: $input) {
    territory { name parent { id } version } userErrors { code field } } }";

async fn create(person: &Person<'_>, name: &str, parent: &Json) -> Json {
    let input = json!({ "name": name, "parentId": parent });
    person.data(CREATE, json!({ "input": input })).await["territoryCreate"].clone()
}

async fn made(person: &Person<'_>, name: &str, parent: &Json) -> Json {
    create(person, name, parent).await["territory"]["id"].clone()
}

/// World over Europe over Germany.
async fn tree(person: &Person<'_>) -> [Json; 3] {
    let world = made(person, "World", &Json::Null).await;
    let europe = made(person, "Europe", &world).await;
    let germany = made(person, "Germany", &europe).await;
    [world, europe, germany]
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_below_itself() {
    let app = TestApp::new().await;
    let manager = app.sign_in("manager@acme.test").await;
    let [world, europe, germany] = tree(&manager).await;
    for below in [&world, &europe, &germany] {
        let moved =
            manager.data(UPDATE, json!({ "id": world, "input": { "parentId": below } })).await;
        assert_eq!(refusal(&moved["territoryUpdate"]), ("CYCLE", vec!["parentId"]));
    }
    let twin = create(&manager, "europe", &world).await;
    assert_eq!(refusal(&twin), ("DUPLICATE", vec!["name"]));
    let stranger = app.sign_in("owner@globex.test").await;
    let theirs = create(&stranger, "Nowhere", &europe).await;
    assert_eq!(refusal(&theirs), ("NOT_FOUND", vec!["parentId"]));
    let delete =
        "mutation($id: ID!) { territoryDelete(id: $id) { deletedId userErrors { code field } } }";
    let refused = manager.data(delete, json!({ "id": europe })).await;
    assert_eq!(
        refusal(&refused["territoryDelete"]),
        ("INVALID", vec!["id"]),
        "Germany is below it"
    );
    let company = "mutation($t: ID!) { companyCreate(input: { name: \"Held\", territoryId: $t }) { company { id } userErrors { code } } }";
    manager.data(company, json!({ "t": germany })).await;
    let refused = manager.data(delete, json!({ "id": germany })).await;
    assert_eq!(refusal(&refused["territoryDelete"]), ("INVALID", vec!["id"]), "a company is in it");
    let mut deepest = germany;
    for depth in 4..=10 {
        deepest = made(&manager, &format!("Level {depth}"), &deepest).await;
    }
    assert_eq!(
        refusal(&create(&manager, "Too deep", &deepest).await),
        ("LIMIT_REACHED", vec!["parentId"])
    );
}

/// Two who move two territories below each other at once: one of them is refused.
#[tokio::test(flavor = "multi_thread")]
async fn two_moves_at_once_tie_no_knot() {
    let app = TestApp::new().await;
    let manager = app.sign_in("manager@acme.test").await;
    let (a, b) = (made(&manager, "A", &Json::Null).await, made(&manager, "B", &Json::Null).await);
    let under = |id: &Json, parent: &Json| json!({ "id": id, "input": { "parentId": parent } });
    let moves = [(&a, &b), (&b, &a)].map(|(id, to)| Box::pin(manager.data(UPDATE, under(id, to))));
    let moved = futures_util::future::join_all(moves).await;
    let refused = moved
        .iter()
        .filter(|moved| moved["territoryUpdate"]["userErrors"][0]["code"] == "CYCLE")
        .count();
    assert_eq!(refused, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_takes_all_that_is_below() {
    let app = TestApp::new().await;
    let manager = app.sign_in("manager@acme.test").await;
    let [world, europe, germany] = tree(&manager).await;
    let create = "mutation($n: String!, $t: ID) { companyCreate(input: { name: $n, territoryId: $t }) { userErrors { code } } }";
    for (name, territory) in [("In Germany", &germany), ("In Europe", &europe)] {
        manager.data(create, json!({ "n": name, "t": territory })).await;
    }
    let count = async |which: Json| {
        let query = "query($w: TerritoryWhere!) { companies(where: { territory: $w }) { totalCount { value } } }";
        manager.data(query, json!({ "w": which })).await["companies"]["totalCount"]["value"].clone()
    };
    assert_eq!(count(json!({ "under": world })).await, 2);
    assert_eq!(count(json!({ "under": germany })).await, 1);
    assert_eq!(count(json!({ "id": { "eq": europe } })).await, 1);
    // A branch that moves takes what is below it along.
    let asia = made(&manager, "Asia", &Json::Null).await;
    manager.data(UPDATE, json!({ "id": europe, "v": 1, "input": { "parentId": asia } })).await;
    assert_eq!(
        (count(json!({ "under": world })).await, count(json!({ "under": asia })).await),
        (json!(0), json!(2))
    );
}

/// A permission that reaches territories covers what is in one's own and in all below, on every path,
/// and ends when one works there no more.
#[tokio::test(flavor = "multi_thread")]
async fn a_permission_reaches_ones_territories() {
    let app = TestApp::new().await;
    let (owner, manager) =
        (app.sign_in("owner@acme.test").await, app.sign_in("manager@acme.test").await);
    let [_, europe, germany] = tree(&manager).await;
    let stranger = app.sign_in("owner@globex.test").await.user().to_string();
    let strange = "mutation($t: ID!, $u: ID!) { territoryMembersReplace(id: $t, members: [{ userId: $u }]) { territory { id } userErrors { code field } } }";
    let refused = manager.data(strange, json!({ "t": europe, "u": stranger })).await;
    assert_eq!(refusal(&refused["territoryMembersReplace"]), ("NOT_FOUND", vec!["members"]));
    let role = "mutation { roleCreate(input: { name: \"Regional\", grants: [
        { permission: \"company:read\", reach: TERRITORY }, { permission: \"company:update\", reach: TERRITORY }, { permission: \"change:read\" }] }) { role { id } userErrors { message } } }";
    let role = owner.data(role, Json::Null).await["roleCreate"]["role"]["id"].clone();
    let field = app.sign_in("field@acme.test").await;
    let user = field.user().to_string();
    let give = "mutation($u: ID!, $r: [ID!]!) { userRolesReplace(id: $u, roleIds: $r) { userErrors { message } } }";
    let given = owner
        .data(give, json!({ "u": user, "r": [BuiltInRole::FieldStaff.id().to_string(), role] }))
        .await;
    assert_eq!(given["userRolesReplace"]["userErrors"], json!([]));
    let members = "mutation($t: ID!, $m: [TerritoryMemberInput!]!) { territoryMembersReplace(id: $t, members: $m) { userErrors { message } } }";
    manager.data(members, json!({ "t": europe, "m": [{ "userId": user }] })).await;
    let create = "mutation($t: ID) { companyCreate(input: { name: \"Regional Works\", territoryId: $t }) { company { id } } }";
    let inside =
        manager.data(create, json!({ "t": germany })).await["companyCreate"]["company"]["id"]
            .clone();
    app.clock.advance(Duration::from_secs(2));
    let look = "query($id: ID!) { companies { nodes { id } totalCount { value } facets(by: [TERRITORY]) { values { value count } } } node(id: $id) { id } changes(types: [\"Company\"], first: 100) { nodes { recordId } } }";
    let field = app.sign_in("field@acme.test").await;
    let seen = field.run(look, json!({ "id": inside })).await;
    assert!(seen.get("errors").is_none(), "{seen}");
    let seen = seen["data"].clone();
    assert_eq!(seen["companies"]["nodes"], json!([{ "id": inside }]));
    assert_eq!(seen["companies"]["totalCount"]["value"], 1);
    assert_eq!(seen["companies"]["facets"][0]["values"], json!([{ "value": germany, "count": 1 }]));
    assert_eq!(seen["node"]["id"], inside);
    assert_eq!(seen["changes"]["nodes"], json!([{ "recordId": inside }]));
    let update = "mutation($id: ID!, $i: CompanyUpdateInput!) { companyUpdate(id: $id, input: $i) { company { city } userErrors { code field } } }";
    let changed = field.data(update, json!({ "id": inside, "i": { "city": "Kiel" } })).await;
    assert_eq!(changed["companyUpdate"]["company"]["city"], "Kiel");
    // Not out of the territory, where one would see it no more.
    let away = field.data(update, json!({ "id": inside, "i": { "territoryId": null } })).await;
    assert_eq!(away["companyUpdate"]["userErrors"][0]["code"], "FORBIDDEN_FIELD");
    let explain = "query($r: ID!, $u: ID!) { explainAccess(recordId: $r, userId: $u) { rules { permission allowed reason reach } } }";
    let rules = owner.data(explain, json!({ "r": inside, "u": user })).await;
    let rule = json!({ "permission": "company:read", "allowed": true, "reason": "RELATED", "reach": "TERRITORY" });
    assert!(rules["explainAccess"]["rules"].as_array().unwrap().contains(&rule), "{rules}");
    manager.data(members, json!({ "t": europe, "m": [] })).await;
    app.clock.advance(Duration::from_secs(2));
    let field = app.sign_in("field@acme.test").await;
    let gone = field.run(look, json!({ "id": inside })).await["data"].clone();
    assert_eq!(
        (&gone["companies"]["totalCount"]["value"], &gone["node"]),
        (&json!(0), &Json::Null)
    );
}
