//! The edge, over a real socket.

use serde_json::json;

use crate::support::server::{Folder, Reply, Server};

const JSON: &str = "Content-Type: application/json\r\n";
const NEW: &str = "Content-Type: application/json\r\nAccept: application/graphql-response+json\r\n";

fn post(server: &Server, headers: &str, body: &str) -> Reply {
    server.http("POST", "/graphql", headers, body)
}

#[test]
fn status_and_media_type_follow_the_table() {
    let folder = Folder::new();
    let server = Server::demo(&folder.0);
    let query = |query: &str| json!({ "query": query }).to_string();

    let good = post(&server, NEW, &query("{ viewer { user { id } } }"));
    assert_eq!(good.status, 200);
    assert!(
        good.body.starts_with("{\"data\":{\"viewer\":null},\"extensions\":{\"cost\":"),
        "{good:?}"
    );
    assert!(
        good.headers.contains("content-type: application/graphql-response+json; charset=utf-8")
    );
    assert!(good.headers.contains("vary: accept, authorization"));
    let good = post(&server, JSON, &query("{ __typename }"));
    assert!(good.headers.contains("content-type: application/json; charset=utf-8"));

    // (body, code, status for the new media type, status for the old one)
    for (body, code, new, old) in [
        ("{", "BAD_REQUEST", 400, 400),
        ("\"text\"", "BAD_REQUEST", 400, 400),
        ("[]", "BATCHING_NOT_SUPPORTED", 400, 400),
        ("{}", "BAD_REQUEST", 400, 400),
        ("{\"query\": 7}", "BAD_REQUEST", 400, 400),
        ("{\"query\": \"{ x }\", \"variables\": []}", "BAD_REQUEST", 400, 400),
        ("{\"query\": \"{ x }\", \"extensions\": {\"dryRun\": 1}}", "BAD_REQUEST", 400, 400),
        ("{\"query\": \"{\"}", "GRAPHQL_PARSE_FAILED", 400, 200),
        ("{\"query\": \"{ viewer { nothing } }\"}", "GRAPHQL_VALIDATION_FAILED", 400, 200),
        (
            "{\"query\": \"query A { __typename } query B { __typename }\"}",
            "OPERATION_RESOLUTION_FAILURE",
            400,
            200,
        ),
        (
            "{\"query\": \"{ __typename }\", \"operationName\": \"X\"}",
            "OPERATION_RESOLUTION_FAILURE",
            400,
            200,
        ),
        ("{\"query\": \"query($e: Int!) { __typename }\"}", "BAD_USER_INPUT", 400, 200),
        ("{\"query\": \"{ companies { nodes { id } } }\"}", "UNAUTHENTICATED", 401, 401),
    ] {
        for (headers, status) in [(NEW, new), (JSON, old)] {
            let reply = post(&server, headers, body);
            assert_eq!((reply.status, reply.code().as_str()), (status, code), "{body}: {reply:?}");
            assert!(reply.json().get("data").is_none());
            assert!(reply.json()["errors"][0]["extensions"]["requestId"].is_string());
        }
    }
    let long = query(&format!("{{ __typename #{} }}", "x".repeat(70_000)));
    assert_eq!(post(&server, NEW, &long).code(), "DOCUMENT_TOO_COMPLEX");
    let huge = query(&"x".repeat(1024 * 1024));
    let reply = post(&server, JSON, &huge);
    assert_eq!((reply.status, reply.code().as_str()), (413, "PAYLOAD_TOO_LARGE"));
    for headers in
        ["", "Content-Type: text/plain\r\n", "Content-Type: application/x-www-form-urlencoded\r\n"]
    {
        let reply = post(&server, headers, &query("{ __typename }"));
        assert_eq!((reply.status, reply.code().as_str()), (415, "UNSUPPORTED_MEDIA_TYPE"));
    }
    let reply = post(&server, &format!("{JSON}Accept: text/html\r\n"), &query("{ __typename }"));
    assert_eq!((reply.status, reply.code().as_str()), (406, "NOT_ACCEPTABLE"));
    for method in ["PUT", "DELETE", "PATCH"] {
        let reply = server.http(method, "/graphql", "", "");
        assert_eq!(reply.status, 405, "{method}");
        assert!(reply.headers.contains("allow: get, post"), "{reply:?}");
    }
    assert!(server.stop().success());
}

