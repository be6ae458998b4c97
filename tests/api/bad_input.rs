//! Whatever somebody sends: a coded refusal, and nothing half-done.

use kontor::{
    access::BuiltInRole,
    accounts::{Bearer, SessionId, Token, UserId},
    ids::new_uuid,
};
use serde_json::{Value as Json, json};

use crate::support::{
    TestApp, refusal,
    server::{Folder, Server},
};

const SIGN_IN: &str = "mutation($e: String!, $p: String!) { signIn(input: { email: $e, password: $p }) { accessToken userErrors { code field } } }";

/// Tokens that we have signed, for what is not so, or no longer.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_good_for_its_person_session_and_tenant_only() {
    let app = TestApp::new().await;
    let (rep, globex) =
        (app.sign_in("rep@acme.test").await, app.sign_in("owner@globex.test").await);
    let ring = app.api.keys().ring(app.api.db(), &app.clock).await.unwrap();
    let own =
        Bearer { user: rep.user(), tenant: rep.tenant(), session: rep.viewer().session.unwrap() };
    let issue = |bearer| Token::issue(&ring, &app.clock, bearer).unwrap().text;
    assert!(app.bearer(&issue(own)).await.is_some());
    for (what, bearer) in [
        ("another tenant", Bearer { tenant: globex.tenant(), ..own }),
        ("another person", Bearer { user: globex.user(), ..own }),
        ("a person that is none", Bearer { user: UserId(new_uuid(&app.clock)), ..own }),
        ("a session that is none", Bearer { session: SessionId(new_uuid(&app.clock)), ..own }),
        ("another's session", Bearer { session: globex.viewer().session.unwrap(), ..own }),
    ] {
        app.clock.advance(std::time::Duration::from_secs(2));
        assert!(app.bearer(&issue(bearer)).await.is_none(), "{what}");
    }
    for (what, statement) in [
        (
            "disabled everywhere",
            "UPDATE kontor.users SET active = false WHERE email = 'rep@acme.test'",
        ),
        ("enabled again", "UPDATE kontor.users SET active = true WHERE email = 'rep@acme.test'"),
        ("revoked", "UPDATE kontor.sessions SET ended_at = now()"),
    ] {
        app.sql(statement).await;
        // What another process does is seen a second later.
        app.clock.advance(std::time::Duration::from_secs(2));
        assert_eq!(app.bearer(&issue(own)).await.is_some(), what == "enabled again", "{what}");
    }
}

