//! Programs that use the API.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use kontor::config::Limits;
use serde_json::{Value as Json, json};

use crate::support::{Person, TestApp, refusal};

const CREATE: &str = "mutation($i: ApiClientCreateInput!) { apiClientCreate(input: $i) { apiClient { id prefix scopes mode version } secret userErrors { code field } } }";

async fn create(admin: &Person<'_>, input: Json) -> (Json, String) {
    let made = admin.data(CREATE, json!({ "i": input })).await["apiClientCreate"].clone();
    let secret = made["secret"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
    (made["apiClient"].clone(), secret)
}

fn input(scopes: &[&str]) -> Json {
    json!({ "name": "Website", "scopes": scopes, "mode": "OPEN" })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_does_what_its_scopes_say_and_the_trail_names_it() {
    let app = TestApp::new().await;
    let admin = app.sign_in("admin@acme.test").await;
    let (client, secret) = create(&admin, input(&["company:read", "company:create"])).await;
    assert!(secret.starts_with(client["prefix"].as_str().unwrap()));
    let program = app.bearer(&secret).await.unwrap();
    let all = program
        .data("{ companies { totalCount { value } } viewer { permissions } }", Json::Null)
        .await;
    assert_eq!(all["companies"]["totalCount"]["value"], 12);
    assert_eq!(all["viewer"]["permissions"], json!(["api:use", "company:read", "company:create"]));
    let make = "mutation { companyCreate(input: { name: \"By a program\" }) { company { id owner { id } } userErrors { code } } }";
    let made = program.data(make, Json::Null).await["companyCreate"]["company"].clone();
    assert_eq!(made["owner"], Json::Null);
    for (query, code) in [
        ("mutation { tagCreate(input: { name: \"x\" }) { userErrors { code } } }", "FORBIDDEN"),
        ("{ sessions { id } }", "FORBIDDEN"),
        ("mutation { signOut { userErrors { code } } }", "FORBIDDEN"),
        ("mutation { totpEnrol(password: \"x\") { secret } }", "FORBIDDEN"),
        ("{ viewer { user { id } } }", "FORBIDDEN"),
    ] {
        let refused = program.run(query, Json::Null).await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], code, "{query}");
    }
    let trail = "query($id: ID!) { auditLog(where: { recordId: $id }) { nodes { action actor { id } client { name prefix } } } }";
    let trail = admin.data(trail, json!({ "id": made["id"] })).await;
    let entry = &trail["auditLog"]["nodes"][0];
    assert_eq!((&entry["actor"], &entry["client"]["name"]), (&Json::Null, &json!("Website")));
    app.settle().await;
    let used = admin.data("{ apiClients { lastUsedAt } }", Json::Null).await;
    assert!(used["apiClients"][0]["lastUsedAt"].is_string());
    // Neither the secret's text nor its bytes.
    let rest = BASE64.decode(secret.split_once('.').unwrap().1).unwrap();
    let hex = crate::support::hex(&rest[16..]);
    let kept = "SELECT coalesce(new::text, '') FROM kontor.audit_log UNION ALL SELECT s::text FROM kontor.api_client_secrets s";
    let kept = app.sql(kept).await.join("");
    assert!(!kept.contains(&secret[20..]) && !kept.contains(&hex), "never in plain");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_hands_out_what_they_do_not_hold() {
    let app = TestApp::new().await;
    let admin = app.sign_in("admin@acme.test").await;
    for (scopes, code) in [
        (["company:eat"], "INVALID"),
        (["account:use"], "FORBIDDEN_FIELD"),
        (["apiclient:manage"], "FORBIDDEN_FIELD"),
        (["role:manage"], "FORBIDDEN_FIELD"),
    ] {
        let refused = admin.data(CREATE, json!({ "i": input(&scopes) })).await;
        assert_eq!(refusal(&refused["apiClientCreate"]), (code, vec!["scopes"]), "{scopes:?}");
    }
    let past = json!({ "name": "Late", "scopes": [], "mode": "OPEN", "expiresAt": "2020-01-01T00:00:00Z" });
    let refused = admin.data(CREATE, json!({ "i": past })).await;
    assert_eq!(refusal(&refused["apiClientCreate"]), ("INVALID", vec!["expiresAt"]));
    create(&admin, input(&[])).await;
    let twin = admin
        .data(CREATE, json!({ "i": { "name": "website", "scopes": [], "mode": "OPEN" } }))
        .await;
    assert_eq!(refusal(&twin["apiClientCreate"]), ("DUPLICATE", vec!["name"]));
    // A role of one's own that manages programs gives no more than it has.
    let role = "mutation { roleCreate(input: { name: \"Keeper\", grants: [{ permission: \"apiclient:manage\" }, { permission: \"apiclient:read\" }] }) { role { id } } }";
    let role = admin.data(role, Json::Null).await["roleCreate"]["role"]["id"].clone();
    let viewer = app.sign_in("viewer@acme.test").await;
    let give = "mutation($id: ID!, $r: [ID!]!) { userRolesReplace(id: $id, roleIds: $r) { userErrors { code } } }";
    let roles = [role, json!(kontor::access::BuiltInRole::Viewer.id().to_string())];
    admin.data(give, json!({ "id": viewer.user().to_string(), "r": roles })).await;
    let keeper = app.sign_in("viewer@acme.test").await;
    // Nor does it open a program that may do more.
    let mut strong = input(&["company:delete"]);
    strong["name"] = json!("Strong");
    let (strong, _) = create(&admin, strong).await;
    let rotate =
        "mutation($id: ID!) { apiClientRotate(id: $id) { secret userErrors { code field } } }";
    let refused = keeper.data(rotate, json!({ "id": strong["id"] })).await;
    assert_eq!(refusal(&refused["apiClientRotate"]), ("FORBIDDEN_FIELD", vec!["id"]));
    let open = "mutation($id: ID!) { apiClientUpdate(id: $id, input: { addresses: [] }) { secret userErrors { code field } } }";
    let refused = keeper.data(open, json!({ "id": strong["id"] })).await;
    assert_eq!(refusal(&refused["apiClientUpdate"]), ("FORBIDDEN_FIELD", vec!["id"]));
    let mut wanted = input(&["company:delete"]);
    wanted["name"] = json!("Greedy");
    let refused = keeper.data(CREATE, json!({ "i": wanted })).await;
    assert_eq!(refusal(&refused["apiClientCreate"]), ("FORBIDDEN_FIELD", vec!["scopes"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_takes_the_place_of_another_without_a_gap() {
    let app = TestApp::new().await;
    let admin = app.sign_in("admin@acme.test").await;
    let (client, first) = create(&admin, input(&["company:read"])).await;
    let rotate = "mutation($id: ID!) { apiClientRotate(id: $id) { apiClient { secrets { id prefix } } secret userErrors { code } } }";
    let rotated =
        admin.data(rotate, json!({ "id": client["id"] })).await["apiClientRotate"].clone();
    let second = rotated["secret"].as_str().unwrap();
    assert!(app.bearer(&first).await.is_some() && app.bearer(second).await.is_some());
    let third = admin.data(rotate, json!({ "id": client["id"] })).await;
    assert_eq!(refusal(&third["apiClientRotate"]).0, "LIMIT_REACHED");
    let secrets = rotated["apiClient"]["secrets"].as_array().unwrap();
    let old = secrets.iter().find(|secret| first.starts_with(secret["prefix"].as_str().unwrap()));
    let revoke = "mutation($id: ID!, $s: ID!) { apiClientSecretRevoke(id: $id, secretId: $s) { apiClient { prefix } userErrors { code } } }";
    let which = json!({ "id": client["id"], "s": old.unwrap()["id"] });
    admin.data(revoke, which.clone()).await;
    assert!(app.bearer(&first).await.is_none() && app.bearer(second).await.is_some());
    let twice = admin.data(revoke, which).await;
    assert_eq!(refusal(&twice["apiClientSecretRevoke"]).0, "NOT_FOUND");
    let end = "mutation($id: ID!) { apiClientRevoke(id: $id) { apiClient { revokedAt } userErrors { code } } }";
    admin.data(end, json!({ "id": client["id"] })).await;
    assert!(app.bearer(second).await.is_none(), "at once");
    let again = admin.data(rotate, json!({ "id": client["id"] })).await;
    assert_eq!(refusal(&again["apiClientRotate"]).0, "WITHDRAWN");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_ends_comes_from_where_it_may_and_is_of_one_tenant() {
    let app = TestApp::new().await;
    let admin = app.sign_in("admin@acme.test").await;
    let ends = app.clock.now().plus(Duration::from_mins(5)).to_string();
    let mut wanted = input(&["company:read"]);
    wanted["expiresAt"] = json!(ends);
    wanted["addresses"] = json!(["203.0.113.0/24"]);
    let (client, secret) = create(&admin, wanted).await;
    assert!(app.bearer_from(&secret, Some("203.0.113.9")).await.is_some());
    for elsewhere in [Some("198.51.100.1"), None] {
        assert!(app.bearer_from(&secret, elsewhere).await.is_none());
    }
    let narrow = "mutation($id: ID!) { apiClientUpdate(id: $id, expectedVersion: 2, input: { scopes: [], addresses: [] }) { apiClient { scopes } userErrors { code } } }";
    admin.data(narrow, json!({ "id": client["id"] })).await;
    let program = app.bearer(&secret).await.unwrap();
    let refused = program.run("{ companies { nodes { id } } }", Json::Null).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "FORBIDDEN", "at once");
    // The tenant in the secret is part of the proof.
    let globex = app.sign_in("owner@globex.test").await.tenant();
    let (shown, rest) = secret.split_once('.').unwrap();
    let mut bytes = BASE64.decode(rest).unwrap();
    bytes[..16].copy_from_slice(globex.0.as_bytes());
    assert!(app.bearer(&format!("{shown}.{}", BASE64.encode(&bytes))).await.is_none());
    for forged in [shown.to_owned(), format!("{shown}."), format!("{shown}.AAAA"), "kontor_".into()]
    {
        assert!(app.bearer(&forged).await.is_none(), "{forged}");
    }
    app.clock.advance(Duration::from_mins(6));
    assert!(app.bearer(&secret).await.is_none());
}

/// Without registered documents it can send nothing; it is not let through either.
#[tokio::test(flavor = "multi_thread")]
async fn a_program_of_registered_documents_sends_no_others() {
    let app = TestApp::new().await;
    let admin = app.sign_in("admin@acme.test").await;
    let wanted = json!({ "name": "Strict", "scopes": ["company:read"], "mode": "REQUIRE_ID" });
    let (_, secret) = create(&admin, wanted).await;
    let program = app.bearer(&secret).await.unwrap();
    let refused = program.run("{ companies { nodes { id } } }", Json::Null).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "PERSISTED_DOCUMENT_REQUIRED");
    assert!(refused.get("data").is_none());
}

const LIMIT: &str = "mutation($id: ID!, $i: ApiClientUpdateInput!) { apiClientUpdate(id: $id, input: $i) { apiClient { maximumPoints restoreRate } userErrors { code field message } } }";

#[tokio::test(flavor = "multi_thread")]
async fn a_program_has_the_points_that_it_was_given_as_far_as_the_server_goes() {
    let limits = Limits { points: 1000, restored: 10, client_points: 5000, ..Limits::DEFAULT };
    let app = TestApp::new().await.limited(limits);
    let admin = app.sign_in("admin@acme.test").await;
    let (client, secret) = create(&admin, input(&["company:read"])).await;
    let mut program = app.bearer(&secret).await.unwrap();
    program.tell_cost = true;
    let asks = async |program: &Person<'_>| {
        let answer = program.run("{ companies(first: 50) { nodes { id } } }", Json::Null).await;
        let status = answer["extensions"]["cost"]["throttleStatus"].clone();
        let code = answer["errors"][0]["extensions"]["code"].clone();
        (status["maximumAvailable"].clone(), status["restoreRate"].clone(), code)
    };
    assert_eq!(asks(&program).await, (json!(1000), json!(10), Json::Null));
    for (points, restored, errors) in [
        (json!(0), json!(501), json!([["INVALID", "maximumPoints"], ["INVALID", "restoreRate"]])),
        (json!(5001), json!(-1), json!([["INVALID", "maximumPoints"], ["INVALID", "restoreRate"]])),
        (json!(20), json!(1), json!([])),
    ] {
        let input = json!({ "maximumPoints": points, "restoreRate": restored });
        let change = json!({ "id": client["id"], "i": input });
        let told = admin.data(LIMIT, change).await["apiClientUpdate"]["userErrors"].clone();
        let told = told.as_array().unwrap().iter();
        let told: Vec<_> = told.map(|error| json!([error["code"], error["field"][0]])).collect();
        assert_eq!(json!(told), errors, "{points} {restored}");
    }
    app.clock.advance(Duration::from_mins(1));
    // What costs more than all that it has takes all that it has.
    let mut program = app.bearer(&secret).await.unwrap();
    program.tell_cost = true;
    assert_eq!(asks(&program).await, (json!(20), json!(1), Json::Null));
    assert_eq!(asks(&program).await.2, "THROTTLED");
    let people = admin.run("{ companies(first: 50) { nodes { id } } }", Json::Null).await;
    assert_eq!(people["errors"], Json::Null, "others have what they had");
    let more = json!({ "id": client["id"], "i": { "maximumPoints": 5000, "restoreRate": null } });
    let more = admin.data(LIMIT, more).await["apiClientUpdate"]["apiClient"].clone();
    assert_eq!(more, json!({ "maximumPoints": 5000, "restoreRate": null }));
    let mut program = app.bearer(&secret).await.unwrap();
    program.tell_cost = true;
    assert_eq!(asks(&program).await, (json!(5000), json!(10), Json::Null));
}
