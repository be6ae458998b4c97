//! Whatever a stranger sends: documents and bodies that nobody would write. Each gets a coded
//! answer, soon, and nothing breaks. What once failed is tried again first
//! (`tests/corpus/seeds.txt`); `tests/corpus/documents` are known troublemakers.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use kontor::graphql::Answer;
use proptest::{prelude::*, test_runner::FileFailurePersistence};
use serde_json::{Value as Json, json};

use crate::support::{
    TestApp,
    server::{Folder, Server},
    tape::Tape,
};

/// Nothing takes that long; a machine that is busy with other tests may.
const HANG: Duration = Duration::from_secs(20);

/// All codes that a client may meet, but for the one that says we have a bug.
const CODES: [&str; 26] = [
    "GRAPHQL_PARSE_FAILED",
    "GRAPHQL_VALIDATION_FAILED",
    "OPERATION_RESOLUTION_FAILURE",
    "BAD_USER_INPUT",
    "BAD_REQUEST",
    "UNSUPPORTED_MEDIA_TYPE",
    "NOT_ACCEPTABLE",
    "METHOD_NOT_ALLOWED",
    "PAYLOAD_TOO_LARGE",
    "DOCUMENT_TOO_COMPLEX",
    "COST_LIMIT_EXCEEDED",
    "THROTTLED",
    "BATCHING_NOT_SUPPORTED",
    "CSRF_BLOCKED",
    "UNAUTHENTICATED",
    "FORBIDDEN",
    "NOT_FOUND",
    "INVALID_CURSOR",
    "CONFLICT",
    "IDEMPOTENCY_KEY_REUSED",
    "PERSISTED_DOCUMENT_NOT_FOUND",
    "PERSISTED_DOCUMENT_REQUIRED",
    "PERSISTED_QUERY_NOT_FOUND",
    "PERSISTED_QUERY_HASH_MISMATCH",
    "TIMEOUT",
    "UNAVAILABLE",
];

fn coded(body: &Json) -> Result<(), String> {
    for error in body["errors"].as_array().into_iter().flatten() {
        let code = error["extensions"]["code"].as_str().unwrap_or("no code");
        if !CODES.contains(&code) || error["extensions"]["requestId"].is_null() {
            return Err(format!("{error}"));
        }
    }
    match body.get("errors").is_some() || body.get("data").is_some() {
        true => Ok(()),
        false => Err(format!("neither data nor errors: {body}")),
    }
}

fn sound(answer: &Answer) -> Result<(), String> {
    let body = serde_json::from_slice(&answer.body).map_err(|error| error.to_string())?;
    coded(&body)
}

fn config(cases: u32) -> ProptestConfig {
    let mut config = ProptestConfig::default();
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = cases;
    }
    let seeds = FileFailurePersistence::Direct("tests/corpus/seeds.txt");
    config.failure_persistence = Some(Box::new(seeds));
    config.max_shrink_iters = 2000;
    config
}

#[test]
fn no_document_breaks_anything() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let app = runtime.block_on(TestApp::new());
    let person = runtime.block_on(app.sign_in("manager@acme.test"));
    proptest!(config(300), |(tape in prop::collection::vec(any::<u16>(), 0..400))| {
        let (document, variables) = Tape::new(&tape).document();
        // So that no bucket is ever empty.
        app.clock.advance(Duration::from_secs(30));
        let began = Instant::now();
        let answer = runtime.block_on(app.api.answer(person.call(&document, variables)));
        prop_assert!(sound(&answer).is_ok(), "{:?}\n{}", sound(&answer), document);
        prop_assert!(began.elapsed() < HANG, "{:?}\n{}", began.elapsed(), document);
        let question = "query($d: String!) { explain(document: $d) { wouldRun cost } }";
        let answer = runtime.block_on(app.api.answer(person.call(question, json!({ "d": document }))));
        prop_assert!(sound(&answer).is_ok(), "explained: {:?}\n{}", sound(&answer), document);
    });
}