#[test]
fn a_bad_token_is_401_whatever_is_wrong_with_it() {
    let folder = Folder::new();
    let server = Server::demo(&folder.0);
    let good = server.sign_in("rep@acme.test");
    let body = json!({ "query": "{ viewer { permissions } }" }).to_string();
    let ask = |authorization: &str| {
        let headers =
            format!("Content-Type: application/json\r\nAuthorization: {authorization}\r\n");
        server.http("POST", "/graphql", &headers, &body)
    };
    assert_eq!(ask(&format!("bearer  {good}")).status, 200);
    let none = "eyJhbGciOiJub25lIn0";
    let claims = good.split('.').nth(1).unwrap();
    for authorization in [
        "",
        "Bearer",
        "Bearer ",
        "Basic cmVwQGFjbWUudGVzdDprb250b3ItZGVtbw==",
        "Token x",
        &format!("Bearer {}", &good[1..]),
        &format!("Bearer {good}x"),
        &format!("Bearer {good} {good}"),
        &format!("Bearer {none}.{claims}."),
        &format!("Bearer {none}.{claims}.x"),
        "Bearer kontor_abcdefgh.AAAA",
        "Bearer \u{e9}",
        &format!("Bearer {}", "x".repeat(7000)),
    ] {
        let reply = ask(authorization);
        assert_eq!(
            (reply.status, reply.code().as_str()),
            (401, "UNAUTHENTICATED"),
            "{authorization:.80}"
        );
        assert!(reply.headers.contains("www-authenticate: bearer"), "{authorization:.80}");
        assert!(reply.json().get("data").is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_one_in_any_case_and_none_that_looks_like_it() {
    let app = TestApp::new().await;
    let sign_in = async |email: &str| {
        app.anonymous().run(SIGN_IN, json!({ "e": email, "p": "kontor-demo" })).await
    };
    for email in ["REP@acme.test", "  rep@acme.test\n", "Rep@ACME.TEST"] {
        let answer = sign_in(email).await;
        assert!(answer["data"]["signIn"]["accessToken"].is_string(), "{email}: {answer}");
    }
    let long = format!("{}@acme.test", "r".repeat(245));
    // A Cyrillic е, a full-width ｒ, a zero-width space, a combining mark, a NUL.
    for email in [
        "r\u{435}p@acme.test",
        "\u{ff52}ep@acme.test",
        "re\u{200b}p@acme.test",
        "re\u{301}p@acme.test",
        "",
        "@",
        &long,
    ] {
        assert_eq!(
            refusal(&sign_in(email).await["data"]["signIn"]).0,
            "INVALID_CREDENTIALS",
            "{email}"
        );
    }
    let admin = app.sign_in("admin@acme.test").await;
    let invite = "mutation($e: String!, $r: ID!) { invitationCreate(input: { email: $e, roleIds: [$r] }) { invitation { email } userErrors { code field } } }";
    let role = BuiltInRole::Rep.id().to_string();
    for email in ["r\u{435}p@acme.test", "re\u{200b}p@acme.test", "a b@acme.test", "a@b", &long] {
        let answer = admin.data(invite, json!({ "e": email, "r": role })).await;
        assert_eq!(refusal(&answer["invitationCreate"]), ("INVALID", vec!["email"]), "{email}");
    }
    assert_eq!(app.sql("SELECT count(*) FROM kontor.invitations").await, ["0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_has_no_marks_that_nobody_sees() {
    let app = TestApp::new().await;
    let owner = app.sign_in("owner@acme.test").await;
    let long = "n".repeat(201);
    for name in [
        "Ada\u{202e}ecalevoL",
        "Ada\u{200b}",
        "\u{feff}Ada",
        "A\u{0}da",
        "A\u{1b}[31mda",
        "A\nda",
        "   ",
        "\u{2066}Ada\u{2069}",
        &long,
    ] {
        let ask = "mutation($n: String!) { accessRequestCreate(input: { tenant: \"acme\", email: \"ada@elsewhere.example\", name: $n }) { userErrors { code field } } }";
        let answer = app.anonymous().data(ask, json!({ "n": name })).await;
        let (_, field) = refusal(&answer["accessRequestCreate"]);
        assert_eq!(field, ["name"], "{name:?}");
        let role = "mutation($n: String!) { roleCreate(input: { name: $n, grants: [] }) { role { id } userErrors { code field } } }";
        assert_eq!(
            refusal(&owner.data(role, json!({ "n": name })).await["roleCreate"]).1,
            ["name"],
            "{name:?}"
        );
        let client = "mutation($n: String!) { apiClientCreate(input: { name: $n, scopes: [], mode: OPEN }) { secret userErrors { code field } } }";
        assert_eq!(
            refusal(&owner.data(client, json!({ "n": name })).await["apiClientCreate"]).1,
            ["name"],
            "{name:?}"
        );
    }
    let kept = "SELECT (SELECT count(*) FROM kontor.access_requests) + (SELECT count(*) FROM kontor.roles) + (SELECT count(*) FROM kontor.api_clients)";
    assert_eq!(app.sql(kept).await, ["0"]);
}

/// What PostgreSQL cannot keep is refused wherever it turns up, and never an internal error.
#[tokio::test(flavor = "multi_thread")]
async fn a_nul_is_refused_everywhere() {
    let app = TestApp::new().await;
    let owner = app.sign_in("owner@acme.test").await;
    let nul = "a\u{0}b";
    for (anonymous, query) in [
        (
            true,
            "mutation($t: String!) { signIn(input: { email: $t, password: \"x\" }) { userErrors { code } } }",
        ),
        (
            true,
            "mutation($t: String!) { signIn(input: { email: \"rep@acme.test\", password: $t }) { userErrors { code } } }",
        ),
        (
            true,
            "mutation($t: String!) { signIn(input: { email: \"rep@acme.test\", password: \"kontor-demo\", tenant: $t }) { userErrors { code } } }",
        ),
        (true, "mutation($t: String!) { passwordResetRequest(email: $t) { userErrors { code } } }"),
        (
            true,
            "mutation($t: String!) { accessRequestCreate(input: { tenant: $t, email: \"a@b.example\", name: \"A\" }) { userErrors { code } } }",
        ),
        (true, "mutation($t: String!) { ssoStart(tenant: $t) { userErrors { code } } }"),
        (
            true,
            "mutation($t: String!) { sessionRefresh(refreshToken: $t) { userErrors { code } } }",
        ),
        (false, "query($t: String!) { companies(where: { search: $t }) { nodes { id } } }"),
        (
            false,
            "query($t: String!) { companies(where: { industry: { in: [$t] } }) { nodes { id } } }",
        ),
        (
            false,
            "query($t: String!) { users(where: { email: { startsWith: $t } }) { nodes { id } } }",
        ),
        (false, "query($t: String!) { auditLog(where: { action: { eq: $t } }) { nodes { id } } }"),
        (false, "query($t: String!) { companies(after: $t) { nodes { id } } }"),
        (
            false,
            "mutation($t: String!) { companyCreate(input: { name: $t }) { userErrors { code } } }",
        ),
        (false, "mutation($t: String!) { totpConfirm(code: $t) { userErrors { code } } }"),
    ] {
        let person = if anonymous { app.anonymous() } else { owner.clone() };
        let answer = person.run(query, json!({ "t": nul })).await;
        let code = answer["errors"][0]["extensions"]["code"].as_str().unwrap_or("fine");
        assert!(["fine", "BAD_USER_INPUT", "INVALID_CURSOR"].contains(&code), "{query}: {answer}");
        let answer = person
            .run(&query.replacen("($t: String!)", "", 1).replace("$t", "\"a\\u0000b\""), Json::Null)
            .await;
        let code = answer["errors"][0]["extensions"]["code"].as_str().unwrap_or("fine");
        assert!(["fine", "BAD_USER_INPUT", "INVALID_CURSOR"].contains(&code), "{query}: {answer}");
    }
}
