//! Single sign-on: who comes in through their company's identity provider, and who does not.

use std::time::Duration;

use kontor::access::BuiltInRole;
use serde_json::{Value as Json, json};

use crate::support::{
    TestApp,
    oidc::{Fault, Faults, Oidc, ada, begin, merge},
    refusal,
};

pub const FINISH: &str = "mutation($input: SsoFinishInput!) { ssoFinish(input: $input) {
    accessToken refreshToken viewer { user { id email name } tenant { slug } roles { name } } userErrors { code field message } } }";
pub const DISCOVERY: &str = "/.well-known/openid-configuration";

pub async fn finish(app: &TestApp, input: Json) -> Json {
    app.anonymous().data(FINISH, json!({ "input": input })).await["ssoFinish"].clone()
}

/// The whole way: begin, sign in at the provider, come back.
pub async fn through(app: &TestApp, oidc: &Oidc, person: Json) -> Json {
    let begun = begin(app, "acme").await;
    let back = oidc.authorize(begun["url"].as_str().unwrap_or_else(|| panic!("{begun}")), person);
    finish(app, back).await
}

pub fn roles(session: &Json) -> Vec<&str> {
    let roles = session["viewer"]["roles"].as_array().unwrap_or_else(|| panic!("{session}"));
    roles.iter().map(|role| role["name"].as_str().unwrap()).collect()
}

pub fn told(payload: &Json) -> &str {
    payload["userErrors"][0]["message"].as_str().unwrap_or_else(|| panic!("{payload}"))
}

/// acme with a provider: sales are REP, leads MANAGER.
pub async fn acme(more: Json) -> (TestApp, Oidc) {
    let (app, oidc) = (TestApp::new().await, Oidc::start().await);
    let made = oidc.register(&app.sign_in("owner@acme.test").await, more).await;
    assert_eq!(made["userErrors"], json!([]));
    (app, oidc)
}

