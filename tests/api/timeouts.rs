//! Nothing takes longer than it may: requests that do not arrive, operations, answers about the
//! server's state.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use serde_json::{Value as Json, json};

use crate::{
    faults::{hold_companies, let_go},
    support::{
        SECRET, TestApp, secret_url,
        server::{Folder, Reply, Server},
    },
};

const LIST: &str = "query List { companies(first: 2) { nodes { id name } } }";

/// The real server on a test's database.
pub fn on(app: &TestApp, more: &[&str]) -> Server {
    let url = secret_url(app);
    let mut arguments = vec!["serve", "--database-url", &url, "--secret", SECRET];
    arguments.extend(more);
    Server::start(&arguments)
}

/// What comes back when this is sent, and then nothing more; and how long that took.
fn send(server: &Server, text: &str) -> (String, Duration) {
    let began = Instant::now();
    let mut stream = TcpStream::connect(&server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    (String::from_utf8_lossy(&answer).into_owned(), began.elapsed())
}

#[test]
fn a_request_that_does_not_arrive_is_not_waited_for() {
    let folder = Folder::new();
    let data = folder.0.to_str().unwrap();
    let server = Server::start(&["serve", "--demo", "--data-dir", data, "--read-timeout", "400"]);
    let just = Duration::from_millis(300)..Duration::from_secs(5);
    for unfinished in ["", "PO", "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: appl"] {
        let (answer, took) = send(&server, unfinished);
        assert!(just.contains(&took), "{took:?} for {unfinished:?}: {answer}");
        assert!(!answer.contains(" 200 "), "{answer}");
    }
    let head = "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n";
    let (answer, took) = send(&server, &format!("{head}{{\"query\": "));
    let reply = Reply::read(&answer);
    assert_eq!((reply.status, reply.code().as_str()), (408, "BAD_REQUEST"), "{answer}");
    assert!(just.contains(&took), "and the connection ended: {took:?}");

    // Between two requests one may think for longer.
    let mut stream = TcpStream::connect(&server.address).unwrap();
    for _ in 0..2 {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut buf = [0; 2000];
        let came = stream.read(&mut buf).unwrap();
        assert!(String::from_utf8_lossy(&buf[..came]).contains("200 OK"));
        std::thread::sleep(Duration::from_millis(1200));
    }
    assert!(server.stop().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_has_its_time_and_leaves_nothing_behind() {
    let app = TestApp::new().await;
    let server = on(&app, &["--operation-timeout", "500", "--pool-size", "3"]);
    let token = server.sign_in("manager@acme.test");
    let answer = server.ask(Some(&token), LIST, json!({}));
    let id = answer["data"]["companies"]["nodes"][0]["id"].clone();
    let hold = hold_companies(&app).await;
    let write = "mutation($id: ID!) { companyUpdate(id: $id, input: { city: \"Rome\" }) { company { id } } }";
    let headers = format!("Content-Type: application/json\r\nAuthorization: Bearer {token}\r\n");
    let post = |query: &str| {
        let body = json!({ "query": query, "variables": { "id": id } }).to_string();
        server.http("POST", "/graphql", &headers, &body)
    };
    let (began, mut requests) = (Instant::now(), 0);
    for query in [LIST, write, LIST, write, LIST] {
        let reply = post(query);
        assert_eq!((reply.status, reply.code().as_str()), (504, "TIMEOUT"), "{reply:?}");
        assert!(reply.json().get("data").is_none() && reply.headers.contains("x-request-id"));
        requests += 1;
    }
    let took = began.elapsed();
    assert!(took < Duration::from_millis(1000 * requests), "{took:?}");
    server.logged("operation", |line| line["status"] == 504 && line["codes"] == "TIMEOUT");
    let_go(&app, hold).await;
    assert!(post(LIST).json()["data"]["companies"]["nodes"].is_array());
    let city = "SELECT count(*) FROM kontor.companies WHERE city = 'Rome'";
    assert_eq!(app.sql(city).await, ["0"], "the write was undone");
    let metrics = server.http("GET", "/metrics", "", "").body;
    let closed = "kontor_pool_closed_total{why=\"broken\"} 5";
    assert!(metrics.lines().any(|line| line == closed), "{metrics}");
    assert!(metrics.lines().any(|line| line == "kontor_operations_in_flight 0"), "{metrics}");
    assert!(server.stop().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_slow_is_logged_without_what_was_asked_for() {
    let app = TestApp::new().await;
    let server = on(&app, &["--slow-operation", "300", "--slow-statement", "300"]);
    let token = server.sign_in("manager@acme.test");
    let quick = server.ask(Some(&token), LIST, json!({}));
    assert!(quick["errors"].is_null(), "{quick}");
    assert!(!server.log().contains(".slow"), "{}", server.log());
    let hold = hold_companies(&app).await;
    let named =
        "query Named($n: String) { companies(where: { name: { contains: $n } }) { nodes { id } } }";
    let asking = async {
        tokio::task::block_in_place(|| server.ask(Some(&token), named, json!({ "n": "Umbrella" })))
    };
    let helping = async {
        tokio::time::sleep(Duration::from_millis(600)).await;
        let_go(&app, hold).await;
    };
    let helping = async { tokio::join!(asking, helping).0 };
    let answer = tokio::time::timeout(Duration::from_secs(10), helping).await;
    assert!(answer.is_ok());
    let line = server.logged("operation.slow", |line| line["operation"] == "Named");
    assert!(line["level"] == "WARN" && line["micros"].as_u64().unwrap() >= 300_000, "{line}");
    let request = line["request"].clone();
    let line = server.logged("statement.slow", |line| line["request"] == request);
    assert!(line["sql"].as_str().unwrap().contains("\"companies\""), "{line}");
    assert!(line["micros"].as_u64().unwrap() >= 300_000 && line["level"] == "WARN");
    assert!(!server.log().contains("mbrella"), "{}", server.log());
    assert!(server.stop().success());
}

/// What does not fit is not begun: no half of it is sent.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_too_large_is_refused_whole() {
    let mut app = TestApp::new().await;
    let token = app.token("manager@acme.test").await;
    app.bound(kontor::graphql::Bounds { bytes: 300, ..Default::default() });
    let rep = app.bearer(&token).await.unwrap();
    rep.data("{ companies(first: 1) { nodes { id } } }", Json::Null).await;
    let answer = rep.answer("{ companies(first: 20) { nodes { id name } } }", Json::Null).await;
    assert_eq!((answer.codes.as_slice(), answer.executed), (&["COST_LIMIT_EXCEEDED"][..], true));
    let body: Json = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(body["data"], Json::Null);
    assert_eq!(body["errors"].as_array().unwrap().len(), 1);
    assert!(body["errors"][0]["extensions"]["requestId"].is_string());
    let state = app.api.db().state();
    assert_eq!(state.idle, state.connections, "{state:?}");
}
