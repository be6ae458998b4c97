//! Buckets that several servers share in a real Redis, and what happens when it goes away.

use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use kontor::{
    buckets::{Buckets, Rate, step},
    config::Limits,
    graphql::Api,
    sso::Providers,
};
use redis::Script;
use serde_json::Value as Json;
use tokio::sync::watch;

use crate::support::{TestApp, skipped};

/// `redis-server` on a port of its own, keeping nothing.
struct Redis {
    child: Child,
    port: u16,
}

impl Redis {
    fn start() -> Option<Self> {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        Self::on(port)
    }

    fn on(port: u16) -> Option<Self> {
        let (port_text, folder) = (port.to_string(), env!("CARGO_TARGET_TMPDIR"));
        let child = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &port_text, "--save", "", "--dir", folder])
            .stdout(Stdio::null())
            .spawn();
        child.ok().map(|child| Self { child, port })
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// kill -9.
    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Two servers on one database and one Redis.
struct Servers<'a> {
    app: &'a TestApp,
    both: [Api; 2],
    _stop: watch::Sender<bool>,
}

impl<'a> Servers<'a> {
    fn new(app: &'a TestApp, url: &str) -> Self {
        let (stop, stops) = watch::channel(false);
        let limits = Limits { anonymous: 5, ..Limits::DEFAULT };
        let both = [(); 2].map(|()| {
            let buckets = Buckets::shared(app.clock.clone(), url).unwrap();
            tokio::spawn(buckets.clone().run(stops.clone()));
            app.another(Providers::new(true), limits.clone(), buckets)
        });
        Self { app, both, _stop: stop }
    }

    async fn wait_until_shared(&self, shared: bool) {
        let began = Instant::now();
        while self.both.iter().any(|api| api.buckets().is_shared() != shared) {
            assert!(began.elapsed() < Duration::from_secs(20), "shared: {shared}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// How many of so many operations in turn were not refused.
    async fn allowed(&self, address: &str, times: usize) -> usize {
        let nobody = self.app.anonymous().coming_from(address);
        let mut allowed = 0;
        for time in 0..times {
            let call = nobody.call("{ __typename }", Json::Null);
            let answer = self.both[time % 2].answer(call).await;
            assert!(matches!(answer.codes.as_slice(), [] | ["THROTTLED"]), "{answer:?}");
            allowed += usize::from(answer.codes.is_empty());
        }
        allowed
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_share_buckets_while_redis_is_there() {
    let Some(mut redis) = Redis::start() else { return skipped("redis", "redis-server") };
    let app = TestApp::new().await;
    let servers = Servers::new(&app, &redis.url());
    servers.wait_until_shared(true).await;
    assert_eq!(servers.allowed("192.0.2.1", 12).await, 5, "both together");
    redis.kill();
    assert_eq!(servers.allowed("192.0.2.1", 14).await, 10, "each for itself");
    servers.wait_until_shared(false).await;
    let mut redis = Redis::on(redis.port).unwrap();
    servers.wait_until_shared(true).await;
    assert_eq!(servers.allowed("192.0.2.2", 12).await, 5, "both together again");
    // One that hears and does not answer is away, too, and nobody waits for it twice.
    let pid = rustix::process::Pid::from_child(&redis.child);
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
    let began = Instant::now();
    assert_eq!(servers.allowed("192.0.2.3", 14).await, 10);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    rustix::process::kill_process(pid, rustix::process::Signal::CONT).unwrap();
    redis.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn points_come_back_in_redis_too() {
    let Some(redis) = Redis::start() else { return skipped("redis", "redis-server") };
    let app = TestApp::new().await;
    let servers = Servers::new(&app, &redis.url());
    servers.wait_until_shared(true).await;
    let rep = app.sign_in("rep@acme.test").await;
    // 102 points at most, 2 in truth: without their way back the bucket would be empty long before.
    let dear = "{ companies(first: 100, where: { name: { eq: \"nobody\" } }) { nodes { id } } }";
    let mut last = String::new();
    for time in 0..300 {
        let answer = servers.both[time % 2].answer(rep.call(dear, Json::Null)).await;
        assert!(answer.codes.is_empty(), "{time}: {answer:?}");
        last = answer.headers[1].1.to_str().unwrap().to_owned();
    }
    assert!(last.parse::<u32>().unwrap() > 8000, "{last}");
}

/// What the script says is what the rule says.
#[tokio::test(flavor = "multi_thread")]
async fn the_script_is_the_rule() {
    let Some(redis) = Redis::start() else { return skipped("redis", "redis-server") };
    let client = redis::Client::open(redis.url()).unwrap();
    let began = Instant::now();
    let mut link = loop {
        match client.get_multiplexed_async_connection().await {
            Ok(link) => break link,
            Err(error) => assert!(began.elapsed() < Duration::from_secs(20), "{error}"),
        }
    };
    let script = Script::new(include_str!("../../src/buckets/script.lua"));
    // Ten seconds each, so that nothing of it is forgotten while the test lasts.
    let rate = Rate { size: 20, interval: 10_000_000 };
    let (mut now, mut full_at) = (1_800_000_000_000_000_i64, 0_i64);
    let (mut taken, mut refused) = (0, 0);
    for turn in 0..300_i64 {
        now += (turn * 7919 % 5) * 10_000_000;
        let points = [3, 1, 7, -2, 20, 4, -5, 21][usize::try_from(turn * 31 % 8).unwrap()];
        let mut ask = script.prepare_invoke();
        ask.key("bucket").arg(now).arg(rate.size).arg(rate.interval).arg(points);
        let answer: Vec<i64> = ask.invoke_async(&mut link).await.unwrap();
        match step(rate, full_at, now, points) {
            Ok(then) => {
                full_at = then;
                taken += 1;
                assert_eq!(answer, [0, 0, (then - now).max(0)], "{turn}");
            }
            Err(wait) => {
                refused += 1;
                assert_eq!(answer, [1, wait, (full_at - now).max(0)], "{turn}");
            }
        }
    }
    assert!(taken > 50 && refused > 50, "{taken} {refused}");
}
