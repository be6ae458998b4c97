//! `explain`: what a document would cost and cause.

use serde_json::{Value as Json, json};

use crate::support::{Person, TestApp};

async fn explain(person: &Person<'_>, document: &str, variables: Json) -> Json {
    let query = "query($d: String!, $v: JSON) { explain(document: $d, variables: $v) {
        wouldRun refusals { code message } kind cost actualCost statements
        measures { name value limit exceeded } rootFields { name permission allowed } } }";
    let data = person.data(query, json!({ "d": document, "v": variables })).await;
    data["explain"].clone()
}

fn measure<'a>(explained: &'a Json, name: &str) -> &'a Json {
    let measures = explained["measures"].as_array().unwrap();
    let found = measures.iter().find(|measure| measure["name"] == name);
    found.unwrap_or_else(|| panic!("{name} {explained}"))
}

fn codes(explained: &Json) -> Vec<&str> {
    let refusals = explained["refusals"].as_array().unwrap().iter();
    refusals.map(|refusal| refusal["code"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_explained_by_running_it() {
    let app = TestApp::new().await;
    let rep = app.sign_in("rep@acme.test").await;
    let query = "query($n: Int) { companies(first: $n) { nodes { name owner { name } tags { name } } totalCount { value } } }";
    let explained = explain(&rep, query, json!({ "n": 5 })).await;
    assert_eq!(explained["wouldRun"], true, "{explained}");
    assert_eq!((&explained["kind"], &explained["cost"]), (&json!("QUERY"), &json!(2 + 5 * 13)));
    assert_eq!(explained["statements"], 4, "companies, their owners, their tags, their number");
    assert!(explained["actualCost"].as_u64().unwrap() < 67, "{explained}");
    assert_eq!(
        explained["rootFields"],
        json!([{ "name": "companies", "permission": "company:read", "allowed": true }])
    );
    assert_eq!(
        *measure(&explained, "levels"),
        json!({ "name": "levels", "value": 4, "limit": 15, "exceeded": false })
    );
    for name in
        ["bytes", "tokens", "brackets in each other", "fragments", "fields", "aliases", "cost"]
    {
        assert_eq!(measure(&explained, name)["exceeded"], false);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_explained_without_it() {
    let app = TestApp::new().await;
    let owner = app.sign_in("owner@acme.test").await;
    let change = "mutation { tagCreate(input: { name: \"Never\" }) { tag { id } } signOut { userErrors { code } } }";
    let log = "SELECT count(*) FROM kontor.outbox";
    let before = app.sql(log).await;
    let explained = explain(&owner, change, Json::Null).await;
    assert_eq!((&explained["wouldRun"], &explained["kind"]), (&json!(true), &json!("MUTATION")));
    assert_eq!((&explained["statements"], &explained["actualCost"]), (&Json::Null, &Json::Null));
    assert_eq!(explained["rootFields"][0]["permission"], "tag:write");
    assert_eq!(app.sql("SELECT count(*) FROM kontor.tags WHERE name = 'Never'").await, ["0"]);
    assert_eq!(app.sql(log).await, before);
    owner.data("{ viewer { permissions } }", Json::Null).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_be_refused_is_told_with_its_reasons() {
    let app = TestApp::new().await;
    let viewer = app.sign_in("viewer@acme.test").await;
    let many: Vec<_> = (0..60).map(|at| format!("a{at}: permissions")).collect();
    let many = many.join(" ");
    for (document, expected) in [
        ("{ nonsense".to_owned(), vec!["GRAPHQL_PARSE_FAILED"]),
        (" ".repeat(70_000), vec!["DOCUMENT_TOO_COMPLEX"]),
        ("{ nonsense }".to_owned(), vec!["GRAPHQL_VALIDATION_FAILED"]),
        ("{ companies(first: true) { nodes { id } } }".to_owned(), vec!["GRAPHQL_VALIDATION_FAILED"]),
        ("query A { __typename } query B { __typename }".to_owned(), vec!["OPERATION_RESOLUTION_FAILURE"]),
        (format!("{{ viewer {{ {many} }} }}"), vec!["DOCUMENT_TOO_COMPLEX"]),
        (
            "{ a: companies(first: 100) { nodes { tags { companies: id } owner { manager { id } } } } b: companies(first: 100) { nodes { tags { id } owner { manager { manager { id } } } } } c: companies(first: 100) { nodes { tags { id } owner { manager { id } } } } d: companies(first: 100) { nodes { tags { id } owner { manager { id } } } } }".to_owned(),
            vec!["COST_LIMIT_EXCEEDED"],
        ),
        ("{ explain(document: \"{ __typename }\") { cost } }".to_owned(), vec!["BAD_USER_INPUT"]),
    ] {
        let explained = explain(&viewer, &document, Json::Null).await;
        assert_eq!(codes(&explained), expected, "{document:.100} {explained}");
        assert_eq!((&explained["wouldRun"], &explained["statements"]), (&json!(false), &Json::Null));
    }
    let explained = explain(&viewer, &format!("{{ viewer {{ {many} }} }}"), Json::Null).await;
    let aliases = json!({ "name": "aliases", "value": 60, "limit": 50, "exceeded": true });
    assert_eq!(*measure(&explained, "aliases"), aliases);
    // What one may not ask is refused field by field: it would run, and is not run here.
    let explained =
        explain(&viewer, "{ auditLog { nodes { id } } viewer { permissions } }", Json::Null).await;
    let fields = json!([
        { "name": "auditLog", "permission": "audit:read", "allowed": false },
        { "name": "viewer", "permission": null, "allowed": true },
    ]);
    assert_eq!(explained["rootFields"], fields);
    assert_eq!((&explained["wouldRun"], &explained["statements"]), (&json!(true), &Json::Null));
}

/// Else it would be a way to work for nothing.
#[tokio::test(flavor = "multi_thread")]
async fn an_explanation_is_paid_for() {
    let limits =
        kontor::config::Limits { points: 500, restored: 1, ..kontor::config::Limits::DEFAULT };
    let app = TestApp::new().await.limited(limits);
    let rep = app.sign_in("rep@acme.test").await;
    let dear = "{ companies(first: 100) { nodes { owner { id } } } }";
    let query = "query($d: String!) { explain(document: $d) { cost } }";
    assert_eq!(rep.run(query, json!({ "d": dear })).await["data"]["explain"]["cost"], 202);
    rep.run(query, json!({ "d": dear })).await;
    let refused = rep.run(query, json!({ "d": dear })).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "THROTTLED", "{refused}");
}

/// It takes a connection of its own.
#[tokio::test(flavor = "multi_thread")]
async fn an_explanation_stands_alone() {
    let app = TestApp::new().await;
    let rep = app.sign_in("rep@acme.test").await;
    let one = "explain(document: \"{ companies { nodes { id } } }\") { statements }";
    for query in [
        format!("{{ a: {one} b: {one} }}"),
        format!("{{ companies {{ nodes {{ id }} }} {one} }}"),
        format!("{{ ...F }} fragment F on Query {{ a: {one} b: {one} }}"),
    ] {
        let answer = rep.run(&query, Json::Null).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{answer}");
    }
    let alone = rep.data(&format!("{{ {one} }}"), Json::Null).await;
    assert_eq!(alone["explain"]["statements"], 1);
}
