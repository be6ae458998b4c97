mod mutations;
mod types;

pub use mutations::ContactMutation;
pub use types::*;

use async_graphql::{Context, Object};

use super::{
    ContactId,
    model::{self},
};
use crate::{
    access::Permission::*,
    error::Result,
    graphql::{Doors, Paging, requires},
    views::{SavedViewId, viewed},
};

#[derive(Default)]
pub struct ContactQuery;

#[Object]
impl ContactQuery {
    /// One contact.
    #[graphql(directive = requires::apply(ContactRead))]
    async fn contact(&self, ctx: &Context<'_>, id: ContactId) -> Result<Option<Contact>> {
        let conn = ctx.read(ContactRead).await?;
        Ok(Some(Contact(model::Contact::find(&conn, id).await?)))
    }

    /// The contacts, a page at a time.
    #[graphql(directive = requires::apply(ContactRead))]
    async fn contacts(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        r#where: Option<ContactWhere>,
        order_by: Option<Vec<ContactOrder>>,
        #[graphql(desc = "True: those that were deleted, and no others.", default)] deleted: bool,
        #[graphql(
            desc = "A saved view: what it and `where` say both; its order where `orderBy` is absent."
        )]
        view: Option<SavedViewId>,
    ) -> Result<Option<ContactConnection>> {
        let paging = Paging { first, after, last, before, deleted };
        let (r#where, order_by) = viewed(ctx, view, (r#where, order_by)).await?;
        ContactConnection::load(ctx, paging, r#where, order_by).await
    }
}
