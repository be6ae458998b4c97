use async_graphql::{Context, InputObject, Json, MaybeUndefined, Object};
use serde_json::{Value as JsonValue, json};

use super::{
    super::{
        SavedViewId,
        model::{self, NewSavedView, SavedViewChanges},
        rules::{MOST_COLUMNS, MOST_VIEWS, is_small},
        values::{ViewKind, ViewVisibility},
    },
    types::{SavedView, SavedViewPayload, SavedViewSort},
};
use crate::{
    access::Permission::*,
    db::{Deleted, TenantConn},
    error::{Error, ErrorCode, Problem, Result},
    graphql::{Check, DeletePayload, Doors, SortDirection, requires},
};

/// A view to be kept.
#[derive(InputObject)]
pub struct SavedViewCreateInput {
    /// Its name, 1 to 100 characters; you have no other view of this list that is called so.
    name: String,
    /// Of which list it is.
    kind: ViewKind,
    /// Which records: what the list takes as `where`, at most 16 KiB; all when absent.
    r#where: Option<Json<JsonValue>>,
    /// In which order: what the list takes as `orderBy`; in the list's own when absent.
    order_by: Option<Vec<SavedViewSort>>,
    /// The fields of each record to show, such as "name", at most 50.
    columns: Option<Vec<String>>,
    /// Who sees it; PRIVATE when absent. PUBLIC takes the permission view:publish.
    visibility: Option<ViewVisibility>,
}

/// What to change: an absent field keeps its value; null empties `where`, `orderBy` and `columns`.
#[derive(InputObject)]
pub struct SavedViewUpdateInput {
    /// Its name, 1 to 100 characters; its owner has no other view of this list that is called so.
    name: MaybeUndefined<String>,
    /// Which records: what the list takes as `where`, at most 16 KiB.
    r#where: MaybeUndefined<Json<JsonValue>>,
    /// In which order: what the list takes as `orderBy`.
    order_by: MaybeUndefined<Vec<SavedViewSort>>,
    /// The fields of each record to show, at most 50.
    columns: MaybeUndefined<Vec<String>>,
    /// Who sees it. What is PUBLIC takes the permission view:publish to be changed.
    visibility: Option<ViewVisibility>,
}

/// What a view says, as it is kept.
struct Said {
    conditions: JsonValue,
    sorting: JsonValue,
    columns: Vec<String>,
}

fn sorting(keys: Vec<SavedViewSort>) -> JsonValue {
    let key = |key: SavedViewSort| {
        let direction = match key.direction {
            Some(SortDirection::Desc) => "DESC",
            _ => "ASC",
        };
        json!({ "field": key.field, "direction": direction })
    };
    keys.into_iter().map(key).collect()
}

/// What is wrong with what a view says.
fn faults(ctx: &Context<'_>, kind: ViewKind, said: &Said) -> Vec<Problem> {
    if !said.conditions.is_object() {
        let told = "A filter is an object, as the list takes it.";
        return vec![Problem::new(ErrorCode::Invalid, ["where"], told)];
    }
    if !is_small(&said.conditions) {
        let told = "A filter that is kept has at most 16 KiB, and is not deep.";
        return vec![Problem::new(ErrorCode::TooLong, ["where"], told)];
    }
    let mut problems = kind.check(ctx, &said.conditions, &said.sorting);
    let record = ctx.schema_env.registry.types.get(kind.records());
    for (at, column) in said.columns.iter().enumerate() {
        let at_column = ["columns".to_owned(), at.to_string()];
        let path = at_column.iter().map(String::as_str);
        if record.is_none_or(|record| record.field_by_name(column).is_none()) {
            let told = format!("A {} has no such field.", kind.records());
            problems.push(Problem::new(ErrorCode::Invalid, path, told));
        } else if said.columns.iter().take(at).any(|before| before == column) {
            let told = "Each field is there once.";
            problems.push(Problem::new(ErrorCode::Duplicate, path, told));
        }
    }
    if said.columns.len() > MOST_COLUMNS {
        let told = format!("At most {MOST_COLUMNS} fields.");
        problems.push(Problem::new(ErrorCode::LimitReached, ["columns"], told));
    }
    problems
}

