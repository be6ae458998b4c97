mod mutations;
mod types;

pub use mutations::CompanyMutation;
pub use types::*;

use async_graphql::{Context, Object};

use super::{CompanyId, model};
use crate::{
    access::Permission::*,
    error::Result,
    graphql::{Doors, Paging, requires},
    views::{SavedViewId, viewed},
};

#[derive(Default)]
pub struct CompanyQuery;

#[Object]
impl CompanyQuery {
    /// One company.
    #[graphql(directive = requires::apply(CompanyRead))]
    async fn company(&self, ctx: &Context<'_>, id: CompanyId) -> Result<Option<Company>> {
        let conn = ctx.read(CompanyRead).await?;
        Ok(Some(Company(model::Company::find(&conn, id).await?)))
    }

    /// The companies, a page at a time.
    #[graphql(directive = requires::apply(CompanyRead))]
    async fn companies(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        r#where: Option<CompanyWhere>,
        order_by: Option<Vec<CompanyOrder>>,
        #[graphql(desc = "True: those that were deleted, and no others.", default)] deleted: bool,
        #[graphql(
            desc = "A saved view: what it and `where` say both; its order where `orderBy` is absent."
        )]
        view: Option<SavedViewId>,
    ) -> Result<Option<CompanyConnection>> {
        let paging = Paging { first, after, last, before, deleted };
        let (r#where, order_by) = viewed(ctx, view, (r#where, order_by)).await?;
        CompanyConnection::load(ctx, paging, r#where, order_by).await
    }
}
