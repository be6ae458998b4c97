//! Registered documents from the outside: over a real socket, and at the terminal.

use std::{fs, path::PathBuf};

use kontor::documents::DocumentHash;
use serde_json::{Value as Json, json};

use crate::support::server::{Folder, Reply, Server, failure, run};

const NEW: &str = "Content-Type: application/json\r\nAccept: application/graphql-response+json\r\n";
const JSON: &str = "Content-Type: application/json\r\n";
const COMPANIES: &str = "query First { companies(first: 3) { nodes { id name } } }";
const MAKE: &str =
    "mutation Make { companyCreate(input: { name: \"Made\" }) { userErrors { code } } }";

/// A program of acme, with these documents: its secret.
fn program(server: &Server, name: &str, mode: &str, bodies: &[&str]) -> String {
    let admin = server.sign_in("admin@acme.test");
    let create = "mutation($i: ApiClientCreateInput!) { apiClientCreate(input: $i) { apiClient { id } secret } }";
    let input = json!({ "name": name, "mode": mode, "scopes": ["company:read", "company:create"] });
    let made = server.ask(Some(&admin), create, json!({ "i": input }));
    let made = &made["data"]["apiClientCreate"];
    let register = "mutation($c: ID!, $d: [DocumentInput!]!) { documentsRegister(clientId: $c, documents: $d) { userErrors { message } } }";
    let bodies: Vec<Json> = bodies.iter().map(|body| json!({ "body": body })).collect();
    let variables = json!({ "c": made["apiClient"]["id"], "d": bodies });
    let registered = server.ask(Some(&admin), register, variables);
    assert_eq!(registered["data"]["documentsRegister"]["userErrors"], json!([]), "{registered}");
    made["secret"].as_str().unwrap().to_owned()
}

fn header(reply: &Reply, name: &str) -> Option<String> {
    let lines = reply.headers.lines().filter_map(|line| line.split_once(": "));
    lines.filter(|(own, _)| *own == name).map(|(_, value)| value.to_owned()).next()
}

