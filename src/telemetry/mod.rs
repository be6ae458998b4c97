//! What the server says about itself: logs, one JSON object a line, with stable dotted names.

use tracing_subscriber::{EnvFilter, fmt};

use crate::{
    config::LogFormat,
    error::{Error, Result},
};

/// Logs go to standard error from here on.
pub fn init(filter: &str, format: LogFormat) -> Result<()> {
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| Error::internal(format!("KONTOR_LOG cannot be read: {error}.")))?;
    let log = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Json => log.json().flatten_event(true).with_current_span(false).try_init(),
        LogFormat::Text => {
            let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
            log.compact().with_target(false).with_ansi(colours).try_init()
        }
    };
    started.map_err(|error| Error::internal(error.to_string()))
}
