//! What the server says about itself: logs, one JSON object a line, with stable dotted names, and
//! what `/metrics` shows.

mod metrics;

use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{EnvFilter, fmt};

pub use self::metrics::{Metrics, Standing};
use crate::{
    config::LogFormat,
    error::{Error, Result},
};

/// Lines that may wait to be written. When whoever reads them is slower than that, lines are lost,
/// and no request waits.
const WAITING_LINES: usize = 50_000;

/// The log, as long as it is kept: dropped, it is written to its end.
pub struct Log {
    lost: ErrorCounter,
    _writer: WorkerGuard,
}

/// Logs go to standard error from here on.
pub fn init(filter: &str, format: LogFormat) -> Result<Log> {
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| Error::internal(format!("KONTOR_LOG cannot be read: {error}.")))?;
    let (lines, writer) = NonBlockingBuilder::default()
        .buffered_lines_limit(WAITING_LINES)
        .thread_name("log")
        .finish(std::io::stderr());
    let lost = lines.error_counter();
    let log = fmt().with_env_filter(filter).with_writer(lines);
    let started = match format {
        LogFormat::Json => log.json().flatten_event(true).with_current_span(false).try_init(),
        LogFormat::Text => {
            let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
            log.compact().with_target(false).with_ansi(colours).try_init()
        }
    };
    started.map_err(|error| Error::internal(error.to_string()))?;
    Ok(Log { lost, _writer: writer })
}
