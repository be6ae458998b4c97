//! One request from document to answer, whatever brought it: HTTP, a socket, a test.

mod bounds;
mod documents;
mod refusal;

use std::{net::IpAddr, sync::Arc};

use async_graphql::{
    Fast, Request, Value, Variables, complete_root,
    parser::types::{ExecutableDocument, OperationDefinition, OperationType},
    response_json,
};
use axum::http::{HeaderName, HeaderValue};

pub use self::bounds::Bounds;
use self::{
    documents::{Documents, Judged, all_public, choose, first_root, only_name},
    refusal::{Refusal, code_errors},
};
use super::{
    guard::{Limits, SchemaMap, price, root_of},
    schema::{AppSchema, schema, sdl},
    session::{RequestInfo, Session},
};
use crate::{
    access::Viewer,
    accounts::{Asking, Links, Passwords, Sessions},
    clock::Clock,
    db::Db,
    error::{Error, Result},
    jobs::Later,
    keys::Keys,
    sso::Providers,
};

/// Who a request comes from, as far as the edge could tell.
#[derive(Debug)]
pub enum SignedIn {
    Anonymous,
    As(Viewer),
    /// There was a token, and it is no good.
    BadToken,
}

/// A request, whatever brought it.
#[derive(Debug)]
pub struct Call {
    pub query: String,
    pub operation_name: Option<String>,
    pub variables: Variables,
    pub signed_in: SignedIn,
    pub info: RequestInfo,
    /// False for what must not change anything, such as a GET.
    pub may_mutate: bool,
}

/// An answer, ready to be sent.
#[derive(Debug, Default)]
pub struct Answer {
    pub body: Vec<u8>,
    /// False: nothing ran, and the body has no `data`.
    pub executed: bool,
    /// The codes of the errors, in order.
    pub codes: Vec<&'static str>,
    /// The operation's name, for the log.
    pub operation: Option<String>,
    /// Query or mutation, and the first field of it that ran, such as `query companies`.
    pub root: Option<String>,
    /// How many statements it took.
    pub statements: u32,
    /// How many rows those read or wrote.
    pub rows: u64,
    /// In how many seconds it is worth trying again, where that was said.
    pub retry_after: Option<u64>,
    /// What else HTTP says of it.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

/// The product behind all transports.
#[derive(Clone)]
pub struct Api(Arc<Inner>);

struct Inner {
    schema: AppSchema,
    map: SchemaMap,
    limits: Limits,
    bounds: Bounds,
    documents: Documents,
    sessions: Sessions,
    later: Later,
    parts: Parts,
}

/// What the product is made of.
pub struct Parts {
    pub db: Db,
    pub clock: Clock,
    pub keys: Arc<Keys>,
    pub passwords: Passwords,
    pub links: Links,
    pub providers: Providers,
}

impl Api {
    pub fn new(parts: Parts) -> Self {
        Self::bounded(parts, Bounds::default())
    }

    pub fn bounded(parts: Parts, bounds: Bounds) -> Self {
        let later = Later::default();
        Self(Arc::new(Inner {
            schema: schema(),
            map: SchemaMap::read(&sdl()),
            limits: Limits::default(),
            bounds,
            documents: Documents::default(),
            sessions: Sessions::new(later.clone()),
            later,
            parts,
        }))
    }

    pub fn db(&self) -> &Db {
        &self.0.parts.db
    }

    pub fn clock(&self) -> &Clock {
        &self.0.parts.clock
    }

    pub fn keys(&self) -> &Arc<Keys> {
        &self.0.parts.keys
    }

    /// What is written after the answer; whoever starts the server lets it run.
    pub fn later(&self) -> &Later {
        &self.0.later
    }

    /// Who sends a request, by the token and where it came from. A database that is away is an
    /// error, and not a bad token.
    pub async fn signed_in(&self, token: &str, address: Option<IpAddr>) -> Result<SignedIn> {
        let Inner { sessions, parts: Parts { db, keys, clock, .. }, .. } = &*self.0;
        match sessions.viewer(Asking { db, keys, clock, address }, token).await {
            Ok(viewer) => Ok(SignedIn::As(viewer)),
            Err(Error::Unauthenticated) => Ok(SignedIn::BadToken),
            Err(error) => Err(error),
        }
    }

