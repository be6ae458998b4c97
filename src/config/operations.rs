//! Settings of whoever keeps it running: what is measured, what is slow, how much at once, TLS.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use ipnet::IpNet;

/// Those who sign in wait for their turn without a connection: they do not take others' places.
const SIGNING_IN: u32 = 64;
/// So many operations share a connection.
const PER_CONNECTION: u32 = 4;

#[derive(Debug, Args)]
pub struct Operations {
    /// The certificate of TLS with its chain, a PEM file, for example /etc/kontor/tls.crt. Absent:
    /// no TLS. A new one is taken without a restart
    #[arg(long, env = "KONTOR_TLS_CERT", global = true, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// The certificate's key, a PEM file, for example /etc/kontor/tls.key
    #[arg(long, env = "KONTOR_TLS_KEY", global = true, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// The most operations under way at once, for example 128; as many again wait for a second,
    /// and further ones are answered 503. Absent: 64, and 4 for each connection to the database
    #[arg(long, env = "KONTOR_MAX_IN_FLIGHT", global = true, value_name = "N",
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub max_in_flight: Option<u32>,

    /// The most connections of clients at once, for example 10000; further ones wait
    #[arg(long, env = "KONTOR_MAX_CONNECTIONS", global = true, value_name = "N",
          default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub max_connections: u32,

    /// How long an operation may take, in milliseconds, for example 10000
    #[arg(long, env = "KONTOR_OPERATION_TIMEOUT", global = true, value_name = "MS",
          default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub operation_timeout: u64,

    /// How long a request may take to arrive, in milliseconds, its head and its body each, for
    /// example 10000
    #[arg(long, env = "KONTOR_READ_TIMEOUT", global = true, value_name = "MS",
          default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub read_timeout: u64,

    /// From how many milliseconds on an operation is logged as slow, for example 1000; 0: never
    #[arg(
        long,
        env = "KONTOR_SLOW_OPERATION",
        global = true,
        value_name = "MS",
        default_value_t = 1000
    )]
    pub slow_operation: u64,

    /// From how many milliseconds on a statement is logged as slow, for example 200; 0: never
    #[arg(
        long,
        env = "KONTOR_SLOW_STATEMENT",
        global = true,
        value_name = "MS",
        default_value_t = 200
    )]
    pub slow_statement: u64,

    /// Who may read /metrics, as nets, for example 127.0.0.1/32,10.0.0.0/8; for others it is not
    /// there
    #[arg(
        long,
        env = "KONTOR_METRICS_FROM",
        global = true,
        value_name = "NETS",
        value_delimiter = ',',
        default_value = "127.0.0.0/8,::1/128"
    )]
    pub metrics_from: Vec<IpNet>,
}

impl Operations {
    pub fn in_flight(&self, pool_size: u32) -> usize {
        let own = SIGNING_IN.saturating_add(pool_size.saturating_mul(PER_CONNECTION));
        usize::try_from(self.max_in_flight.unwrap_or(own)).unwrap_or(usize::MAX)
    }

    pub fn connections(&self) -> usize {
        usize::try_from(self.max_connections).unwrap_or(usize::MAX)
    }

    pub fn slow_operation(&self) -> Option<Duration> {
        some_millis(self.slow_operation)
    }

    pub fn slow_statement(&self) -> Option<Duration> {
        some_millis(self.slow_statement)
    }
}

fn some_millis(millis: u64) -> Option<Duration> {
    (millis > 0).then(|| Duration::from_millis(millis))
}
