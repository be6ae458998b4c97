//! People: sessions, roles, the reporting line, and what they may see.

use std::time::Duration;

use kontor::access::BuiltInRole;
use serde_json::{Value as Json, json};

use crate::support::{Person, TestApp, refusal};

const SIGN_IN: &str = "mutation($email: String!) { signIn(input: { email: $email, password: \"kontor-demo\" }) { accessToken refreshToken } }";
const REFRESH: &str = "mutation($token: String!) { sessionRefresh(refreshToken: $token) { accessToken refreshToken viewer { user { email } } userErrors { code } } }";
const COUNT: &str = "{ companies { totalCount { value } } }";

async fn tokens(app: &TestApp, email: &str) -> (String, String) {
    let session = app.anonymous().data(SIGN_IN, json!({ "email": email })).await["signIn"].clone();
    let text = |name: &str| session[name].as_str().unwrap().to_owned();
    (text("accessToken"), text("refreshToken"))
}

async fn refresh(app: &TestApp, token: &str) -> Json {
    app.anonymous().data(REFRESH, json!({ "token": token })).await["sessionRefresh"].clone()
}

async fn id_of(app: &TestApp, email: &str) -> String {
    app.sign_in(email).await.user().to_string()
}

async fn count(person: &Person<'_>) -> i64 {
    person.data(COUNT, Json::Null).await["companies"]["totalCount"]["value"].as_i64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_lives_on_through_its_refresh_tokens() {
    let app = TestApp::new().await;
    let (access, first) = tokens(&app, "rep@acme.test").await;
    app.clock.advance(Duration::from_mins(61));
    assert!(app.bearer(&access).await.is_none(), "an access token is good for an hour");
    let second = refresh(&app, &first).await;
    assert_eq!(second["viewer"]["user"]["email"], "rep@acme.test");
    assert!(app.bearer(second["accessToken"].as_str().unwrap()).await.is_some());
    // Two tabs at once get the same successor.
    app.clock.advance(Duration::from_secs(9));
    let again = refresh(&app, &first).await;
    assert_eq!(again["refreshToken"], second["refreshToken"]);
    let third = refresh(&app, second["refreshToken"].as_str().unwrap()).await;
    assert_ne!(third["refreshToken"], second["refreshToken"]);
    app.clock.advance(Duration::from_hours(7 * 24));
    assert_eq!(
        refusal(&refresh(&app, third["refreshToken"].as_str().unwrap()).await).0,
        "INVALID_CREDENTIALS"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_refresh_token_ends_the_session() {
    let app = TestApp::new().await;
    let (_, first) = tokens(&app, "rep@acme.test").await;
    let second = refresh(&app, &first).await;
    let access = second["accessToken"].as_str().unwrap();
    app.clock.advance(Duration::from_secs(11));
    assert_eq!(refusal(&refresh(&app, &first).await).0, "INVALID_CREDENTIALS");
    assert!(app.bearer(access).await.is_none(), "the whole family is at an end");
    assert_eq!(
        refusal(&refresh(&app, second["refreshToken"].as_str().unwrap()).await).0,
        "INVALID_CREDENTIALS"
    );
    for forged in ["", "x", &first[1..], &"A".repeat(86)] {
        assert_eq!(refusal(&refresh(&app, forged).await).0, "INVALID_CREDENTIALS", "{forged}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_tabs_refresh_at_once_and_stay_signed_in() {
    let app = TestApp::new().await;
    let (_, first) = tokens(&app, "rep@acme.test").await;
    let answers = futures_util::future::join_all((0..20).map(|_| refresh(&app, &first))).await;
    assert!(answers.iter().all(|answer| answer["refreshToken"] == answers[0]["refreshToken"]));
    assert!(answers[0]["refreshToken"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_ends_one_session_at_once() {
    let app = TestApp::new().await;
    let ((here, refresh_here), (there, _)) =
        (tokens(&app, "rep@acme.test").await, tokens(&app, "rep@acme.test").await);
    let person = app.bearer(&here).await.unwrap();
    person.data("mutation { signOut { userErrors { code } } }", Json::Null).await;
    assert!(app.bearer(&here).await.is_none());
    assert_eq!(refusal(&refresh(&app, &refresh_here).await).0, "INVALID_CREDENTIALS");
    assert!(app.bearer(&there).await.is_some(), "the other session goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_sees_and_ends_ones_own_sessions() {
    let app = TestApp::new().await;
    let ((here, _), (there, _)) =
        (tokens(&app, "rep@acme.test").await, tokens(&app, "rep@acme.test").await);
    let person = app.bearer(&here).await.unwrap();
    let sessions = person.data("{ sessions { id current } }", Json::Null).await["sessions"].clone();
    let other =
        sessions.as_array().unwrap().iter().find(|session| session["current"] == false).unwrap();
    assert_eq!(sessions.as_array().unwrap().len(), 2);
    let revoke =
        "mutation($id: ID!) { sessionRevoke(id: $id) { deletedId userErrors { code field } } }";
    let stranger = app.sign_in("owner@acme.test").await;
    let denied = stranger.data(revoke, json!({ "id": other["id"] })).await;
    assert_eq!(
        refusal(&denied["sessionRevoke"]).0,
        "NOT_FOUND",
        "even an owner ends only their own"
    );
    person.data(revoke, json!({ "id": other["id"] })).await;
    assert!(app.bearer(&there).await.is_none() && app.bearer(&here).await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_ends_the_other_sessions() {
    let app = TestApp::new().await;
    let ((here, _), (there, _)) =
        (tokens(&app, "rep@acme.test").await, tokens(&app, "rep@acme.test").await);
    let person = app.bearer(&here).await.unwrap();
    let change = async |old: &str, new: &str| {
        let query = "mutation($old: String!, $new: String!) { passwordChange(password: $old, newPassword: $new) { userErrors { code field } } }";
        person.data(query, json!({ "old": old, "new": new })).await["passwordChange"].clone()
    };
    assert_eq!(
        refusal(&change("wrong", "four words at random").await),
        ("INVALID_CREDENTIALS", vec!["password"])
    );
    assert_eq!(
        refusal(&change("kontor-demo", "short").await),
        ("WEAK_PASSWORD", vec!["newPassword"])
    );
    assert_eq!(refusal(&change("kontor-demo", "password1234").await).0, "WEAK_PASSWORD");
    assert_eq!(
        refusal(&change("kontor-demo", &"x".repeat(73)).await),
        ("TOO_LONG", vec!["newPassword"])
    );
    assert!(app.bearer(&there).await.is_some());
    assert_eq!(change("kontor-demo", "four words at random").await["userErrors"], json!([]));
    assert!(app.bearer(&there).await.is_none() && app.bearer(&here).await.is_some());
    let old = app.anonymous().data(SIGN_IN, json!({ "email": "rep@acme.test" })).await;
    assert_eq!(old["signIn"]["accessToken"], Json::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rep_sees_their_own_and_their_teams() {
    let app = TestApp::new().await;
    let (rep, rep2) = (app.sign_in("rep@acme.test").await, app.sign_in("rep2@acme.test").await);
    assert_eq!((count(&rep).await, count(&rep2).await), (6, 6));
    let theirs = rep2.data("{ companies(first: 1) { nodes { id } } }", Json::Null).await["companies"]["nodes"][0]["id"].clone();
    for field in ["company", "node"] {
        let answer = rep
            .run(
                &format!("query($id: ID!) {{ {field}(id: $id) {{ id }} }}"),
                json!({ "id": theirs }),
            )
            .await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "NOT_FOUND");
    }
    let update = "mutation($id: ID!) { companyUpdate(id: $id, input: { city: \"Rome\" }) { userErrors { code field } } }";
    assert_eq!(
        refusal(&rep.data(update, json!({ "id": theirs })).await["companyUpdate"]).0,
        "NOT_FOUND"
    );
    // rep2 reports to rep from now on: theirs are rep's team's, at once.
    let admin = app.sign_in("admin@acme.test").await;
    let report = "mutation($id: ID!, $to: ID) { userManagerSet(id: $id, managerId: $to) { user { manager { email } } userErrors { code field } } }";
    let (of, to) = (rep2.user().to_string(), rep.user().to_string());
    let moved = admin.data(report, json!({ "id": of, "to": to })).await;
    assert_eq!(moved["userManagerSet"]["user"]["manager"]["email"], "rep@acme.test");
    let rep = app.sign_in("rep@acme.test").await;
    assert_eq!((count(&rep).await, count(&app.sign_in("rep2@acme.test").await).await), (12, 6));
    let circle = admin.data(report, json!({ "id": to, "to": of })).await;
    assert_eq!(refusal(&circle["userManagerSet"]), ("CYCLE", vec!["managerId"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_roles_is_felt_at_once() {
    let app = TestApp::new().await;
    let (access, _) = tokens(&app, "viewer@acme.test").await;
    let admin = app.sign_in("admin@acme.test").await;
    let replace = "mutation($id: ID!, $roles: [ID!]!) { userRolesReplace(id: $id, roleIds: $roles) { user { roles { name } } userErrors { code field } } }";
    let make = "mutation { roleCreate(input: { name: \"Tagger\", grants: [{ permission: \"tag:write\" }] }) { role { id permissions } userErrors { code } } }";
    let own = admin.data(make, Json::Null).await["roleCreate"]["role"].clone();
    assert_eq!(own["permissions"], json!(["tag:write"]));
    let tag = "mutation { tagCreate(input: { name: \"New\" }) { tag { id } } }";
    let before = app.bearer(&access).await.unwrap().run(tag, Json::Null).await;
    assert_eq!(before["errors"][0]["extensions"]["code"], "FORBIDDEN");
    let id = id_of(&app, "viewer@acme.test").await;
    let roles = json!([BuiltInRole::Viewer.id().to_string(), own["id"]]);
    let changed = admin.data(replace, json!({ "id": id, "roles": roles })).await;
    assert_eq!(
        changed["userRolesReplace"]["user"]["roles"],
        json!([{ "name": "VIEWER" }, { "name": "Tagger" }])
    );
    app.bearer(&access).await.unwrap().data(tag, Json::Null).await;
    let taken = admin
        .data(
            "mutation($id: ID!) { roleDelete(id: $id) { userErrors { code field } } }",
            json!({ "id": own["id"] }),
        )
        .await;
    assert_eq!(refusal(&taken["roleDelete"]).0, "NOT_FOUND", "somebody has it");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_names_their_own_role_and_only_an_owner_makes_an_owner() {
    let app = TestApp::new().await;
    let (owner, admin) =
        (app.sign_in("owner@acme.test").await, app.sign_in("admin@acme.test").await);
    let role = |role: BuiltInRole| json!([role.id().to_string()]);
    let replace = async |who: &Person<'_>, id: String, roles: Json| {
        let query = "mutation($id: ID!, $roles: [ID!]!) { userRolesReplace(id: $id, roleIds: $roles) { userErrors { code field } } }";
        who.data(query, json!({ "id": id, "roles": roles })).await["userRolesReplace"].clone()
    };
    let rep = id_of(&app, "rep@acme.test").await;
    assert_eq!(
        refusal(&replace(&admin, admin.user().to_string(), role(BuiltInRole::Owner)).await).0,
        "FORBIDDEN_FIELD"
    );
    assert_eq!(
        refusal(&replace(&admin, rep.clone(), role(BuiltInRole::Owner)).await).0,
        "FORBIDDEN_FIELD"
    );
    assert_eq!(
        refusal(&replace(&admin, owner.user().to_string(), role(BuiltInRole::Viewer)).await).0,
        "FORBIDDEN_FIELD"
    );
    assert_eq!(
        refusal(&replace(&owner, rep.clone(), json!([])).await),
        ("REQUIRED", vec!["roleIds"])
    );
    let nothing = json!([BuiltInRole::Rep.id().to_string(), "role_01h2xcejqtf2nbrexx3vqjhp41"]);
    assert_eq!(
        refusal(&replace(&owner, rep.clone(), nothing).await),
        ("NOT_FOUND", vec!["roleIds"])
    );
    assert_eq!(replace(&owner, rep, role(BuiltInRole::Owner)).await["userErrors"], json!([]));
    let denied = app
        .sign_in("manager@acme.test")
        .await
        .run(
            "mutation { roleCreate(input: { name: \"x\", grants: [] }) { role { id } } }",
            Json::Null,
        )
        .await;
    assert_eq!(denied["errors"][0]["extensions"]["code"], "FORBIDDEN");
    let far = "mutation { roleCreate(input: { name: \"x\", grants: [{ permission: \"nothing:do\" }] }) { userErrors { code field } } }";
    assert_eq!(
        refusal(&admin.data(far, Json::Null).await["roleCreate"]),
        ("INVALID", vec!["grants"])
    );
}

/// Two owners unmake each other at once: one stays.
#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_keeps_an_owner() {
    let app = TestApp::new().await;
    app.sql("UPDATE kontor.memberships SET roles = '{OWNER}' WHERE user_id = (SELECT id FROM kontor.users WHERE email = 'admin@acme.test')").await;
    let (a, b) = (app.sign_in("owner@acme.test").await, app.sign_in("admin@acme.test").await);
    let leave = async |who: &Person<'_>, whom: &Person<'_>| {
        let query = "mutation($id: ID!) { userDeactivate(id: $id) { user { active } userErrors { code } } }";
        who.data(query, json!({ "id": whom.user().to_string() })).await["userDeactivate"].clone()
    };
    let (one, two) = futures_util::join!(leave(&a, &b), leave(&b, &a));
    let refused = [&one, &two].iter().filter(|answer| answer["user"].is_null()).count();
    assert_eq!(refused, 1, "{one} {two}");
    let left = app.sql("SELECT count(*) FROM kontor.memberships m JOIN kontor.tenants t ON t.id = m.tenant_id WHERE t.slug = 'acme' AND 'OWNER' = ANY (roles) AND deactivated_at IS NULL").await;
    assert_eq!(left, ["1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_is_out_at_once() {
    let app = TestApp::new().await;
    let (access, refresh_token) = tokens(&app, "rep@acme.test").await;
    let admin = app.sign_in("admin@acme.test").await;
    let id = app.bearer(&access).await.unwrap().user().to_string();
    let set = async |what: &str| {
        let query = format!(
            "mutation($id: ID!) {{ {what}(id: $id) {{ user {{ active }} userErrors {{ code }} }} }}"
        );
        admin.data(&query, json!({ "id": id })).await[what]["user"]["active"].clone()
    };
    assert_eq!(set("userDeactivate").await, false);
    assert!(app.bearer(&access).await.is_none());
    assert_eq!(refusal(&refresh(&app, &refresh_token).await).0, "INVALID_CREDENTIALS");
    let again = app.anonymous().data(SIGN_IN, json!({ "email": "rep@acme.test" })).await;
    assert_eq!(again["signIn"]["accessToken"], Json::Null);
    assert_eq!(set("userReactivate").await, true);
    tokens(&app, "rep@acme.test").await;
}

/// A role that manages people makes nobody who may do more than its holder, and leaves those alone
/// who may already.
#[tokio::test(flavor = "multi_thread")]
async fn who_manages_people_hands_out_no_more_than_they_have() {
    let app = TestApp::new().await;
    let admin = app.sign_in("admin@acme.test").await;
    let role = "mutation { roleCreate(input: { name: \"Doorkeeper\", grants: [{ permission: \"user:manage\" }, { permission: \"user:read\" }, { permission: \"role:read\" }] }) { role { id } } }";
    let role = admin.data(role, Json::Null).await["roleCreate"]["role"]["id"].clone();
    let give = "mutation($id: ID!, $r: [ID!]!) { userRolesReplace(id: $id, roleIds: $r) { user { id } userErrors { code field } } }";
    let viewer = json!(kontor::access::BuiltInRole::Viewer.id().to_string());
    let admins = json!(kontor::access::BuiltInRole::Admin.id().to_string());
    let keeper = id_of(&app, "viewer@acme.test").await;
    admin.data(give, json!({ "id": keeper, "r": [role, viewer] })).await;
    let keeper = app.sign_in("viewer@acme.test").await;
    let field = id_of(&app, "field@acme.test").await;
    let refused = keeper.data(give, json!({ "id": field, "r": [admins] })).await;
    assert_eq!(refusal(&refused["userRolesReplace"]), ("FORBIDDEN_FIELD", vec!["roleIds"]));
    let invite = "mutation($r: [ID!]!) { invitationCreate(input: { email: \"friend@elsewhere.example\", roleIds: $r }) { invitation { id } userErrors { code field } } }";
    let refused = keeper.data(invite, json!({ "r": [admins] })).await;
    assert_eq!(refusal(&refused["invitationCreate"]), ("FORBIDDEN_FIELD", vec!["roleIds"]));
    let manager = id_of(&app, "manager@acme.test").await;
    for query in [
        "mutation($id: ID!) { userUnlock(id: $id) { userErrors { code field } } }",
        "mutation($id: ID!) { userTotpReset(id: $id) { userErrors { code field } } }",
        "mutation($id: ID!) { userManagerSet(id: $id) { userErrors { code field } } }",
        "mutation($id: ID!) { userDeactivate(id: $id) { userErrors { code field } } }",
        "mutation($id: ID!) { userReactivate(id: $id) { userErrors { code field } } }",
    ] {
        let refused = keeper.data(query, json!({ "id": manager })).await;
        let payload = refused.as_object().unwrap().values().next().unwrap();
        assert_eq!(refusal(payload), ("FORBIDDEN_FIELD", vec!["id"]), "{query}");
    }
    let fine = keeper.data(give, json!({ "id": field, "r": [viewer] })).await;
    assert_eq!(fine["userRolesReplace"]["userErrors"], json!([]));
    assert_eq!(app.sql("SELECT count(*) FROM kontor.invitations").await, ["0"]);
}

/// The password is the person's: a new one ends their sessions in every tenant.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_ends_the_sessions_in_other_tenants_too() {
    let app = TestApp::new().await;
    app.sql("INSERT INTO kontor.memberships (tenant_id, user_id, roles, created_at) SELECT t.id, u.id, '{VIEWER}', now() FROM kontor.tenants t, kontor.users u WHERE t.slug = 'globex' AND u.email = 'rep@acme.test'").await;
    let sign_in = async |tenant: &str| {
        let query = "mutation($t: String) { signIn(input: { email: \"rep@acme.test\", password: \"kontor-demo\", tenant: $t }) { accessToken } }";
        let answer = app.anonymous().data(query, json!({ "t": tenant })).await;
        answer["signIn"]["accessToken"].as_str().unwrap().to_owned()
    };
    let (here, there) = (sign_in("acme").await, sign_in("globex").await);
    let change = "mutation { passwordChange(password: \"kontor-demo\", newPassword: \"four words at random\") { userErrors { code } } }";
    app.bearer(&here).await.unwrap().data(change, Json::Null).await;
    assert!(app.bearer(&here).await.is_some(), "the one that asked stays");
    assert!(app.bearer(&there).await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_makes_or_gives_away_records_beyond_their_reach() {
    let app = TestApp::new().await;
    let rep = app.sign_in("rep@acme.test").await;
    let other = id_of(&app, "rep2@acme.test").await;
    let make = "mutation($o: ID) { companyCreate(input: { name: \"Theirs\", ownerId: $o }) { company { id } userErrors { code field } } }";
    let refused = rep.data(make, json!({ "o": other })).await;
    assert_eq!(refusal(&refused["companyCreate"]), ("FORBIDDEN_FIELD", vec!["ownerId"]));
    let own = rep.data(make, json!({})).await["companyCreate"]["company"]["id"].clone();
    let give = "mutation($id: ID!, $o: ID) { companyUpdate(id: $id, input: { ownerId: $o }) { company { id } userErrors { code field } } }";
    for to in [json!(other), Json::Null] {
        let refused = rep.data(give, json!({ "id": own, "o": to })).await;
        assert_eq!(refusal(&refused["companyUpdate"]), ("FORBIDDEN_FIELD", vec!["ownerId"]));
    }
    let manager = app.sign_in("manager@acme.test").await;
    let given = manager.data(give, json!({ "id": own, "o": other })).await;
    assert_eq!(given["companyUpdate"]["userErrors"], json!([]));
}

/// What gives out tokens cannot be tried out: they would be good.
#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_signs_nobody_in() {
    let app = TestApp::new().await;
    let (_, token) = tokens(&app, "rep@acme.test").await;
    let nobody = app.anonymous().dry_run();
    let query = "mutation($t: String!) { sessionRefresh(refreshToken: $t) { accessToken refreshToken userErrors { code } } }";
    let tried = nobody.data(query, json!({ "t": token })).await["sessionRefresh"].clone();
    assert_eq!(refusal(&tried).0, "INVALID");
    assert!(tried["accessToken"].is_null() && tried["refreshToken"].is_null());
    let sign_in = "mutation { signIn(input: { email: \"rep@acme.test\", password: \"kontor-demo\" }) { accessToken userErrors { code } } }";
    assert!(nobody.data(sign_in, Json::Null).await["signIn"]["accessToken"].is_null());
    assert!(refresh(&app, &token).await["accessToken"].is_string(), "it was not used");
}

/// A request gives its connection back before it waits for its turn at hashing.
#[tokio::test(flavor = "multi_thread")]
async fn waiting_for_a_turn_holds_no_connection() {
    let app = TestApp::with(|settings| settings.pool_size = 1).await;
    let rep = app.sign_in("rep@acme.test").await;
    let query = "mutation { a: tagCreate(input: { name: \"One\" }) { tag { name } } b: totpEnrol(password: \"kontor-demo\") { secret userErrors { code } } c: tagCreate(input: { name: \"Two\" }) { tag { name } } }";
    let done = rep.data(query, Json::Null).await;
    assert!(done["b"]["secret"].is_string() && done["c"]["tag"]["name"] == "Two", "{done}");
}
