//! What is told of every operation, whatever brought it: one line of the log, and its part of
//! `/metrics`. Never a secret, never a document's text, never variables.

use std::time::Duration;

use crate::{
    access::{Viewer, Who},
    graphql::Answer,
    measure,
};

/// One operation that came to its end.
pub struct Line<'a> {
    /// "http", "events" or "socket".
    pub over: &'static str,
    pub request: &'a str,
    pub viewer: Option<&'a Viewer>,
    /// The status of HTTP; a socket has none.
    pub status: Option<u16>,
    pub took: Duration,
    /// From when on it is slow.
    pub slow: Option<Duration>,
}

impl Line<'_> {
    pub fn tell(&self, answer: &Answer) {
        let micros = u64::try_from(self.took.as_micros()).unwrap_or(u64::MAX);
        let codes = (!answer.codes.is_empty()).then(|| answer.codes.join(","));
        tracing::info!(
            request = self.request,
            over = self.over,
            operation = answer.operation,
            document = answer.document.map(display),
            asks = answer.root,
            tenant = self.viewer.map(|viewer| display(viewer.tenant)),
            who = self.viewer.map(|viewer| display(name(viewer))),
            cost = answer.cost,
            status = self.status,
            codes,
            statements = answer.statements,
            rows = answer.rows,
            bytes = answer.body.len(),
            micros,
            "operation"
        );
        if self.slow.is_some_and(|slow| self.took >= slow) {
            tracing::warn!(
                request = self.request,
                operation = answer.operation,
                document = answer.document.map(display),
                asks = answer.root,
                statements = answer.statements,
                rows = answer.rows,
                micros,
                "operation.slow"
            );
        }
        measure::operation(self.label(answer), self.took, answer.statements, answer.rows);
        answer.codes.iter().for_each(|code| measure::error(code));
    }

    /// From a closed set: names are a client's to choose, unless the document is registered.
    fn label(&self, answer: &Answer) -> String {
        match (&answer.document, &answer.operation, &answer.root) {
            (Some(_), Some(name), _) => measure::registered(name),
            (_, _, Some(root)) => root.clone(),
            _ => "refused".to_owned(),
        }
    }
}

fn name(viewer: &Viewer) -> String {
    match viewer.who {
        Who::Person(user) => user.to_string(),
        Who::Client(client) => client.to_string(),
    }
}

/// A request that was refused before it was an operation.
pub fn refused(request: &str, status: u16, code: &'static str) {
    tracing::info!(request, status, codes = code, "operation");
    measure::error(code);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::DocumentHash;

    const LINE: Line<'static> = Line {
        over: "http",
        request: "r",
        viewer: None,
        status: None,
        took: Duration::ZERO,
        slow: None,
    };

    #[test]
    fn what_a_stranger_calls_an_operation_is_no_label() {
        let named = |root: Option<&str>| Answer {
            operation: Some("Whatever".into()),
            root: root.map(Into::into),
            ..Answer::default()
        };
        assert_eq!(LINE.label(&named(Some("query viewer"))), "query viewer");
        assert_eq!(LINE.label(&named(None)), "refused");
        let hash = DocumentHash::of("{ viewer { tenant { name } } }");
        let registered = Answer { document: Some(hash), ..named(Some("query viewer")) };
        assert_eq!(LINE.label(&registered), "Whatever");
    }
}
