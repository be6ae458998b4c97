//! Second factors: begun, confirmed, shown, lost.

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::support::{Person, TestApp, refusal};

const SIGN_IN: &str = "mutation($e: String!, $c: String) { signIn(input: { email: $e, password: \"kontor-demo\", totp: $c }) { accessToken userErrors { code field message } } }";

async fn sign_in(app: &TestApp, code: Option<&str>) -> Json {
    let who = json!({ "e": "rep@acme.test", "c": code });
    app.anonymous().data(SIGN_IN, who).await["signIn"].clone()
}

async fn step_up(person: &Person<'_>, code: &str) -> Json {
    let query = "mutation($c: String!) { stepUp(totp: $c) { userErrors { code field } } }";
    person.data(query, json!({ "c": code })).await["stepUp"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_takes_the_second_factor_once_it_is_confirmed() {
    let app = TestApp::new().await;
    let rep = app.sign_in("rep@acme.test").await;
    let begin = "mutation($p: String!) { totpEnrol(password: $p) { secret uri userErrors { code field } } }";
    let wrong = rep.data(begin, json!({ "p": "not mine" })).await;
    assert_eq!(refusal(&wrong["totpEnrol"]), ("INVALID_CREDENTIALS", vec!["password"]));
    let begun = rep.data(begin, json!({ "p": "kontor-demo" })).await["totpEnrol"].clone();
    let seed = begun["secret"].as_str().unwrap();
    assert!(begun["uri"].as_str().unwrap().contains(seed));
    assert!(sign_in(&app, None).await["accessToken"].is_string(), "not confirmed yet");

    let confirm = "mutation($c: String!) { totpConfirm(code: $c) { recoveryCodes userErrors { code field } } }";
    let wrong = rep.data(confirm, json!({ "c": "000000" })).await;
    assert_eq!(refusal(&wrong["totpConfirm"]).0, "TOTP_REQUIRED");
    let confirmed = rep.data(confirm, json!({ "c": app.code(seed) })).await;
    let codes = confirmed["totpConfirm"]["recoveryCodes"].clone();
    assert_eq!(codes.as_array().unwrap().len(), 10);
    let again = rep.data(begin, json!({ "p": "kontor-demo" })).await;
    assert_eq!(refusal(&again["totpEnrol"]).0, "INVALID_TRANSITION");

    assert_eq!(refusal(&sign_in(&app, None).await), ("TOTP_REQUIRED", vec!["totp"]));
    let spent = app.code(seed);
    let used = sign_in(&app, Some(&spent)).await;
    assert_eq!(refusal(&used), ("TOTP_REQUIRED", vec!["totp"]), "a code is good once");
    app.clock.advance(Duration::from_secs(30));
    assert!(sign_in(&app, Some(&app.code(seed))).await["accessToken"].is_string());
    assert!(sign_in(&app, Some(&app.code(seed))).await["accessToken"].is_null());
    let state = "{ secondFactor { enabledAt recoveryCodesLeft } }";
    let state = rep.data(state, Json::Null).await["secondFactor"].clone();
    assert_eq!(state["recoveryCodesLeft"], 10);

    // Neither as text nor as bytes.
    let hex = |text: &str| crate::support::hex(text.as_bytes());
    let everywhere = "SELECT coalesce(old::text, '') || coalesce(new::text, '') FROM kontor.audit_log UNION ALL SELECT sealed::text FROM kontor.secrets UNION ALL SELECT c::text FROM kontor.recovery_codes c";
    let everywhere = app.sql(everywhere).await.join("\n");
    for secret in [seed, codes[0].as_str().unwrap(), &codes[0].as_str().unwrap().replace('-', "")] {
        assert!(!everywhere.contains(secret) && !everywhere.contains(&hex(secret)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_code_has_one_winner() {
    let app = TestApp::new().await;
    let (_, codes) = app.enrol("rep@acme.test").await;
    let tries = (0..10).map(|_| sign_in(&app, Some(&codes[0])));
    let answers = futures_util::future::join_all(tries).await;
    let won = answers.iter().filter(|answer| answer["accessToken"].is_string()).count();
    assert_eq!(won, 1, "{answers:?}");
    app.clock.advance(Duration::from_hours(1));
    assert!(sign_in(&app, Some(&codes[0])).await["accessToken"].is_null());
    let typed = codes[1].to_uppercase().replace('-', " ");
    assert!(sign_in(&app, Some(&typed)).await["accessToken"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn new_recovery_codes_end_the_old_ones_and_without_a_factor_signing_in_is_as_before() {
    let app = TestApp::new().await;
    let (_, old) = app.enrol("rep@acme.test").await;
    let rep = app.bearer(sign_in(&app, Some(&old[0])).await["accessToken"].as_str().unwrap()).await;
    let rep = rep.unwrap();
    let replace = "mutation { recoveryCodesReplace(password: \"kontor-demo\") { recoveryCodes } }";
    let new = rep.data(replace, Json::Null).await["recoveryCodesReplace"]["recoveryCodes"].clone();
    assert!(sign_in(&app, Some(&old[1])).await["accessToken"].is_null());
    assert!(sign_in(&app, new[0].as_str()).await["accessToken"].is_string());
    let disable =
        "mutation($p: String!) { totpDisable(password: $p) { userErrors { code field } } }";
    let wrong = rep.data(disable, json!({ "p": "not mine" })).await;
    assert_eq!(refusal(&wrong["totpDisable"]).0, "INVALID_CREDENTIALS");
    rep.data(disable, json!({ "p": "kontor-demo" })).await;
    assert!(sign_in(&app, None).await["accessToken"].is_string());
    assert_eq!(app.sql("SELECT count(*) FROM kontor.secrets").await, ["0"]);
    let nothing = rep.data(disable, json!({ "p": "kontor-demo" })).await;
    assert_eq!(refusal(&nothing["totpDisable"]).0, "INVALID_TRANSITION");
}

/// Guessing the second factor is slowed down like guessing the first.
#[tokio::test(flavor = "multi_thread")]
async fn guessed_codes_count_as_failures() {
    let app = TestApp::new().await;
    app.enrol("rep@acme.test").await;
    let from = app.anonymous().coming_from("198.51.100.7");
    let guess = json!({ "e": "rep@acme.test", "c": "123456" });
    for _ in 0..6 {
        assert_eq!(refusal(&from.data(SIGN_IN, guess.clone()).await["signIn"]).0, "TOTP_REQUIRED");
    }
    let refused = from.run(SIGN_IN, guess).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "THROTTLED");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_helps_who_has_lost_everything_but_not_across_tenants() {
    let app = TestApp::new().await;
    app.enrol("rep@acme.test").await;
    app.enrol("owner@acme.test").await;
    let admin = app.sign_in("admin@acme.test").await;
    let query =
        "mutation($id: ID!) { userTotpReset(id: $id) { user { email } userErrors { code } } }";
    let id = async |email: &str| {
        let id = format!("SELECT id FROM kontor.users WHERE email = '{email}'");
        let id = kontor::accounts::UserId(app.sql(&id).await[0].parse().unwrap());
        id.to_string()
    };
    let (rep, owner) = (id("rep@acme.test").await, id("owner@acme.test").await);
    let refused = admin.data(query, json!({ "id": owner })).await;
    assert_eq!(refusal(&refused["userTotpReset"]).0, "FORBIDDEN_FIELD");
    // The rep works in the other tenant too: then nobody here decides.
    let join = "INSERT INTO kontor.memberships (tenant_id, user_id, roles, created_at) SELECT t.id, u.id, '{VIEWER}', now() FROM kontor.tenants t, kontor.users u WHERE t.slug = 'globex' AND u.email = 'rep@acme.test'";
    app.sql(join).await;
    let refused = admin.data(query, json!({ "id": rep })).await;
    assert_eq!(refusal(&refused["userTotpReset"]).0, "FORBIDDEN_FIELD");
    app.sql("DELETE FROM kontor.memberships m USING kontor.tenants t, kontor.users u WHERE m.tenant_id = t.id AND t.slug = 'globex' AND m.user_id = u.id AND u.email = 'rep@acme.test'").await;
    let done = admin.data(query, json!({ "id": rep })).await;
    assert_eq!(done["userTotpReset"]["user"]["email"], "rep@acme.test");
    assert!(sign_in(&app, None).await["accessToken"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_tenant_says_needs_a_fresh_second_factor() {
    let app = TestApp::new().await;
    let (seed, codes) = app.enrol("manager@acme.test").await;
    let admin = app.sign_in("admin@acme.test").await;
    let policy = "mutation { securityPolicyUpdate(input: { stepUpPermissions: [\"company:delete\"] }) { userErrors { code } } }";
    admin.data(policy, Json::Null).await;
    let who = json!({ "e": "manager@acme.test", "c": codes[0] });
    let token = app.anonymous().data(SIGN_IN, who).await["signIn"]["accessToken"].clone();
    let token = token.as_str().unwrap();
    let delete = async || {
        let manager = app.bearer(token).await.unwrap();
        let first = manager.data("{ companies(first: 1) { nodes { id } } }", Json::Null).await;
        let id = first["companies"]["nodes"][0]["id"].clone();
        let delete = "mutation($id: ID!) { companyDelete(id: $id) { deletedId } }";
        manager.run(delete, json!({ "id": id })).await
    };
    assert!(delete().await["data"]["companyDelete"]["deletedId"].is_string(), "just signed in");
    app.clock.advance(Duration::from_mins(10));
    let refused = delete().await;
    let extensions = &refused["errors"][0]["extensions"];
    assert_eq!(
        (&extensions["code"], &extensions["reason"]),
        (&json!("FORBIDDEN"), &json!("TOTP_REQUIRED"))
    );
    let manager = app.bearer(token).await.unwrap();
    assert_eq!(refusal(&step_up(&manager, "123456").await).0, "TOTP_REQUIRED");
    assert_eq!(step_up(&manager, &app.code(&seed)).await["userErrors"], json!([]));
    assert!(delete().await["data"]["companyDelete"]["deletedId"].is_string());
    // Who has no second factor is told what to do, and stays outside.
    let rep = app.sign_in("rep@acme.test").await;
    assert_eq!(refusal(&step_up(&rep, "123456").await).0, "TOTP_REQUIRED");
}

/// However many come at once, no more are looked at than one after the other would be.
#[tokio::test(flavor = "multi_thread")]
async fn guesses_at_once_count_one_by_one() {
    let app = TestApp::new().await;
    app.enrol("rep@acme.test").await;
    let from = app.anonymous().coming_from("198.51.100.8");
    let guess = json!({ "e": "rep@acme.test", "c": "000001" });
    let answers = (0..60).map(|_| from.run(SIGN_IN, guess.clone()));
    let answers = futures_util::future::join_all(answers).await;
    let looked_at = answers.iter().filter(|answer| answer["data"]["signIn"].is_object()).count();
    assert!((5..=6).contains(&looked_at), "{looked_at}");
}

/// What was shown once is not shown by a repeat of the request, nor are other codes.
#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_shows_no_codes() {
    let app = TestApp::new().await;
    let rep = app.sign_in("rep@acme.test").await;
    app.enrol("rep@acme.test").await;
    let replace = "mutation { recoveryCodesReplace(password: \"kontor-demo\") { recoveryCodes userErrors { code } } }";
    let keyed = rep.with_key("once");
    let first = keyed.data(replace, Json::Null).await["recoveryCodesReplace"].clone();
    let again = keyed.data(replace, Json::Null).await["recoveryCodesReplace"].clone();
    assert_eq!(first["recoveryCodes"].as_array().unwrap().len(), 10);
    assert_eq!(again, json!({ "recoveryCodes": null, "userErrors": [] }));
    let first = first["recoveryCodes"][0].as_str().unwrap();
    assert!(sign_in(&app, Some(first)).await["accessToken"].is_string());
}

/// A whole office behind one address signs in in two steps, all day.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_of_two_steps_is_no_failure() {
    let app = TestApp::new().await;
    let (seed, _) = app.enrol("rep@acme.test").await;
    let office = app.anonymous().coming_from("203.0.113.9");
    for _ in 0..60 {
        app.clock.advance(Duration::from_mins(1));
        let first = office.data(SIGN_IN, json!({ "e": "rep@acme.test" })).await;
        assert_eq!(refusal(&first["signIn"]).0, "TOTP_REQUIRED");
        let second = json!({ "e": "rep@acme.test", "c": app.code(&seed) });
        assert!(office.data(SIGN_IN, second).await["signIn"]["accessToken"].is_string());
    }
}
