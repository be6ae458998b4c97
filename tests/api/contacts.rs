//! Contacts; and with them what all such records have: lists within lists, facets, several at once,
//! the bin.

use serde_json::{Value as Json, json};

use crate::support::{Person, TestApp, refusal};

const CREATE: &str = "mutation($input: ContactCreateInput!) { contactCreate(input: $input) {
    contact { id firstName lastName email phone title version company { name } owner { email } territory { name } }
    userErrors { code field message details } } }";
const UPDATE: &str = "mutation($id: ID!, $v: Int, $input: ContactUpdateInput!) { contactUpdate(id: $id, expectedVersion: $v, input: $input) {
    contact { email title company { id } version } userErrors { code field details } } }";
const MANY: &str = "mutation($input: [ContactCreateInput!]!, $policy: ErrorPolicy) { contactsCreate(input: $input, errorPolicy: $policy) {
    contacts { lastName } userErrors { elementIndex code field } } }";

async fn create(person: &Person<'_>, input: Json) -> Json {
    person.data(CREATE, json!({ "input": input })).await["contactCreate"].clone()
}

async fn companies(person: &Person<'_>) -> Vec<Json> {
    let data = person.data("{ companies { nodes { id } } }", Json::Null).await;
    data["companies"]["nodes"].as_array().unwrap().iter().map(|node| node["id"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_is_made_changed_deleted_and_brought_back() {
    let app = TestApp::new().await;
    let rep = app.sign_in("rep@acme.test").await;
    let company = companies(&rep).await[0].clone();
    let made = create(&rep, json!({ "firstName": "Ada", "lastName": "Lovelace", "email": "Ada@Engines.example", "companyId": company })).await;
    let (id, contact) = (made["contact"]["id"].clone(), &made["contact"]);
    assert_eq!(
        (&contact["email"], &contact["version"]),
        (&json!("ada@engines.example"), &json!(1))
    );
    assert_eq!(contact["owner"]["email"], "rep@acme.test");
    let changed =
        rep.data(UPDATE, json!({ "id": id, "v": 1, "input": { "title": "Countess" } })).await;
    assert_eq!(changed["contactUpdate"]["contact"]["version"], 2);
    let stale = rep.data(UPDATE, json!({ "id": id, "v": 1, "input": { "title": "Lady" } })).await;
    let stale = &stale["contactUpdate"]["userErrors"][0];
    let told = json!([{ "field": "title", "before": null, "now": "Countess" }]);
    assert_eq!((&stale["code"], &stale["details"]["changed"]), (&json!("STALE_VERSION"), &told));
    let delete = "mutation($id: ID!) { contactDelete(id: $id) { deletedId userErrors { code } } }";
    assert_eq!(rep.data(delete, json!({ "id": id })).await["contactDelete"]["deletedId"], id);
    let bin = "{ contacts(deleted: true) { nodes { id } totalCount { value } } live: contacts(where: { email: { eq: \"ada@engines.example\" } }) { totalCount { value } } }";
    let seen = rep.data(bin, Json::Null).await;
    assert_eq!(seen["contacts"], json!({ "nodes": [{ "id": id }], "totalCount": { "value": 1 } }));
    assert_eq!(seen["live"]["totalCount"]["value"], 0);
    // Somebody else has the address meanwhile.
    let rival = create(&rep, json!({ "lastName": "Byron", "email": "ada@engines.example" })).await;
    let rival = rival["contact"]["id"].clone();
    let restore = "mutation($id: ID!) { contactRestore(id: $id) { contact { id version } userErrors { code field details } } }";
    let refused = rep.data(restore, json!({ "id": id })).await;
    assert_eq!(
        refused["contactRestore"]["userErrors"],
        json!([{ "code": "DUPLICATE", "field": ["email"], "details": { "rivalId": rival } }])
    );
    rep.data(UPDATE, json!({ "id": rival, "input": { "email": null } })).await;
    let restored = rep.data(restore, json!({ "id": id })).await;
    assert_eq!(restored["contactRestore"]["contact"]["id"], id);
    let again = rep.data(restore, json!({ "id": id })).await;
    assert_eq!(again["contactRestore"]["userErrors"][0]["code"], "NOT_FOUND", "it is not deleted");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_administrators_purge_and_only_what_is_deleted() {
    let app = TestApp::new().await;
    let (rep, admin) = (app.sign_in("rep@acme.test").await, app.sign_in("admin@acme.test").await);
    let id = create(&rep, json!({ "lastName": "Gone" })).await["contact"]["id"].clone();
    let purge = "mutation($id: ID!) { contactPurge(id: $id) { deletedId userErrors { code } } }";
    let refused = rep.run(purge, json!({ "id": id })).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN");
    let alive = admin.data(purge, json!({ "id": id })).await;
    assert_eq!(alive["contactPurge"]["userErrors"][0]["code"], "NOT_FOUND");
    admin
        .data("mutation($id: ID!) { contactDelete(id: $id) { deletedId } }", json!({ "id": id }))
        .await;
    assert_eq!(admin.data(purge, json!({ "id": id })).await["contactPurge"]["deletedId"], id);
    let left = app.sql("SELECT count(*)::text FROM kontor.contacts WHERE last_name = 'Gone'").await;
    assert_eq!(left, ["0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_are_made_all_or_those_that_can_be() {
    let app = TestApp::new().await;
    let rep = app.sign_in("rep@acme.test").await;
    let input = json!([{ "lastName": "One" }, { "lastName": "" }, { "lastName": "Three", "email": "no" }, { "lastName": "Four" }]);
    let none = rep.data(MANY, json!({ "input": input })).await["contactsCreate"].clone();
    let problems = json!([
        { "elementIndex": 1, "code": "REQUIRED", "field": ["lastName"] },
        { "elementIndex": 2, "code": "INVALID", "field": ["email"] },
    ]);
    assert_eq!(none, json!({ "contacts": [], "userErrors": problems }));
    let count =
        "{ contacts(where: { name: { in: [\"one\", \"four\"] } }) { totalCount { value } } }";
    assert_eq!(rep.data(count, Json::Null).await["contacts"]["totalCount"]["value"], 0);
    let keyed = rep.with_key("bulk-1");
    let variables = json!({ "input": input, "policy": "REJECT_FAILED" });
    let some = keyed.data(MANY, variables.clone()).await["contactsCreate"].clone();
    let made = json!([{ "lastName": "One" }, { "lastName": "Four" }]);
    assert_eq!(some, json!({ "contacts": made, "userErrors": problems }));
    assert_eq!(keyed.data(MANY, variables).await["contactsCreate"], some, "a repeat says the same");
    assert_eq!(rep.data(count, Json::Null).await["contacts"]["totalCount"]["value"], 2);
    let many: Vec<Json> = (0..101).map(|n| json!({ "lastName": format!("N{n}") })).collect();
    let refused = rep.run(MANY, json!({ "input": many })).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
}

/// A company that one may not see is no company to work at; nor is a deleted one.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_named_must_be_seen() {
    let app = TestApp::new().await;
    let (rep, manager) =
        (app.sign_in("rep@acme.test").await, app.sign_in("manager@acme.test").await);
    let globex = app.sign_in("owner@globex.test").await;
    let (own, theirs) = (companies(&rep).await, companies(&globex).await);
    let all = companies(&manager).await;
    let unseen = all.iter().find(|id| !own.contains(id)).unwrap();
    let delete = "mutation($id: ID!) { companyDelete(id: $id) { deletedId } }";
    rep.data(delete, json!({ "id": own[1] })).await;
    for company in [unseen, &theirs[0], &own[1]] {
        let made = create(&rep, json!({ "lastName": "Nobody", "companyId": company })).await;
        assert_eq!(refusal(&made), ("NOT_FOUND", vec!["companyId"]));
    }
}

/// A page of each company's own contacts is one statement, however many companies ask (the suite
/// counts the statements of everything it asks).
#[tokio::test(flavor = "multi_thread")]
async fn lists_within_lists_are_pages_of_their_own() {
    let app = TestApp::new().await;
    let manager = app.sign_in("manager@acme.test").await;
    let companies = companies(&manager).await;
    for (at, company) in companies.iter().enumerate().take(4) {
        for n in 0..at {
            create(
                &manager,
                json!({ "lastName": format!("Person {at}{n}"), "companyId": company }),
            )
            .await;
        }
    }
    let query = "query($after: String) { companies(first: 4) { nodes { id contacts(first: 2, after: $after, orderBy: [{ field: NAME, direction: DESC }]) {
        nodes { lastName company { id } } edges { cursor } pageInfo { hasNextPage endCursor } totalCount { value }
        facets(by: [OWNER]) { values { count } } } } } }";
    let page = manager.data(query, Json::Null).await;
    let nodes = page["companies"]["nodes"].as_array().unwrap();
    for (at, node) in nodes.iter().enumerate() {
        let list = &node["contacts"];
        let names: Vec<&str> = list["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|n| n["lastName"].as_str().unwrap())
            .collect();
        let expected: Vec<String> =
            (0..at).rev().take(2).map(|n| format!("Person {at}{n}")).collect();
        assert_eq!(names, expected);
        assert_eq!(
            (&list["totalCount"]["value"], &list["pageInfo"]["hasNextPage"]),
            (&json!(at), &json!(at > 2))
        );
        assert!(list["nodes"].as_array().unwrap().iter().all(|n| n["company"]["id"] == node["id"]));
        let counted = list["facets"][0]["values"].as_array().unwrap();
        assert_eq!(
            counted.iter().map(|v| v["count"].as_u64().unwrap()).sum::<u64>(),
            u64::try_from(at).unwrap()
        );
    }
    let cursor = nodes[3]["contacts"]["pageInfo"]["endCursor"].clone();
    let next = manager.data(query, json!({ "after": cursor })).await;
    assert_eq!(
        next["companies"]["nodes"][3]["contacts"]["nodes"],
        json!([{ "lastName": "Person 30", "company": { "id": companies[3] } }])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn facets_count_what_the_list_has() {
    let app = TestApp::new().await;
    let manager = app.sign_in("manager@acme.test").await;
    let query = "query($w: CompanyWhere) { companies(where: $w) { totalCount { value } facets(by: [COUNTRY, OWNER]) { field values { value count } } } }";
    let all = manager.data(query, Json::Null).await["companies"].clone();
    let total = &all["totalCount"]["value"];
    for facet in all["facets"].as_array().unwrap() {
        let counts =
            facet["values"].as_array().unwrap().iter().map(|v| v["count"].as_i64().unwrap());
        assert_eq!(json!(counts.sum::<i64>()), *total);
    }
    let country = all["facets"][0]["values"][0].clone();
    let which = json!({ "w": { "country": { "eq": country["value"] } } });
    let some = manager.data(query, which).await["companies"].clone();
    assert_eq!(some["totalCount"]["value"], country["count"]);
    assert_eq!(some["facets"][0]["values"], json!([country]));
    let owner = all["facets"][1]["values"][0]["value"].as_str().unwrap();
    assert!(owner.starts_with("user_"), "{owner}");
    let twice = "{ companies { facets(by: [COUNTRY, COUNTRY]) { field } } }";
    assert_eq!(
        manager.run(twice, Json::Null).await["errors"][0]["extensions"]["code"],
        "BAD_USER_INPUT"
    );
}

/// What one may not see one cannot ask about: not by filter, not by order, not through others.
#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_is_hidden_is_not_asked_about() {
    let app = TestApp::new().await;
    let operations = app.sign_in("operations@acme.test").await;
    for query in [
        "{ companies(where: { annualRevenue: { gt: \"1\" } }) { totalCount { value } } }",
        "{ companies(where: { not: { annualRevenue: { isNull: true } } }) { nodes { id } } }",
        "{ contacts(where: { company: { annualRevenue: { gt: \"1\" } } }) { totalCount { value } } }",
        "{ companies { nodes { contacts(where: { company: { annualRevenue: { gt: \"1\" } } }) { nodes { id } } } } }",
    ] {
        let answer = operations.run(query, Json::Null).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "{query}");
    }
    let manager = app.sign_in("manager@acme.test").await;
    manager
        .data(
            "{ companies(where: { annualRevenue: { gt: \"1\" } }) { totalCount { value } } }",
            Json::Null,
        )
        .await;
}

/// A filter through a record that one does not see finds nothing by it.
#[tokio::test(flavor = "multi_thread")]
async fn a_filter_reaches_no_further_than_its_reader() {
    let app = TestApp::new().await;
    let (rep, manager) =
        (app.sign_in("rep@acme.test").await, app.sign_in("manager@acme.test").await);
    let own = companies(&rep).await[0].clone();
    create(&manager, json!({ "lastName": "Hidden", "companyId": own })).await;
    create(&rep, json!({ "lastName": "Shown", "companyId": own })).await;
    let query = "query($n: String!) { companies(where: { contacts: { some: { name: { eq: $n } } } }) { totalCount { value } } }";
    let count = async |person: &Person<'_>, name: &str| {
        person.data(query, json!({ "n": name })).await["companies"]["totalCount"]["value"].clone()
    };
    assert_eq!((count(&rep, "shown").await, count(&rep, "hidden").await), (json!(1), json!(0)));
    assert_eq!(count(&manager, "hidden").await, json!(1));
}
