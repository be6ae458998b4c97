//! A request that may answer more than once. A subscription is executed once for each change,
//! with a session of its own: its answer is one snapshot, read with the permissions that its
//! reader has by then.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_graphql::{
    Fast, Positioned, Response, Variables,
    parser::types::{
        DocumentOperations, ExecutableDocument, Field, OperationType, Selection, SelectionSet,
    },
    response_json,
};
use futures_util::StreamExt;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::watch;

use super::{
    super::{
        changes::{Occasion, Wanted},
        session::RequestInfo,
    },
    Answer, Api, Call, Inner, SignedIn,
    asked::Asked,
    documents::{choose, only_name},
    refusal::{Refusal, code_errors},
};
use crate::{
    access::{Permission::ChangeRead, Viewer},
    error::{Error, Result},
    feed::{self, Place, Window},
};

/// How often a token is looked at while nothing happens.
const RECHECK: Duration = Duration::from_secs(30);
/// While the database is away.
const PAUSE: Duration = Duration::from_secs(1);
/// Changes that are read at once.
const BATCH: i64 = 100;

/// How a request began.
pub enum Opened {
    /// It is over, too.
    Answered(Answer),
    Following(Box<Following>),
}

/// What comes next of a subscription.
pub enum Next {
    Answer(Answer),
    /// It has told all that was wanted.
    Done,
    /// Its reader is nobody any more.
    SignedOut,
}

/// A subscription that has begun.
pub struct Following {
    api: Api,
    document: Arc<ExecutableDocument>,
    operation: Option<String>,
    variables: Variables,
    info: RequestInfo,
    token: SecretString,
    /// What each change costs its reader.
    price: u64,
    wanted: Wanted,
    commits: watch::Receiver<u64>,
    pending: VecDeque<feed::Change>,
}

impl Api {
    /// Begins a request that may be a subscription, with the token that it came with.
    pub async fn open(&self, call: Call, token: Option<SecretString>) -> Opened {
        let asked = match self.arrive(&call).await {
            Ok(asked) => asked,
            Err(answer) => return Opened::Answered(*answer),
        };
        let follows = choose(&asked.judged.document, call.operation_name.as_deref())
            .is_ok_and(|operation| operation.ty == OperationType::Subscription);
        match (token, &call.signed_in) {
            (Some(token), SignedIn::As(viewer)) if follows => {
                let viewer = viewer.clone();
                match self.begin(call, asked, viewer, token).await {
                    Ok(following) => Opened::Following(Box::new(following)),
                    Err(answer) => Opened::Answered(*answer),
                }
            }
            _ => Opened::Answered(self.run(call, asked).await),
        }
    }

    async fn begin(
        &self,
        call: Call,
        asked: Asked,
        viewer: Viewer,
        token: SecretString,
    ) -> Result<Following, Box<Answer>> {
        let id = call.info.id.clone();
        let refuse = |refusal: Refusal| Box::new(refusal.answer(&id));
        let (document, name) = (&asked.judged.document, call.operation_name.as_deref());
        let operation = choose(document, name).map_err(refuse)?;
        let tariff = asked.judged.tariff(name);
        let price = tariff.price(&call.variables);
        self.admit(&call, document, operation, price, &mut Vec::new()).map_err(refuse)?;
        let throttle = &self.0.throttle;
        let toll = throttle.take(&call, &tariff, price).await?;
        let document = with_one_root(document, name).map_err(refuse)?;
        self.count(Some(&viewer), &asked, name);
        let commits = self.db().commits().follow(viewer.tenant);
        let mut following = Following {
            api: self.clone(),
            operation: call.operation_name.or_else(|| only_name(&document)),
            document: Arc::new(document),
            variables: call.variables,
            info: call.info,
            token,
            price,
            wanted: Wanted { tables: Vec::new(), after: 0, first: None },
            commits,
            pending: VecDeque::new(),
        };
        let begun = Arc::new(Occasion::Begun(Mutex::default()));
        let answer = following.execute(viewer, begun.clone()).await;
        throttle.settle(toll, price);
        let wanted = match &*begun {
            Occasion::Begun(place) => place.lock().unwrap_or_else(PoisonError::into_inner).take(),
            Occasion::Happened(_) => None,
        };
        following.wanted = wanted.ok_or_else(|| Box::new(answer))?;
        Ok(following)
    }
}

