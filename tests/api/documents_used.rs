//! Registered documents as tools write them and as clients use them: manifests, uses, fields.

use std::time::Duration;

use kontor::documents::DocumentHash;
use serde_json::{Value as Json, json};

use crate::{
    documents::*,
    support::{TestApp, refusal},
};

#[tokio::test(flavor = "multi_thread")]
async fn uses_add_up_and_say_who_uses_which_field() {
    let app = TestApp::new().await;
    let admin = app.sign_in("admin@acme.test").await;
    let (client, secret) = program(&admin, "Website", "OPEN").await;
    let id = register(&admin, &client, &[COMPANIES]).await.remove(0);
    let program = app.bearer(&secret).await.unwrap();
    let rep = app.sign_in("rep@acme.test").await;
    by_id(&program, &id, Json::Null).await;
    app.settle().await;
    app.clock.advance(Duration::from_mins(5));
    let program = app.bearer(&secret).await.unwrap();
    by_id(&program, &id, Json::Null).await;
    by_id(&rep, &id, Json::Null).await;
    // A person's own text is nobody's, and what was refused was not used.
    rep.run("{ companies { nodes { city } } }", Json::Null).await;
    program.run("{ companies { nodes { nothing } } }", Json::Null).await;
    assert_eq!(
        app.sql("SELECT uses FROM kontor.document_uses").await,
        ["1"],
        "nothing is written with a request"
    );
    app.settle().await;
    app.settle().await;
    let document = "{ persistedDocuments { nodes { uses lastUsedAt } } }";
    let document = admin.data(document, Json::Null).await["persistedDocuments"]["nodes"][0].clone();
    assert_eq!(document, json!({ "uses": 3, "lastUsedAt": app.clock.now().to_string() }));
    let usage = "query($c: ID, $f: [String!]) { fieldUsage(clientId: $c, fields: $f) { field uses deprecated client { name } } }";
    let all = admin.data(usage, json!({ "c": client })).await;
    let fields: Vec<&str> = all["fieldUsage"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["field"].as_str().unwrap())
        .collect();
    assert_eq!(
        fields,
        ["Company.id", "Company.name", "CompanyConnection.nodes", "Query.companies"]
    );
    let one = admin.data(usage, json!({ "f": ["Company.name", "Company.city"] })).await;
    assert_eq!(
        one["fieldUsage"],
        json!([{ "field": "Company.name", "uses": 3, "deprecated": false, "client": { "name": "Website" } }])
    );
    let none = admin.data("{ fieldUsage(deprecated: true) { field } }", Json::Null).await;
    assert_eq!(none["fieldUsage"], json!([]), "nothing of ours is deprecated yet");
}

/// A program that writes its values into its texts does not fill the database.
#[tokio::test(flavor = "multi_thread")]
async fn of_what_nobody_registered_the_newest_are_kept() {
    let app = TestApp::new().await;
    let admin = app.sign_in("admin@acme.test").await;
    let (client, secret) = program(&admin, "Chatty", "OPEN").await;
    register(&admin, &client, &["query Old { __typename }"]).await;
    let program = app.bearer(&secret).await.unwrap();
    program.run("query Old { __typename }", Json::Null).await;
    app.settle().await;
    app.clock.advance(Duration::from_secs(1));
    for n in 0..230 {
        program.run(&format!("query Q{n} {{ __typename }}"), Json::Null).await;
    }
    app.settle().await;
    let count =
        "SELECT count(*) || ' ' || count(*) FILTER (WHERE name = 'Old') FROM kontor.document_uses";
    assert_eq!(app.sql(count).await, ["201 1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_build_tools_manifest_is_taken_as_it_is() {
    let app = TestApp::new().await;
    let admin = app.sign_in("admin@acme.test").await;
    for name in ["apollo", "codegen", "codegen-sha256", "relay", "relay-sha256"] {
        let (client, secret) = program(&admin, name, "REQUIRE_ID").await;
        let program = app.bearer(&secret).await.unwrap();
        let path = format!("{}/tests/clients/manifests/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let manifest: Json = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        for _ in 0..2 {
            let answer = admin.data(MANIFEST, json!({ "c": client, "m": manifest })).await;
            let payload = &answer["documentsRegister"];
            assert_eq!(payload["userErrors"], json!([]), "{name}");
            let mut names: Vec<&str> = payload["documents"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one["name"].as_str().unwrap())
                .collect();
            names.sort_unstable();
            match name.starts_with("relay") {
                true => assert_eq!(
                    names,
                    ["AppCompanyPageQuery", "AppTagMakeMutation", "AppWhoAmIQuery"]
                ),
                false => assert_eq!(names, ["CompanyPage", "TagMake", "WhoAmI"]),
            }
        }
        // By the ids that the built front end sends.
        let texts: Vec<(String, String)> = match manifest["operations"].as_array() {
            Some(all) => all
                .iter()
                .map(|one| {
                    (one["id"].as_str().unwrap().into(), one["body"].as_str().unwrap().into())
                })
                .collect(),
            None => manifest
                .as_object()
                .unwrap()
                .iter()
                .map(|(id, body)| (id.clone(), body.as_str().unwrap().into()))
                .collect(),
        };
        for (id, text) in texts.iter().filter(|(_, text)| text.contains("permissions")) {
            let expected = json!(["api:use", "company:read"]);
            for id in [id.clone(), DocumentHash::of(text).to_string()] {
                let answer = by_id(&program, &id, Json::Null).await;
                assert_eq!(answer["data"]["viewer"]["permissions"], expected, "{name} {answer}");
            }
        }
    }
    // Two programs' builds may call two texts the same: then no person finds either.
    let (first, secret) = program(&admin, "First", "OPEN").await;
    let (second, _) = program(&admin, "Second", "OPEN").await;
    let rep = app.sign_in("rep@acme.test").await;
    admin.data(MANIFEST, json!({ "c": first, "m": { "seven": "{ __typename }" } })).await;
    assert!(by_id(&rep, "seven", Json::Null).await["data"].is_object());
    admin.data(MANIFEST, json!({ "c": second, "m": { "seven": "{ a: __typename }" } })).await;
    assert_eq!(code(&by_id(&rep, "seven", Json::Null).await), "PERSISTED_DOCUMENT_NOT_FOUND");
    let own = app.bearer(&secret).await.unwrap();
    assert!(by_id(&own, "seven", Json::Null).await["data"]["__typename"].is_string());
    // Nor does a name change what it stands for.
    let other =
        admin.data(MANIFEST, json!({ "c": first, "m": { "seven": "{ b: __typename }" } })).await;
    assert_eq!(refusal(&other["documentsRegister"]), ("DUPLICATE", vec!["manifest", "seven"]));
    let wrong = admin.data(MANIFEST, json!({ "c": first, "m": ["text"] })).await;
    assert_eq!(refusal(&wrong["documentsRegister"]), ("INVALID", vec!["manifest"]));
}