#[test]
fn an_id_is_asked_over_http_and_known_answers_are_not_sent_again() {
    let folder = Folder::new();
    let server = Server::demo(&folder.0);
    let token = program(&server, "Website", "REQUIRE_ID", &[COMPANIES, MAKE]);
    let bearer = format!("Authorization: Bearer {token}\r\n");
    let id = DocumentHash::of(COMPANIES).to_string();
    let get = |id: &str, more: &str| {
        let path = format!("/graphql?documentId={}", id.replace(':', "%3A"));
        server.http("GET", &path, &format!("{bearer}{more}"), "")
    };
    let post = |body: Json, more: &str| {
        server.http("POST", "/graphql", &format!("{bearer}{more}"), &body.to_string())
    };

    // By POST, under every name.
    let hash = id.replace("sha256:", "");
    let alias = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
    for body in
        [json!({ "documentId": id }), json!({ "doc_id": hash }), json!({ "extensions": alias })]
    {
        let reply = post(body.clone(), NEW);
        assert_eq!(reply.status, 200, "{body} {reply:?}");
        assert_eq!(reply.json()["data"]["companies"]["nodes"].as_array().unwrap().len(), 3);
        assert_eq!(header(&reply, "etag"), None, "of a GET only");
        assert_eq!(header(&reply, "cache-control").as_deref(), Some("no-store"));
    }

    // By GET: a strong tag, which is the answer the next time.
    let first = get(&id, "");
    let tag = header(&first, "etag").unwrap();
    assert!(tag.starts_with('"') && tag.len() == 66, "{tag}");
    assert_eq!(header(&first, "cache-control").as_deref(), Some("private, no-cache"));
    assert!(first.headers.contains("vary: accept, authorization, accept-encoding"));
    for known in [format!("If-None-Match: {tag}\r\n"), format!("If-None-Match: \"x\", W/{tag}\r\n")]
    {
        let again = get(&id, &known);
        assert_eq!((again.status, again.body.as_str()), (304, ""), "{again:?}");
        assert_eq!(header(&again, "etag"), Some(tag.clone()));
        assert_eq!(header(&again, "cache-control").as_deref(), Some("private, no-cache"));
        assert!(again.headers.contains("vary: ") && header(&again, "content-type").is_none());
    }
    let known = format!("If-None-Match: {tag}\r\n");
    assert_ne!(header(&get(&id, "Accept-Encoding: gzip\r\n"), "etag").unwrap(), tag);
    let newer = get(&id, "Accept: application/graphql-response+json\r\n");
    assert_ne!(header(&newer, "etag").unwrap(), tag, "another media type is another answer");
    // The data change, and so does the tag.
    let made = post(json!({ "documentId": DocumentHash::of(MAKE).to_string() }), NEW);
    assert_eq!(made.json()["data"]["companyCreate"]["userErrors"], json!([]), "{made:?}");
    let rename = "mutation($id: ID!) { companyUpdate(id: $id, input: { name: \"Aaa\" }) { userErrors { code } } }";
    let company = first.json()["data"]["companies"]["nodes"][0]["id"].clone();
    let manager = server.sign_in("manager@acme.test");
    server.ask(Some(&manager), rename, json!({ "id": company }));
    let changed = get(&id, &known);
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_ne!(header(&changed, "etag").unwrap(), tag);

    // No other answer has one: errors, mutations, texts.
    let by_text = server.http(
        "GET",
        "/graphql?query=%7B__typename%7D",
        &format!("Authorization: Bearer {manager}\r\nIf-None-Match: *\r\n"),
        "",
    );
    assert_eq!((by_text.status, header(&by_text, "etag")), (200, None));
    let mutation = get(&DocumentHash::of(MAKE).to_string(), "If-None-Match: *\r\n");
    assert_eq!((mutation.status, mutation.code().as_str()), (405, "METHOD_NOT_ALLOWED"));
    assert_eq!(header(&mutation, "etag"), None);
    let unknown = DocumentHash::of("{ x }").to_string();
    for (accept, status) in [("Accept: application/graphql-response+json\r\n", 404), ("", 200)] {
        let reply = get(&unknown, &format!("{accept}If-None-Match: *\r\n"));
        assert_eq!((reply.status, reply.code().as_str()), (status, "PERSISTED_DOCUMENT_NOT_FOUND"));
        assert_eq!(header(&reply, "etag"), None);
    }
    let body = json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": "0" } } });
    for (accept, status) in [(NEW, 400), (JSON, 200)] {
        let reply = post(body.clone(), accept);
        assert_eq!((reply.status, reply.code().as_str()), (status, "PERSISTED_QUERY_NOT_FOUND"));
    }
    for (body, code) in [
        (json!({ "query": COMPANIES }), "PERSISTED_DOCUMENT_REQUIRED"),
        (json!({ "query": COMPANIES, "documentId": id }), "BAD_REQUEST"),
        (json!({ "documentId": 7 }), "BAD_REQUEST"),
        (json!({ "documentId": "" }), "BAD_REQUEST"),
        (json!({ "extensions": { "persistedQuery": { "version": 2 } } }), "BAD_REQUEST"),
    ] {
        let reply = post(body.clone(), NEW);
        assert_eq!((reply.status, reply.code().as_str()), (400, code), "{body}");
    }
    let bad = server.http(
        "POST",
        "/graphql",
        &format!("{NEW}Authorization: Bearer x\r\n"),
        &json!({ "documentId": id }).to_string(),
    );
    assert_eq!((bad.status, bad.code().as_str()), (401, "UNAUTHENTICATED"));
    assert!(server.stop().success());
}

