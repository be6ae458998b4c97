//! How sockets end when the server wants them to: readers that take nothing, sessions that are
//! over, and a server that stops. What the protocol says of them is held in `conformance.rs`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use kontor::http::SocketTimes;
use serde_json::{Value as Json, json};
use tokio::net::TcpSocket;

use crate::{
    support::{
        TestApp,
        edge::Local,
        socket::{Heard, Socket},
    },
    timeouts::on,
};

const FOLLOW: &str = "subscription { changes { cursor recordId } }";

/// Answers of 20 kB for each change: the record's name, again and again.
fn wordy() -> String {
    let names = (0..49).fold(String::new(), |names, n| names + &format!(" n{n}: name"));
    format!(
        "subscription($after: String) {{ changes(after: $after, types: [\"Company\"]) {{ node {{ ... on Company {{{names} }} }} }} }}"
    )
}

async fn ends(local: &Local, what: &str) {
    let began = Instant::now();
    while local.lines.count() > 0 {
        assert!(began.elapsed() < Duration::from_secs(10), "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// More than the system keeps for it is told to somebody who does not read.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_does_not_read_is_hung_up_on() {
    let looked_up = Arc::new(AtomicUsize::new(0));
    let count = looked_up.clone();
    let app = TestApp::with(|settings| {
        settings.recorder = Some(Arc::new(move |sql: &str| {
            let names = sql.starts_with("SELECT") && sql.contains("\"companies\".\"name\"");
            count.fetch_add(usize::from(names), SeqCst);
        }));
    })
    .await;
    let rep = app.sign_in("rep@acme.test").await;
    let make = "mutation($name: String!) { companyCreate(input: { name: $name }) { userErrors { code } } }";
    for n in 0..40 {
        rep.data(make, json!({ "name": format!("{n} {}", "Wordy ".repeat(30)) })).await;
    }
    let times = SocketTimes { slow: Duration::from_millis(300), ..SocketTimes::DEFAULT };
    let local = Local::start(&app, times).await;
    let token = app.token("rep@acme.test").await;
    let stream = TcpSocket::new_v4().unwrap();
    stream.set_recv_buffer_size(4096).unwrap();
    let mut idler = Socket::open_with(&local.address, stream).await.unwrap();
    idler.init(&token).await;
    idler.next().await.said("connection_ack");
    let mut reader = Socket::ready(&local.address, &token).await;
    looked_up.store(0, SeqCst);
    for n in 0..10 {
        idler.subscribe(&n.to_string(), &wordy(), json!({ "after": "0" })).await;
    }
    let began = Instant::now();
    while local.lines.count() > 1 {
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "it waits for a reader that is not there"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Ten subscriptions of forty changes each were asked for.
    let made = looked_up.load(SeqCst);
    assert!(made < 100, "{made} answers were made for somebody who did not read");
    while let Heard::Said(_) = idler.next().await {}
    // Whoever reads, however much it is, is served.
    reader.subscribe("1", &wordy(), json!({ "after": "0" })).await;
    for _ in 0..40 {
        reader.next().await.said("next");
    }
    reader.close().await;
    ends(&local, "its place is free").await;
}

/// Nothing is asked on the socket, and nothing happens that it could be told.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_over_ends_an_idle_socket() {
    let app = TestApp::new().await;
    let times = SocketTimes { recheck: Duration::from_millis(100), ..SocketTimes::DEFAULT };
    let local = Local::start(&app, times).await;
    let owner = app.sign_in("owner@acme.test").await;
    let open = async |email: &str, follows: bool| {
        let token = app.token(email).await;
        let mut socket = Socket::ready(&local.address, &token).await;
        if follows {
            socket.subscribe("1", FOLLOW, Json::Null).await;
        }
        (socket, app.bearer(&token).await.unwrap())
    };
    let (mut stays, _) = open("manager@acme.test", false).await;
    for follows in [false, true] {
        let (mut socket, rep) = open("rep@acme.test", follows).await;
        rep.data("mutation { signOut { userErrors { code } } }", Json::Null).await;
        assert_eq!(socket.next().await.code(), 4403, "signed out");
    }
    let (mut socket, viewer) = open("viewer@acme.test", false).await;
    let leave = "mutation($id: ID!) { userDeactivate(id: $id) { userErrors { code } } }";
    owner.data(leave, json!({ "id": viewer.user().to_string() })).await;
    assert_eq!(socket.next().await.code(), 4403, "deactivated");
    // The others are still there.
    stays.say(&json!({ "type": "ping" })).await;
    stays.next().await.said("pong");
    app.clock.advance(Duration::from_hours(2));
    assert_eq!(stays.next().await.code(), 4403, "the token has ended");
    drop((stays, socket));
    ends(&local, "all are gone").await;
}

/// Whoever says nothing, not even that it is there, is gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_answers_no_ping_is_gone() {
    let app = TestApp::new().await;
    let times = SocketTimes { ping: Duration::from_millis(150), ..SocketTimes::DEFAULT };
    let local = Local::start(&app, times).await;
    let token = app.token("rep@acme.test").await;
    let mut alive = Socket::ready(&local.address, &token).await;
    let silent = Socket::ready(&local.address, &token).await;
    let listening = tokio::spawn(async move { alive.next().await });
    let began = Instant::now();
    while local.lines.count() > 1 {
        assert!(began.elapsed() < Duration::from_secs(10), "it is still waited for");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(!listening.is_finished(), "who answers stays");
    listening.abort();
    drop(silent);
    ends(&local, "both are gone").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_says_so_on_every_socket() {
    let app = TestApp::new().await;
    let server = on(&app, &[]);
    let token = server.sign_in("rep@acme.test");
    let silent = Socket::open(&server.address).await.unwrap();
    let idle = Socket::ready(&server.address, &token).await;
    let mut following = Socket::ready(&server.address, &token).await;
    following.subscribe("1", FOLLOW, Json::Null).await;
    let mut replayed = Socket::ready(&server.address, &token).await;
    replayed.subscribe("1", "subscription { changes(after: \"0\") { cursor } }", Json::Null).await;
    replayed.next().await.said("next");
    let hearing = [silent, idle, following, replayed].map(|mut socket| {
        tokio::spawn(async move {
            loop {
                match socket.next().await {
                    Heard::Said(message) if message["type"] == "next" => {}
                    heard => return heard,
                }
            }
        })
    });
    let began = Instant::now();
    let stopped = tokio::task::spawn_blocking(move || server.stop());
    for heard in hearing {
        assert_eq!(heard.await.unwrap().code(), 1001);
    }
    assert!(stopped.await.unwrap().success());
    assert!(
        began.elapsed() < Duration::from_secs(3),
        "nobody is waited for: {:?}",
        began.elapsed()
    );
}
