//! How people come in: invitations, requests for access, forgotten passwords.

use std::time::Duration;

use kontor::access::BuiltInRole;
use serde_json::{Value as Json, json};

use crate::support::{Person, TestApp, refusal, token_of};

const ACCEPT: &str = "mutation($token: String!, $password: String!) { invitationAccept(input: { token: $token, name: \"Nora New\", password: $password }) {
    accessToken viewer { user { email name } roles { name } tenant { slug } } userErrors { code field } } }";
const GOOD: &str = "four words at random";

async fn invite(admin: &Person<'_>, email: &str, role: BuiltInRole) -> Json {
    let query = "mutation($email: String!, $role: ID!) { invitationCreate(input: { email: $email, roleIds: [$role] }) { invitation { id } userErrors { code field } } }";
    admin.data(query, json!({ "email": email, "role": role.id().to_string() })).await["invitationCreate"].clone()
}

async fn accept(app: &TestApp, token: &str, password: &str) -> Json {
    app.anonymous().data(ACCEPT, json!({ "token": token, "password": password })).await["invitationAccept"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invited_person_comes_in_as_what_they_were_invited_as() {
    let app = TestApp::new().await;
    let admin = app.sign_in("admin@acme.test").await;
    assert!(
        invite(&admin, " Nora@Elsewhere.Example ", BuiltInRole::Rep).await["invitation"]
            .is_object()
    );
    let mails = app.mails().await;
    assert!(
        mails[0].starts_with("To: nora@elsewhere.example\nSubject: Invitation to Acme Movers"),
        "{mails:?}"
    );
    let token = token_of(&mails[0]);
    let kept = app.sql("SELECT encode(hash, 'hex') || coalesce(payload::text, '') FROM kontor.invitations, kontor.jobs").await;
    assert!(kept.iter().all(|kept| !kept.contains(&token)), "only the hash is kept");
    assert_eq!(
        refusal(&accept(&app, &token, "password").await),
        ("WEAK_PASSWORD", vec!["password"])
    );
    let session = accept(&app, &token, GOOD).await;
    assert_eq!(
        session["viewer"],
        json!({
            "user": { "email": "nora@elsewhere.example", "name": "Nora New" }, "roles": [{ "name": "REP" }], "tenant": { "slug": "acme" },
        })
    );
    assert!(app.bearer(session["accessToken"].as_str().unwrap()).await.is_some());
    assert_eq!(refusal(&accept(&app, &token, GOOD).await), ("EXPIRED", vec!["token"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_accept_one_invitation_and_one_comes_in() {
    let app = TestApp::new().await;
    invite(&app.sign_in("admin@acme.test").await, "nora@elsewhere.example", BuiltInRole::Rep).await;
    let token = token_of(&app.mails().await[0]);
    let answers = futures_util::future::join_all((0..10).map(|_| accept(&app, &token, GOOD))).await;
    let won = answers.iter().filter(|answer| answer["accessToken"].is_string()).count();
    assert_eq!(won, 1, "{answers:?}");
    assert_eq!(
        app.sql("SELECT count(*) FROM kontor.users WHERE email = 'nora@elsewhere.example'").await,
        ["1"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_an_account_proves_it() {
    let app = TestApp::new().await;
    invite(&app.sign_in("admin@acme.test").await, "rep@globex.test", BuiltInRole::Viewer).await;
    let token = token_of(&app.mails().await[0]);
    assert_eq!(refusal(&accept(&app, &token, GOOD).await).0, "INVALID_CREDENTIALS");
    let session = accept(&app, &token, "kontor-demo").await;
    assert_eq!(session["viewer"]["user"]["name"], "Rita Richter", "they keep their name");
    assert_eq!(session["viewer"]["tenant"]["slug"], "acme");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_ends() {
    let app = TestApp::new().await;
    let admin = app.sign_in("admin@acme.test").await;
    let revoked =
        invite(&admin, "a@elsewhere.example", BuiltInRole::Rep).await["invitation"]["id"].clone();
    let revoke = "mutation($id: ID!) { invitationRevoke(id: $id) { invitation { version } userErrors { code } } }";
    admin.data(revoke, json!({ "id": revoked })).await;
    assert_eq!(refusal(&accept(&app, &token_of(&app.mails().await[0]), GOOD).await).0, "EXPIRED");
    invite(&admin, "b@elsewhere.example", BuiltInRole::Rep).await;
    let token = token_of(&app.mails().await[1]);
    app.clock.advance(Duration::from_hours(7 * 24));
    assert_eq!(refusal(&accept(&app, &token, GOOD).await).0, "EXPIRED");
    for forged in ["", "x", &token[1..]] {
        assert_eq!(refusal(&accept(&app, forged, GOOD).await).0, "EXPIRED");
    }
    assert_eq!(
        refusal(
            &invite(
                &app.sign_in("admin@acme.test").await,
                "c@elsewhere.example",
                BuiltInRole::Owner
            )
            .await
        )
        .0,
        "FORBIDDEN_FIELD"
    );
    assert_eq!(
        refusal(
            &invite(&app.sign_in("admin@acme.test").await, "no address", BuiltInRole::Rep).await
        ),
        ("INVALID", vec!["email"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_access_is_decided_by_an_administrator() {
    let app = TestApp::new().await;
    let ask = async |tenant: &str, email: &str| {
        let query = "mutation($tenant: String!, $email: String!) { accessRequestCreate(input: { tenant: $tenant, email: $email, name: \"Nora\" }) { accessRequest { id } userErrors { code field } } }";
        app.anonymous().data(query, json!({ "tenant": tenant, "email": email })).await["accessRequestCreate"].clone()
    };
    let heard = ask("acme", "nora@elsewhere.example").await;
    assert_eq!(heard, json!({ "accessRequest": null, "userErrors": [] }));
    assert_eq!(
        ask("nowhere", "nora@elsewhere.example").await,
        heard,
        "whether there is such a tenant is not told"
    );
    assert_eq!(refusal(&ask("acme", "?").await), ("INVALID", vec!["email"]));
    let admin = app.sign_in("admin@acme.test").await;
    let open = admin.data("{ accessRequests { nodes { id email state } } }", Json::Null).await["accessRequests"]["nodes"].clone();
    assert_eq!(open.as_array().unwrap().len(), 1);
    let decide = "mutation($id: ID!, $approve: Boolean!, $roles: [ID!]) { accessRequestDecide(id: $id, approve: $approve, roleIds: $roles) { accessRequest { state } userErrors { code field } } }";
    let nothing = admin.data(decide, json!({ "id": open[0]["id"], "approve": true })).await;
    assert_eq!(refusal(&nothing["accessRequestDecide"]), ("REQUIRED", vec!["roleIds"]));
    let roles = json!([BuiltInRole::Viewer.id().to_string()]);
    let approved =
        admin.data(decide, json!({ "id": open[0]["id"], "approve": true, "roles": roles })).await;
    assert_eq!(approved["accessRequestDecide"]["accessRequest"]["state"], "APPROVED");
    let session = accept(&app, &token_of(&app.mails().await[0]), GOOD).await;
    assert_eq!(session["viewer"]["roles"], json!([{ "name": "VIEWER" }]));
    let again = admin.data(decide, json!({ "id": open[0]["id"], "approve": false })).await;
    assert_eq!(refusal(&again["accessRequestDecide"]).0, "INVALID_TRANSITION");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_password_is_replaced_once_within_half_an_hour() {
    let app = TestApp::new().await;
    let ask = async |email: &str| {
        let query = "mutation($email: String!) { passwordResetRequest(email: $email) { userErrors { code } } }";
        app.anonymous().data(query, json!({ "email": email })).await
    };
    let reset = async |token: &str, password: &str| {
        let query = "mutation($token: String!, $password: String!) { passwordReset(token: $token, newPassword: $password) { userErrors { code field } } }";
        app.anonymous().data(query, json!({ "token": token, "password": password })).await["passwordReset"].clone()
    };
    let sign_in = async |password: &str| {
        let query = "mutation($p: String!) { signIn(input: { email: \"rep@acme.test\", password: $p }) { accessToken } }";
        app.anonymous().data(query, json!({ "p": password })).await["signIn"]["accessToken"].clone()
    };
    let access = sign_in("kontor-demo").await;
    let known = ask("Rep@acme.test").await;
    assert_eq!(ask("nobody@acme.test").await, known);
    assert_eq!(ask("no address").await, known);
    let mails = app.mails().await;
    assert_eq!(mails.len(), 1, "{mails:?}");
    let token = token_of(&mails[0]);
    assert_eq!(refusal(&reset(&token, "password").await), ("WEAK_PASSWORD", vec!["newPassword"]));
    let at_once = futures_util::future::join_all((0..5).map(|_| reset(&token, GOOD))).await;
    let won = at_once.iter().filter(|answer| answer["userErrors"] == json!([])).count();
    assert_eq!(won, 1, "{at_once:?}");
    assert_eq!(refusal(&reset(&token, GOOD).await), ("EXPIRED", vec!["token"]));
    assert!(app.bearer(access.as_str().unwrap()).await.is_none(), "all sessions have ended");
    assert_eq!(sign_in("kontor-demo").await, Json::Null);
    assert!(sign_in(GOOD).await.is_string());
    ask("rep@acme.test").await;
    let late = token_of(&app.mails().await[1]);
    app.clock.advance(Duration::from_mins(30));
    assert_eq!(refusal(&reset(&late, GOOD).await).0, "EXPIRED");
}

/// An invitation is for who does not work here: it changes nobody's roles, and brings nobody back
/// who was sent away after it was written.
#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_goes_around_no_rule() {
    let app = TestApp::new().await;
    let admin = app.sign_in("admin@acme.test").await;
    invite(&admin, "owner@acme.test", BuiltInRole::Viewer).await;
    invite(&admin, "rep@acme.test", BuiltInRole::Admin).await;
    let mails = app.mails().await;
    let to = |whom: &str| mails.iter().find(|mail| mail.starts_with(&format!("To: {whom}\n")));
    let to_owner = token_of(to("owner@acme.test").unwrap());
    let to_rep = token_of(to("rep@acme.test").unwrap());
    assert_eq!(
        refusal(&accept(&app, &to_owner, "kontor-demo").await),
        ("DUPLICATE", vec!["token"])
    );
    let owners = "SELECT count(*) FROM kontor.memberships m JOIN kontor.users u ON u.id = m.user_id WHERE u.email = 'owner@acme.test' AND m.roles = '{OWNER}'";
    assert_eq!(app.sql(owners).await, ["1"]);
    app.clock.advance(Duration::from_secs(1));
    let rep = app.sign_in("rep@acme.test").await.user().to_string();
    let leave = "mutation($id: ID!) { userDeactivate(id: $id) { userErrors { code } } }";
    admin.data(leave, json!({ "id": rep })).await;
    assert_eq!(refusal(&accept(&app, &to_rep, "kontor-demo").await), ("EXPIRED", vec!["token"]));
    // Invited anew they come back, as what they are now.
    app.clock.advance(Duration::from_secs(1));
    invite(&admin, "rep@acme.test", BuiltInRole::Viewer).await;
    let back = token_of(app.mails().await.last().unwrap());
    let session = accept(&app, &back, "kontor-demo").await;
    assert_eq!(session["viewer"]["roles"], json!([{ "name": "VIEWER" }]), "{session}");
}

/// A new password ends the links that were asked for before.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_link_leads_nowhere_after_a_new_password() {
    let app = TestApp::new().await;
    let ask = "mutation { passwordResetRequest(email: \"rep@acme.test\") { userErrors { code } } }";
    for _ in 0..2 {
        app.anonymous().data(ask, Json::Null).await;
    }
    let mails = app.mails().await;
    let reset = async |mail: &str| {
        let query = "mutation($t: String!) { passwordReset(token: $t, newPassword: \"four words at random\") { userErrors { code field } } }";
        app.anonymous().data(query, json!({ "t": token_of(mail) })).await["passwordReset"].clone()
    };
    assert_eq!(reset(&mails[0]).await["userErrors"], json!([]));
    assert_eq!(refusal(&reset(&mails[1]).await), ("EXPIRED", vec!["token"]));
}
