//! Signing in, and what happens without.

use kontor::access::{BuiltInRole, Permission};
use serde_json::{Value as Json, json};

use crate::support::{TestApp, refusal};

const SIGN_IN: &str = "mutation($email: String!, $password: String!, $tenant: String) {
    signIn(input: { email: $email, password: $password, tenant: $tenant }) {
        accessToken expiresAt viewer { user { email name } tenant { slug currency timeZone } roles { name builtIn } permissions }
        userErrors { code field message } } }";

async fn sign_in(app: &TestApp, email: &str, password: &str, tenant: Option<&str>) -> Json {
    let variables = json!({ "email": email, "password": password, "tenant": tenant });
    app.anonymous().data(SIGN_IN, variables).await["signIn"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_and_sees_who_they_are() {
    let app = TestApp::new().await;
    let session = sign_in(&app, " Rep@Acme.Test ", "kontor-demo", None).await;
    assert!(session["accessToken"].is_string() && session["expiresAt"].is_string());
    assert_eq!(
        session["viewer"],
        json!({
            "user": { "email": "rep@acme.test", "name": "Ryan Reed" },
            "tenant": { "slug": "acme", "currency": "USD", "timeZone": "America/New_York" },
            "roles": [{ "name": "REP", "builtIn": true }],
            "permissions": BuiltInRole::Rep.grants().iter().map(Permission::name).collect::<Vec<_>>(),
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_an_unknown_person_and_a_disabled_one_are_told_the_same() {
    let app = TestApp::new().await;
    app.sql("UPDATE kontor.users SET active = false WHERE email = 'viewer@acme.test'").await;
    let wrong = sign_in(&app, "rep@acme.test", "wrong", None).await;
    assert_eq!(refusal(&wrong), ("INVALID_CREDENTIALS", vec!["password"]));
    assert_eq!(sign_in(&app, "nobody@acme.test", "kontor-demo", None).await, wrong);
    assert_eq!(sign_in(&app, "viewer@acme.test", "kontor-demo", None).await, wrong);
    assert_eq!(sign_in(&app, "", "", None).await, wrong);
    assert_eq!(sign_in(&app, "rep@acme.test", &"x".repeat(500), None).await, wrong);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_works_in_several_tenants_says_which() {
    let app = TestApp::new().await;
    app.sql("INSERT INTO kontor.memberships (tenant_id, user_id, roles, created_at) SELECT t.id, u.id, ARRAY['VIEWER'], now() FROM kontor.tenants t, kontor.users u WHERE t.slug = 'globex' AND u.email = 'rep@acme.test'").await;
    let unsaid = sign_in(&app, "rep@acme.test", "kontor-demo", None).await;
    assert_eq!(refusal(&unsaid), ("REQUIRED", vec!["tenant"]));
    assert_eq!(unsaid["userErrors"][0]["message"], "say in which tenant: acme, globex");
    let said = sign_in(&app, "rep@acme.test", "kontor-demo", Some("globex")).await;
    assert_eq!(said["viewer"]["roles"][0]["name"], "VIEWER");
    let elsewhere = sign_in(&app, "rep2@acme.test", "kontor-demo", Some("globex")).await;
    assert_eq!(refusal(&elsewhere), ("NOT_FOUND", vec!["tenant"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_nobody() {
    let app = TestApp::new().await;
    assert_eq!(
        app.anonymous().data("{ viewer { user { id } } }", Json::Null).await,
        json!({ "viewer": null })
    );
    for query in [
        "{ companies { nodes { id } } }",
        "{ viewer { user { id } } companies { nodes { id } } }",
        "{ ...F } fragment F on Query { companies { nodes { id } } }",
        "{ viewer { user { id } } ... { node(id: \"x\") { id } } }",
        "mutation { companyCreate(input: { name: \"x\" }) { company { id } } }",
    ] {
        let answer = app.anonymous().run(query, Json::Null).await;
        assert_eq!(answer["errors"].as_array().unwrap().len(), 1, "{query}: {answer}");
        assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
        assert_eq!(answer["errors"][0]["extensions"]["requestId"], "test");
        assert!(answer.get("data").is_none());
    }
    app.anonymous().data("{ __schema { queryType { name } } __typename }", Json::Null).await;
}

/// Guessing gets slower and slower; the right password from elsewhere still signs in, and time
/// heals everything.
#[tokio::test(flavor = "multi_thread")]
async fn guessing_is_slowed_down() {
    let app = TestApp::new().await;
    let attempt = async |from: &str, email: &str, password: &str| {
        let mut person = app.anonymous();
        person.info.caller.address = Some(from.parse().unwrap());
        let answer = person.run(SIGN_IN, json!({ "email": email, "password": password })).await;
        match answer["errors"][0]["extensions"]["code"].as_str() {
            Some(code) => code.to_owned(),
            None if answer["data"]["signIn"]["accessToken"].is_string() => "in".to_owned(),
            None => answer["data"]["signIn"]["userErrors"][0]["code"].as_str().unwrap().to_owned(),
        }
    };
    for email in ["rep@acme.test", "nobody@acme.test"] {
        for _ in 0..6 {
            assert_eq!(attempt("10.0.0.1", email, "wrong").await, "INVALID_CREDENTIALS");
        }
        assert_eq!(
            attempt("10.0.0.1", email, "kontor-demo").await,
            "THROTTLED",
            "whether {email} exists is not told"
        );
    }
    assert_eq!(attempt("10.0.0.2", "rep@acme.test", "kontor-demo").await, "in");
    assert_eq!(
        attempt("10.0.0.1", "rep2@acme.test", "kontor-demo").await,
        "in",
        "the address is not lost for others"
    );
    app.clock.advance(std::time::Duration::from_secs(2));
    assert_eq!(attempt("10.0.0.1", "rep@acme.test", "kontor-demo").await, "in");
    // From a thousand addresses: a pause of seconds, never more.
    for n in 0..30 {
        attempt(&format!("10.0.1.{n}"), "rep@acme.test", "wrong").await;
    }
    assert_eq!(attempt("10.0.2.1", "rep@acme.test", "kontor-demo").await, "THROTTLED");
    app.clock.advance(std::time::Duration::from_secs(6));
    assert_eq!(attempt("10.0.2.1", "rep@acme.test", "kontor-demo").await, "in");
}

/// Whoever has guessed too often need not wait, if an administrator of theirs says so.
#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_unlocks() {
    let app = TestApp::new().await;
    let id = app.sign_in("rep@acme.test").await.user().to_string();
    let attempt = async || {
        let mut person = app.anonymous();
        person.info.caller.address = Some("10.0.0.1".parse().unwrap());
        let sent = json!({ "email": "rep@acme.test", "password": "wrong" });
        person.run(SIGN_IN, sent).await["errors"][0]["extensions"]["code"].clone()
    };
    for _ in 0..6 {
        assert_eq!(attempt().await, Json::Null);
    }
    let unlock = async |email: &str| {
        let query =
            "mutation($id: ID!) { userUnlock(id: $id) { user { name } userErrors { code } } }";
        app.sign_in(email).await.run(query, json!({ "id": id })).await
    };
    assert_eq!(attempt().await, "THROTTLED");
    let other = unlock("owner@globex.test").await;
    assert_eq!(other["data"]["userUnlock"]["userErrors"][0]["code"], "NOT_FOUND");
    let rep = unlock("rep2@acme.test").await;
    assert_eq!(rep["errors"][0]["extensions"]["code"], "FORBIDDEN");
    assert_eq!(attempt().await, "THROTTLED", "neither was theirs to unlock");
    let admin = unlock("admin@acme.test").await;
    assert_eq!(admin["data"]["userUnlock"]["userErrors"], json!([]));
    assert_eq!(attempt().await, Json::Null);
    let noted = app.sql("SELECT count(*) FROM kontor.audit_log WHERE action = 'UNLOCKED'").await;
    assert_eq!(noted, ["1"]);
}
