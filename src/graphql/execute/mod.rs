//! One request from document to answer, whatever brought it: HTTP, a socket, a test.

mod asked;
mod bounds;
mod documents;
mod examine;
mod explain;
mod follow;
mod refusal;
mod throttle;

use std::{
    net::IpAddr,
    sync::{Arc, OnceLock},
};

use async_graphql::{
    Fast, Request, Value, Variables, complete_root,
    parser::types::{ExecutableDocument, OperationDefinition, OperationType},
    response_json,
};
use axum::http::{HeaderName, HeaderValue};
use tokio::sync::Semaphore;

use self::{
    asked::Asked,
    documents::{Documents, all_public, choose, first_root, only_name},
    refusal::{Refusal, code_errors},
    throttle::{Throttle, small_enough},
};
pub use self::{
    asked::ByName,
    examine::{Examined, Examiner},
};
pub use self::{
    bounds::Bounds,
    follow::{Following, Next, Opened},
};
use super::{
    guard::{SchemaMap, TooMuch, Usage, affordable, root_of},
    schema::{AppSchema, schema, sdl},
    session::{RequestInfo, Session},
};
use crate::{
    access::Viewer,
    accounts::{Asking, Links, Passwords, Sessions},
    buckets::Buckets,
    clock::Clock,
    config::Limits,
    db::Db,
    documents::{DocumentHash, Registry},
    error::{Error, Result},
    feed,
    jobs::Later,
    keys::Keys,
    sso::Providers,
};
pub use explain::{Explained, Explaining, Question};

/// Fewer than the pool has.
const FOLLOWERS_AT_ONCE: usize = 6;

/// Who a request comes from, as far as the edge could tell.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a request has one, and most are signed in")]
pub enum SignedIn {
    Anonymous,
    As(Viewer),
    /// There was a token, and it is no good.
    BadToken,
}

/// A request, whatever brought it.
#[derive(Debug)]
pub struct Call {
    /// The text; empty where the document is named instead.
    pub query: String,
    pub named: Option<ByName>,
    pub operation_name: Option<String>,
    pub variables: Variables,
    pub signed_in: SignedIn,
    pub info: RequestInfo,
    /// False for what must not change anything, such as a GET.
    pub may_mutate: bool,
    /// Can more than one answer be sent?
    pub may_follow: bool,
    /// False: the answer says nothing of its cost, so that the same data is the same answer.
    pub tell_cost: bool,
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
    /// What it did cost.
    pub cost: Option<u64>,
    /// The registered document that it is of.
    pub document: Option<DocumentHash>,
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
    /// Checks documents, and runs none.
    checker: OnceLock<AppSchema>,
    map: SchemaMap,
    throttle: Throttle,
    bounds: Bounds,
    documents: Documents,
    examiner: Examiner,
    registry: Registry,
    sessions: Sessions,
    later: Later,
    /// Followers read in turns, so that a commit that wakes many leaves connections to requests.
    turns: Semaphore,
    /// What they read.
    log: feed::Shared,
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
    pub limits: Limits,
    pub buckets: Buckets,
}

impl Api {
    pub fn new(parts: Parts) -> Self {
        let bounds = Bounds::of(&parts.limits);
        Self::bounded(parts, bounds)
    }