/// The generator is worth something only if much of what it makes is valid.
#[test]
fn many_of_the_documents_are_documents() {
    let mut state = 7_u64;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u16::try_from(state >> 48).unwrap()
    };
    let parsed = (0..200).filter(|_| {
        let tape: Vec<u16> = (0..200).map(|_| next()).collect();
        async_graphql::parser::parse_query(Tape::new(&tape).document().0).is_ok()
    });
    let parsed = parsed.count();
    assert!((80..200).contains(&parsed), "{parsed} of 200");
}

#[tokio::test(flavor = "multi_thread")]
async fn known_troublemakers_are_refused() {
    let app = TestApp::new().await;
    let person = app.sign_in("manager@acme.test").await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/documents");
    let mut seen = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        let expected = text.lines().next().and_then(|line| line.strip_prefix("# "));
        let expected = expected.unwrap_or_else(|| panic!("{}: no code", path.display()));
        let began = Instant::now();
        let answer = app.api.answer(person.call(&text, Json::Null)).await;
        sound(&answer).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(answer.codes.first(), Some(&expected), "{}", path.display());
        assert!(began.elapsed() < HANG, "{}", path.display());
        seen += 1;
    }
    assert!(seen >= 8, "{seen}");
}

/// What may stand in a body, at any place.
fn anything() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        ".{0,30}".prop_map(Json::from),
        prop::sample::select(vec![
            "{ viewer { permissions } }",
            "query A($n: Int) { companies(first: $n) { nodes { id } } }",
            "mutation { signOut { userErrors { code } } }",
            "\u{0}",
            "{ __typename }",
            "A",
        ])
        .prop_map(Json::from),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
            prop::collection::btree_map(".{0,8}", inner, 0..5)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

fn request() -> impl Strategy<Value = String> {
    let member =
        |name: &'static str| prop::option::of(anything()).prop_map(move |value| (name, value));
    let request = (
        member("query"),
        member("variables"),
        member("operationName"),
        member("extensions"),
        member("documentId"),
        any::<bool>(),
    );
    request.prop_map(|(a, b, c, d, e, sane)| {
        let members = [a, b, c, d, e].into_iter().filter_map(|(name, value)| Some((name, value?)));
        let mut body: serde_json::Map<String, Json> =
            members.map(|(name, value)| (name.to_owned(), value)).collect();
        if sane {
            body.insert(
                "query".into(),
                "query A($n: Int) { companies(first: $n) { nodes { id } } }".into(),
            );
        }
        Json::Object(body).to_string()
    })
}

fn body() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => request(),
        1 => (request(), any::<prop::sample::Index>()).prop_map(|(text, at)| {
            let mut at = at.index(text.len() + 1);
            while !text.is_char_boundary(at) { at -= 1; }
            text[..at].to_owned()
        }),
        1 => ".{0,200}",
        1 => (1_usize..3000).prop_map(|deep| "[".repeat(deep)),
        1 => (1_usize..3000).prop_map(|deep| format!("{{\"query\":\"{{a}}\",\"variables\":{}{}}}", "{\"a\":".repeat(deep), "}".repeat(deep))),
    ]
}

#[test]
fn no_body_breaks_anything() {
    let folder = Folder::new();
    let data = folder.0.to_str().unwrap();
    let server =
        Server::start(&["serve", "--demo", "--data-dir", data, "--limit-anonymous", "1000000"]);
    let token = server.sign_in("manager@acme.test");
    let authorization = format!("Authorization: Bearer {token}\r\n");
    proptest!(config(150), |(
        body in body(),
        kind in prop::sample::select(vec!["application/json", "application/json; charset=utf-8", "text/plain", "application/graphql", ""]),
        accept in prop::sample::select(vec!["application/json", "application/graphql-response+json", "*/*", "image/png"]),
        signed_in in any::<bool>(),
        method in prop::sample::select(vec!["POST", "POST", "POST", "PUT"]),
    )| {
        let authorization = if signed_in { authorization.as_str() } else { "" };
        let headers = format!("Content-Type: {kind}\r\nAccept: {accept}\r\n{authorization}");
        let began = Instant::now();
        let reply = server.http(method, "/graphql", &headers, &body);
        prop_assert!(began.elapsed() < HANG, "{:?}", began.elapsed());
        prop_assert!((200..500).contains(&reply.status), "{:?}", reply);
        prop_assert!(coded(&reply.json()).is_ok(), "{:?}", reply);
    });
    assert!(server.stop().success());
}
