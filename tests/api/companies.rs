//! Companies.

use serde_json::{Value as Json, json};

use crate::support::{Person, TestApp, redacted, refusal};

const CREATE: &str = "mutation($input: CompanyCreateInput!) { companyCreate(input: $input) {
    company { id name domain industry phone city country annualRevenue { amount currency } owner { email } version createdAt updatedAt }
    userErrors { code field message details } } }";
const UPDATE: &str = "mutation($id: ID!, $v: Int, $input: CompanyUpdateInput!) { companyUpdate(id: $id, expectedVersion: $v, input: $input) {
    company { name domain city annualRevenue { amount } owner { email } version } userErrors { code field message details } } }";
const DELETE: &str = "mutation($id: ID!, $v: Int) { companyDelete(id: $id, expectedVersion: $v) { deletedId userErrors { code field } } }";

async fn create(person: &Person<'_>, input: Json) -> Json {
    person.data(CREATE, json!({ "input": input })).await["companyCreate"].clone()
}

async fn created(person: &Person<'_>, name: &str) -> String {
    create(person, json!({ "name": name })).await["company"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rep_makes_changes_and_deletes_a_company() {
    let app = TestApp::new().await;
    let rep = app.sign_in("manager@acme.test").await;
    let made = create(&rep, json!({
        "name": " Maple Foods ", "domain": "https://www.Maple.example/about", "industry": "Retail", "phone": "+1 555 0100",
        "city": "Boston", "country": "US", "annualRevenue": { "amount": "1250.5", "currency": "USD" },
    })).await;
    assert_eq!(
        redacted(made.clone()),
        json!({
            "company": {
                "id": "company_…", "name": "Maple Foods", "domain": "maple.example", "industry": "Retail", "phone": "+1 555 0100",
                "city": "Boston", "country": "US", "annualRevenue": { "amount": "1250.50", "currency": "USD" },
                "owner": { "email": "manager@acme.test" }, "version": 1, "createdAt": "(moment)", "updatedAt": "(moment)",
            },
            "userErrors": [],
        })
    );
    let id = made["company"]["id"].clone();
    let input = json!({ "city": null, "name": "Maple", "annualRevenue": null, "ownerId": null });
    let changed = rep.data(UPDATE, json!({ "id": id, "v": 1, "input": input })).await;
    assert_eq!(
        changed["companyUpdate"],
        json!({
            "company": { "name": "Maple", "domain": "maple.example", "city": null, "annualRevenue": null, "owner": null, "version": 2 },
            "userErrors": [],
        })
    );
    let kept = rep.data(UPDATE, json!({ "id": id, "input": {} })).await;
    assert_eq!(kept["companyUpdate"]["company"]["version"], 2, "nothing was changed");
    let deleted = rep.data(DELETE, json!({ "id": id, "v": 2 })).await;
    assert_eq!(deleted["companyDelete"]["deletedId"], id);
    for field in ["company", "node"] {
        let gone = rep
            .run(&format!("query($id: ID!) {{ {field}(id: $id) {{ id }} }}"), json!({ "id": id }))
            .await;
        assert_eq!(gone["errors"][0]["extensions"]["code"], "NOT_FOUND");
    }
    let successor = create(&rep, json!({ "name": "Maple II", "domain": "maple.example" })).await;
    assert_eq!(
        successor["userErrors"],
        json!([]),
        "a deleted company does not block its successor"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_refused_with_its_place() {
    let app = TestApp::new().await;
    let rep = app.sign_in("manager@acme.test").await;
    for (input, code, field) in [
        (json!({ "name": "" }), "REQUIRED", "name"),
        (json!({ "name": " \t " }), "REQUIRED", "name"),
        (json!({ "name": "x".repeat(201) }), "TOO_LONG", "name"),
        (json!({ "name": "a\u{7}b" }), "INVALID", "name"),
        (json!({ "name": "a\u{202e}b" }), "INVALID", "name"),
        (json!({ "name": "a", "city": "x".repeat(101) }), "TOO_LONG", "city"),
        (json!({ "name": "a", "country": "\u{0}" }), "INVALID", "country"),
        (json!({ "name": "a", "domain": "not a domain" }), "INVALID", "domain"),
        (json!({ "name": "a", "domain": "AMBER.example" }), "DUPLICATE", "domain"),
        (
            json!({ "name": "a", "ownerId": "user_01h2xcejqtf2nbrexx3vqjhp41" }),
            "NOT_FOUND",
            "ownerId",
        ),
    ] {
        let payload = create(&rep, input.clone()).await;
        assert_eq!(refusal(&payload), (code, vec![field]), "{input}");
        assert_eq!(payload["company"], Json::Null);
    }
    let money = json!({ "name": "a", "annualRevenue": { "amount": "1.005", "currency": "USD" } });
    assert_eq!(refusal(&create(&rep, money).await), ("INVALID", vec!["annualRevenue", "amount"]));
    let currency =
        json!({ "name": "a", "annualRevenue": { "amount": "1", "currency": "dollars" } });
    assert_eq!(
        refusal(&create(&rep, currency).await),
        ("INVALID", vec!["annualRevenue", "currency"])
    );
    let several = create(&rep, json!({ "name": "", "domain": "?", "city": "x".repeat(101) })).await;
    assert_eq!(several["userErrors"].as_array().unwrap().len(), 3, "all problems at once");
    let count = rep.data("{ companies { totalCount { value } } }", Json::Null).await;
    assert_eq!(count["companies"]["totalCount"]["value"], 12, "nothing was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_argument_of_the_wrong_kind_is_a_coded_error() {
    let app = TestApp::new().await;
    let rep = app.sign_in("manager@acme.test").await;
    for (id, told) in [
        ("deal_01h2xcejqtf2nbrexx3vqjhp41", "expected a company id, got a deal id"),
        ("company_01h2xcejqtf2nbrexx3vqjhp4", "expected a company id, such as company_01k9…"),
        ("company_91h2xcejqtf2nbrexx3vqjhp41", "expected a company id, such as company_01k9…"),
        ("", "expected a company id, such as company_01k9…"),
    ] {
        let answer =
            rep.run("query($id: ID!) { company(id: $id) { id } }", json!({ "id": id })).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{answer}");
        assert_eq!(answer["errors"][0]["message"], told);
    }
    let missing = rep.run("query($id: ID!) { company(id: $id) { id } }", json!({})).await;
    assert_eq!(missing["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
    assert!(missing.get("data").is_none(), "{missing}");
    let unknown = rep
        .run("{ company(id: \"company_01h2xcejqtf2nbrexx3vqjhp41\") { nothing } }", json!({}))
        .await;
    assert_eq!(unknown["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_version_is_refused_with_both_versions() {
    let app = TestApp::new().await;
    let rep = app.sign_in("manager@acme.test").await;
    let id = created(&rep, "Stale").await;
    rep.data(UPDATE, json!({ "id": id, "v": 1, "input": { "city": "Rome" } })).await;
    let late = rep.data(UPDATE, json!({ "id": id, "v": 1, "input": { "city": "Oslo" } })).await;
    assert_eq!(refusal(&late["companyUpdate"]), ("STALE_VERSION", vec!["expectedVersion"]));
    assert_eq!(
        late["companyUpdate"]["userErrors"][0]["details"],
        json!({ "expected": 1, "actual": 2, "changed": [
            { "field": "city", "before": null, "now": "Rome" }
        ] })
    );
    let late = rep.data(DELETE, json!({ "id": id, "v": 1 })).await;
    assert_eq!(refusal(&late["companyDelete"]), ("STALE_VERSION", vec!["expectedVersion"]));
    let nobody = json!({ "id": id, "v": 2, "input": { "ownerId": null } });
    rep.data(UPDATE, nobody).await;
    let late = rep.data(UPDATE, json!({ "id": id, "v": 2, "input": { "city": "Oslo" } })).await;
    assert_eq!(
        late["companyUpdate"]["userErrors"][0]["details"]["changed"],
        json!([{ "field": "ownerId", "before": rep.user().to_string(), "now": null }])
    );
}

/// Twenty people change one version of one company at once: one wins.
#[tokio::test(flavor = "multi_thread")]
async fn one_version_is_changed_once() {
    let app = TestApp::new().await;
    let rep = app.sign_in("manager@acme.test").await;
    let id = created(&rep, "Contested").await;
    let change = async |n: usize| {
        let input = json!({ "city": format!("City {n}") });
        rep.data(UPDATE, json!({ "id": id, "v": 1, "input": input })).await["companyUpdate"]["company"].is_object()
    };
    let won = futures_util::future::join_all((0..20).map(change)).await;
    assert_eq!(won.iter().filter(|won| **won).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_tenant_sees_and_changes_nothing() {
    let app = TestApp::new().await;
    let (rep, rival) =
        (app.sign_in("manager@acme.test").await, app.sign_in("owner@globex.test").await);
    let id = created(&rep, "Ours").await;
    let seen = rival.run("query($id: ID!) { company(id: $id) { id } }", json!({ "id": id })).await;
    assert_eq!(seen["errors"][0]["extensions"]["code"], "NOT_FOUND");
    let changed = rival.data(UPDATE, json!({ "id": id, "input": { "name": "Theirs" } })).await;
    assert_eq!(refusal(&changed["companyUpdate"]), ("NOT_FOUND", vec!["id"]));
    let deleted = rival.data(DELETE, json!({ "id": id })).await;
    assert_eq!(refusal(&deleted["companyDelete"]), ("NOT_FOUND", vec!["id"]));
    let owner = json!({ "name": "Spy", "ownerId": rep.user().to_string() });
    assert_eq!(refusal(&create(&rival, owner).await), ("NOT_FOUND", vec!["ownerId"]));
    let domain = create(&rival, json!({ "name": "Same", "domain": "same.example" })).await;
    let again = create(&rep, json!({ "name": "Same", "domain": "same.example" })).await;
    assert_eq!(
        (&domain["userErrors"], &again["userErrors"]),
        (&json!([]), &json!([])),
        "each tenant has its own"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_reads_and_does_not_write() {
    let app = TestApp::new().await;
    let viewer = app.sign_in("viewer@acme.test").await;
    viewer.data("{ companies { nodes { name owner { name } } } }", Json::Null).await;
    let answer = viewer.run(CREATE, json!({ "input": { "name": "No" } })).await;
    assert_eq!(answer["data"], json!({ "companyCreate": null }));
    assert_eq!(answer["errors"][0]["message"], "This needs the permission company:create.");
    let stopped = app.anonymous().run(CREATE, json!({ "input": { "name": "No" } })).await;
    assert_eq!(stopped["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    assert!(stopped.get("data").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_come_in_the_order_of_their_ids() {
    let app = TestApp::new().await;
    let rep = app.sign_in("manager@acme.test").await;
    let (user, tenant) = (rep.user().to_string(), rep.tenant().to_string());
    let company = created(&rep, "Known").await;
    let query = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Company { name } ... on User { email } ... on Tenant { slug } } }";
    let ids = json!([user, "company_01h2xcejqtf2nbrexx3vqjhp41", company, tenant]);
    assert_eq!(
        rep.data(query, json!({ "ids": ids })).await["nodes"],
        json!([
            { "__typename": "User", "id": user, "email": "manager@acme.test" }, null,
            { "__typename": "Company", "id": company, "name": "Known" },
            { "__typename": "Tenant", "id": tenant, "slug": "acme" },
        ])
    );
    let field = app.sign_in("field@acme.test").await;
    let answer = field.run(query, json!({ "ids": [company, user, "nonsense"] })).await;
    assert_eq!(answer["data"]["nodes"][0], Json::Null);
    assert_eq!(answer["data"]["nodes"][1]["id"], user);
    let mut codes: Vec<String> = answer["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| format!("{} {}", e["extensions"]["code"].as_str().unwrap(), e["path"]))
        .collect();
    codes.sort();
    assert_eq!(codes, ["BAD_USER_INPUT [\"nodes\",2]", "FORBIDDEN [\"nodes\",0]"]);
    let many: Vec<&str> = (0..101).map(|_| user.as_str()).collect();
    let answer = rep.run(query, json!({ "ids": many })).await;
    assert_eq!(
        (&answer["data"], &answer["errors"][0]["extensions"]["code"]),
        (&json!({ "nodes": null }), &json!("BAD_USER_INPUT"))
    );
}
