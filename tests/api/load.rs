//! More than the server can do at once: some wait, further ones are told to come back, and the
//! server goes on.

use std::time::{Duration, Instant};

use kontor::http::SocketTimes;
use serde_json::json;

use crate::{
    faults::{hold_companies, let_go},
    support::{TestApp, edge::Local, server::Reply},
    timeouts::on,
};

const LIST: &str = "query List { companies(first: 2) { nodes { id } } }";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn beyond_its_bound_it_says_so_at_once_and_goes_on() {
    let app = TestApp::new().await;
    let server = on(&app, &["--max-in-flight", "2"]);
    let token = server.sign_in("manager@acme.test");
    let headers = format!("Content-Type: application/json\r\nAuthorization: Bearer {token}\r\n");
    let body = json!({ "query": LIST }).to_string();
    let hold = hold_companies(&app).await;
    let ask = || {
        let began = Instant::now();
        (server.http("POST", "/graphql", &headers, &body), began.elapsed())
    };
    let replies: Vec<(Reply, Duration)> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..12).map(|_| scope.spawn(ask)).collect();
        std::thread::sleep(Duration::from_millis(300));
        for path in ["/healthz", "/readyz", "/metrics"] {
            assert_eq!(server.http("GET", path, "", "").status, 200, "{path}");
        }
        let metrics = server.http("GET", "/metrics", "", "").body;
        for line in ["kontor_operations_in_flight 2", "kontor_operations_queued 2"] {
            assert!(metrics.lines().any(|told| told == line), "{metrics}");
        }
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(let_go(&app, hold));
        });
        asking.into_iter().map(|asking| asking.join().unwrap()).collect()
    });
    let (fine, shed): (Vec<_>, Vec<_>) =
        replies.into_iter().partition(|(reply, _)| reply.status == 200);
    assert_eq!((fine.len(), shed.len()), (4, 8), "two inside, two who waited: {shed:?}");
    for (reply, took) in shed {
        assert_eq!((reply.status, reply.code().as_str()), (503, "UNAVAILABLE"));
        assert!(reply.headers.contains("retry-after: 1"), "{reply:?}");
        assert!(reply.headers.contains("x-request-id: "), "{reply:?}");
        assert!(reply.headers.contains("x-content-type-options: nosniff"), "{reply:?}");
        assert!(took < Duration::from_millis(800), "at once: {took:?}");
    }
    for _ in 0..5 {
        assert_eq!(ask().0.status, 200);
    }
    let metrics = server.http("GET", "/metrics", "", "").body;
    assert!(metrics.lines().any(|line| line == "kontor_shed_total 8"), "{metrics}");
    assert!(server.stop().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whether_it_is_ready_is_answered_when_all_connections_are_stuck() {
    let app = TestApp::new().await;
    let server = on(&app, &["--pool-size", "2"]);
    let token = server.sign_in("manager@acme.test");
    let hold = hold_companies(&app).await;
    std::thread::scope(|scope| {
        let asking: Vec<_> =
            (0..6).map(|_| scope.spawn(|| server.ask(Some(&token), LIST, json!({})))).collect();
        std::thread::sleep(Duration::from_millis(300));
        let began = Instant::now();
        let reply = server.http("GET", "/readyz", "", "");
        let took = began.elapsed();
        assert_eq!(reply.status, 503, "{reply:?}");
        assert!(reply.body.contains("all connections are in use"), "{reply:?}");
        assert!(took < Duration::from_millis(2300), "{took:?}");
        assert_eq!(server.http("GET", "/healthz", "", "").status, 200);
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(let_go(&app, hold));
        });
        asking.into_iter().for_each(|asking| drop(asking.join().unwrap()));
    });
    let began = Instant::now();
    while server.http("GET", "/readyz", "", "").status != 200 {
        assert!(began.elapsed() < Duration::from_secs(5), "ready again");
    }
    assert!(server.stop().success());
}

/// An edge of our own, to turn its switches.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_to_stop_is_not_ready_and_ends_with_its_last_connection() {
    let app = TestApp::new().await;
    let Local { address, drain, stop, serving, .. } =
        Local::start(&app, SocketTimes::DEFAULT).await;
    let get = |path: &'static str| {
        let address = address.clone();
        tokio::task::spawn_blocking(move || {
            crate::support::server::http(&address, "GET", path, "", "")
        })
    };
    assert_eq!(get("/readyz").await.unwrap().body, "ready\n");
    assert_eq!(get("/metrics").await.unwrap().status, 404, "nothing is measured here");
    drain.send(true).unwrap();
    let reply = get("/readyz").await.unwrap();
    assert_eq!((reply.status, reply.body.as_str()), (503, "It is being stopped.\n"));
    assert_eq!(get("/healthz").await.unwrap().status, 200);

    let hold = hold_companies(&app).await;
    let token = app.token("manager@acme.test").await;
    let asking = {
        let address = address.clone();
        let headers =
            format!("Content-Type: application/json\r\nAuthorization: Bearer {token}\r\n");
        let body = json!({ "query": LIST }).to_string();
        tokio::task::spawn_blocking(move || {
            crate::support::server::http(&address, "POST", "/graphql", &headers, &body)
        })
    };
    tokio::time::sleep(Duration::from_millis(300)).await;
    stop.send(true).unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(std::net::TcpStream::connect(&address).is_err(), "nobody new comes in");
    assert!(!serving.is_finished(), "somebody is still served");
    let_go(&app, hold).await;
    assert_eq!(asking.await.unwrap().status, 200);
    tokio::time::timeout(Duration::from_secs(2), serving).await.expect("ended").unwrap();
}