#[test]
fn get_asks_and_changes_nothing() {
    let folder = Folder::new();
    let server = Server::demo(&folder.0);
    let token = server.sign_in("rep@acme.test");
    let get = |query: &str| {
        let headers = format!("Authorization: Bearer {token}\r\n");
        server.http("GET", &format!("/graphql?{query}"), &headers, "")
    };
    let page = get(
        "query=query%20P($n:Int)%7Bcompanies(first:$n)%7Bnodes%7Bid%7D%7D%7D&variables=%7B%22n%22:2%7D&operationName=P&extensions=",
    );
    assert_eq!(page.json()["data"]["companies"]["nodes"].as_array().unwrap().len(), 2);
    for (query, code, status) in [
        ("query=mutation%7BsignOut%7BuserErrors%7Bcode%7D%7D%7D", "METHOD_NOT_ALLOWED", 405),
        ("query=", "BAD_REQUEST", 400),
        ("", "BAD_REQUEST", 400),
        ("query=%7B__typename%7D&variables=%7B", "BAD_REQUEST", 400),
        ("query=%7B__typename%7D&variables=%5B%5D", "BAD_REQUEST", 400),
        ("query=%7B__typename%7D&extensions=7", "BAD_REQUEST", 400),
    ] {
        let reply = get(query);
        assert_eq!((reply.status, reply.code().as_str()), (status, code), "{query}");
        assert_eq!(status == 405, reply.headers.contains("allow: get, post"), "{query}");
    }
    assert_eq!(get("query=%7Bviewer%7Bpermissions%7D%7D").status, 200, "still signed in");
    assert_eq!(server.http("HEAD", "/graphql?query=%7B__typename%7D", "", "").body, "");
    assert!(server.stop().success());
}

#[test]
fn only_a_good_token_in_its_header_signs_in() {
    let folder = Folder::new();
    let server = Server::demo(&folder.0);
    let token = server.sign_in("rep@acme.test");
    let body = json!({ "query": "{ viewer { user { email } } }" }).to_string();
    let with = |header: &str| post(&server, &format!("{JSON}{header}\r\n"), &body);
    assert_eq!(
        with(&format!("Authorization: Bearer {token}")).json()["data"]["viewer"]["user"]["email"],
        "rep@acme.test"
    );
    assert_eq!(with(&format!("Cookie: token={token}")).json()["data"]["viewer"], json!(null));
    for bad in ["Bearer x", "Bearer", "Basic eDp5", &format!("Bearer {token}x"), ""] {
        let reply = with(&format!("Authorization: {bad}"));
        assert_eq!((reply.status, reply.code().as_str()), (401, "UNAUTHENTICATED"), "{bad}");
        assert!(reply.headers.contains("www-authenticate: bearer"));
    }
    let key = with(&format!("Idempotency-Key: {}", "k".repeat(65)));
    assert_eq!((key.status, key.code().as_str()), (400, "BAD_REQUEST"));
    let own = with("X-Request-Id: my-request.7");
    assert!(own.headers.contains("x-request-id: my-request.7"));
    let strange = with("X-Request-Id: a b<c>");
    assert!(strange.headers.contains("x-request-id: 0"), "{strange:?}");
    assert!(server.stop().success());
}

#[test]
fn it_says_whether_it_is_alive_and_ready() {
    let folder = Folder::new();
    let server = Server::demo(&folder.0);
    assert_eq!(server.http("GET", "/healthz", "", "").status, 200);
    assert_eq!(server.http("GET", "/readyz", "", "").body, "ready\n");
    assert!(server.http("GET", "/", "", "").body.starts_with("This is Kontor"));
    assert_eq!(server.http("GET", "/nothing", "", "").status, 404);
    assert!(server.stop().success());
}