    /// Runs a request to its end.
    pub async fn answer(&self, call: Call) -> Answer {
        let id = call.info.id.clone();
        let Judged { document, cheap } =
            match self.0.documents.judged(&self.0.map, &self.0.limits, &call.query) {
                Ok(judged) => judged,
                Err(refusal) => return refusal.answer(&id),
            };
        let operation = match choose(&document, call.operation_name.as_deref()) {
            Ok(operation) => operation,
            Err(refusal) => return refusal.answer(&id),
        };
        if let Err(refusal) = self.admit(&call, &document, operation, cheap) {
            return refusal.answer(&id);
        }
        let viewer = match call.signed_in {
            SignedIn::As(viewer) => Some(viewer),
            _ => None,
        };
        let Inner { schema, sessions, parts, bounds, .. } = &*self.0;
        let Parts { db, clock, keys, passwords, links, providers } = parts;
        let (clock, keys) = (clock.clone(), keys.clone());
        let later = self.0.later.clone();
        let session = Session::new(db.clone(), clock, keys, viewer, call.info, later);
        let session = Arc::new(session);
        let mut request = Request::new("")
            .variables(call.variables.clone())
            .data(session.clone())
            .data(passwords.clone())
            .data(sessions.clone())
            .data(links.clone())
            .data(providers.clone())
            .data(Fast::json(&document));
        if let Some(name) = &call.operation_name {
            request = request.operation_name(name);
        }
        request.set_parsed_query(ExecutableDocument::clone(&document));
        let (mut response, in_time) = bounds.run(schema.execute(request)).await;
        if !in_time {
            // Its connection is in the middle of something.
            session.abandon().await;
        }
        // Nothing ran when no error has a place in the answer.
        let executed = response.errors.is_empty()
            || response.data != Value::Null
            || response.errors.iter().any(|error| !error.path.is_empty());
        if executed {
            let (map, root) = (&self.0.map, root_of(operation));
            let non_null = |name: &str| map.field(root, name).is_some_and(|field| field.non_null);
            complete_root(&mut response, &document, operation, &call.variables, &non_null);
        }
        let retry_after = response.errors.iter().find_map(|error| match error.source::<Error>() {
            Some(Error::Limited { retry_after }) => Some(retry_after.as_secs().max(1)),
            _ => None,
        });
        let mut codes = code_errors(&mut response, executed, &id);
        response.extensions.extend(session.fields().take_masked());
        let reads = session.fields().take_reads(session.viewer(), &id);
        let mut body = response_json(&response, executed);
        if let Some(mut instead) = bounds.too_large(&body) {
            codes = code_errors(&mut instead, executed, &id);
            body = response_json(&instead, executed);
        }
        session.finish().await;
        let (statements, rows) = (session.tally().statements(), session.tally().rows());
        if let Some(reads) = reads {
            self.0.later.send(reads).await;
        }
        // A document that was not good may name fields that are none.
        let root = first_root(operation).filter(|_| executed).map(|field| {
            let kind = operation.ty;
            format!("{kind} {field}")
        });
        let operation = call.operation_name.or_else(|| only_name(&document));
        let headers = Vec::new();
        Answer { body, executed, codes, operation, root, statements, rows, retry_after, headers }
    }

    /// All that is decided before anything runs: first what it costs.
    fn admit(
        &self,
        call: &Call,
        document: &ExecutableDocument,
        operation: &OperationDefinition,
        cheap: bool,
    ) -> Result<(), Refusal> {
        let Inner { map, limits, .. } = &*self.0;
        if !cheap {
            price(map, limits, document, operation, &call.variables)?;
        }
        match operation.ty {
            OperationType::Mutation if !call.may_mutate => {
                let told = "A mutation needs POST.";
                return Err(Refusal::new("METHOD_NOT_ALLOWED", told));
            }
            OperationType::Subscription => {
                let told = "There are no subscriptions here.";
                return Err(Refusal::new("OPERATION_RESOLUTION_FAILURE", told));
            }
            _ => {}
        }
        for variable in &operation.variable_definitions {
            let (variable, place) = (&variable.node, variable.pos);
            let name = variable.name.node.as_str();
            let absent = call.variables.get(name).is_none_or(|value| *value == Value::Null);
            if absent && !variable.var_type.node.nullable && variable.default_value.is_none() {
                let message = format!("The variable ${name} is missing.");
                return Err(Refusal { code: "BAD_USER_INPUT", message, place: Some(place) });
            }
        }
        let refused = match call.signed_in {
            SignedIn::BadToken => true,
            SignedIn::As(_) => false,
            SignedIn::Anonymous => {
                let set = &operation.selection_set.node;
                let (map, root) = (&self.0.map, root_of(operation));
                !all_public(map, document, set, root, &mut Vec::new())
            }
        };
        if refused {
            return Err(Refusal::new("UNAUTHENTICATED", "Sign in to use this."));
        }
        if matches!(&call.signed_in, SignedIn::As(viewer) if viewer.registered_only) {
            let told = "This program may send registered documents only, by their ids.";
            return Err(Refusal::new("PERSISTED_DOCUMENT_REQUIRED", told));
        }
        Ok(())
    }
}