    pub fn bounded(parts: Parts, bounds: Bounds) -> Self {
        let throttle = Throttle { limits: parts.limits.clone(), buckets: parts.buckets.clone() };
        let later = Later::default();
        Self(Arc::new(Inner {
            schema: schema(),
            checker: OnceLock::new(),
            map: SchemaMap::read(&sdl()),
            throttle,
            bounds,
            documents: Documents::default(),
            examiner: Examiner::new(parts.limits.clone()),
            registry: Registry::default(),
            sessions: Sessions::new(later.clone()),
            later,
            turns: Semaphore::new(FOLLOWERS_AT_ONCE),
            log: feed::Shared::default(),
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

    /// The registered documents, and who asked what; whoever starts the server lets it run.
    pub fn registry(&self) -> &Registry {
        &self.0.registry
    }

    pub fn limits(&self) -> &Limits {
        &self.0.throttle.limits
    }

    pub fn buckets(&self) -> &Buckets {
        &self.0.throttle.buckets
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

    fn session(&self, viewer: Option<Viewer>, info: RequestInfo) -> Session {
        let Parts { db, clock, keys, .. } = &self.0.parts;
        let (db, clock, keys) = (db.clone(), clock.clone(), keys.clone());
        Session::new(db, clock, keys, viewer, info, self.0.later.clone())
    }

    /// Runs a request to its end.
    pub async fn answer(&self, call: Call) -> Answer {
        match self.arrive(&call).await {
            Ok(asked) => self.run(call, asked).await,
            Err(answer) => *answer,
        }
    }

    /// Which document is asked.
    async fn arrive(&self, call: &Call) -> Result<Asked, Box<Answer>> {
        let warned = self.0.throttle.arrive(call).await?;
        let asked = self.asked(call).await;
        let mut asked = asked.map_err(|refusal| Box::new(refusal.answer(&call.info.id)))?;
        asked.warned.extend(warned);
        asked.warned.extend(asked.judged.warned.iter().cloned());
        Ok(asked)
    }

    async fn run(&self, call: Call, mut asked: Asked) -> Answer {
        let id = call.info.id.clone();
        let mut warned = std::mem::take(&mut asked.warned);
        let Asked { judged, .. } = &asked;
        let (map, throttle, document) = (&self.0.map, &self.0.throttle, &judged.document);
        let operation = match choose(document, call.operation_name.as_deref()) {
            Ok(operation) => operation,
            Err(refusal) => return refusal.answer(&id),
        };
        let tariff = judged.tariff(call.operation_name.as_deref());
        let price = tariff.price(&call.variables);
        if let Err(refusal) = self.admit(&call, document, operation, price, &mut warned) {
            return refusal.answer(&id);
        }
        let mut toll = match throttle.take(&call, &tariff, price).await {
            Ok(toll) => toll,
            Err(answer) => return *answer,
        };
        toll.warned.extend(warned);
        let viewer = match call.signed_in {
            SignedIn::As(viewer) => Some(viewer),
            _ => None,
        };
        let session = Arc::new(self.session(viewer, call.info));
        let name = call.operation_name.as_deref();
        let fast = Fast::json(document);
        let made = fast.made();
        let request = self.request(document, call.variables.clone(), name, &session).data(fast);
        let bounds = &self.0.bounds;
        let (mut response, in_time) = bounds.run(self.0.schema.execute(request)).await;
        if !in_time {
            // Its connection is in the middle of something.
            session.abandon().await;
        }
        // Nothing ran when no error has a place in the answer.
        let executed = response.errors.is_empty()
            || response.data != Value::Null
            || response.errors.iter().any(|error| !error.path.is_empty());
        if executed {
            let root = root_of(operation);
            let non_null = |name: &str| map.field(root, name).is_some_and(|field| field.non_null);
            complete_root(&mut response, document, operation, &call.variables, &non_null);
        }
        let retry_after = response.errors.iter().find_map(|error| match error.source::<Error>() {
            Some(Error::Limited { retry_after }) => Some(retry_after.as_secs().max(1)),
            _ => None,
        });
        let mut codes = code_errors(&mut response, executed, &id);
        response.extensions.extend(session.fields().take_masked());
        let told = throttle.settle(toll, if executed { tariff.spent(&made, price) } else { 0 });
        if call.tell_cost && executed {
            told.tell(&mut response);
        }
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
        let name = call.operation_name.as_deref();
        let mut headers = told.headers();
        if executed {
            self.count(session.viewer(), &asked, name);
            headers.extend(judged.usage(name).map(Usage::headers).unwrap_or_default());
        }
        let named = call.operation_name.or_else(|| only_name(document));
        // A document that was not good may name fields that are none.
        let root = first_root(operation).filter(|_| executed);
        let root = root.map(|field| format!("{} {field}", operation.ty));
        let cost = told.spent;
        Answer {
            body,
            executed,
            codes,
            operation: named,
            root,
            statements,
            rows,
            cost,
            document: asked.registered.is_some().then_some(asked.judged.hash),
            retry_after,
            headers,
        }
    }

    /// A document with what its resolvers need.
    fn request(
        &self,
        document: &ExecutableDocument,
        variables: Variables,
        name: Option<&str>,
        session: &Arc<Session>,
    ) -> Request {
        let Inner { sessions, registry, examiner, parts, .. } = &*self.0;
        let Parts { passwords, links, providers, .. } = parts;
        let mut request = Request::new("")
            .variables(variables)
            .data(session.clone())
            .data(passwords.clone())
            .data(sessions.clone())
            .data(links.clone())
            .data(providers.clone())
            .data(registry.clone())
            .data(examiner.clone())
            .data(Explaining(self.clone()));
        if let Some(name) = name {
            request = request.operation_name(name);
        }
        request.set_parsed_query(document.clone());
        request
    }

    /// All that is decided before anything runs: first what it costs.
    fn admit(
        &self,
        call: &Call,
        document: &ExecutableDocument,
        operation: &OperationDefinition,
        price: u64,
        warned: &mut Vec<TooMuch>,
    ) -> Result<(), Refusal> {
        let limits = &self.0.throttle.limits;
        for refused in [affordable(limits, price), small_enough(limits, &call.variables)] {
            match refused {
                Err(told) if limits.warn_only => warned.push(told),
                refused => refused?,
            }
        }
        match operation.ty {
            OperationType::Mutation if !call.may_mutate => {
                let told = "A mutation needs POST.";
                return Err(Refusal::new("METHOD_NOT_ALLOWED", told));
            }
            OperationType::Subscription if !call.may_follow => {
                let told =
                    "A subscription needs a socket (/graphql/ws), or `Accept: text/event-stream`.";
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
        Ok(())
    }
}