impl Following {
    /// The operation's name, for the log.
    pub fn operation(&self) -> Option<&str> {
        self.operation.as_deref()
    }

    /// Waits for the next answer.
    pub async fn next(&mut self) -> Next {
        loop {
            if self.wanted.first == Some(0) {
                return Next::Done;
            }
            // What is done now and then takes no room while nothing happens.
            let viewer = match Box::pin(self.viewer()).await {
                Ok(Some(viewer)) => viewer,
                Ok(None) => return Next::SignedOut,
                Err(error) => {
                    tracing::debug!(error = ?error, "subscription.waits");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            if let Some(change) = self.pending.front() {
                self.pay(&viewer).await;
                let occasion = Arc::new(Occasion::Happened(change.clone()));
                let answer = Box::pin(self.execute(viewer, occasion)).await;
                // A database that goes in the middle spoils no change: it is told when that is back.
                if answer.codes.contains(&"UNAVAILABLE") {
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
                self.pending.pop_front();
                self.wanted.first = self.wanted.first.map(|first| first.saturating_sub(1));
                return Next::Answer(answer);
            }
            // Seen before it is read: what is committed meanwhile wakes us again.
            let wake = *self.commits.borrow_and_update();
            match Box::pin(self.read(&viewer, wake)).await {
                Ok(true) => {}
                Ok(false) => self.wait().await,
                Err(Error::Unavailable(_) | Error::Timeout) => tokio::time::sleep(PAUSE).await,
                Err(error) => {
                    self.wanted.first = Some(0);
                    let (code, message) = (error.code(), error.to_string());
                    let refusal = Refusal { code, message, place: None };
                    return Next::Answer(refusal.answer(&self.info.id));
                }
            }
        }
    }

    /// A change is work like any other; whoever has spent their points waits for it.
    async fn pay(&self, viewer: &Viewer) {
        while let Err(Error::Limited { retry_after }) =
            self.api.0.throttle.take_more(viewer, self.price).await
        {
            tokio::time::sleep(retry_after).await;
        }
    }

    /// Who reads by now.
    async fn viewer(&self) -> Result<Option<Viewer>> {
        let address = self.info.caller.address;
        match self.api.signed_in(self.token.expose_secret(), address).await? {
            SignedIn::As(viewer) => Ok(Some(viewer)),
            _ => Ok(None),
        }
    }

    /// Reads on in the log, or takes what another has read there since the wake; false: there is
    /// nothing more yet.
    async fn read(&mut self, viewer: &Viewer, wake: u64) -> Result<bool> {
        viewer.check(ChangeRead, self.api.clock().now())?;
        let Inner { log, turns, .. } = &*self.api.0;
        let Wanted { tables, after, .. } = &self.wanted;
        let (tenant, reach) = (viewer.tenant, viewer.reach(ChangeRead));
        let place = Place { tenant, after: *after, tables: tables.clone(), reach, wake };
        let read = async {
            let _turn = turns.acquire().await;
            let conn = self.api.db().read(tenant).await?;
            let window = Window { after: *after, resumes: *after > 0, tables, most: BATCH };
            let reader = conn.with_reach(place.reach.clone());
            let stretch = feed::follow(&reader, window).await;
            drop(reader);
            conn.finish().await?;
            stretch
        };
        let stretch = log.read(&place, read).await?;
        self.wanted.after = stretch.until;
        self.pending.extend(stretch.changes.iter().cloned());
        Ok(stretch.more || !self.pending.is_empty())
    }

    /// Until something was committed, or it is time to look at the token. What is committed in
    /// between is not looked for again and again: the log is asked for all of its followers.
    async fn wait(&mut self) {
        // The sender lives as long as the pool.
        let _ = tokio::time::timeout(RECHECK, self.commits.changed()).await;
    }

    async fn execute(&self, viewer: Viewer, occasion: Arc<Occasion>) -> Answer {
        let _turn = self.api.0.turns.acquire().await;
        let id = &self.info.id;
        let session = Arc::new(self.api.session(Some(viewer), self.info.clone()));
        let request = self.api.request(&self.document, self.variables.clone(), None, &session);
        let request = request.data(occasion).data(Fast::json(&self.document));
        let mut responses = self.api.0.schema.execute_stream(request);
        let first = responses.next().await;
        drop(responses);
        let mut response = first.unwrap_or_else(|| Response::new(async_graphql::Value::Null));
        let executed = response.errors.iter().all(|error| !error.path.is_empty());
        let codes = code_errors(&mut response, executed, id);
        response.extensions.extend(session.fields().take_masked());
        let reads = session.fields().take_reads(session.viewer(), id);
        let body = response_json(&response, executed);
        session.finish().await;
        let (statements, rows) = (session.tally().statements(), session.tally().rows());
        if let Some(reads) = reads {
            self.api.later().send(reads).await;
        }
        let operation = self.operation.clone();
        let (root, cost) = (Some("subscription changes".into()), Some(self.price));
        Answer {
            body,
            executed,
            codes,
            operation,
            root,
            statements,
            rows,
            cost,
            ..Answer::default()
        }
    }
}

/// The document with nothing but the operation and its one field at the root: the library does not
/// look into fragments there.
fn with_one_root(
    document: &ExecutableDocument,
    name: Option<&str>,
) -> Result<ExecutableDocument, Refusal> {
    let mut operation = choose(document, name)?.clone();
    let set = &mut operation.selection_set;
    let mut fields = Vec::new();
    gather(document, &set.node, &mut fields, &mut Vec::new());
    let keys = fields.iter().map(|field| &field.node.response_key().node);
    let one = keys.clone().all(|key| keys.clone().next() == Some(key));
    let bare = fields.iter().all(|field| field.node.directives.is_empty());
    let asked = fields.first().is_some_and(|field| !field.node.name.node.starts_with("__"));
    if !(one && bare && asked) {
        let told = "A subscription has one field at its root, without @skip and @include.";
        return Err(Refusal::new("GRAPHQL_VALIDATION_FAILED", told));
    }
    // The same field twice is one field with both selections.
    let mut fields = fields.into_iter();
    let mut merged = fields.next().cloned();
    if let Some(merged) = &mut merged {
        for field in fields {
            let more = &field.node.selection_set.node.items;
            merged.node.selection_set.node.items.extend(more.iter().cloned());
        }
    }
    let place = set.pos;
    let items = merged.into_iter().map(|field| Positioned::new(Selection::Field(field), place));
    set.node.items = items.collect();
    let at = Positioned::new(operation, place);
    // What only the root has spread is spread no more.
    let mut used = HashSet::new();
    spread(document, &at.node.selection_set.node, &mut used);
    let fragments = document.fragments.iter().filter(|(name, _)| used.contains(name.as_str()));
    let fragments = fragments.map(|(name, fragment)| (name.clone(), fragment.clone())).collect();
    Ok(ExecutableDocument { operations: DocumentOperations::Single(at), fragments })
}

/// The fragments that a selection spreads, at any depth.
fn spread<'a>(
    document: &'a ExecutableDocument,
    set: &'a SelectionSet,
    used: &mut HashSet<&'a str>,
) {
    for item in &set.items {
        match &item.node {
            Selection::Field(field) => spread(document, &field.node.selection_set.node, used),
            Selection::InlineFragment(inline) => {
                spread(document, &inline.node.selection_set.node, used);
            }
            Selection::FragmentSpread(named) => {
                let name = named.node.fragment_name.node.as_str();
                if used.insert(name)
                    && let Some(fragment) = document.fragments.get(name)
                {
                    spread(document, &fragment.node.selection_set.node, used);
                }
            }
        }
    }
}

fn gather<'a>(
    document: &'a ExecutableDocument,
    set: &'a SelectionSet,
    fields: &mut Vec<&'a Positioned<Field>>,
    open: &mut Vec<&'a str>,
) {
    for item in &set.items {
        match &item.node {
            Selection::Field(field) => fields.push(field),
            Selection::InlineFragment(inline) => {
                gather(document, &inline.node.selection_set.node, fields, open);
            }
            Selection::FragmentSpread(spread) => {
                let name = spread.node.fragment_name.node.as_str();
                // A circle is validation's to tell.
                if let Some(fragment) = document.fragments.get(name)
                    && !open.contains(&name)
                {
                    open.push(name);
                    gather(document, &fragment.node.selection_set.node, fields, open);
                    open.pop();
                }
            }
        }
    }
}