/// The way of a build: publish, ask, and hold it against the next schema.
#[test]
fn what_a_build_wrote_is_published_and_checked_at_the_terminal() {
    let folder = Folder::new();
    let server = Server::demo(&folder.0);
    let secret = program(&server, "Website", "REQUIRE_ID", &[]);
    let data = folder.0.to_str().unwrap();
    let documents =
        |arguments: &[&str]| run(&[&["documents"], arguments, &["--data-dir", data]].concat());
    let publish = |file: &str, client: &str, tenant: &str| {
        documents(&["publish", file, "--client", client, "--tenant", tenant])
    };
    let told = |output: std::process::Output| {
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(told(documents(&["check"])), "All 0 registered documents are valid.");

    let manifests = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/clients/manifests");
    let relay = manifests.join("relay.json").to_str().unwrap().to_owned();
    let first = told(publish(&relay, "website", "acme"));
    assert_eq!(
        first,
        format!("3 documents of {relay} are registered for Website in acme; 3 are new.")
    );
    assert!(told(publish(&relay, "Website", "acme")).ends_with("; 0 are new."));
    let id = "47bd9e853c9cc49ab426944f69f0a157";
    let headers = format!("{JSON}Authorization: Bearer {secret}\r\n");
    let asked = server.http("POST", "/graphql", &headers, &json!({ "doc_id": id }).to_string());
    assert!(asked.json()["data"]["viewer"]["permissions"].is_array(), "{asked:?}");
    let trail = "{ auditLog(where: { table: { eq: \"documents\" } }) { nodes { requestId } } }";
    let trail = server.ask(Some(&server.sign_in("admin@acme.test")), trail, Json::Null);
    assert_eq!(trail["data"]["auditLog"]["nodes"][0]["requestId"], "operator");

    // More than one request takes, in one transaction.
    let many: serde_json::Map<String, Json> = (0..750)
        .map(|n| (format!("own-{n}"), json!(format!("query Q{n} {{ viewer {{ permissions }} }}"))))
        .collect();
    let file = folder.0.join("many.json");
    fs::write(&file, Json::Object(many).to_string()).unwrap();
    assert!(told(publish(file.to_str().unwrap(), "Website", "acme")).ends_with("750 are new."));

    // What is wrong is told, and nothing is written.
    fs::write(&file, json!({ "a": "{ __typename a: __typename }", "b": "{ shoe }" }).to_string())
        .unwrap();
    let wrong = publish(file.to_str().unwrap(), "Website", "acme");
    let said = String::from_utf8(wrong.stdout.clone()).unwrap();
    assert!(
        said.contains("BAD   manifest b body: 1:3: type `Query` does not have a field `shoe`"),
        "{said}"
    );
    assert_eq!(failure(&wrong), "Nothing was registered.");
    assert_eq!(told(documents(&["check"])), "All 753 registered documents are valid.");
    for (file, client, tenant, sentence) in [
        (relay.as_str(), "Nobody", "acme", "There is no program Nobody in acme."),
        (relay.as_str(), "Website", "globex", "There is no program Website in globex."),
        (relay.as_str(), "Website", "nowhere", "There is no tenant nowhere."),
        ("/nowhere.json", "Website", "acme", "/nowhere.json cannot be read: "),
        ("Cargo.toml", "Website", "acme", "Cargo.toml is not JSON: "),
    ] {
        let told = failure(&publish(file, client, tenant));
        assert!(told.starts_with(sentence), "{told}");
    }

    // The next schema lacks a field: whose documents would break is told before it ships.
    let own = kontor::graphql::sdl();
    let next = folder.0.join("next.graphql");
    fs::write(&next, &own).unwrap();
    let next_file = next.to_str().unwrap();
    assert_eq!(
        told(documents(&["check", "--schema", next_file])),
        "All 753 registered documents are valid."
    );
    let start = own.find("\ntype Company implements").unwrap();
    let city = start + own[start..].find("  city: String").unwrap();
    let rest = own[city..].replacen("city", "town", 1);
    fs::write(&next, format!("{}{rest}", &own[..city])).unwrap();
    let broken = documents(&["check", "--schema", next_file]);
    let said = String::from_utf8(broken.stdout.clone()).unwrap();
    assert!(said.contains("BREAKS acme / Website / AppCompanyPageQuery (sha256:"), "{said}");
    assert!(said.contains("type `Company` does not have a field `city`"), "{said}");
    assert_eq!(said.matches("BREAKS").count(), 1);
    assert_eq!(failure(&broken), "One of 753 registered documents would break.");
    let elsewhere = ["check", "--schema", next_file, "--tenant", "globex"];
    assert_eq!(told(documents(&elsewhere)), "All 0 registered documents are valid.");
    fs::write(&next, "type Query { a: Nothing }").unwrap();
    assert!(
        failure(&documents(&["check", "--schema", next_file])).contains(" is no schema: 1:17: ")
    );
    assert!(server.stop().success());
}