async fn create(
    ctx: &Context<'_>,
    tx: &TenantConn,
    input: SavedViewCreateInput,
) -> Result<model::SavedView> {
    let viewer = ctx.viewer()?;
    let owner_id = viewer.person()?;
    let visibility = input.visibility.unwrap_or(ViewVisibility::Private);
    let said = Said {
        conditions: input.r#where.map_or_else(|| json!({}), |Json(said)| said),
        sorting: sorting(input.order_by.unwrap_or_default()),
        columns: input.columns.unwrap_or_default(),
    };
    let mut check = Check::by(viewer);
    check.may_write(ViewPublish, "visibility", visibility == ViewVisibility::Public);
    check.add(faults(ctx, input.kind, &said));
    let Said { conditions, sorting, columns } = said;
    let (id, name, kind) =
        (SavedViewId::new(ctx.clock()), check.text("name", input.name, 100), input.kind);
    let new = check.done(NewSavedView {
        id,
        owner_id,
        name,
        kind,
        visibility,
        conditions,
        sorting,
        shown: columns,
    })?;
    if model::SavedView::count_of(tx, owner_id).await? >= MOST_VIEWS {
        let told = format!("A person keeps at most {MOST_VIEWS} views.");
        return Err(Error::Refused(vec![Problem::new(ErrorCode::LimitReached, [], told)]));
    }
    model::SavedView::insert(tx, new).await
}

/// A view that whoever asks may change: their own, or as one who manages those that are shared.
async fn own(
    ctx: &Context<'_>,
    tx: &TenantConn,
    id: SavedViewId,
    expected_version: Option<i32>,
) -> Result<model::SavedView> {
    let view = model::SavedView::lock(tx, id, expected_version).await?;
    if ctx.viewer()?.person().ok() != Some(view.owner_id) {
        ctx.allow(ViewManage)?;
    }
    Ok(view)
}

async fn update(
    ctx: &Context<'_>,
    tx: &TenantConn,
    (id, expected_version): (SavedViewId, Option<i32>),
    input: SavedViewUpdateInput,
) -> Result<model::SavedView> {
    let view = own(ctx, tx, id, expected_version).await?;
    let visibility = input.visibility;
    let conditions = match input.r#where {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(json!({})),
        MaybeUndefined::Value(Json(said)) => Some(said),
    };
    let order = match input.order_by {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(json!([])),
        MaybeUndefined::Value(keys) => Some(sorting(keys)),
    };
    let columns = match input.columns {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(Vec::new()),
        MaybeUndefined::Value(columns) => Some(columns),
    };
    let mut check = Check::by(ctx.viewer()?);
    let now_public = visibility.unwrap_or(view.visibility) == ViewVisibility::Public;
    check.may_write(ViewPublish, "visibility", now_public);
    let name = check.keep_or_text("name", input.name, 100);
    // What is kept was checked when it was said; what is said now is checked together with it.
    if conditions.is_some() || order.is_some() || columns.is_some() {
        let said = Said {
            conditions: conditions.clone().unwrap_or(view.conditions),
            sorting: order.clone().unwrap_or(view.sorting),
            columns: columns.clone().unwrap_or(view.shown),
        };
        check.add(faults(ctx, view.kind, &said));
    }
    let changes = SavedViewChanges { name, visibility, conditions, sorting: order, shown: columns };
    model::SavedView::update(tx, id, check.done(changes)?).await
}

#[derive(Default)]
pub struct SavedViewMutation;

#[Object]
impl SavedViewMutation {
    /// Keeps a view of a list: which records, in which order, with which columns. It is checked as the
    /// list would check it from you; at most 200 for each person.
    #[graphql(directive = requires::apply(ViewWrite))]
    async fn saved_view_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The view.")] input: SavedViewCreateInput,
    ) -> Result<Option<SavedViewPayload>> {
        let made = ctx.write(ViewWrite, async |tx| create(ctx, tx, input).await);
        SavedViewPayload::of(made.await.map(SavedView))
    }

    /// Changes a view of yours; with the permission view:manage any that is shared.
    #[graphql(directive = requires::apply(ViewWrite))]
    async fn saved_view_update(
        &self,
        ctx: &Context<'_>,
        id: SavedViewId,
        expected_version: Option<i32>,
        #[graphql(desc = "What to change.")] input: SavedViewUpdateInput,
    ) -> Result<Option<SavedViewPayload>> {
        let which = (id, expected_version);
        let changed = ctx.write(ViewWrite, async |tx| update(ctx, tx, which, input).await);
        SavedViewPayload::of(changed.await.map(SavedView))
    }

    /// Deletes a view of yours; with the permission view:manage any that is shared.
    #[graphql(directive = requires::apply(ViewWrite))]
    async fn saved_view_delete(
        &self,
        ctx: &Context<'_>,
        id: SavedViewId,
        expected_version: Option<i32>,
    ) -> Result<Option<DeletePayload>> {
        let deleted = ctx.write(ViewWrite, async |tx| {
            own(ctx, tx, id, expected_version).await?;
            model::SavedView::delete(tx, id).await?;
            Ok(Deleted(id))
        });
        DeletePayload::of(deleted.await)
    }
}
