//! `make bench`: requests per second, CPU per request (server and Postgres apart) and resident
//! memory, beside a bare axum handler with the same SQL, interleaved in one run.
//!
//! The handler has no GraphQL, no sign-in, no permissions and no row level security: it is the
//! floor, and the ratios say what all of those cost. Ratios within one run are to be trusted;
//! absolute times depend on the machine.
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
mod client;
mod data;
mod measure;

use std::{path::Path, sync::Arc, time::Duration};

use client::Load;
use measure::Process;

/// One thing to ask, of both servers.
struct Question {
    name: &'static str,
    /// GraphQL documents to send in turn, with their variables.
    ours: Vec<Vec<u8>>,
    /// Paths of the bare handler to get in turn.
    bare: Vec<Vec<u8>>,
}

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
    let questions = bench.questions(&ours.address, &bare.address).await;
    println!("rows: {}\n", bench.rows);
    println!(
        "| question | connections | req/s | CPU µs: server + Postgres | bare: req/s | bare: CPU µs | ratio of CPU |"
    );
    println!("|---|---|---|---|---|---|---|");
    for question in questions.iter().filter(|question| question.name.starts_with(only)) {
        for connections in [1, 16, 32] {
            let (mut a, mut b) = (measure::Sum::default(), measure::Sum::default());
            for _ in 0..ROUNDS {
                a.add(round(&bench, &ours, &question.ours, connections).await);
                b.add(round(&bench, &bare, &question.bare, connections).await);
            }
            println!(
                "| {} | {connections} | {:.0} | {:.0} + {:.0} = {:.0} | {:.0} | {:.0} + {:.0} = {:.0} | {:.2} |",
                question.name,
                a.rate(),
                a.server(),
                a.postgres(),
                a.server() + a.postgres(),
                b.rate(),
                b.server(),
                b.postgres(),
                b.server() + b.postgres(),
                (a.server() + a.postgres()) / (b.server() + b.postgres()),
            );
        }
    }
    println!(
        "\nresident memory after the run: kontor {} MiB, bare handler {} MiB",
        ours.resident(),
        bare.resident()
    );
    drop((ours, bare));
    bench.stop().await;
}

async fn round(
    bench: &data::Bench,
    server: &Process,
    requests: &[Vec<u8>],
    connections: usize,
) -> measure::Round {
    let requests: Arc<[Vec<u8>]> = requests.into();
    // Connections, prepared statements and caches are there before it counts.
    Load::run(&server.address, requests.clone(), connections, Duration::from_millis(300)).await;
    let before = (server.cpu(), bench.postgres_cpu());
    let done = Load::run(&server.address, requests, connections, ROUND).await;
    let after = (server.cpu(), bench.postgres_cpu());
    measure::Round { done, time: ROUND, server: after.0 - before.0, postgres: after.1 - before.1 }
}
