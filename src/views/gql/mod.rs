mod kinds;
mod mutations;
mod types;

pub use kinds::viewed;
pub use mutations::SavedViewMutation;
pub use types::{SavedView, SavedViewById};

use async_graphql::{Context, Object};

use super::{SavedViewId, model};
use crate::{
    access::Permission::*,
    error::Result,
    graphql::{Doors, Paging, requires},
};
use types::{SavedViewConnection, SavedViewOrder, SavedViewWhere};

#[derive(Default)]
pub struct SavedViewQuery;

#[Object]
impl SavedViewQuery {
    /// One saved view.
    #[graphql(directive = requires::apply(ViewRead))]
    async fn saved_view(&self, ctx: &Context<'_>, id: SavedViewId) -> Result<Option<SavedView>> {
        let conn = ctx.read(ViewRead).await?;
        Ok(Some(SavedView(model::SavedView::find(&conn, id).await?)))
    }

    /// Your own views and those that are shared with you, a page at a time. A list runs one:
    /// `companies(view: "view_…")`.
    #[graphql(directive = requires::apply(ViewRead))]
    async fn saved_views(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        r#where: Option<SavedViewWhere>,
        order_by: Option<Vec<SavedViewOrder>>,
    ) -> Result<Option<SavedViewConnection>> {
        let paging = Paging { first, after, last, before, ..Paging::default() };
        SavedViewConnection::load(ctx, paging, r#where, order_by).await
    }
}