#[test]
fn browsers_are_told_to_do_no_more_than_is_meant() {
    let folder = Folder::new();
    let data = folder.0.to_str().unwrap();
    let origin = "https://crm.acme.example";
    let server = Server::start(&["serve", "--demo", "--data-dir", data, "--cors-origins", origin]);
    let body = json!({ "query": "{ __typename }" }).to_string();
    for (method, path) in [("POST", "/graphql"), ("GET", "/healthz"), ("GET", "/nothing")] {
        let reply = server.http(method, path, JSON, &body);
        for header in [
            "content-security-policy: default-src 'none'; frame-ancestors 'none'",
            "x-content-type-options: nosniff",
            "x-frame-options: deny",
            "referrer-policy: no-referrer",
            "cache-control: no-store",
            "x-request-id: 0",
        ] {
            assert!(reply.headers.contains(header), "{header} in {reply:?}");
        }
        assert!(!reply.headers.contains("strict-transport-security"), "not without TLS");
    }
    let asks = |origin: &str| {
        let headers = format!(
            "Origin: {origin}\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization\r\n"
        );
        server.http("OPTIONS", "/graphql", &headers, "").headers
    };
    assert!(asks(origin).contains("access-control-allow-origin: https://crm.acme.example"));
    assert!(asks(origin).contains("x-request-id: 0"), "also before it asks");
    assert!(!asks("https://evil.example").contains("access-control-allow-origin"));
    assert!(!asks(origin).contains("access-control-allow-credentials"));

    // What is long is compressed for whoever understands that.
    let long = json!({ "query": "{ __schema { types { name description } } }" }).to_string();
    let plain = post(&server, JSON, &long);
    assert!(!plain.headers.contains("content-encoding") && plain.body.len() > 10_000);
    let packed = post(&server, &format!("{JSON}Accept-Encoding: gzip\r\n"), &long);
    assert!(packed.headers.contains("content-encoding: gzip"), "{}", packed.headers);
    let short = post(&server, &format!("{JSON}Accept-Encoding: gzip\r\n"), &body);
    assert!(!short.headers.contains("content-encoding"));
    assert!(server.stop().success());
}

#[test]
fn who_asks_too_much_is_told_when_to_come_again() {
    let folder = Folder::new();
    let data = folder.0.to_str().unwrap();
    let few =
        ["serve", "--demo", "--data-dir", data, "--limit-anonymous", "3", "--limit-sign-ins", "1"];
    let server = Server::start(&few);
    let sign_in = json!({ "query": "mutation { signIn(input: { email: \"a@b.example\", password: \"x\" }) { accessToken } }" });
    let first = post(&server, NEW, &sign_in.to_string());
    assert_eq!(first.status, 200);
    for header in ["x-ratelimit-limit: 10000", "x-ratelimit-remaining: 99", "x-ratelimit-reset: 1"]
    {
        assert!(first.headers.contains(header), "{header} {first:?}");
    }
    let second = post(&server, NEW, &sign_in.to_string());
    assert_eq!((second.status, second.code().as_str()), (429, "THROTTLED"));
    assert!(
        second.headers.contains("\r\nretry-after: 60")
            || second.headers.contains("\r\nretry-after: 59"),
        "{second:?}"
    );
    assert!(second.headers.contains("x-ratelimit-limit: 1\r\n"), "{second:?}");
    let query = json!({ "query": "{ __typename }" }).to_string();
    assert_eq!(post(&server, JSON, &query).status, 200);
    let refused = post(&server, JSON, &query);
    assert_eq!((refused.status, refused.code().as_str()), (429, "THROTTLED"), "{refused:?}");
    assert!(refused.headers.contains("retry-after: "), "{refused:?}");
}
