//! `explain`: what a document would cost and cause.

use async_graphql::{
    Context, Enum, Json, Many, Object, SimpleObject, Variables,
    parser::types::{OperationType, Selection},
};

use super::{
    Doors,
    execute::{Explained, Explaining, Question},
    requires,
};
use crate::{
    access::Permission::{self, ApiUse},
    error::{Error, Result},
};

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum OperationKind {
    /// Asks.
    Query,
    /// Changes.
    Mutation,
    /// Listens.
    Subscription,
}

/// What would happen if you sent a document now.
#[derive(SimpleObject)]
pub struct Explanation {
    /// Would it run? Its fields may still be refused one by one.
    would_run: bool,
    /// Why not; empty where it would run.
    refusals: Many<ExplainedRefusal>,
    /// What the operation does; null where it could not be found.
    kind: Option<OperationKind>,
    /// What it costs at most, taken before it runs; null where it could not be read.
    cost: Option<i32>,
    /// All that is measured, each with its limit, as far as it was measured.
    measures: Many<ExplainedMeasure>,
    /// The fields at its root.
    root_fields: Many<ExplainedField>,
    /// How many SQL statements its reads took when it was run just now, on a snapshot of its own and
    /// with your rights; null for what was not run: a mutation, or what would be refused.
    statements: Option<i32>,
    /// What it did cost when it was run just now; null for what was not run.
    actual_cost: Option<i32>,
}

/// A reason why a document would not run.
#[derive(SimpleObject)]
pub struct ExplainedRefusal {
    /// As `extensions.code` would say it, such as "DOCUMENT_TOO_COMPLEX".
    code: &'static str,
    /// The same in a sentence.
    message: String,
}

/// How much there is of something, and how much there may be.
#[derive(SimpleObject)]
pub struct ExplainedMeasure {
    /// Of what, such as "aliases".
    name: &'static str,
    /// How much there is.
    value: i32,
    /// How much there may be.
    limit: i32,
    /// Is it too much?
    exceeded: bool,
}

/// A field at the root of a document.
#[derive(SimpleObject)]
pub struct ExplainedField {
    /// Its name.
    name: String,
    /// The permission that it takes, such as "company:read"; null: it answers without sign-in.
    permission: Option<&'static str>,
    /// Do you hold it, and is a second factor that it takes fresh?
    allowed: bool,
}

#[derive(Default)]
pub struct ExplanationQuery;

#[Object]
impl ExplanationQuery {
    /// What would happen if you sent this document: whether it would run, what it costs, how it
    /// stands beside each limit, and how many SQL statements it takes. A query is run for that, and its
    /// answer thrown away; it is paid for like any other. A mutation is not run. It stands alone in
    /// its operation.
    #[graphql(directive = requires::apply(ApiUse))]
    async fn explain(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The text of the document.")] document: String,
        #[graphql(desc = "Its variables, as an object.")] variables: Option<
            Json<serde_json::Value>,
        >,
        #[graphql(desc = "Which of its operations, where there are several.")]
        operation_name: Option<String>,
    ) -> Result<Option<Explanation>> {
        ctx.allow(ApiUse)?;
        // It takes a connection of its own; nobody holds one while waiting for another.
        let roots = &ctx.query_env.operation.node.selection_set.node.items;
        if !matches!(roots.as_slice(), [only] if matches!(only.node, Selection::Field(_))) {
            return Err(Error::BadInput("explain stands alone in its operation.".into()));
        }
        let variables = variables.map(|Json(variables)| variables).unwrap_or_default();
        let asked = Question {
            text: &document,
            variables: Variables::from_json(variables),
            operation: operation_name.as_deref(),
        };
        let explaining = ctx.data_unchecked::<Explaining>();
        Ok(Some(explaining.explain(ctx.session(), asked).await?.into()))
    }
}

impl From<Explained> for Explanation {
    fn from(explained: Explained) -> Self {
        let Explained { kind, measures, refusals, roots, ran } = explained;
        let cost = measures.iter().find(|measure| measure.name == "cost");
        let measure = |one: &super::guard::Measure| ExplainedMeasure {
            name: one.name,
            value: number(one.value),
            limit: number(one.limit),
            exceeded: one.exceeded(),
        };
        Self {
            would_run: refusals.is_empty(),
            kind: kind.map(|kind| match kind {
                OperationType::Query => OperationKind::Query,
                OperationType::Mutation => OperationKind::Mutation,
                OperationType::Subscription => OperationKind::Subscription,
            }),
            cost: cost.map(|cost| number(cost.value)),
            measures: measures.iter().map(measure).collect(),
            refusals: refusals
                .into_iter()
                .map(|(code, message)| ExplainedRefusal { code, message })
                .collect(),
            root_fields: roots
                .into_iter()
                .map(|root| ExplainedField {
                    permission: root.permission.map(Permission::name),
                    name: root.name,
                    allowed: root.allowed,
                })
                .collect(),
            statements: ran.as_ref().map(|ran| number(ran.statements.into())),
            actual_cost: ran.map(|ran| number(ran.cost)),
        }
    }
}

fn number(count: u64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
