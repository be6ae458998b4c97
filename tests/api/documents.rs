//! Documents that are registered, and asked by their ids.

use std::time::Duration;

use async_graphql::Variables;
use kontor::{
    config::Limits,
    documents::DocumentHash,
    graphql::{Answer, ByName, Call, Examiner, SignedIn},
};
use serde_json::{Value as Json, json};

use crate::support::{Person, TestApp, refusal};

pub const REGISTER: &str = "mutation($c: ID!, $d: [DocumentInput!]!) { documentsRegister(clientId: $c, documents: $d) { documents { id documentId name body cost uses lastUsedAt } userErrors { code field message } } }";
pub const MANIFEST: &str = "mutation($c: ID!, $m: JSON) { documentsRegister(clientId: $c, manifest: $m) { documents { documentId name } userErrors { code field message } } }";
pub const COMPANIES: &str = "query First($n: Int) { companies(first: $n) { nodes { id name } } }";
pub const WHO: &str = "{ viewer { permissions } }";

/// A program of acme in a mode: its id and its secret.
pub async fn program(admin: &Person<'_>, name: &str, mode: &str) -> (Json, String) {
    let create = "mutation($i: ApiClientCreateInput!) { apiClientCreate(input: $i) { apiClient { id } secret userErrors { message } } }";
    let input = json!({ "name": name, "scopes": ["company:read"], "mode": mode });
    let made = admin.data(create, json!({ "i": input })).await["apiClientCreate"].clone();
    (made["apiClient"]["id"].clone(), made["secret"].as_str().unwrap().to_owned())
}

/// Registers texts; their ids.
pub async fn register(admin: &Person<'_>, client: &Json, bodies: &[&str]) -> Vec<String> {
    let documents: Vec<Json> = bodies.iter().map(|body| json!({ "body": body })).collect();
    let answer = admin.data(REGISTER, json!({ "c": client, "d": documents })).await;
    let payload = &answer["documentsRegister"];
    assert_eq!(payload["userErrors"], json!([]), "{payload}");
    let documents = payload["documents"].as_array().unwrap().iter();
    documents.map(|one| one["documentId"].as_str().unwrap().to_owned()).collect()
}

pub async fn ask(
    person: &Person<'_>,
    named: Option<ByName>,
    query: &str,
    variables: Json,
) -> Answer {
    let signed_in = person.viewer.clone().map_or(SignedIn::Anonymous, SignedIn::As);
    let call = Call {
        query: query.into(),
        named,
        operation_name: None,
        variables: Variables::from_json(variables),
        signed_in,
        info: person.info.clone(),
        may_mutate: true,
        may_follow: false,
        tell_cost: false,
    };
    person.app.api.answer(call).await
}

pub async fn by_id(person: &Person<'_>, id: &str, variables: Json) -> Json {
    let answer = ask(person, Some(ByName::Id(id.into())), "", variables).await;
    serde_json::from_slice(&answer.body).unwrap()
}

/// As Apollo and urql do: the hash, with or without the text.
pub async fn by_hash(person: &Person<'_>, of: &str, query: &str) -> Json {
    let hash = DocumentHash::of(of).to_string().replace("sha256:", "");
    let answer = ask(person, Some(ByName::Hash(hash)), query, Json::Null).await;
    serde_json::from_slice(&answer.body).unwrap()
}

