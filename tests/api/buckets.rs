//! What a caller and an address may ask in a while, and what answers say of it.

use std::time::Duration;

use kontor::{
    config::Limits,
    graphql::{Answer, SIGN_INS},
};
use serde_json::{Value as Json, json};

use crate::support::{Person, TestApp, sdl::schema};

const PAGE: &str = "query($n: Int) { companies(first: $n) { nodes { name owner { name } } pageInfo { endCursor } } }";

fn small() -> Limits {
    Limits { points: 1000, restored: 10, anonymous: 5, sign_ins: 3, ..Limits::DEFAULT }
}

fn json(answer: &Answer) -> Json {
    serde_json::from_slice(&answer.body).unwrap()
}

fn header(answer: &Answer, name: &str) -> String {
    let found = answer.headers.iter().find(|(known, _)| known == name);
    found.unwrap_or_else(|| panic!("{name}")).1.to_str().unwrap().to_owned()
}

async fn ask(person: &Person<'_>, query: &str, variables: Json) -> Answer {
    let mut person = person.clone();
    person.tell_cost = true;
    person.answer(query, variables).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_tells_what_it_cost() {
    let app = TestApp::new().await.limited(small());
    let manager = app.sign_in("manager@acme.test").await;
    let answer = ask(&manager, PAGE, json!({ "n": 3 })).await;
    let cost = json(&answer)["extensions"]["cost"].clone();
    // At most 2 + 3 × (company, owner, pageInfo); in truth the page's place is told once.
    let expected = json!({
        "requestedQueryCost": 11,
        "actualQueryCost": 9,
        "throttleStatus": { "maximumAvailable": 1000, "currentlyAvailable": 991, "restoreRate": 10 },
    });
    assert_eq!(cost, expected);
    assert_eq!(header(&answer, "x-ratelimit-limit"), "1000");
    assert_eq!(header(&answer, "x-ratelimit-remaining"), "991");
    assert_eq!(header(&answer, "x-ratelimit-reset"), "1");
    for (query, requested, actual) in [
        ("{ __typename __schema { types { name fields { name } } } }", 0, 0),
        ("{ viewer { permissions } }", 1, 1),
        ("{ viewer { user { email } } a: viewer { permissions } }", 3, 3),
        ("{ companies(first: 100, where: { name: { eq: \"nobody\" } }) { nodes { id } } }", 102, 2),
        ("{ node(id: \"company_00000000000000000000000000\") { id } }", 1, 0),
        (
            "mutation { tagCreate(input: { name: \"Dear\" }) { tag { id } userErrors { code } } }",
            22,
            12,
        ),
        (
            "mutation { tagCreate(input: { name: \"\" }) { tag { id } userErrors { code } } }",
            22,
            12,
        ),
        (
            "{ companies(first: 2) { edges { node { id } } ... on CompanyConnection @include(if: true) { nodes { id } } } }",
            8,
            8,
        ),
    ] {
        let answer = json(&ask(&manager, query, Json::Null).await);
        let cost = &answer["extensions"]["cost"];
        let told = (&cost["requestedQueryCost"], &cost["actualQueryCost"]);
        assert_eq!(told, (&json!(requested), &json!(actual)), "{query} {answer}");
    }
    // What was not used is there again: else ten of these would empty the bucket.
    let empty = "{ companies(first: 100, where: { name: { eq: \"nobody\" } }) { nodes { id } } }";
    for _ in 0..20 {
        assert!(ask(&manager, empty, Json::Null).await.codes.is_empty());
    }
    let node = json(&ask(&manager, "{ companies(first: 1) { nodes { id } } }", Json::Null).await);
    let id = &node["data"]["companies"]["nodes"][0]["id"];
    let by_id = "query($id: ID!) { node(id: $id) { id ... on Company { owner { id } } } }";
    let answer = json(&ask(&manager, by_id, json!({ "id": id })).await);
    assert_eq!(answer["extensions"]["cost"]["actualQueryCost"], 2, "{answer}");
    let quiet = manager.run(by_id, json!({ "id": id })).await;
    assert!(quiet.get("extensions").is_none(), "{quiet}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_spent_everything_waits() {
    let app = TestApp::new().await.limited(small());
    let (manager, rep) =
        (app.sign_in("manager@acme.test").await, app.sign_in("rep@acme.test").await);
    let none = TestApp::new().await.limited(Limits { points: 0, ..small() });
    let nothing = none.as_viewer(manager.viewer());
    assert_eq!(ask(&nothing, "{ viewer { permissions } }", Json::Null).await.codes, ["THROTTLED"]);
    let dear = "{ a: companies(first: 100) { nodes { owner { id } } } b: companies(first: 100) { nodes { id } } }";
    let mut refused = None;
    for _ in 0..30 {
        let answer = ask(&manager, dear, Json::Null).await;
        if !answer.codes.is_empty() {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.unwrap();
    assert_eq!(refused.codes, ["THROTTLED"]);
    assert!(!refused.executed && refused.statements == 0);
    let told = json(&refused);
    assert!(told.get("data").is_none(), "{told}");
    let cost = &told["extensions"]["cost"];
    let left = cost["throttleStatus"]["currentlyAvailable"].as_u64().unwrap();
    assert_eq!((&cost["requestedQueryCost"], &cost["actualQueryCost"]), (&json!(304), &json!(0)));
    assert!(left < 304, "{told}");
    assert_eq!(header(&refused, "x-ratelimit-remaining"), left.to_string());
    let wait = refused.retry_after.unwrap();
    assert_eq!(wait, (304 - left).div_ceil(10), "ten come back each second");
    assert_eq!(told["errors"][0]["extensions"]["retryAfter"], wait);
    assert_eq!(told["errors"][0]["extensions"]["requestId"], "test");
    // What is cheap still goes, and others have points of their own.
    assert!(ask(&manager, "{ viewer { permissions } }", Json::Null).await.codes.is_empty());
    assert!(ask(&rep, dear, Json::Null).await.codes.is_empty());
    app.clock.advance(Duration::from_secs(wait - 1));
    assert_eq!(ask(&manager, dear, Json::Null).await.codes, ["THROTTLED"]);
    app.clock.advance(Duration::from_secs(2));
    assert!(ask(&manager, dear, Json::Null).await.codes.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_its_own_limits() {
    let app = TestApp::new().await.limited(small());
    let here = app.anonymous().coming_from("2001:db8::1");
    let neighbour = app.anonymous().coming_from("2001:db8::2:0:0:7");
    let elsewhere = app.anonymous().coming_from("2001:db8:0:1::1");
    for _ in 0..4 {
        assert!(here.answer("{ viewer { permissions } }", Json::Null).await.codes.is_empty());
    }
    // It counts before anything is read.
    assert_eq!(neighbour.answer("{ nonsense", Json::Null).await.codes, ["GRAPHQL_PARSE_FAILED"]);
    let refused = neighbour.answer("{ viewer { permissions } }", Json::Null).await;
    assert_eq!(
        (refused.codes.as_slice(), refused.retry_after),
        (["THROTTLED"].as_slice(), Some(12))
    );
    assert_eq!(header(&refused, "x-ratelimit-limit"), "5");
    assert!(elsewhere.answer("{ viewer { permissions } }", Json::Null).await.codes.is_empty());
    assert!(app.anonymous().answer("{ __typename }", Json::Null).await.codes.is_empty());
    let signed_in = app.sign_in("rep@acme.test").await.coming_from("2001:db8::1");
    for _ in 0..10 {
        assert!(signed_in.answer("{ viewer { permissions } }", Json::Null).await.codes.is_empty());
    }
    app.clock.advance(Duration::from_secs(12));
    assert!(here.answer("{ viewer { permissions } }", Json::Null).await.codes.is_empty());
    assert!(!here.answer("{ viewer { permissions } }", Json::Null).await.codes.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_ins_are_counted_by_the_field() {
    let app = TestApp::new().await.limited(small());
    let try_at = |address: &'static str, times: usize| {
        let fields = (0..times).map(|at| {
            format!("a{at}: signIn(input: {{ email: \"rep@acme.test\", password: \"wrong\" }}) {{ accessToken }}")
        });
        let query = format!("mutation {{ {} }}", fields.collect::<Vec<_>>().join(" "));
        let nobody = app.anonymous().coming_from(address);
        async move { nobody.answer(&query, Json::Null).await }
    };
    assert_eq!(try_at("192.0.2.1", 4).await.codes, ["THROTTLED"]);
    assert!(try_at("192.0.2.1", 3).await.codes.is_empty());
    let refused = try_at("192.0.2.1", 1).await;
    assert_eq!(
        (refused.codes.as_slice(), refused.retry_after),
        (["THROTTLED"].as_slice(), Some(20))
    );
    assert!(try_at("192.0.2.2", 2).await.codes.is_empty());
    let reset =
        "mutation { passwordResetRequest(email: \"nobody@acme.test\") { userErrors { code } } }";
    let nobody = app.anonymous().coming_from("192.0.2.2");
    assert!(nobody.answer(reset, Json::Null).await.codes.is_empty());
    let spread = "mutation { ...F } fragment F on Mutation { ... { passwordResetRequest(email: \"x@acme.test\") { userErrors { code } } } }";
    assert_eq!(nobody.answer(spread, Json::Null).await.codes, ["THROTTLED"]);
    // Whoever has signed in may not guess either.
    let rep = app.sign_in("rep@acme.test").await.coming_from("192.0.2.2");
    assert_eq!(rep.answer(reset, Json::Null).await.codes, ["THROTTLED"]);
    let refresh = "mutation { sessionRefresh(refreshToken: \"wrong\") { accessToken } }";
    assert!(!nobody.answer(refresh, Json::Null).await.codes.contains(&"THROTTLED"));
}

/// A public change that is added counts as a sign-in, or it is said here why not.
#[test]
fn every_public_change_is_a_sign_in_or_proves_itself() {
    // A refresh token cannot be guessed.
    let proved = ["sessionRefresh"];
    let schema = schema();
    let mut seen = Vec::new();
    for (root, field) in schema.roots() {
        let public = field.directives.iter().any(|one| one.node.name.node == "public");
        let name = field.name.node.as_str();
        if root == "Mutation" && public {
            let counted = SIGN_INS.contains(&name);
            assert!(counted != proved.contains(&name), "{name}");
            seen.push(name);
        }
    }
    assert_eq!(seen.len(), SIGN_INS.len() + proved.len(), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_limits_only_warn_everything_runs_and_is_told() {
    let limits =
        Limits { warn_only: true, points: 10, cost: 50, aliases: 1, variables: 10, ..small() };
    let app = TestApp::new().await.limited(limits);
    let manager = app.sign_in("manager@acme.test").await;
    let query =
        "query($n: Int) { a: companies(first: $n) { nodes { id } } b: viewer { permissions } }";
    let answer = ask(&manager, query, json!({ "n": 100, "x": "unused" })).await;
    assert!(answer.codes.is_empty(), "{answer:?}");
    let told = json(&answer)["extensions"]["exceeded"].clone();
    let codes: Vec<&str> =
        told.as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["DOCUMENT_TOO_COMPLEX", "COST_LIMIT_EXCEEDED", "PAYLOAD_TOO_LARGE"]);
    let again = json(
        &ask(&manager, "{ viewer { permissions } companies { nodes { id } } }", Json::Null).await,
    );
    assert_eq!(again["extensions"]["exceeded"][0]["code"], "THROTTLED", "{again}");
    let nobody = app.anonymous().coming_from("192.0.2.1");
    for _ in 0..7 {
        assert!(nobody.answer("{ __typename }", Json::Null).await.codes.is_empty());
    }
    // What would harm the reader itself is refused all the same.
    for text in [
        "{ a ".repeat(60) + &"}".repeat(60),
        format!("{{ viewer {{ {} }} }}", "permissions ".repeat(2001)),
        format!("{{ __typename }}{}", " ".repeat(70_000)),
    ] {
        assert_eq!(manager.answer(&text, Json::Null).await.codes, ["DOCUMENT_TOO_COMPLEX"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_and_answers_have_their_size() {
    let app = TestApp::new().await;
    let viewer = app.sign_in("manager@acme.test").await.viewer();
    let app = app.limited(Limits { variables: 20, answer: 300, ..small() });
    let manager = app.as_viewer(viewer);
    let query = "query($n: Int) { companies(first: $n) { nodes { id } } }";
    let answer = manager.answer(query, json!({ "n": 1, "x": "123456" })).await;
    assert!(answer.codes.is_empty(), "{answer:?}");
    let answer = manager.answer(query, json!({ "n": 1, "x": "1234567" })).await;
    assert_eq!(
        (answer.codes.as_slice(), answer.executed),
        (["PAYLOAD_TOO_LARGE"].as_slice(), false)
    );
    let answer = manager.answer(query, json!({ "n": 20 })).await;
    assert_eq!(
        (answer.codes.as_slice(), answer.executed),
        (["COST_LIMIT_EXCEEDED"].as_slice(), true)
    );
    assert!(json(&answer)["data"].is_null());
}
