//! Identity providers as records: who registers and changes them, and what is never shown.

use kontor::access::BuiltInRole;
use serde_json::{Value as Json, json};

use crate::{
    sso::*,
    support::{
        Person, TestApp,
        oidc::{CLIENT_SECRET, Oidc, ada},
        refusal,
    },
};

#[tokio::test(flavor = "multi_thread")]
async fn the_client_secret_is_never_shown() {
    let (app, oidc) = acme(json!({})).await;
    let owner = app.sign_in("owner@acme.test").await;
    let all = "{ ssoProviders { id name issuer clientId scopes rolesClaim roleMappings { claim roleIds } defaultRoleIds enabled redirectUrl version createdAt updatedAt } }";
    let shown = owner.data(all, Json::Null).await;
    assert_eq!(shown["ssoProviders"][0]["redirectUrl"], "https://crm.example/sso");
    assert_eq!(shown["ssoProviders"][0]["issuer"], oidc.issuer);
    assert!(!shown.to_string().contains(CLIENT_SECRET));
    let hex = "SELECT encode(convert_to($$s3cret$$, 'UTF8'), 'hex')";
    let hex = app.sql(hex).await.remove(0);
    for table in ["secrets", "audit_log", "sso_providers", "outbox", "idempotency_keys"] {
        let dump = app.sql(&format!("SELECT t::text FROM kontor.{table} t")).await.join("\n");
        assert!(!dump.contains("s3cret") && !dump.contains(&hex), "{table}");
    }
    let log = "{ auditLog(first: 100) { nodes { table changes } } }";
    assert!(!owner.data(log, Json::Null).await.to_string().contains("s3cret"));
    let id = shown["ssoProviders"][0]["id"].clone();
    let update = "mutation($id: ID!, $secret: String) { ssoProviderUpdate(id: $id, input: { clientSecret: $secret }) { provider { version } userErrors { code field } } }";
    let wrong = owner.data(update, json!({ "id": id, "secret": "another" })).await;
    assert_eq!(wrong["ssoProviderUpdate"]["userErrors"], json!([]));
    assert_eq!(refusal(&through(&app, &oidc, ada()).await), ("INVALID", vec![]), "it is used");
    let cleared = owner.data(update, json!({ "id": id, "secret": null })).await;
    assert_eq!(refusal(&cleared["ssoProviderUpdate"]), ("REQUIRED", vec!["clientSecret"]));
    let delete =
        "mutation($id: ID!) { ssoProviderDelete(id: $id) { deletedId userErrors { code } } }";
    let gone = owner.data(delete, json!({ "id": id })).await;
    assert_eq!(gone["ssoProviderDelete"]["deletedId"], id);
    assert_eq!(app.sql("SELECT count(*) FROM kontor.secrets").await, ["0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_is_changed_by_who_has_seen_it() {
    let (app, oidc) = acme(json!({})).await;
    let owner = app.sign_in("owner@acme.test").await;
    let id =
        owner.data("{ ssoProviders { id } }", Json::Null).await["ssoProviders"][0]["id"].clone();
    let update = "mutation($id: ID!, $version: Int, $input: SsoProviderUpdateInput!) { ssoProviderUpdate(id: $id, expectedVersion: $version, input: $input) {
        provider { name scopes rolesClaim roleMappings { claim } defaultRoleIds enabled version } userErrors { code field } } }";
    let change = async |version: i32, input: Json| {
        let variables = json!({ "id": id, "version": version, "input": input });
        owner.data(update, variables).await["ssoProviderUpdate"].clone()
    };
    let cleared = json!({ "name": "Login", "scopes": ["groups"], "rolesClaim": null, "roleMappings": null, "enabled": false });
    let changed = change(1, cleared).await;
    let expected = json!({ "name": "Login", "scopes": ["groups"], "rolesClaim": null, "roleMappings": [], "defaultRoleIds": [], "enabled": false, "version": 2 });
    assert_eq!(changed["provider"], expected);
    assert_eq!(refusal(&change(1, json!({ "name": "Again" })).await).0, "STALE_VERSION");
    let delete = "mutation($id: ID!) { ssoProviderDelete(id: $id, expectedVersion: 1) { deletedId userErrors { code field } } }";
    let stale = owner.data(delete, json!({ "id": id })).await;
    assert_eq!(refusal(&stale["ssoProviderDelete"]).0, "STALE_VERSION");
    assert_eq!(
        refusal(&change(2, json!({ "enabled": null })).await),
        ("REQUIRED", vec!["enabled"])
    );
    assert_eq!(
        refusal(&change(2, json!({ "scopes": ["two words"] })).await),
        ("INVALID", vec!["scopes"])
    );
    oidc.register(&owner, json!({ "name": "Other" })).await;
    assert_eq!(refusal(&change(2, json!({ "name": "OTHER" })).await), ("DUPLICATE", vec!["name"]));
    let node = "query($id: ID!) { node(id: $id) { ... on SsoProvider { name } } }";
    assert_eq!(owner.data(node, json!({ "id": id })).await["node"]["name"], "Login");
    let trail = "{ auditLog(first: 1, where: { table: { eq: \"sso_providers\" } }) { nodes { recordId } } }";
    let trail = owner.data(trail, Json::Null).await;
    assert!(
        trail["auditLog"]["nodes"][0]["recordId"].as_str().unwrap().starts_with("ssoprovider_")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_becomes_an_owner_by_a_claim() {
    let (app, oidc) = (TestApp::new().await, Oidc::start().await);
    let owner = app.sign_in("owner@acme.test").await;
    let role = |role: BuiltInRole| role.id().to_string();
    let mapped = |ids: Vec<String>| json!({ "roleMappings": [{ "claim": "x", "roleIds": ids }] });
    let refused = async |more: Json| {
        let refused = oidc.register(&owner, more).await;
        let (code, field) = refusal(&refused);
        (code.to_owned(), field[0].to_owned())
    };
    let is = |code: &str, field: &str| (code.to_owned(), field.to_owned());
    let both = vec![role(BuiltInRole::Rep), role(BuiltInRole::Owner)];
    assert_eq!(refused(mapped(both.clone())).await, is("FORBIDDEN_FIELD", "roleMappings"));
    assert_eq!(
        refused(json!({ "defaultRoleIds": both })).await,
        is("FORBIDDEN_FIELD", "defaultRoleIds")
    );
    assert_eq!(refused(mapped(vec![])).await, is("REQUIRED", "roleMappings"));
    let nobodys = "role_01h2xcejqtf2nbrexx3vqjhp41".to_owned();
    assert_eq!(
        refused(mapped(vec![role(BuiltInRole::Rep), nobodys])).await,
        is("NOT_FOUND", "roleMappings")
    );
    let twice = json!([{ "claim": "x", "roleIds": [role(BuiltInRole::Rep)] }, { "claim": " x", "roleIds": [role(BuiltInRole::Rep)] }]);
    assert_eq!(refused(json!({ "roleMappings": twice })).await, is("DUPLICATE", "roleMappings"));
}

/// Whoever controls the identity provider can become anybody, the owner included.
#[tokio::test(flavor = "multi_thread")]
async fn providers_are_the_owners_alone() {
    let (app, oidc) = acme(json!({})).await;
    let owner = app.sign_in("owner@acme.test").await;
    let id =
        owner.data("{ ssoProviders { id } }", Json::Null).await["ssoProviders"][0]["id"].clone();
    let admin = app.sign_in("admin@acme.test").await;
    let forbidden = async |who: &Person<'_>, query: &str| {
        let answer = who.run(query, json!({ "id": id })).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "{answer}");
    };
    forbidden(&admin, "{ ssoProviders { id } }").await;
    forbidden(&admin, "query($id: ID!) { node(id: $id) { id } }").await;
    forbidden(&admin, "mutation($id: ID!) { ssoProviderDelete(id: $id) { deletedId } }").await;
    forbidden(&admin, "mutation($id: ID!) { ssoProviderUpdate(id: $id, input: { enabled: false }) { provider { id } } }").await;
    forbidden(&admin, "mutation { ssoProviderCreate(input: { name: \"x\", issuer: \"https://x.example\", clientId: \"x\", clientSecret: \"x\" }) { provider { id } } }").await;
    // Nor by a detour: an administrator hands the tenant's own roles out.
    let role = "mutation { roleCreate(input: { name: \"Sly\", grants: [{ permission: \"sso:manage\" }] }) { role { id } userErrors { code field } } }";
    for who in [&owner, &admin] {
        let refused = who.data(role, Json::Null).await;
        assert_eq!(refusal(&refused["roleCreate"]), ("FORBIDDEN_FIELD", vec!["grants"]));
    }
    drop(oidc);
}
