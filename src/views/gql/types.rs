use async_graphql::{Context, InputObject, Json, Many, Object, SimpleObject};
use serde_json::Value as JsonValue;

use super::super::{
    SavedViewId, model,
    values::{ViewKind, ViewKindFilter, ViewVisibility, ViewVisibilityFilter},
};
use crate::{
    accounts::{User, UserById, UserId},
    by_id,
    clock::Timestamp,
    column, connection,
    db::Value,
    error::Result,
    filter,
    graphql::{Doors, IDFilter, SortDirection, StringFilter},
    payload,
};

by_id!(
    /// Saved views by id.
    SavedViewById, saved_views, model::SavedView, SavedViewId, ViewRead
);

/// What somebody wants to see of a list, kept under a name.
pub struct SavedView(pub model::SavedView);

/// A key that a view sorts by.
#[derive(SimpleObject, InputObject)]
#[graphql(input_name = "SavedViewSortInput")]
pub struct SavedViewSort {
    /// By what, as the list's `orderBy` names it, such as "NAME".
    pub field: String,
    /// Which way; ASC when absent.
    pub direction: Option<SortDirection>,
}

/// What somebody wants to see of a list, kept under a name.
#[Object]
impl SavedView {
    /// Its id: give it as `view` to the list that it is of.
    pub async fn id(&self) -> SavedViewId {
        self.0.id
    }

    /// Its name; no other view that the owner has of this list is called so.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Of which list it is.
    async fn kind(&self) -> ViewKind {
        self.0.kind
    }

    /// Which records, in the shape of the list's `where`.
    async fn r#where(&self) -> Json<&JsonValue> {
        Json(&self.0.conditions)
    }

    /// In which order, as the list's `orderBy`; empty: in the list's own.
    async fn order_by(&self) -> Many<SavedViewSort> {
        let keys = self.0.sorting.as_array().map(Vec::as_slice).unwrap_or_default();
        let text = |key: &JsonValue, name: &str| key[name].as_str().map(str::to_owned);
        let sort = |key: &JsonValue| {
            let direction = match key["direction"].as_str() {
                Some("DESC") => SortDirection::Desc,
                _ => SortDirection::Asc,
            };
            Some(SavedViewSort { field: text(key, "field")?, direction: Some(direction) })
        };
        keys.iter().filter_map(sort).collect()
    }

    /// The fields of each record to show, in this order; empty: as the front end likes.
    async fn columns(&self) -> &Vec<String> {
        &self.0.shown
    }

    /// Who sees it.
    async fn visibility(&self) -> ViewVisibility {
        self.0.visibility
    }

    /// Whose it is.
    async fn owner(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        Ok(ctx.load::<UserById>(self.0.owner_id).await?.map(User))
    }

    /// Counts its changes: give it as `expectedVersion` to change what you have seen.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was made.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// When it was last changed.
    async fn updated_at(&self) -> Timestamp {
        self.0.updated_at
    }
}

filter! {
    /// Which saved views.
    SavedViewWhere {
        /// By name; upper and lower case are alike.
        name: StringFilter => |name, _| name.folded(column!(saved_views::name_key)),
        /// By the list that they are of.
        kind: ViewKindFilter => |kind, _| kind.on(column!(saved_views::kind)),
        /// By who sees them.
        visibility: ViewVisibilityFilter => |who, _| who.on(column!(saved_views::visibility)),
        /// By owner.
        owner_id: IDFilter => |owner, _| owner.of(UserId::parse, column!(saved_views::owner_id)),
    }
}

connection! {
    /// A page of saved views.
    SavedView as SavedViewConnection, SavedViewEdge, of model::SavedView, which SavedViewWhere, permission ViewRead;
    id saved_views::id;
    /// How to sort saved views.
    order SavedViewOrder by SavedViewOrderField {
        /// By name, upper and lower case alike.
        Name => saved_views::name_key, |view| Value::Text(view.0.name_key.clone());
    }
}

payload! {
    /// The answer to a change of a saved view.
    SavedViewPayload {
        /// The view as it is now; null when nothing was written.
        saved_view: SavedView
    }
}
