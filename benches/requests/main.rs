//! `make bench`: requests per second, CPU per request (server and Postgres apart) and resident
//! memory, beside a bare axum handler with the same SQL, interleaved in one run.
//!
//! The handler has no GraphQL, no sign-in, no permissions and no row level security: it is the
//! floor, and the ratios say what all of those cost. Ratios within one run are to be trusted;
//! absolute times depend on the machine.
//!
//! W1 to W8 are the workloads that other servers are measured with: as many rows and values.
//! Those of "edge" are one query asked in each of the ways that there are: by a program, with its
//! key, by the id of its registered document and as text.
#![expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::float_arithmetic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement stops where it is surprised, and speaks to a person"
)]

mod bare;
#[path = "../support/data.rs"]
mod data;
#[path = "../support/http.rs"]
mod http;
mod load;
mod measure;
#[path = "../support/process.rs"]
mod process;
mod questions;

use std::{path::Path, sync::Arc, time::Duration};

use http::Request;
use load::Load;
use process::Process;

const ROUND: Duration = Duration::from_secs(2);
const ROUNDS: usize = 3;

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    match arguments.next().as_deref() {
        Some("bare") => runtime.block_on(bare::serve(&arguments.next().unwrap())),
        only => runtime.block_on(run(only.unwrap_or_default())),
    }
}

/// All questions, or those whose names begin with `only` (`cargo bench --bench requests -- W2`).
async fn run(only: &str) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench");
    let bench = data::Bench::prepare(&folder).await;
    let ours = Process::start(
        env!("CARGO_BIN_EXE_kontor"),
        &bench.server_arguments(),
        "API        http://",
    );
    let this = std::env::current_exe().unwrap();
    let bare = Process::start(this.to_str().unwrap(), &["bare", &bench.url()], "listening on ");
    let (questions, pairs) = questions::questions(&bench, &ours.address, &bare.address).await;
    println!("rows: {}\n", bench.rows);
    println!(
        "| question | connections | req/s | p50 / p99 ms | CPU µs: server + Postgres | bare: req/s | bare: p50 / p99 ms | bare: CPU µs | ratio of CPU |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for question in questions.iter().filter(|question| question.name.starts_with(only)) {
        for connections in question.connections {
            let (mut a, mut b) = (measure::Sum::default(), measure::Sum::default());
            for _ in 0..ROUNDS {
                a.add(round(&bench, &ours, &question.ours, connections).await);
                b.add(round(&bench, &bare, &question.bare, connections).await);
            }
            let (name, ratio) = (question.name, a.cpu() / b.cpu());
            println!("| {name} | {connections} | {} | {} | {ratio:.2} |", a.columns(), b.columns());
        }
    }
    println!(
        "\n| what, and beside what | connections | CPU µs of both | ratio | mean ms of both | ratio | at most |\n|---|---|---|---|---|---|---|"
    );
    for pair in pairs.iter().filter(|pair| pair.name.starts_with(only)) {
        for connections in [1, 16] {
            let (mut plain, mut other) = (measure::Sum::default(), measure::Sum::default());
            for _ in 0..ROUNDS {
                plain.add(round(&bench, &ours, &pair.plain, connections).await);
                other.add(round(&bench, &ours, &pair.other, connections).await);
            }
            let (cpu, mean) = ([other.cpu(), plain.cpu()], [other.mean(), plain.mean()]);
            println!(
                "| {} | {connections} | {:.0}, {:.0} | {:.2} | {:.2}, {:.2} | {:.2} | {} |",
                pair.name,
                cpu[0],
                cpu[1],
                cpu[0] / cpu[1],
                mean[0],
                mean[1],
                mean[0] / mean[1],
                pair.most
            );
        }
    }
    println!(
        "\nresident memory after the run: kontor {} MiB, bare handler {} MiB",
        ours.resident() / 1024,
        bare.resident() / 1024
    );
    drop((ours, bare));
    bench.stop().await;
}

async fn round(
    bench: &data::Bench,
    server: &Process,
    requests: &[Request],
    connections: usize,
) -> measure::Round {
    let requests: Arc<[Request]> = requests.into();
    // Connections, prepared statements and caches are there before it counts.
    Load::run(&server.address, requests.clone(), connections, Duration::from_millis(300)).await;
    let before = (server.cpu(), bench.postgres_cpu());
    let took = Load::run(&server.address, requests, connections, ROUND).await;
    let after = (server.cpu(), bench.postgres_cpu());
    measure::Round { took, time: ROUND, server: after.0 - before.0, postgres: after.1 - before.1 }
}
