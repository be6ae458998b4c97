use async_graphql::{Context, Many, Object};

use super::{
    super::{DealId, model},
    lists::{DealConnection, DealOrder, DealWhere},
    pipelines::{MAX_PIPELINES, Pipeline},
    types::Deal,
};
use crate::{
    access::Permission::*,
    error::Result,
    graphql::{Doors, Paging, requires},
    views::{SavedViewId, viewed},
};

#[derive(Default)]
pub struct DealQuery;

#[Object]
impl DealQuery {
    /// One deal.
    #[graphql(directive = requires::apply(DealRead))]
    async fn deal(&self, ctx: &Context<'_>, id: DealId) -> Result<Option<Deal>> {
        let conn = ctx.read(DealRead).await?;
        Ok(Some(Deal(model::Deal::find(&conn, id).await?)))
    }

    /// The deals, a page at a time.
    #[graphql(directive = requires::apply(DealRead))]
    async fn deals(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        r#where: Option<DealWhere>,
        order_by: Option<Vec<DealOrder>>,
        #[graphql(desc = "True: those that were deleted, and no others.", default)] deleted: bool,
        #[graphql(
            desc = "A saved view: what it and `where` say both; its order where `orderBy` is absent."
        )]
        view: Option<SavedViewId>,
    ) -> Result<Option<DealConnection>> {
        let paging = Paging { first, after, last, before, deleted };
        let (r#where, order_by) = viewed(ctx, view, (r#where, order_by)).await?;
        DealConnection::load(ctx, paging, r#where, order_by).await
    }

    /// The ways that deals go, in their order. A tenant that has none gets its first one, with the
    /// stages Qualification, Needs, Proposal, Negotiation, Won and Lost, with its first deal.
    #[graphql(directive = requires::apply(DealRead))]
    async fn pipelines(&self, ctx: &Context<'_>) -> Result<Option<Many<Pipeline>>> {
        let conn = ctx.read(DealRead).await?;
        let all = model::Pipeline::all(&conn, MAX_PIPELINES).await?;
        Ok(Some(all.into_iter().map(Pipeline).collect()))
    }
}
