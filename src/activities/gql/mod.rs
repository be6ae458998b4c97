mod mutations;
mod types;

pub use mutations::ActivityMutation;
pub use types::*;

use async_graphql::{Context, Object};

use super::{ActivityId, model};
use crate::{
    access::Permission::*,
    error::Result,
    graphql::{Doors, Paging, requires},
    views::{SavedViewId, viewed},
};

#[derive(Default)]
pub struct ActivityQuery;

#[Object]
impl ActivityQuery {
    /// One activity.
    #[graphql(directive = requires::apply(ActivityRead))]
    async fn activity(&self, ctx: &Context<'_>, id: ActivityId) -> Result<Option<Activity>> {
        let conn = ctx.read(ActivityRead).await?;
        Ok(Some(Activity(model::Activity::find(&conn, id).await?)))
    }

    /// The activities, a page at a time.
    #[graphql(directive = requires::apply(ActivityRead))]
    async fn activities(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        r#where: Option<ActivityWhere>,
        order_by: Option<Vec<ActivityOrder>>,
        #[graphql(desc = "True: those that were deleted, and no others.", default)] deleted: bool,
        #[graphql(
            desc = "A saved view: what it and `where` say both; its order where `orderBy` is absent."
        )]
        view: Option<SavedViewId>,
    ) -> Result<Option<ActivityConnection>> {
        let paging = Paging { first, after, last, before, deleted };
        let (r#where, order_by) = viewed(ctx, view, (r#where, order_by)).await?;
        ActivityConnection::load(ctx, paging, r#where, order_by).await
    }
}
