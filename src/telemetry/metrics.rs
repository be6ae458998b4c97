//! What `/metrics` shows: everything of [`crate::measure`], and how pool, process and runtime stand
//! when somebody looks.

use std::{sync::Arc, time::Duration};

use metrics::{counter, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_process::Collector;
use tokio::{runtime::Handle, sync::watch, time::Instant};
use tracing_appender::non_blocking::ErrorCounter;

use super::Log;
use crate::{
    db::PoolState,
    error::{Error, Result},
    measure,
};

/// Seconds; the slowest operation is dropped after ten.
const BUCKETS: [f64; 13] =
    [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0];
/// How often what was measured is put into its buckets, whether or not somebody looks.
const TIDY: Duration = Duration::from_secs(5);

const GAUGES: &[(&str, &str)] = &[
    ("kontor_build_info", "The version that runs."),
    ("kontor_uptime_seconds", "For how long it has run."),
    ("kontor_pool_size", "The most connections to the database."),
    ("kontor_pool_connections", "Connections to the database."),
    ("kontor_pool_idle", "Those that nobody uses."),
    ("kontor_pool_waiting", "Requests that wait for one."),
    ("kontor_operations_in_flight", "Operations under way."),
    ("kontor_operations_in_flight_max", "The most operations under way at once."),
    ("kontor_operations_queued", "Operations that wait for their turn."),
    ("kontor_tasks", "Tasks of the runtime that are alive."),
    ("kontor_tasks_queued", "Tasks that wait for a thread."),
    ("kontor_workers", "Threads that run tasks."),
];

const COUNTS: &[(&str, &str)] = &[
    ("kontor_pool_timeouts_total", "Requests that waited for a connection in vain."),
    ("kontor_pool_opened_total", "Connections to the database that were opened."),
    ("kontor_pool_closed_total", "Those that were closed: broken ones, and retired ones."),
    ("kontor_log_lines_lost_total", "Lines of the log that nobody read in time."),
];

/// What is measured of this process.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    handle: PrometheusHandle,
    process: Collector,
    began: Instant,
    log: ErrorCounter,
}

/// How the server stands at the moment somebody looks.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    pub pool: PoolState,
    pub in_flight: usize,
    pub queued: usize,
    pub most_in_flight: usize,
}

impl Metrics {
    /// From here on everything is collected. Once in a process.
    pub fn install(log: &Log) -> Result<Self> {
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Full(measure::OPERATION.into()), &BUCKETS)
            .map_err(Error::internal)?;
        let handle = builder.install_recorder().map_err(Error::internal)?;
        measure::describe();
        let process = Collector::default();
        process.describe();
        GAUGES.iter().for_each(|(name, text)| metrics::describe_gauge!(*name, *text));
        COUNTS.iter().for_each(|(name, text)| metrics::describe_counter!(*name, *text));
        let log = log.lost.clone();
        Ok(Self(Arc::new(Inner { handle, process, began: Instant::now(), log })))
    }

    /// Keeps what was measured small until it is told to stop.
    pub async fn tidy(self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            self.0.handle.run_upkeep();
            tokio::select! {
                () = tokio::time::sleep(TIDY) => {}
                _ = stop.changed() => {}
            }
        }
    }

    /// Everything, as Prometheus reads it.
    pub fn render(&self, standing: Standing) -> String {
        let Standing { pool, in_flight, queued, most_in_flight } = standing;
        gauge!("kontor_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1);
        gauge!("kontor_uptime_seconds").set(self.0.began.elapsed().as_secs_f64());
        set("kontor_pool_size", pool.size);
        set("kontor_pool_connections", pool.connections);
        set("kontor_pool_idle", pool.idle);
        set("kontor_pool_waiting", pool.waiting);
        counter!("kontor_pool_timeouts_total").absolute(pool.timed_out);
        counter!("kontor_pool_opened_total").absolute(pool.opened);
        counter!("kontor_pool_closed_total", "why" => "broken").absolute(pool.closed);
        counter!("kontor_pool_closed_total", "why" => "retired").absolute(pool.retired);
        set("kontor_operations_in_flight", in_flight);
        set("kontor_operations_queued", queued);
        set("kontor_operations_in_flight_max", most_in_flight);
        let lost = u64::try_from(self.0.log.dropped_lines()).unwrap_or(u64::MAX);
        counter!("kontor_log_lines_lost_total").absolute(lost);
        let runtime = Handle::current().metrics();
        set("kontor_tasks", runtime.num_alive_tasks());
        set("kontor_tasks_queued", runtime.global_queue_depth());
        set("kontor_workers", runtime.num_workers());
        self.0.process.collect();
        self.0.handle.render()
    }
}

/// A gauge is a float; ours are far below where that would matter.
fn set(name: &'static str, value: impl TryInto<u32>) {
    gauge!(name).set(value.try_into().unwrap_or(u32::MAX));
}
