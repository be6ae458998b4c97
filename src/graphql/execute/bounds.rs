//! How long an operation may take, and how large its answer may be.

use std::time::Duration;

use async_graphql::{Response, ServerError};

use crate::{config::Limits, error::Error};

/// What an operation may take of the server.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub time: Duration,
    pub bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { time: Duration::from_secs(10), bytes: 10 * 1024 * 1024 }
    }
}

impl Bounds {
    pub fn of(limits: &Limits) -> Self {
        let bytes = if limits.warn_only { usize::MAX } else { limits.answer };
        Self { bytes, ..Self::default() }
    }

    /// Runs it; when its time is over it is dropped where it stands.
    pub async fn run(&self, running: impl Future<Output = Response>) -> (Response, bool) {
        match tokio::time::timeout(self.time, running).await {
            Ok(response) => (response, true),
            Err(_) => (failed(Error::Timeout), false),
        }
    }

    /// In place of an answer that is too large: why there is none.
    pub fn too_large(&self, body: &[u8]) -> Option<Response> {
        let told = "The answer is too large. Ask for less at once.";
        (body.len() > self.bytes).then(|| failed(Error::TooMuch(told)))
    }
}

/// Nothing but the error.
fn failed(error: Error) -> Response {
    let error: async_graphql::Error = error.into();
    let mut told = ServerError::new(error.message, None);
    told.source = error.source;
    told.extensions = error.extensions;
    Response::from_errors(vec![told])
}