pub fn code(answer: &Json) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("{answer}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_registered_once_and_asked_by_its_id() {
    let app = TestApp::new().await;
    let admin = app.sign_in("admin@acme.test").await;
    let (client, secret) = program(&admin, "Website", "REQUIRE_ID").await;
    let answer = admin
        .data(
            REGISTER,
            json!({ "c": client, "d": [{ "body": COMPANIES }, { "name": "Me", "body": WHO }] }),
        )
        .await;
    let documents = answer["documentsRegister"]["documents"].clone();
    let id = DocumentHash::of(COMPANIES).to_string();
    assert_eq!(documents[0]["documentId"], *id);
    assert_eq!((&documents[0]["name"], &documents[1]["name"]), (&json!("First"), &json!("Me")));
    // A page of 20 companies, where the variable says nothing.
    assert_eq!(documents[0]["cost"], 22);
    assert_eq!((&documents[0]["uses"], &documents[0]["lastUsedAt"]), (&json!(0), &Json::Null));
    let again = admin
        .data(REGISTER, json!({ "c": client, "d": [{ "name": "Else", "body": COMPANIES }] }))
        .await;
    assert_eq!(again["documentsRegister"]["documents"][0], documents[0], "it stays as it is");

    let program = app.bearer(&secret).await.unwrap();
    for id in [&id, &id.replace("sha256:", "")] {
        let answer = by_id(&program, id, json!({ "n": 2 })).await;
        assert_eq!(answer["data"]["companies"]["nodes"].as_array().unwrap().len(), 2, "{answer}");
    }
    let found = by_hash(&program, WHO, "").await;
    assert_eq!(found["data"]["viewer"]["permissions"], json!(["api:use", "company:read"]));
    let unknown = DocumentHash::of("{ x }").to_string();
    for (id, expected) in [
        (unknown.as_str(), "PERSISTED_DOCUMENT_NOT_FOUND"),
        ("", "PERSISTED_DOCUMENT_NOT_FOUND"),
        ("x\u{0}", "PERSISTED_DOCUMENT_NOT_FOUND"),
    ] {
        assert_eq!(code(&by_id(&program, id, Json::Null).await), expected, "{id:?}");
    }
    // The record, as anybody with the permission finds it.
    let node = "query($id: ID!) { node(id: $id) { id ... on PersistedDocument { body client { name } } } }";
    let node = admin.data(node, json!({ "id": documents[1]["id"] })).await;
    assert_eq!(
        (&node["node"]["body"], &node["node"]["client"]["name"]),
        (&json!(WHO), &json!("Website"))
    );
    // The trail says who registered what, and not all of its text.
    let trail = "{ auditLog(where: { table: { eq: \"documents\" } }) { nodes { action changes actor { email } } } }";
    let trail = admin.data(trail, Json::Null).await["auditLog"]["nodes"].clone();
    assert_eq!(trail.as_array().unwrap().len(), 2);
    assert!(
        !trail.to_string().contains("permissions }")
            && trail.to_string().contains("admin@acme.test"),
        "{trail}"
    );

    let delete =
        "mutation($id: ID!) { documentDelete(id: $id) { deletedId userErrors { code field } } }";
    let gone = admin.data(delete, json!({ "id": documents[0]["id"] })).await;
    assert_eq!(gone["documentDelete"]["deletedId"], documents[0]["id"]);
    assert_eq!(
        code(&by_id(&program, &id, Json::Null).await),
        "PERSISTED_DOCUMENT_NOT_FOUND",
        "at once"
    );
    let twice = admin.data(delete, json!({ "id": documents[0]["id"] })).await;
    assert_eq!(refusal(&twice["documentDelete"]), ("NOT_FOUND", vec!["id"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_valid_and_not_too_dear_is_registered() {
    let app = TestApp::new().await;
    let admin = app.sign_in("admin@acme.test").await;
    let (client, _) = program(&admin, "Website", "OPEN").await;
    let dear = "{ companies(first: 100) { nodes { tags { id companies: name } a: owner { id } b: owner { id } } } }";
    let dearest = format!(
        "{{ {} }}",
        (0..18)
            .map(|n| format!(
                "c{n}: companies(first: 100) {{ nodes {{ owner {{ id }} x: owner {{ id }} }} }}"
            ))
            .collect::<Vec<_>>()
            .join(" ")
    );
    for (body, told) in [
        ("", "expected"),
        ("{", "expected"),
        ("{ companies { nodes { shoe } } }", "1:23: type `Company` does not have a field `shoe`"),
        ("query($id: String!) { company(id: $id) { id } }", "cannot be used for argument `id`"),
        ("query A { viewer { permissions } } fragment F on Company { id }", "must be used"),
        ("{ __schema { types { name } } }", "about the schema itself"),
        (
            "query Q { ...F } fragment F on Query { __type(name: \"X\") { name } }",
            "about the schema itself",
        ),
        (&dearest, "costs"),
        (&format!("{{ viewer {{ permissions }} }} #{}", "x".repeat(70_000)), "bytes"),
    ] {
        let documents = json!([{ "body": WHO }, { "body": body }]);
        let refused = admin.data(REGISTER, json!({ "c": client, "d": documents })).await;
        let refused = &refused["documentsRegister"];
        assert_eq!(refusal(refused), ("INVALID", vec!["documents", "1", "body"]), "{body:.100}");
        let message = refused["userErrors"][0]["message"].as_str().unwrap();
        assert!(message.contains(told), "{told}: {message}");
    }
    let many: Vec<Json> =
        (0..101).map(|n| json!({ "body": format!("query Q{n} {{ __typename }}") })).collect();
    let refused = admin.data(REGISTER, json!({ "c": client, "d": many })).await;
    assert_eq!(refusal(&refused["documentsRegister"]), ("LIMIT_REACHED", vec!["documents"]));
    let named = json!([{ "name": "a\nb", "body": WHO }]);
    let refused = admin.data(REGISTER, json!({ "c": client, "d": named })).await;
    assert_eq!(refusal(&refused["documentsRegister"]), ("INVALID", vec!["documents", "0", "name"]));
    let none = "{ apiClients { documents { id } } }";
    assert_eq!(
        admin.data(none, Json::Null).await["apiClients"][0]["documents"],
        json!([]),
        "all or none"
    );
    let fine = register(&admin, &client, &[dear, "{ viewer { __typename } }"]).await;
    assert_eq!(fine.len(), 2);
    // Nobody tries one out for good.
    let tried =
        admin.dry_run().data(REGISTER, json!({ "c": client, "d": [{ "body": WHO }] })).await;
    assert_eq!(tried["documentsRegister"]["documents"][0]["body"], WHO);
    assert_eq!(app.sql("SELECT count(*) FROM kontor.documents").await, ["2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_is_its_programs_and_its_tenants() {
    let app = TestApp::new().await;
    let admin = app.sign_in("admin@acme.test").await;
    let (website, secret) = program(&admin, "Website", "OPEN").await;
    let (other, others) = program(&admin, "Other", "OPEN").await;
    let id = register(&admin, &website, &[WHO]).await.remove(0);
    let missing = |answer: Json| assert_eq!(code(&answer), "PERSISTED_DOCUMENT_NOT_FOUND");
    let program = app.bearer(&secret).await.unwrap();
    assert!(by_id(&program, &id, Json::Null).await["data"].is_object());
    missing(by_id(&app.bearer(&others).await.unwrap(), &id, Json::Null).await);
    // People use front ends: what those registered is found in the tenant, and nowhere else.
    let rep = app.sign_in("rep@acme.test").await;
    assert!(by_id(&rep, &id, Json::Null).await["data"]["viewer"].is_object());
    missing(by_id(&app.sign_in("rep@globex.test").await, &id, Json::Null).await);
    missing(by_id(&app.anonymous(), &id, Json::Null).await);
    let globex = app.sign_in("admin@globex.test").await;
    let foreign = globex.data(REGISTER, json!({ "c": website, "d": [{ "body": WHO }] })).await;
    assert_eq!(refusal(&foreign["documentsRegister"]), ("NOT_FOUND", vec!["clientId"]));
    assert_eq!(
        globex
            .data("{ persistedDocuments { nodes { id } } fieldUsage { field } }", Json::Null)
            .await,
        json!({ "persistedDocuments": { "nodes": [] }, "fieldUsage": [] })
    );
    // Each registers for itself.
    assert_eq!(register(&admin, &other, &[WHO]).await, std::slice::from_ref(&id));
    assert_eq!(app.sql("SELECT count(*) FROM kontor.documents").await, ["2"]);
    // What a revoked program registered is gone with it.
    let revoke = "mutation($id: ID!) { apiClientRevoke(id: $id) { userErrors { code } } }";
    let only = register(&admin, &website, &[COMPANIES]).await.remove(0);
    assert!(by_id(&rep, &only, Json::Null).await["data"].is_object());
    admin.data(revoke, json!({ "id": website })).await;
    missing(by_id(&rep, &only, Json::Null).await);
    assert!(
        by_id(&rep, &id, Json::Null).await["data"].is_object(),
        "the other program has it, too"
    );
    let late =
        admin.data(REGISTER, json!({ "c": website, "d": [{ "body": "{ __typename }" }] })).await;
    assert_eq!(refusal(&late["documentsRegister"]), ("WITHDRAWN", vec!["clientId"]));
}

/// Who may not do what a program may, does not say what it asks either.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_registers_for_a_program_that_may_do_more() {
    let app = TestApp::new().await;
    let admin = app.sign_in("admin@acme.test").await;
    let (strong, _) = program(&admin, "Strong", "REQUIRE_ID").await;
    let keeper = kontor::access::Viewer {
        grants: [kontor::access::Permission::ApiUse, kontor::access::Permission::ApiClientManage]
            .into_iter()
            .collect(),
        ..admin.viewer()
    };
    let refused = app.as_viewer(keeper).data(REGISTER, json!({ "c": strong, "d": [] })).await;
    assert_eq!(refusal(&refused["documentsRegister"]), ("FORBIDDEN_FIELD", vec!["clientId"]));
    let rep = app.sign_in("rep@acme.test").await;
    assert_eq!(code(&rep.run(REGISTER, json!({ "c": strong, "d": [] })).await), "FORBIDDEN");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hash_finds_and_proves_but_never_registers() {
    let app = TestApp::new().await;
    let admin = app.sign_in("admin@acme.test").await;
    let (client, secret) = program(&admin, "Website", "OPEN").await;
    let program = app.bearer(&secret).await.unwrap();
    for asking in [&program, &app.anonymous(), &app.sign_in("rep@acme.test").await] {
        for _ in 0..2 {
            let unknown = by_hash(asking, "{ __typename }", "").await;
            assert_eq!(code(&unknown), "PERSISTED_QUERY_NOT_FOUND");
            assert_eq!(unknown["errors"][0]["message"], "PersistedQueryNotFound");
            let sent = by_hash(asking, "{ __typename }", "{ __typename }").await;
            assert_eq!(sent, json!({ "data": { "__typename": "Query" } }));
        }
        let mismatch = by_hash(asking, "{ __typename }", "{ a: __typename }").await;
        assert_eq!(code(&mismatch), "PERSISTED_QUERY_HASH_MISMATCH");
        let nonsense =
            ask(asking, Some(ByName::Hash("nonsense".into())), "{ __typename }", Json::Null).await;
        assert_eq!(nonsense.codes, ["PERSISTED_QUERY_HASH_MISMATCH"]);
        let nonsense = ask(asking, Some(ByName::Hash("nonsense".into())), "", Json::Null).await;
        assert_eq!(nonsense.codes, ["PERSISTED_QUERY_NOT_FOUND"]);
    }
    assert_eq!(app.sql("SELECT count(*) FROM kontor.documents").await, ["0"]);
    register(&admin, &client, &["{ __typename }"]).await;
    let found = by_hash(&program, "{ __typename }", "").await;
    assert_eq!(
        found,
        json!({ "data": { "__typename": "Query" } }),
        "found at once, though it was missed before"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_mode_lets_through_what_it_says() {
    let app = TestApp::new().await;
    let admin = app.sign_in("admin@acme.test").await;
    let introspection = "{ __schema { queryType { name } } }";
    for (mode, free) in [("OPEN", true), ("LOG_UNKNOWN", true), ("REQUIRE_ID", false)] {
        let (client, secret) = program(&admin, mode, mode).await;
        let id = register(&admin, &client, &[WHO]).await.remove(0);
        let program = app.bearer(&secret).await.unwrap();
        assert!(by_id(&program, &id, Json::Null).await["data"].is_object(), "{mode}");
        assert!(by_hash(&program, WHO, WHO).await["data"].is_object(), "{mode}: by its hash");
        // Even the registered text is free text, if no id comes with it.
        for text in [WHO, COMPANIES, introspection, "{"] {
            let answer = program.run(text, Json::Null).await;
            match free {
                true => assert_eq!(answer["data"].is_object(), text != "{", "{mode} {answer}"),
                false => assert_eq!(code(&answer), "PERSISTED_DOCUMENT_REQUIRED", "{text}"),
            }
        }
        let sent = by_hash(&program, COMPANIES, COMPANIES).await;
        assert_eq!(sent.get("data").is_some(), free, "{mode} {sent}");
        app.settle().await;
        let seen = "query { apiClients { name unknownDocuments { documentId name uses } documents { uses } } }";
        let seen = admin.data(seen, Json::Null).await["apiClients"].clone();
        let seen = seen.as_array().unwrap().iter().find(|one| one["name"] == mode).unwrap().clone();
        let names: Vec<&Json> =
            seen["unknownDocuments"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
        assert_eq!(names.contains(&&json!("First")), free, "{mode} {seen}");
        assert_eq!(seen["documents"][0]["uses"], if free { 3 } else { 2 }, "{mode}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_registrations_at_once_make_one_document() {
    let app = TestApp::with(|settings| settings.pool_size = 8).await;
    let admin = app.sign_in("admin@acme.test").await;
    let (client, _) = program(&admin, "Website", "OPEN").await;
    let documents = json!([{ "body": WHO }, { "body": COMPANIES }, { "body": WHO }]);
    let variables = json!({ "c": client, "d": documents });
    let all =
        futures_util::future::join_all((0..50).map(|_| admin.data(REGISTER, variables.clone())))
            .await;
    for answer in &all {
        assert_eq!(answer["documentsRegister"], all[0]["documentsRegister"]);
        assert_eq!(answer["documentsRegister"]["documents"].as_array().unwrap().len(), 2);
    }
    assert_eq!(app.sql("SELECT count(*) FROM kontor.documents").await, ["2"]);
    // And a repeat with the same key is the same registration.
    let keyed = admin.with_key("publish");
    let first = keyed.data(REGISTER, variables.clone()).await;
    assert_eq!(keyed.data(REGISTER, variables).await, first);
}

/// A schema that went on without its documents: nothing runs, and it is told what is wrong.
#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_became_invalid_is_refused_like_any_other() {
    let app = TestApp::new().await;
    let admin = app.sign_in("admin@acme.test").await;
    let (client, secret) = program(&admin, "Website", "REQUIRE_ID").await;
    let id = register(&admin, &client, &[WHO]).await.remove(0);
    let old = "{ companies { nodes { telex } } }";
    let hash = DocumentHash::of(old).to_string().replace("sha256:", "");
    let change = format!(
        "SET app.tenant_id = '{}'; UPDATE kontor.documents SET body = '{old}', hash = '\\x{hash}' RETURNING 'done'",
        admin.tenant().0
    );
    assert_eq!(app.sql(&change).await, ["done"]);
    let program = app.bearer(&secret).await.unwrap();
    app.clock.advance(Duration::from_secs(2));
    assert_eq!(code(&by_id(&program, &id, Json::Null).await), "PERSISTED_DOCUMENT_NOT_FOUND");
    assert_eq!(
        code(&by_id(&program, &format!("sha256:{hash}"), Json::Null).await),
        "GRAPHQL_VALIDATION_FAILED"
    );
}

/// Asked again within a moment, a registered document costs no statement of its own.
#[tokio::test(flavor = "multi_thread")]
async fn an_id_is_looked_up_now_and_then() {
    let app = TestApp::new().await;
    let admin = app.sign_in("admin@acme.test").await;
    let (client, secret) = program(&admin, "Website", "OPEN").await;
    let id = register(&admin, &client, &[WHO]).await.remove(0);
    let program = app.bearer(&secret).await.unwrap();
    by_id(&program, &id, Json::Null).await;
    let closed = app.api.db().state().closed;
    // Past everything: what is remembered is remembered for a second, and no longer.
    app.sql("SET session_replication_role = replica; DELETE FROM kontor.documents RETURNING 1")
        .await;
    assert!(by_id(&program, &id, Json::Null).await["data"].is_object());
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(code(&by_id(&program, &id, Json::Null).await), "PERSISTED_DOCUMENT_NOT_FOUND");
    assert_eq!(app.api.db().state().closed, closed, "no connection is lost on the way");
}

/// Two libraries know the rules: what one lets be registered the other runs. Each example, and each
/// example with one of its names spelled wrongly.
#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_registered_is_valid_when_it_runs() {
    let app = TestApp::new().await;
    let owner = app.sign_in("owner@acme.test").await.dry_run();
    let examiner = Examiner::new(Limits::DEFAULT);
    let folder = format!("{}/playground/operations", env!("CARGO_MANIFEST_DIR"));
    let (mut sound, mut wrong) = (0, 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let text: String =
            text.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
        assert!(examiner.examine(&text).is_ok(), "{text}");
        // What wants variables is refused before anybody validates it.
        if text.contains("($") {
            continue;
        }
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let ends = text.char_indices().zip(text.chars().skip(1));
        let ends =
            ends.filter(|((_, c), next)| is_name(*c) && !is_name(*next)).map(|((at, _), _)| at + 1);
        for end in ends.take(40) {
            let changed = format!("{}x{}", &text[..end], &text[end..]);
            if examiner.examine(&changed).is_err() {
                wrong += 1;
                continue;
            }
            sound += 1;
            let answer = owner.run(&changed, Json::Null).await;
            let refused = ["GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED"];
            let told = answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default();
            assert!(!refused.contains(&told), "{changed}: {answer}");
        }
    }
    assert!(sound > 20 && wrong > 100, "{sound} {wrong}");
}
