//! What a document may amount to, decided before anything runs.

use std::{fmt::Write, time::Instant};

use serde_json::{Value as Json, json};

use crate::support::{Person, TestApp};

async fn code(person: &Person<'_>, query: &str, variables: Json) -> String {
    let answer = person.run(query, variables).await;
    assert!(answer["errors"].is_null() || answer.get("data").is_none(), "{answer}");
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or("fine").to_owned()
}

/// Each fragment spreads the next one twice: 2 to the power of their number.
fn doubling(levels: usize, last: &str) -> String {
    let mut text = "{ ...F0 }".to_owned();
    for level in 0..levels {
        write!(text, " fragment F{level} on Query {{ ...F{0} ...F{0} }}", level + 1).unwrap();
    }
    write!(text, " fragment F{levels} on Query {{ {last} }}").unwrap();
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doubling_document_is_refused_at_once() {
    let app = TestApp::new().await;
    let nobody = app.anonymous();
    let deep = |levels: usize| format!("{{ a {} }}", "{ a ".repeat(levels) + &"}".repeat(levels));
    let unused = doubling(40, "__typename").replace("{ ...F0 }", "{ __typename }");
    let circle = doubling(40, "...F3");
    let empty = doubling(40, "... @skip(if: true) { __typename }");
    for text in [
        doubling(12, "__typename"),
        doubling(40, "__typename"),
        doubling(90, "__typename"),
        unused,
        circle,
        empty,
        deep(90),
        deep(5000),
    ] {
        let began = Instant::now();
        assert_eq!(code(&nobody, &text, Json::Null).await, "DOCUMENT_TOO_COMPLEX", "{text:.100}");
        assert!(began.elapsed().as_millis() < 500, "{:?} for {text:.100}", began.elapsed());
    }
    assert_eq!(code(&nobody, &doubling(5, "__typename"), Json::Null).await, "fine");
    let circle = "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }";
    assert_eq!(code(&nobody, circle, Json::Null).await, "GRAPHQL_VALIDATION_FAILED");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_limit_holds_just_there() {
    let app = TestApp::new().await;
    let manager = app.sign_in("manager@acme.test").await;
    let many =
        |n: usize, part: &dyn Fn(usize) -> String| (0..n).map(part).collect::<Vec<_>>().join(" ");
    for (most, text) in [
        (
            20,
            &(|n| format!("{{ {} }}", many(n, &|at| format!("a{at}: viewer {{ permissions }}"))))
                as &dyn Fn(usize) -> String,
        ),
        (10, &|n| {
            format!(
                "mutation {{ {} }}",
                many(n, &|at| format!(
                    "a{at}: tagCreate(input: {{ name: \"T{n} {at}\" }}) {{ tag {{ id }} }}"
                ))
            )
        }),
        (50, &|n| {
            format!("{{ viewer {{ user {{ {} }} }} }}", many(n, &|at| format!("a{at}: email")))
        }),
        (100, &|n| {
            let spreads = many(n, &|at| format!("...F{at}"));
            let fragments = many(n, &|at| format!("fragment F{at} on Viewer {{ permissions }}"));
            format!("{{ viewer {{ {spreads} }} }} {fragments}")
        }),
    ] {
        assert_eq!(code(&manager, &text(most), Json::Null).await, "fine", "{}", text(most));
        assert_eq!(
            code(&manager, &text(most + 1), Json::Null).await,
            "DOCUMENT_TOO_COMPLEX",
            "{}",
            text(most + 1)
        );
    }
    let deep = |n: usize| {
        let levels = n - 4;
        let inner = "{ manager ".repeat(levels) + "{ id }" + &"}".repeat(levels);
        format!("{{ companies {{ nodes {{ owner {inner} }} }} }}")
    };
    let nobody = app.anonymous();
    assert_eq!(code(&nobody, &deep(15), Json::Null).await, "UNAUTHENTICATED");
    assert_eq!(code(&nobody, &deep(16), Json::Null).await, "DOCUMENT_TOO_COMPLEX");
    let long = |n: usize| format!("# {}\n{{ __typename }}", "x".repeat(n - 17));
    assert_eq!(code(&manager, &long(64 * 1024), Json::Null).await, "fine");
    assert_eq!(code(&manager, &long(64 * 1024 + 1), Json::Null).await, "DOCUMENT_TOO_COMPLEX");
    let ids = |n: usize| format!("{{ nodes(ids: [{}]) {{ id }} }}", "\"a\" ".repeat(n));
    assert_eq!(code(&manager, &ids(5000), Json::Null).await, "DOCUMENT_TOO_COMPLEX", "tokens");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_costs_what_it_can_hold() {
    let app = TestApp::new().await;
    let manager = app.sign_in("manager@acme.test").await;
    let page = "query($n: Int) { companies(first: $n) { nodes { id owner { id manager { id } } tags { id } } } }";
    // 2 + n × (1 + 1 + 1 + 10): a list that does not say how long it is counts ten.
    assert_eq!(code(&manager, page, json!({ "n": 100 })).await, "fine");
    let five = "query($n: Int = 100) { a: companies(first: $n) { ...C } b: companies(first: $n) { ...C } c: companies(last: $n) { ...C } d: companies(first: $n) { ...C } } fragment C on CompanyConnection { nodes { id owner { id manager { id } } tags { id } } }";
    assert_eq!(code(&manager, five, json!({})).await, "COST_LIMIT_EXCEEDED");
    assert_eq!(code(&manager, five, json!({ "n": 50 })).await, "fine");
    for n in [json!(-1), json!(i32::MIN), json!(1_000_000)] {
        assert_eq!(
            manager.run(page, json!({ "n": n })).await["errors"][0]["extensions"]["code"],
            "BAD_USER_INPUT",
            "clamped, then refused by the list"
        );
    }
    let big = json!({ "n": 9_007_199_254_740_993_i64 });
    assert_eq!(manager.run(page, big).await["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
}

/// The library looks one level deep, and would answer one of the two.
#[tokio::test(flavor = "multi_thread")]
async fn one_name_stands_for_one_field() {
    let app = TestApp::new().await;
    let manager = app.sign_in("manager@acme.test").await;
    for text in [
        "{ companies { nodes { x: id } nodes { x: name } } }",
        "{ companies { nodes { x: id } } companies { nodes { ...F } } } fragment F on Company { x: name }",
        "{ viewer { user { x: email } ... on Viewer { user { x: name } } } }",
        "{ companies(first: 1) { nodes { id } } companies(first: 2) { nodes { name } } }",
        "{ node(id: \"x\") { ... on Company { x: id } ... on Company { x: name } } }",
    ] {
        assert_eq!(code(&manager, text, Json::Null).await, "GRAPHQL_VALIDATION_FAILED", "{text}");
    }
    for text in [
        "{ companies { nodes { x: id } nodes { x: id y: name } } }",
        "{ nodes(ids: []) { ... on Company { x: name } ... on Tag { x: colour } } }",
        "{ a: companies(first: 1) { nodes { x: id } } b: companies(first: 2) { nodes { x: name } } }",
    ] {
        assert_eq!(code(&manager, text, Json::Null).await, "fine", "{text}");
    }
}