pub fn with(person: Json, more: Json) -> Json {
    let mut person = person;
    merge(&mut person, more);
    person
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_sign_in_makes_the_person_what_their_claims_say() {
    let (app, oidc) = acme(json!({})).await;
    let session = through(&app, &oidc, ada()).await;
    assert_eq!(session["userErrors"], json!([]));
    assert_eq!(session["viewer"]["user"]["email"], "ada@acme.example");
    assert_eq!(session["viewer"]["user"]["name"], "Ada Lovelace");
    assert_eq!(session["viewer"]["tenant"]["slug"], "acme");
    assert_eq!(roles(&session), ["REP"]);
    let person = app.bearer(session["accessToken"].as_str().unwrap()).await.unwrap();
    person.data("{ companies(first: 1) { nodes { id } } }", Json::Null).await;
    let trail = "SELECT a.table_name || ' ' || a.action FROM kontor.audit_log a JOIN kontor.users u ON u.id = a.actor_id WHERE u.email = 'ada@acme.example' ORDER BY a.id";
    let expected = ["memberships CREATED", "sso_identities CREATED", "users SIGNED_IN"];
    assert_eq!(app.sql(trail).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_follow_the_claims_of_who_came_in_by_them() {
    let (app, oidc) = acme(json!({})).await;
    let first = through(&app, &oidc, ada()).await;
    let person = app.bearer(first["accessToken"].as_str().unwrap()).await.unwrap();
    let both = with(
        ada(),
        json!({ "groups": ["leads", "sales", "chess"], "email": "ada.l@acme.example", "name": "Ada L." }),
    );
    let second = through(&app, &oidc, both).await;
    assert_eq!(roles(&second), ["MANAGER", "REP"]);
    assert_eq!(second["viewer"]["user"], first["viewer"]["user"], "known by the subject");
    let both_roles = app.bearer(first["accessToken"].as_str().unwrap()).await.unwrap();
    assert_eq!(both_roles.viewer().roles.len(), 2, "the session before knows at once");
    assert_eq!(person.viewer().roles.len(), 1);
    let none = through(&app, &oidc, with(ada(), json!({ "groups": ["chess"] }))).await;
    assert_eq!(refusal(&none), ("INVALID", vec![]));
    assert!(told(&none).contains("no role"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_here_before_keeps_what_they_are() {
    let (app, oidc) = acme(json!({})).await;
    let rep = with(
        ada(),
        json!({ "email": "Rep@acme.test", "groups": ["leads"], "name": "Somebody Else" }),
    );
    for groups in [json!(["leads"]), json!([]), json!("leads")] {
        let session = through(&app, &oidc, with(rep.clone(), json!({ "groups": groups }))).await;
        assert_eq!(roles(&session), ["REP"]);
        assert_eq!(session["viewer"]["user"]["name"], "Ryan Reed");
    }
    let owner = with(ada(), json!({ "sub": "o", "email": "owner@acme.test", "groups": [] }));
    assert_eq!(roles(&through(&app, &oidc, owner).await), ["OWNER"]);
    // Made an owner by hand, after the claims made them a member.
    through(&app, &oidc, with(ada(), json!({ "sub": "n", "email": "new@acme.example" }))).await;
    app.sql("UPDATE kontor.memberships m SET roles = '{OWNER}' FROM kontor.users u WHERE u.id = m.user_id AND u.email = 'new@acme.example'").await;
    let again = with(ada(), json!({ "sub": "n", "email": "new@acme.example", "groups": [] }));
    assert_eq!(roles(&through(&app, &oidc, again).await), ["OWNER"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_does_not_vouch_for_somebody_elses_people() {
    let (app, oidc) = acme(json!({})).await;
    let rita = with(ada(), json!({ "email": "rep@globex.test" }));
    let refused = through(&app, &oidc, rita).await;
    assert!(told(&refused).contains("invitation"), "{refused}");
    let members = "SELECT count(*) FROM kontor.memberships m JOIN kontor.users u ON u.id = m.user_id WHERE u.email = 'rep@globex.test'";
    assert_eq!(app.sql(members).await, ["1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_mapped_claim_there_are_the_default_roles_or_nothing() {
    let (app, oidc) = acme(json!({})).await;
    for groups in
        [json!(null), json!([]), json!(["chess"]), json!({ "sales": true }), json!("OWNER")]
    {
        let refused = through(&app, &oidc, with(ada(), json!({ "groups": groups }))).await;
        assert!(told(&refused).contains("no role"), "{refused}");
    }
    assert_eq!(
        app.sql("SELECT count(*) FROM kontor.users WHERE email = 'ada@acme.example'").await,
        ["0"]
    );
    let viewer = json!([BuiltInRole::Viewer.id().to_string()]);
    let (app, oidc) = acme(json!({ "defaultRoleIds": viewer })).await;
    let chess = with(ada(), json!({ "groups": ["chess"] }));
    assert_eq!(roles(&through(&app, &oidc, chess).await), ["VIEWER"]);
    assert_eq!(roles(&through(&app, &oidc, ada()).await), ["REP"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_of_ones_own_is_mapped_too_and_its_end_is_no_way_in() {
    let (app, oidc) = (TestApp::new().await, Oidc::start().await);
    let owner = app.sign_in("owner@acme.test").await;
    let made = "mutation { roleCreate(input: { name: \"Known\", grants: [] }) { role { id } } }";
    let own = owner.data(made, Json::Null).await["roleCreate"]["role"]["id"].clone();
    let viewer = BuiltInRole::Viewer.id().to_string();
    let mappings = json!([{ "claim": "sales", "roleIds": [viewer, own] }]);
    oidc.register(&owner, json!({ "roleMappings": mappings })).await;
    assert_eq!(roles(&through(&app, &oidc, ada()).await), ["VIEWER", "Known"]);
    let trail = "SELECT count(*) FROM kontor.audit_log WHERE table_name IN ('memberships', 'membership_roles')";
    let before = app.sql(trail).await;
    assert_eq!(roles(&through(&app, &oidc, ada()).await), ["VIEWER", "Known"]);
    assert_eq!(app.sql(trail).await, before, "what stays is no change");
    app.sql("DELETE FROM kontor.membership_roles; DELETE FROM kontor.roles").await;
    assert_eq!(roles(&through(&app, &oidc, ada()).await), ["VIEWER"]);
    app.sql(&format!("UPDATE kontor.sso_providers SET role_mappings = jsonb_build_array(jsonb_build_object('claim', 'sales', 'role_ids', jsonb_build_array('{}')))", BuiltInRole::Owner.id().0)).await;
    assert!(told(&through(&app, &oidc, ada()).await).contains("no role"), "not even so");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_wrong_in_any_way_signs_nobody_in() {
    let (app, oidc) = acme(json!({})).await;
    let claims: [(&str, Fault); 7] = [
        ("nonce", |claims| claims["nonce"] = json!("another")),
        ("no nonce", |claims| claims["nonce"] = Json::Null),
        ("audience", |claims| claims["aud"] = json!("somebody else")),
        ("two audiences", |claims| claims["aud"] = json!([claims["aud"], "somebody else"])),
        ("issuer", |claims| claims["iss"] = json!("https://login.elsewhere.example")),
        ("expired", |claims| claims["exp"] = json!(claims["iat"].as_i64().unwrap() - 1)),
        ("garbage", |claims| *claims = json!({})),
    ];
    for (name, fault) in claims {
        oidc.faults(Faults { claims: Some(fault), ..Faults::default() });
        let refused = through(&app, &oidc, ada()).await;
        assert_eq!(refusal(&refused), ("INVALID", vec![]), "{name}");
        assert!(told(&refused).contains("not to be trusted"), "{name}: {refused}");
    }
    let signatures = [
        Faults { other_key: true, ..Faults::default() },
        Faults { own_secret: true, ..Faults::default() },
    ];
    for faults in signatures {
        oidc.faults(faults);
        let refused = through(&app, &oidc, ada()).await;
        assert!(told(&refused).contains("not to be trusted"), "{refused}");
    }
    oidc.faults(Faults::default());
    let people = [
        ("not verified", json!({ "email_verified": false })),
        ("not verified", json!({ "email_verified": null })),
        ("does not tell", json!({ "email": null })),
        ("that is none", json!({ "email": "ada" })),
        ("that is none", json!({ "email": "ada@acme.example\nbcc: x@y.example" })),
        ("who you are", json!({ "sub": "x".repeat(256) })),
        ("who you are", json!({ "sub": "" })),
    ];
    for (why, person) in people {
        let refused = through(&app, &oidc, with(ada(), person.clone())).await;
        assert_eq!(refusal(&refused), ("INVALID", vec![]), "{person}");
        assert!(told(&refused).contains(why), "{refused}");
    }
    assert_eq!(app.sql("SELECT count(*) FROM kontor.sso_identities").await, ["0"]);
    assert_eq!(roles(&through(&app, &oidc, ada()).await), ["REP"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_of_the_provider_is_fetched() {
    let (app, oidc) = acme(json!({})).await;
    through(&app, &oidc, ada()).await;
    oidc.faults(Faults { new_key: true, ..Faults::default() });
    assert!(through(&app, &oidc, ada()).await["accessToken"].is_null(), "asked a moment ago");
    app.clock.advance(Duration::from_mins(1));
    oidc.asked();
    assert_eq!(roles(&through(&app, &oidc, ada()).await), ["REP"]);
    assert_eq!(oidc.asked(), ["/token", DISCOVERY, "/keys"]);
    through(&app, &oidc, ada()).await;
    assert_eq!(oidc.asked(), ["/token"], "the rest is remembered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_is_good_once_for_ten_minutes_in_its_tenant() {
    let (app, oidc) = acme(json!({})).await;
    oidc.register(&app.sign_in("owner@globex.test").await, json!({})).await;
    let url = |begun: &Json| begun["url"].as_str().unwrap().to_owned();
    let back = oidc.authorize(&url(&begin(&app, "acme").await), ada());
    let dead = ("EXPIRED", vec!["state"]);
    assert!(finish(&app, back.clone()).await["accessToken"].is_string());
    assert_eq!(refusal(&finish(&app, back.clone()).await), dead, "replayed");
    // Another code with it helps nobody either.
    let other = oidc.authorize(&url(&begin(&app, "acme").await), ada());
    let mixed = with(back, json!({ "code": other["code"] }));
    assert_eq!(refusal(&finish(&app, mixed).await), dead);
    // Somebody else's code with one's own state: the verifier is not of its challenge.
    let own = oidc.authorize(&url(&begin(&app, "acme").await), ada());
    let injected = with(own, json!({ "code": other["code"] }));
    assert_eq!(refusal(&finish(&app, injected).await), ("INVALID", vec![]));
    let late = oidc.authorize(&url(&begin(&app, "acme").await), ada());
    app.clock.advance(Duration::from_mins(10));
    assert_eq!(refusal(&finish(&app, late).await), dead, "late");
    for state in ["", "x", "bm90aGluZw"] {
        assert_eq!(refusal(&finish(&app, json!({ "state": state, "code": "x" })).await), dead);
    }
    // The state of acme under the name of globex.
    let theirs = oidc.authorize(&url(&begin(&app, "globex").await), ada());
    let ours = oidc.authorize(&url(&begin(&app, "acme").await), ada());
    let (a, b) = (theirs["state"].as_str().unwrap(), ours["state"].as_str().unwrap());
    let forged = format!("{}{}", &a[..21], &b[21..]);
    let forged = with(ours.clone(), json!({ "state": forged }));
    assert_eq!(refusal(&finish(&app, forged).await), dead);
    let kept = app.sql("SELECT count(*) FROM kontor.sso_attempts a JOIN kontor.tenants t ON t.id = a.tenant_id WHERE t.slug = 'acme'").await;
    assert_eq!(kept, ["1"], "what is over went when the last one was begun");
    let dump = app.sql("SELECT a::text FROM kontor.sso_attempts a").await.join("\n");
    assert!(!dump.contains(a) && !dump.contains(b));
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_finish_one_sign_in_and_one_comes_in() {
    let (app, oidc) = acme(json!({})).await;
    let begun = begin(&app, "acme").await;
    let back = oidc.authorize(begun["url"].as_str().unwrap(), ada());
    let answers = futures_util::future::join_all((0..20).map(|_| finish(&app, back.clone()))).await;
    let won = answers.iter().filter(|answer| answer["accessToken"].is_string()).count();
    assert_eq!(won, 1, "{answers:?}");
    for lost in answers.iter().filter(|answer| !answer["accessToken"].is_string()) {
        assert_eq!(refusal(lost), ("EXPIRED", vec!["state"]));
    }
}

/// A first sign-in in several windows: all come in, as one person.
#[tokio::test(flavor = "multi_thread")]
async fn one_newcomer_in_five_windows_is_one_person() {
    let (app, oidc) = acme(json!({})).await;
    let sessions =
        futures_util::future::join_all((0..5).map(|_| through(&app, &oidc, ada()))).await;
    for session in &sessions {
        assert_eq!(roles(session), ["REP"]);
        assert_eq!(session["viewer"]["user"]["id"], sessions[0]["viewer"]["user"]["id"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_provider_that_answers_is_refused() {
    let (app, oidc) = acme(json!({})).await;
    let begun = begin(&app, "acme").await;
    let back = oidc.authorize(begun["url"].as_str().unwrap(), ada());
    let other = with(back, json!({ "iss": "https://login.elsewhere.example" }));
    oidc.asked();
    assert_eq!(refusal(&finish(&app, other).await), ("INVALID", vec![]));
    assert_eq!(oidc.asked(), [""; 0], "the code goes nowhere");
    let begun = begin(&app, "acme").await;
    let back = oidc.authorize(begun["url"].as_str().unwrap(), ada());
    let same = finish(&app, with(back, json!({ "iss": oidc.issuer }))).await;
    assert_eq!(roles(&same), ["REP"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_deactivated_stays_outside() {
    let (app, oidc) = acme(json!({})).await;
    let first = through(&app, &oidc, ada()).await;
    let owner = app.sign_in("owner@acme.test").await;
    let end = "mutation($id: ID!) { userDeactivate(id: $id) { userErrors { code } } }";
    owner.data(end, json!({ "id": first["viewer"]["user"]["id"] })).await;
    let refused = through(&app, &oidc, ada()).await;
    assert_eq!(refusal(&refused), ("INVALID", vec![]));
    assert!(told(&refused).contains("may not sign in"));
    // By address, who was invited; and whoever may not sign in anywhere.
    app.sql("UPDATE kontor.memberships m SET deactivated_at = now() FROM kontor.users u WHERE u.id = m.user_id AND u.email = 'rep@acme.test'").await;
    app.sql("UPDATE kontor.users SET active = false WHERE email IN ('rep2@acme.test', 'rep@globex.test')").await;
    for email in ["rep@acme.test", "rep2@acme.test", "rep@globex.test"] {
        let person = with(ada(), json!({ "sub": email, "email": email }));
        let refused = through(&app, &oidc, person).await;
        assert!(told(&refused).contains("may not sign in"), "{refused}");
    }
    let active = "SELECT count(*) FROM kontor.memberships m JOIN kontor.users u ON u.id = m.user_id WHERE u.email IN ('ada@acme.example', 'rep@acme.test') AND deactivated_at IS NULL";
    assert_eq!(app.sql(active).await, ["0"]);
}

/// An address is given to the next person; their predecessor's account is not.
#[tokio::test(flavor = "multi_thread")]
async fn who_inherits_an_address_does_not_inherit_the_account() {
    let (app, oidc) = acme(json!({})).await;
    through(&app, &oidc, ada()).await;
    let heir = through(&app, &oidc, with(ada(), json!({ "sub": "ada-2" }))).await;
    assert_eq!(refusal(&heir), ("INVALID", vec![]));
    assert!(told(&heir).contains("another person"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_where_to_sign_in_learns_nothing_of_tenants() {
    let (app, oidc) = acme(json!({ "enabled": false })).await;
    let unknown = begin(&app, "nowhere").await;
    assert_eq!(refusal(&unknown), ("NOT_FOUND", vec!["tenant"]));
    assert_eq!(begin(&app, "acme").await, unknown, "switched off");
    assert_eq!(begin(&app, "globex").await, unknown, "none registered");
    let owner = app.sign_in("owner@acme.test").await;
    oidc.register(&owner, json!({ "name": "Zeta" })).await;
    let named = "mutation($p: String) { ssoStart(tenant: \"acme\", provider: $p) { url userErrors { code field message } } }";
    let start = async |name: &str| {
        app.anonymous().data(named, json!({ "p": name })).await["ssoStart"].clone()
    };
    assert_eq!(start("?").await, unknown);
    assert_eq!(start("acme login").await, unknown);
    assert!(start(" zeta ").await["url"].is_string());
    // Switched off between the two steps.
    let back = oidc.authorize(begin(&app, "acme").await["url"].as_str().unwrap(), ada());
    app.sql("UPDATE kontor.sso_providers SET enabled = false").await;
    assert_eq!(refusal(&finish(&app, back).await).0, "EXPIRED");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_password_is_told_what_a_wrong_one_is_told() {
    let (app, oidc) = acme(json!({})).await;
    through(&app, &oidc, ada()).await;
    let sign_in = async |email: &str, password: &str| {
        let query = "mutation($e: String!, $p: String!) { signIn(input: { email: $e, password: $p }) { accessToken userErrors { code field message } } }";
        app.anonymous().data(query, json!({ "e": email, "p": password })).await["signIn"].clone()
    };
    let wrong = sign_in("rep@acme.test", "wrong").await;
    for password in ["!", "", "kontor-demo"] {
        assert_eq!(sign_in("ada@acme.example", password).await, wrong, "{password:?}");
        app.clock.advance(Duration::from_hours(1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_signs_nobody_in_and_uses_nothing_up() {
    let (app, oidc) = acme(json!({})).await;
    let begun = begin(&app, "acme").await;
    let back = oidc.authorize(begun["url"].as_str().unwrap(), ada());
    let tried = app.anonymous().dry_run().data(FINISH, json!({ "input": back })).await;
    assert_eq!(refusal(&tried["ssoFinish"]), ("INVALID", vec![]));
    let start = "mutation { ssoStart(tenant: \"acme\") { url userErrors { code field } } }";
    let tried = app.anonymous().dry_run().data(start, Json::Null).await;
    assert_eq!(refusal(&tried["ssoStart"]), ("INVALID", vec![]));
    assert_eq!(roles(&finish(&app, back).await), ["REP"]);
}
