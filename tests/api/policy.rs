//! What a tenant asks of its people besides a password.

use serde_json::{Value as Json, json};

use crate::support::{TestApp, refusal};

const UPDATE: &str = "mutation($v: Int, $i: SecurityPolicyInput!) { securityPolicyUpdate(expectedVersion: $v, input: $i) { securityPolicy { administratorAddresses stepUpPermissions recordedPermissions version } userErrors { code field } } }";

#[tokio::test(flavor = "multi_thread")]
async fn administrators_come_from_where_the_tenant_says() {
    let app = TestApp::new().await;
    let sign_in = async |email: &str, address: &str| {
        let query = "mutation($e: String!) { signIn(input: { email: $e, password: \"kontor-demo\" }) { accessToken refreshToken userErrors { code message } } }";
        app.anonymous().coming_from(address).data(query, json!({ "e": email })).await["signIn"]
            .clone()
    };
    let (inside, outside) = ("203.0.113.7", "198.51.100.7");
    let token = sign_in("admin@acme.test", inside).await["accessToken"].clone();
    let token = token.as_str().unwrap();
    let list = json!({ "i": { "administratorAddresses": ["203.0.113.0/24", "2001:db8::1"] } });
    let admin = app.bearer(token).await.unwrap();
    let kept_out = admin.coming_from(outside).data(UPDATE, list.clone()).await;
    assert_eq!(
        refusal(&kept_out["securityPolicyUpdate"]),
        ("INVALID", vec!["administratorAddresses"])
    );
    let set = admin.coming_from(inside).data(UPDATE, list).await;
    let policy = &set["securityPolicyUpdate"]["securityPolicy"];
    assert_eq!(policy["administratorAddresses"], json!(["203.0.113.0/24", "2001:db8::1/128"]));

    // The token of the session, then a new sign-in, then its refresh.
    assert!(app.bearer_from(token, Some(inside)).await.is_some());
    assert!(app.bearer_from(token, Some(outside)).await.is_none());
    assert!(app.bearer(token).await.is_none(), "an unknown address is none of them");
    let refused = sign_in("admin@acme.test", outside).await;
    assert_eq!(refusal(&refused).0, "INVALID_CREDENTIALS");
    let sessions = "SELECT count(*) FROM kontor.sessions s JOIN kontor.users u ON u.id = s.user_id WHERE u.email = 'admin@acme.test'";
    assert_eq!(app.sql(sessions).await, ["1"], "no session was left behind");
    let good = sign_in("admin@acme.test", inside).await;
    let refresh = "mutation($t: String!) { sessionRefresh(refreshToken: $t) { accessToken userErrors { code } } }";
    let token = json!({ "t": good["refreshToken"] });
    let refused = app.anonymous().coming_from(outside).data(refresh, token.clone()).await;
    assert_eq!(refusal(&refused["sessionRefresh"]).0, "INVALID_CREDENTIALS");
    let inside_again = app.anonymous().coming_from(inside).data(refresh, token).await;
    assert!(inside_again["sessionRefresh"]["accessToken"].is_string(), "it was not used up");
    // Others come from anywhere, and so do administrators of another tenant.
    assert!(sign_in("rep@acme.test", outside).await["accessToken"].is_string());
    assert!(sign_in("admin@globex.test", outside).await["accessToken"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policy_is_checked_and_two_changes_of_it_meet() {
    let app = TestApp::new().await;
    let admin = app.sign_in("admin@acme.test").await;
    for (input, field) in [
        (json!({ "administratorAddresses": ["localhost"] }), "administratorAddresses"),
        (json!({ "stepUpPermissions": ["account:use"] }), "stepUpPermissions"),
        (json!({ "stepUpPermissions": ["company:eat"] }), "stepUpPermissions"),
        (json!({ "recordedPermissions": ["x"] }), "recordedPermissions"),
    ] {
        let refused = admin.data(UPDATE, json!({ "i": input })).await;
        assert_eq!(refusal(&refused["securityPolicyUpdate"]), ("INVALID", vec![field]));
    }
    let change = json!({ "v": 0, "i": { "recordedPermissions": ["money:read", "money:read"] } });
    let both =
        futures_util::future::join_all((0..5).map(|_| admin.data(UPDATE, change.clone()))).await;
    let won = both.iter().filter(|one| one["securityPolicyUpdate"]["securityPolicy"].is_object());
    assert_eq!(won.count(), 1, "{both:?}");
    let stale = admin.data(UPDATE, change).await;
    assert_eq!(refusal(&stale["securityPolicyUpdate"]).0, "STALE_VERSION");
    let read = "{ securityPolicy { recordedPermissions stepUpPermissions } }";
    let policy = admin.data(read, Json::Null).await["securityPolicy"].clone();
    assert_eq!(policy, json!({ "recordedPermissions": ["money:read"], "stepUpPermissions": [] }));
    let elsewhere = app.sign_in("admin@globex.test").await.data(read, Json::Null).await;
    assert_eq!(elsewhere["securityPolicy"]["recordedPermissions"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_question_is_not_taken_away_without_an_answer() {
    let app = TestApp::new().await;
    let (_, codes) = app.enrol("admin@acme.test").await;
    let query = "mutation($c: String) { signIn(input: { email: \"admin@acme.test\", password: \"kontor-demo\", totp: $c }) { accessToken } }";
    let session = app.anonymous().data(query, json!({ "c": codes[0] })).await;
    let token = session["signIn"]["accessToken"].as_str().unwrap();
    let ask = json!({ "i": { "stepUpPermissions": ["user:manage"] } });
    app.bearer(token).await.unwrap().data(UPDATE, ask).await;
    app.clock.advance(std::time::Duration::from_mins(11));
    let none = json!({ "i": { "stepUpPermissions": [] } });
    let refused = app.bearer(token).await.unwrap().run(UPDATE, none.clone()).await;
    assert_eq!(refused["errors"][0]["extensions"]["reason"], "TOTP_REQUIRED");
    let show = "mutation($c: String!) { stepUp(totp: $c) { userErrors { code } } }";
    app.bearer(token).await.unwrap().data(show, json!({ "c": codes[1] })).await;
    let done = app.bearer(token).await.unwrap().data(UPDATE, none).await;
    assert_eq!(done["securityPolicyUpdate"]["securityPolicy"]["stepUpPermissions"], json!([]));
}
