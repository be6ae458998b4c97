//! What is told of a request that fails: its code, its place, its id.

use async_graphql::{PathSegment, Pos, Response, ServerError, response_json};

use super::{super::guard::TooMuch, Answer};
use crate::error::Error;

const MAX_ERRORS: usize = 20;

/// Why a request is not even begun.
pub struct Refusal {
    pub code: &'static str,
    pub message: String,
    pub place: Option<Pos>,
}

impl From<TooMuch> for Refusal {
    fn from((code, message): TooMuch) -> Self {
        Self { code, message, place: None }
    }
}

impl Refusal {
    pub fn new(code: &'static str, message: &str) -> Self {
        Self { code, message: message.into(), place: None }
    }

    pub fn answer(self, request_id: &str) -> Answer {
        let mut error = ServerError::new(self.message, self.place);
        let extensions = error.extensions.get_or_insert_default();
        extensions.set("code", self.code);
        extensions.set("requestId", request_id);
        let body = response_json(&Response::from_errors(vec![error]), false);
        Answer { body, codes: vec![self.code], ..Answer::default() }
    }
}

/// Every error gets its code and the request's id; what is behind an internal one goes to the
/// log, here and nowhere else.
pub fn code_errors(response: &mut Response, executed: bool, request_id: &str) -> Vec<&'static str> {
    response.errors.truncate(MAX_ERRORS);
    let mut codes = Vec::new();
    for error in &mut response.errors {
        let source = error.source::<Error>();
        let code = match source {
            Some(source) => source.code(),
            None if executed => "BAD_USER_INPUT",
            None => "GRAPHQL_VALIDATION_FAILED",
        };
        if let Some(source @ (Error::Internal(_) | Error::Unavailable(_))) = source {
            let path: Vec<String> = error.path.iter().map(segment).collect();
            tracing::error!(request = request_id, path = path.join("."), error = ?source, "operation.error");
        }
        if source.is_none()
            && let Some((_, told)) = error.message.split_once("\": ")
            && error.message.starts_with("Failed to parse")
        {
            error.message = told.to_owned();
        }
        let extensions = error.extensions.get_or_insert_default();
        extensions.set("code", code);
        extensions.set("requestId", request_id);
        codes.push(code);
    }
    codes
}

fn segment(segment: &PathSegment) -> String {
    match segment {
        PathSegment::Field(name) => name.clone(),
        PathSegment::Index(at) => at.to_string(),
    }
}
