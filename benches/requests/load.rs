//! Connections that are kept busy.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use super::http::{Connection, Request};

pub struct Load;

impl Load {
    /// Sends the requests in turn on each connection until the time is over; how long each took.
    pub async fn run(
        address: &str,
        requests: Arc<[Request]>,
        connections: usize,
        time: Duration,
    ) -> Vec<Duration> {
        let stop = Arc::new(AtomicBool::new(false));
        let mut running = JoinSet::new();
        for start in 0..connections {
            let (requests, stop) = (requests.clone(), stop.clone());
            let mut connection = Connection::open(address).await;
            running.spawn(async move {
                let (mut at, mut took) = (start * 7, Vec::new());
                loop {
                    let began = Instant::now();
                    connection.ask(&requests[at % requests.len()]).await;
                    if stop.load(Relaxed) {
                        return took;
                    }
                    took.push(began.elapsed());
                    at += 1;
                }
            });
        }
        tokio::time::sleep(time).await;
        stop.store(true, Relaxed);
        running.join_all().await.concat()
    }
}
