//! Buckets in Redis. Requests only ever use a connection that stands: making one is the work of
//! [`Shared::run`], and so is putting points back. What goes wrong once closes the connection for
//! everybody, so that one request waits, and not all.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use redis::{Client, Script, ScriptInvocation, aio::MultiplexedConnection};
use tokio::{
    sync::{Mutex as AsyncMutex, mpsc, watch},
    time::timeout,
};

use super::{Outcome, Refused, Want, rule::Level};
use crate::error::{Error, Result};

/// How long a request waits for Redis.
const PATIENCE: Duration = Duration::from_millis(100);
const CONNECTING: Duration = Duration::from_secs(2);
/// Between two looks whether it is there.
const PAUSE: Duration = Duration::from_secs(1);
/// Gifts that wait to be put back; more are forgotten, which costs a caller points.
const WAITING: usize = 10_000;

pub struct Shared {
    client: Client,
    script: Script,
    link: Mutex<Option<MultiplexedConnection>>,
    /// Has it been told that Redis is away?
    told: AtomicBool,
    gifts: mpsc::Sender<Want>,
    given: AsyncMutex<mpsc::Receiver<Want>>,
}

impl Shared {
    pub fn new(url: &str) -> Result<Self> {
        // Its own sentence would repeat the address, and with it a password.
        let client = Client::open(url).map_err(|_| {
            Error::internal(
                "REDIS_URL is no address of a Redis, such as redis://redis.example:6379.",
            )
        })?;
        let (gifts, given) = mpsc::channel(WAITING);
        Ok(Self {
            client,
            script: Script::new(include_str!("script.lua")),
            link: Mutex::new(None),
            told: AtomicBool::new(false),
            gifts,
            given: AsyncMutex::new(given),
        })
    }

    fn link(&self) -> Option<MultiplexedConnection> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn is_here(&self) -> bool {
        self.link().is_some()
    }

    fn set(&self, link: Option<MultiplexedConnection>) {
        *self.link.lock().unwrap_or_else(PoisonError::into_inner) = link;
    }

    fn ask(&self, wants: &[Want]) -> ScriptInvocation<'_> {
        let mut ask = self.script.prepare_invoke();
        // Redis's own time: the servers' clocks may differ.
        ask.arg(-1);
        for Want { key, rate, points } in wants {
            ask.key(key.to_string()).arg(rate.size).arg(rate.interval).arg(*points);
        }
        ask
    }

    /// `None`: Redis is away.
    pub async fn take(&self, wants: &[Want]) -> Option<Outcome> {
        let mut link = self.link()?;
        let ask = self.ask(wants);
        let answer = timeout(PATIENCE, ask.invoke_async::<Vec<i64>>(&mut link)).await;
        let answer = match answer {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return self.lost(&error.to_string()),
            Err(_) => return self.lost("it took too long to answer"),
        };
        let [refused, wait, levels @ ..] = answer.as_slice() else {
            return self.lost("it answered something else");
        };
        let which = usize::try_from(*refused).ok().and_then(|place| place.checked_sub(1));
        let levels = wants.iter().zip(levels);
        Some(Outcome {
            levels: levels.map(|(want, full_in)| Level::new(want.rate, *full_in)).collect(),
            refused: which.map(|which| Refused::new((which, *wait))),
            shared: true,
        })
    }

    pub fn put_back(&self, want: Want) {
        // Full: then Redis is slow, and points come back by themselves.
        let _ = self.gifts.try_send(want);
    }

    fn lost<T>(&self, why: &str) -> Option<T> {
        self.set(None);
        if !self.told.swap(true, Relaxed) {
            tracing::warn!(why, "limits.redis.away");
        }
        None
    }

    pub async fn run(&self, stops: &mut watch::Receiver<bool>) {
        let mut given = self.given.lock().await;
        self.connect().await;
        loop {
            let gift = tokio::select! {
                gift = given.recv() => gift,
                () = tokio::time::sleep(PAUSE) => None,
                _ = async { stops.wait_for(|stops| *stops).await.is_ok() } => return,
            };
            match gift {
                Some(gift) => self.give(gift).await,
                None => self.connect().await,
            }
        }
    }

    async fn give(&self, gift: Want) {
        let Some(mut link) = self.link() else { return };
        let ask = self.ask(&[gift]);
        match timeout(PATIENCE, ask.invoke_async::<Vec<i64>>(&mut link)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => self.lost(&error.to_string()).unwrap_or_default(),
            Err(_) => self.lost("it took too long to answer").unwrap_or_default(),
        }
    }

    /// Connects where there is no connection.
    async fn connect(&self) {
        if self.link().is_some() {
            return;
        }
        let config = redis::AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECTING))
            .set_response_timeout(Some(CONNECTING));
        let connect = async {
            let mut link =
                self.client.get_multiplexed_async_connection_with_config(&config).await?;
            // A Redis that only listens is away, too; and the script is there when it is needed.
            self.script.load_async(&mut link).await?;
            Ok::<_, redis::RedisError>(link)
        };
        match timeout(CONNECTING, connect).await {
            Ok(Ok(link)) => {
                self.set(Some(link));
                self.told.store(false, Relaxed);
                tracing::info!("limits.redis.here");
            }
            Ok(Err(error)) => self.lost(&error.to_string()).unwrap_or_default(),
            Err(_) => self.lost("it took too long to answer").unwrap_or_default(),
        }
    }
}
