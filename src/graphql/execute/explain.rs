//! What a document would cost and cause, found out without changing anything: a question runs on a
//! snapshot of its own, in the rights of whoever asks, and its answer is thrown away. A change does
//! not run at all.

use std::sync::Arc;

use async_graphql::{
    Fast, Request, Response, Variables,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute},
    parser::types::{ExecutableDocument, OperationDefinition, OperationType},
};
use futures_util::{FutureExt, future::BoxFuture};

use super::{
    Api, Inner,
    documents::{Judged, choose, parsed},
    refusal::Refusal,
    throttle::small_enough,
};
use crate::{
    access::{Permission, Viewer},
    config::Limits,
    documents::DocumentHash,
    error::{Error, Result},
    graphql::{
        guard::{Measure, TooMuch, affordable, judge, measures, root_fields, root_of, size},
        schema::checker,
        session::{RequestInfo, Session},
    },
};

/// The way from a resolver to what runs documents.
pub struct Explaining(pub(super) Api);

/// A field at the root of an operation.
pub struct Root {
    pub name: String,
    /// `None`: it answers without sign-in.
    pub permission: Option<Permission>,
    pub allowed: bool,
}

/// What is known of a document.
#[derive(Default)]
pub struct Explained {
    pub kind: Option<OperationType>,
    pub measures: Vec<Measure>,
    pub refusals: Vec<TooMuch>,
    pub roots: Vec<Root>,
    pub ran: Option<Ran>,
}

/// What came of running it.
pub struct Ran {
    pub statements: u32,
    pub cost: u64,
}

/// A document, and what it is to be run with.
pub struct Question<'a> {
    pub text: &'a str,
    pub variables: Variables,
    pub operation: Option<&'a str>,
}

impl Explaining {
    /// What would happen if whoever asks sent this.
    pub async fn explain(&self, session: &Session, asked: Question<'_>) -> Result<Explained> {
        let viewer = session.viewer().ok_or(Error::Unauthenticated)?;
        let mut explained = Explained::default();
        let Inner { throttle, .. } = &*self.0.0;
        let limits = &throttle.limits;
        let read = self.0.look(&asked, viewer, session, &mut explained).await;
        let (judged, price) = match read {
            Ok(read) => read,
            Err(refusal) => {
                explained.refusals.push((refusal.code, refusal.message));
                return Ok(explained);
            }
        };
        let warned = |told: &TooMuch| limits.warn_only && told.0 != "FORBIDDEN";
        let runs = explained.refusals.iter().all(warned)
            && explained.kind == Some(OperationType::Query)
            && !viewer.registered_only
            && explained.roots.iter().all(|root| root.allowed);
        if runs {
            // It is work like any other.
            throttle.take_more(viewer, price).await?;
            explained.ran =
                Some(self.0.run_away(viewer.clone(), session, asked, judged, price).await);
        }
        Ok(explained)
    }
}

impl Api {
    /// All that can be told without running it. What cannot be read on is an error; what is merely
    /// refused is among the refusals.
    async fn look(
        &self,
        asked: &Question<'_>,
        viewer: &Viewer,
        session: &Session,
        explained: &mut Explained,
    ) -> Result<(Judged, u64), Refusal> {
        let Inner { map, throttle, .. } = &*self.0;
        let limits = &throttle.limits;
        explained.measures = size(limits, asked.text);
        judge(limits, &explained.measures)?;
        let document = parsed(asked.text)?;
        let all = measures(map, limits, &document);
        // Only what would harm whoever reads on ends it here.
        judge(&Limits { warn_only: true, ..limits.clone() }, &all)?;
        explained.measures.extend(&all);
        for measure in all {
            explained.refusals.extend(judge(limits, &[measure]).err());
        }
        let judged = Judged::new(
            map,
            &Limits { warn_only: true, ..limits.clone() },
            document,
            (asked.text, DocumentHash::of(asked.text)),
        )?;
        let operation = choose(&judged.document, asked.operation)?;
        explained.kind = Some(operation.ty);
        let price = judged.tariff(asked.operation).price(&asked.variables);
        let cost = Measure { name: "cost", value: price, limit: limits.cost, firm: false };
        explained.measures.push(cost);
        explained.refusals.extend(affordable(limits, price).err());
        explained.refusals.extend(small_enough(limits, &asked.variables).err());
        self.roots(&judged.document, operation, viewer, session, explained)?;
        self.valid(asked, &judged.document, explained).await;
        Ok((judged, price))
    }

    fn roots(
        &self,
        document: &ExecutableDocument,
        operation: &OperationDefinition,
        viewer: &Viewer,
        session: &Session,
        explained: &mut Explained,
    ) -> Result<(), Refusal> {
        let mut again = false;
        root_fields(document, &operation.selection_set.node, &mut |field| {
            let name = field.name.node.to_string();
            again |= name == "explain";
            let Some(info) = self.0.map.field(root_of(operation), &name) else { return };
            let permission = info.permission.as_deref().and_then(Permission::named);
            let checked = permission.map(|one| viewer.check(one, session.clock().now()));
            let allowed = checked.is_none_or(|checked| checked.is_ok());
            explained.roots.push(Root { name, permission, allowed });
        });
        match again {
            true => Err(Refusal::new("BAD_USER_INPUT", "An explanation is not explained.")),
            false => Ok(()),
        }
    }

    /// Does it fit the schema? Nothing runs.
    async fn valid(
        &self,
        asked: &Question<'_>,
        document: &ExecutableDocument,
        told: &mut Explained,
    ) {
        let checker = self.0.checker.get_or_init(|| checker(WithoutRunning));
        let mut request = Request::new("").variables(asked.variables.clone());
        if let Some(name) = asked.operation {
            request = request.operation_name(name);
        }
        request.set_parsed_query(document.clone());
        let errors = checker.execute(request).await.errors;
        told.refusals
            .extend(errors.into_iter().map(|error| ("GRAPHQL_VALIDATION_FAILED", error.message)));
    }

    /// Runs a question and throws the answer away. Boxed, because what it runs holds what calls it.
    fn run_away<'a>(
        &'a self,
        viewer: Viewer,
        outer: &'a Session,
        asked: Question<'a>,
        judged: Judged,
        price: u64,
    ) -> BoxFuture<'a, Ran> {
        async move {
            let info = RequestInfo {
                id: outer.request.id.clone(),
                caller: outer.caller().clone(),
                ..RequestInfo::default()
            };
            let session = Arc::new(self.session(Some(viewer), info));
            let fast = Fast::json(&judged.document);
            let made = fast.made();
            let request =
                self.request(&judged.document, asked.variables, asked.operation, &session);
            self.0.schema.execute(request.data(fast)).await;
            let cost = judged.tariff(asked.operation).spent(&made, price);
            session.finish().await;
            Ran { statements: session.tally().statements(), cost }
        }
        .boxed()
    }
}

/// A schema with this checks requests, and runs none of them.
struct WithoutRunning;

impl ExtensionFactory for WithoutRunning {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for WithoutRunning {
    async fn execute(
        &self,
        _ctx: &ExtensionContext<'_>,
        _operation_name: Option<&str>,
        _next: NextExecute<'_>,
    ) -> Response {
        Response::default()
    }
}
