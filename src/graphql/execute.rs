//! One request from document to answer, whatever brought it: HTTP, a socket, a test.

use std::{net::IpAddr, sync::Arc};

use async_graphql::{
    Fast, PathSegment, Pos, Request, Response, ServerError, Value, Variables, complete_root,
    parser::{
        parse_query,
        types::{
            DocumentOperations, ExecutableDocument, OperationDefinition, OperationType, Selection,
            SelectionSet,
        },
    },
    response_json,
};
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};

use super::{
    guard::{Limits, SchemaMap, Size, TooMuch, judge, price, root_of, within},
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

const MAX_ERRORS: usize = 20;
/// Parsed documents that are kept; each came from a text of at most 64 KiB.
const KEPT_DOCUMENTS: usize = 1000;

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
#[derive(Debug)]
pub struct Answer {
    pub body: Vec<u8>,
    /// False: nothing ran, and the body has no `data`.
    pub executed: bool,
    /// The codes of the errors, in order.
    pub codes: Vec<&'static str>,
    /// The operation's name, for the log.
    pub operation: Option<String>,
    /// How many statements the reads took.
    pub statements: u32,
    /// In how many seconds it is worth trying again, where that was said.
    pub retry_after: Option<u64>,
}

/// A document that may run.
#[derive(Clone)]
struct Judged {
    document: Arc<ExecutableDocument>,
    /// Whatever its variables are.
    cheap: bool,
}

/// The product behind all transports.
#[derive(Clone)]
pub struct Api(Arc<Inner>);

struct Inner {
    schema: AppSchema,
    map: SchemaMap,
    limits: Limits,
    documents: Cache<[u8; 32], Judged>,
    db: Db,
    clock: Clock,
    keys: Arc<Keys>,
    passwords: Passwords,
    sessions: Sessions,
    links: Links,
    later: Later,
    providers: Providers,
}

impl Api {
    pub fn new(
        db: Db,
        clock: Clock,
        keys: Arc<Keys>,
        passwords: Passwords,
        links: Links,
        providers: Providers,
    ) -> Self {
        let documents = Cache::new(KEPT_DOCUMENTS);
        let (schema, map, limits) = (schema(), SchemaMap::read(&sdl()), Limits::default());
        let later = Later::default();
        let sessions = Sessions::new(later.clone());
        Self(Arc::new(Inner {
            schema,
            map,
            limits,
            documents,
            db,
            clock,
            keys,
            passwords,
            sessions,
            links,
            later,
            providers,
        }))
    }

    pub fn db(&self) -> &Db {
        &self.0.db
    }

    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub fn keys(&self) -> &Arc<Keys> {
        &self.0.keys
    }

    /// What is written after the answer; whoever starts the server lets it run.
    pub fn later(&self) -> &Later {
        &self.0.later
    }

    /// Who sends a request, by the token and where it came from. A database that is away is an
    /// error, and not a bad token.
    pub async fn signed_in(&self, token: &str, address: Option<IpAddr>) -> Result<SignedIn> {
        let Inner { db, keys, clock, sessions, .. } = &*self.0;
        match sessions.viewer(Asking { db, keys, clock, address }, token).await {
            Ok(viewer) => Ok(SignedIn::As(viewer)),
            Err(Error::Unauthenticated) => Ok(SignedIn::BadToken),
            Err(error) => Err(error),
        }
    }

    /// Runs a request to its end.
    pub async fn answer(&self, call: Call) -> Answer {
        let id = call.info.id.clone();
        let Judged { document, cheap } = match self.document(&call.query) {
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
        let Inner { db, clock, keys, passwords, sessions, links, providers, schema, .. } = &*self.0;
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
        let mut response = schema.execute(request).await;
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
        let codes = code_errors(&mut response, executed, &id);
        response.extensions.extend(session.fields().take_masked());
        let reads = session.fields().take_reads(session.viewer(), &id);
        let body = response_json(&response, executed);
        let statements = session.finish().await;
        if let Some(reads) = reads {
            self.0.later.send(reads).await;
        }
        let operation = call.operation_name.or_else(|| only_name(&document));
        Answer { body, executed, codes, operation, statements, retry_after }
    }

    fn document(&self, text: &str) -> Result<Judged, Refusal> {
        let limits = &self.0.limits;
        within("bytes", text.len(), limits.document)?;
        let hash: [u8; 32] = Sha256::digest(text).into();
        if let Some(judged) = self.0.documents.get(&hash) {
            return Ok(judged);
        }
        let size = Size::of(text);
        within("tokens", size.tokens, limits.tokens)?;
        within("brackets in each other", size.nesting, limits.nesting)?;
        let document = Arc::new(parse_query(text).map_err(|error| {
            let told = error.to_string();
            let place = error.positions().next();
            // The parser draws the place; the last line says what is wrong.
            let told = told.lines().last().unwrap_or_default().trim().trim_start_matches("= ");
            Refusal { code: "GRAPHQL_PARSE_FAILED", message: told.to_owned(), place }
        })?);
        let cheap = judge(&self.0.map, limits, &document)?;
        let judged = Judged { document, cheap };
        self.0.documents.insert(hash, judged.clone());
        Ok(judged)
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

/// Why a request is not even begun.
struct Refusal {
    code: &'static str,
    message: String,
    place: Option<Pos>,
}

impl From<TooMuch> for Refusal {
    fn from((code, message): TooMuch) -> Self {
        Self { code, message, place: None }
    }
}

impl Refusal {
    fn new(code: &'static str, message: &str) -> Self {
        Self { code, message: message.into(), place: None }
    }

    fn answer(self, request_id: &str) -> Answer {
        let mut error = ServerError::new(self.message, self.place);
        let extensions = error.extensions.get_or_insert_default();
        extensions.set("code", self.code);
        extensions.set("requestId", request_id);
        let body = response_json(&Response::from_errors(vec![error]), false);
        let codes = vec![self.code];
        Answer { body, executed: false, codes, operation: None, statements: 0, retry_after: None }
    }
}

/// The operation that is meant.
fn choose<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Result<&'a OperationDefinition, Refusal> {
    let found = match (&document.operations, name) {
        (DocumentOperations::Single(operation), None) => Some(operation),
        (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name),
        (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => {
            operations.values().next()
        }
        _ => None,
    };
    found.map(|operation| &operation.node).ok_or_else(|| {
        let told = match name {
            Some(name) => format!("The document has no operation named \"{name}\"."),
            None => "The document has several operations; say operationName.".to_owned(),
        };
        Refusal::new("OPERATION_RESOLUTION_FAILURE", &told)
    })
}

fn only_name(document: &ExecutableDocument) -> Option<String> {
    document.operations.iter().next().and_then(|(name, _)| name).map(ToString::to_string)
}

/// Does every root field answer without sign-in? Each fragment is looked at once.
fn all_public<'a>(
    map: &SchemaMap,
    document: &'a ExecutableDocument,
    set: &'a SelectionSet,
    root: &str,
    seen: &mut Vec<&'a str>,
) -> bool {
    set.items.iter().all(|item| match &item.node {
        Selection::Field(field) => {
            let name = field.node.name.node.as_str();
            name.starts_with("__") || map.field(root, name).is_some_and(|field| field.public)
        }
        Selection::InlineFragment(inline) => {
            all_public(map, document, &inline.node.selection_set.node, root, seen)
        }
        Selection::FragmentSpread(spread) => {
            let name = spread.node.fragment_name.node.as_str();
            if seen.contains(&name) {
                return true;
            }
            seen.push(name);
            document.fragments.get(name).is_none_or(|fragment| {
                all_public(map, document, &fragment.node.selection_set.node, root, seen)
            })
        }
    })
}

/// Every error gets its code and the request's id; what is behind an internal one goes to the
/// log, here and nowhere else.
fn code_errors(response: &mut Response, executed: bool, request_id: &str) -> Vec<&'static str> {
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
