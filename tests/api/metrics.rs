//! What the server tells whoever keeps it running: `/metrics`, and one line per operation.

use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::{
    support::{
        TestApp,
        server::{Folder, Server},
    },
    timeouts::on,
};

const JSON: &str = "Content-Type: application/json\r\n";

/// The value of a sample, by the beginning of its line.
pub fn sample<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str, name: &str) -> T {
    let line = text.lines().find(|line| line.starts_with(&format!("{name} ")));
    let line = line.unwrap_or_else(|| panic!("no {name} in {text}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn the_metrics_say_what_happened_and_how_it_stands() {
    let folder = Folder::new();
    let server = Server::demo(&folder.0);
    let token = server.sign_in("rep@acme.test");
    let list = "query SecretPlans { companies(first: 3) { nodes { owner { name } } } }";
    for _ in 0..3 {
        server.ask(Some(&token), list, json!({}));
    }
    server.ask(None, list, json!({}));
    server.ask(None, "{ nothing }", json!({}));
    server.ask(None, "{", json!({}));
    server.http("PUT", "/graphql", "", "");
    let reply = server.http("GET", "/metrics", "", "");
    assert!(reply.headers.contains("content-type: text/plain; version=0.0.4"), "{reply:?}");
    let text = reply.body;
    let of = |name: &str| sample::<u64>(&text, name);
    assert_eq!(of("kontor_operation_seconds_count{operation=\"query companies\"}"), 3);
    assert_eq!(of("kontor_operation_seconds_count{operation=\"mutation signIn\"}"), 1);
    assert_eq!(of("kontor_operation_seconds_count{operation=\"refused\"}"), 3);
    let slowest = "kontor_operation_seconds_bucket{operation=\"query companies\",le=\"+Inf\"}";
    assert_eq!(of(slowest), 3);
    let codes = [("UNAUTHENTICATED", 2), ("GRAPHQL_PARSE_FAILED", 1), ("METHOD_NOT_ALLOWED", 1)];
    for (code, times) in codes {
        assert_eq!(of(&format!("kontor_errors_total{{code=\"{code}\"}}")), times);
    }
    assert!(of("kontor_rows_total") >= 9 && of("kontor_statements_total") >= 6);
    assert!(of("kontor_loader_batches_total{relation=\"UserById\"}") >= 3, "{text}");
    assert!(of("kontor_pool_connections") >= 1 && of("kontor_pool_size") == 16);
    assert!(of("kontor_pool_opened_total") >= of("kontor_pool_connections"));
    assert_eq!((of("kontor_pool_waiting"), of("kontor_operations_in_flight")), (0, 0));
    assert_eq!((of("kontor_sockets"), of("kontor_subscriptions")), (0, 0));
    // The one that asks; those before it end in their own time.
    assert!(of("kontor_connections") >= 1 && of("kontor_shed_total") == 0);
    assert!(of("process_resident_memory_bytes") > 1_000_000 && of("process_open_fds") > 3);
    assert!(of("kontor_tasks") > 1 && sample::<f64>(&text, "kontor_uptime_seconds") > 0.0);
    assert!(text.contains("\nprocess_cpu_seconds_total "));
    assert!(text.contains("kontor_build_info{version=\""));
    assert!(!text.contains("SecretPlans"), "a client's words are no labels");
    for name in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let name = name.split(' ').next().unwrap();
        assert!(text.contains(&format!("# HELP {name} ")), "{name} is not explained");
    }
    assert!(server.stop().success());
}

#[test]
fn whoever_is_throttled_is_logged_once_with_the_bucket_that_was_spent() {
    let folder = Folder::new();
    let data = folder.0.to_str().unwrap();
    let server = Server::start(&["serve", "--demo", "--data-dir", data, "--limit-anonymous", "1"]);
    for _ in 0..3 {
        server.ask(None, "{ __typename }", json!({}));
    }
    let last = server.http("POST", "/graphql", &format!("{JSON}X-Request-Id: last\r\n"), "{}");
    assert_eq!(last.code(), "BAD_REQUEST");
    server.logged("operation", |line| line["request"] == "last");
    let lines: Vec<_> =
        server.log().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |message: &str, throttled: bool| -> Vec<&Json> {
        let lines = lines.iter().filter(|line: &&Json| line["message"] == message);
        lines.filter(|line| !throttled || line["codes"] == "THROTTLED").collect()
    };
    let (spent, refused) = (of("limit.exceeded", false), of("operation", true));
    assert_eq!((spent.len(), refused.len()), (2, 2), "{lines:?}");
    for (spent, refused) in spent.iter().zip(refused) {
        assert_eq!((&spent["request"], &spent["warned"]), (&refused["request"], &json!(false)));
        assert!(spent["bucket"].as_str().is_some_and(|bucket| bucket.contains("127.0.0.1")));
    }
    assert!(server.stop().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_are_not_done_are_counted_by_how_they_stand() {
    let app = TestApp::new().await;
    let tenants = "SELECT id FROM kontor.tenants ORDER BY slug";
    for (at, tenant) in app.sql(tenants).await.iter().enumerate() {
        let states = ["READY", "READY", "LEASED", "DEAD", "DONE"];
        for (nth, state) in states.iter().enumerate() {
            // So that the server has nothing to do.
            let far = "now() + interval '1 year'";
            app.sql(&format!(
                "INSERT INTO kontor.jobs (tenant_id, id, kind, payload, state, due_at, leased_until, created_at) \
                 VALUES ('{tenant}', '01990000-0000-7000-8000-0000000000{at}{nth}', 'none', '{{}}', '{state}', {far}, {far}, now())"
            ))
            .await;
        }
    }
    let server = on(&app, &[]);
    let began = Instant::now();
    let text = loop {
        let text = server.http("GET", "/metrics", "", "").body;
        if text.contains("kontor_jobs_queued{state=\"dead\"}") {
            break text;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "{text}");
        std::thread::sleep(Duration::from_millis(20));
    };
    let of =
        |state: &str| sample::<u64>(&text, &format!("kontor_jobs_queued{{state=\"{state}\"}}"));
    assert_eq!(["due", "later", "leased", "dead"].map(of), [0, 4, 2, 2], "{text}");
    assert!(server.stop().success());
}

#[test]
fn the_metrics_are_there_for_those_who_may_look() {
    let folder = Folder::new();
    let data = folder.0.to_str().unwrap();
    let server = Server::start(&["serve", "--demo", "--data-dir", data]);
    let status = |headers: &str| server.http("GET", "/metrics", headers, "").status;
    assert_eq!(status(""), 200);
    // A proxy beside us, that nobody told us of.
    assert_eq!(status("X-Forwarded-For: 203.0.113.9\r\n"), 404);
    assert_eq!(status("Forwarded: for=203.0.113.9\r\n"), 404);
    let nothing = server.http("GET", "/nothing", "", "");
    let hidden = server.http("GET", "/metrics", "X-Forwarded-For: 203.0.113.9\r\n", "");
    assert_eq!((hidden.status, hidden.body), (nothing.status, nothing.body));
    assert!(server.stop().success());

    let from = ["--metrics-from", "10.0.0.0/8", "--trusted-proxies", "127.0.0.1/32"];
    let server = Server::start(&[&["serve", "--demo", "--data-dir", data][..], &from].concat());
    let status = |headers: &str| server.http("GET", "/metrics", headers, "").status;
    assert_eq!(status(""), 404);
    assert_eq!(status("X-Forwarded-For: 10.1.2.3\r\n"), 200);
    assert_eq!(status("X-Forwarded-For: 203.0.113.9\r\n"), 404);
    assert!(server.stop().success());
}

#[test]
fn an_operation_is_one_line_of_the_log_without_secrets() {
    let folder = Folder::new();
    let server = Server::demo(&folder.0);
    let token = server.sign_in("rep@acme.test");
    let list = "query Some($n: Int) { companies(first: $n, where: { name: { contains: \"hidden\" } }) { nodes { id } } other: companies(first: $n) { nodes { owner { name } } } }";
    server.ask(Some(&token), list, json!({ "n": 3 }));
    let line = server.logged("operation", |line| line["operation"] == "Some");
    assert_eq!((&line["asks"], &line["status"]), (&json!("query companies"), &json!(200)));
    // Two lists and the owners of one; three companies and their owners.
    assert_eq!(line["statements"], 3, "{line}");
    assert!((4..=6).contains(&line["rows"].as_u64().unwrap()), "{line}");
    assert!(line["micros"].as_u64().unwrap() > 0 && line["bytes"].as_u64().unwrap() > 10);
    assert!(line["tenant"].is_string() && line["over"] == "http" && line["level"] == "INFO");
    assert!(line["who"].as_str().unwrap().starts_with("user_"), "{line}");

    let write = "mutation Make($n: String!) { tagCreate(input: { name: $n }) { tag { id } } }";
    let manager = server.sign_in("manager@acme.test");
    server.ask(Some(&manager), write, json!({ "n": "hidden too" }));
    let line = server.logged("operation", |line| line["operation"] == "Make");
    assert!(line["statements"].as_u64().unwrap() >= 1, "writes are counted: {line}");
    assert!(line["rows"].as_u64().unwrap() >= 1, "{line}");

    server.ask(None, list, json!({ "n": 3 }));
    let refused = server.logged("operation", |line| line["codes"] == "UNAUTHENTICATED");
    assert_eq!((&refused["status"], &refused["statements"]), (&json!(401), &json!(0)));
    server.http("POST", "/graphql", &format!("{JSON}X-Request-Id: mine.7\r\n"), "{");
    server.logged("operation", |line| line["request"] == "mine.7");
    let log = server.log();
    for secret in ["hidden", token.as_str(), "kontor-demo", "companies(first"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
    assert!(server.stop().success());
}
