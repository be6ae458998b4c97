//! The program: reads the command line, does what it says, ends with one sentence if it cannot.

use std::process::ExitCode;

use clap::Parser;
use kontor::{commands, config::Cli};

/// A request is some thousand small allocations: this takes a tenth less of its CPU than the
/// system's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("No threads: {error}.")),
    };
    match runtime.block_on(commands::run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&commands::sentence(&error)),
    }
}

#[expect(clippy::print_stderr, reason = "the last word to the person at the terminal")]
fn fail(sentence: &str) -> ExitCode {
    eprintln!("kontor: {sentence}");
    ExitCode::FAILURE
}
