//! The lists that views are of.

use async_graphql::{Context, InputType, Pos, Value};
use serde_json::{Value as Json, json};

use super::{
    super::{
        SavedViewId, model,
        rules::{culprit, is_understood},
        values::ViewKind,
    },
    types::SavedViewById,
};
use crate::{
    activities::{ActivityOrder, ActivityWhere},
    companies::{CompanyOrder, CompanyWhere},
    contacts::{ContactOrder, ContactWhere},
    deals::{DealOrder, DealWhere},
    error::{Error, ErrorCode, Problem, Result},
    graphql::{Doors, Joined, Listed, Ordered, Paging, Where},
    leads::{LeadOrder, LeadWhere},
};

/// A `where` that can be kept, with the `orderBy` that goes with it.
pub trait Viewed: Where + Joined + InputType {
    type Order: Ordered + InputType;
    const KIND: ViewKind;
}

/// What a list is asked with.
type Asked<W> = (Option<W>, Option<Vec<<W as Viewed>::Order>>);

/// One line for each list.
macro_rules! kinds {
    ($($kind:ident: $where:ty, $order:ty;)*) => {
        $(impl Viewed for $where {
            type Order = $order;
            const KIND: ViewKind = ViewKind::$kind;
        })*

        impl ViewKind {
            /// Would its list take this, from whoever asks? If not, what is wrong where.
            pub fn check(self, ctx: &Context<'_>, which: &Json, order: &Json) -> Vec<Problem> {
                match self {
                    $(Self::$kind => problems::<$where>(ctx, which, order),)*
                }
            }

            /// The type of its records.
            pub fn records(self) -> &'static str {
                match self {
                    $(Self::$kind => <<$order as Ordered>::Item as Listed>::NAME,)*
                }
            }
        }
    };
}

kinds! {
    Activity: ActivityWhere, ActivityOrder;
    Company: CompanyWhere, CompanyOrder;
    Contact: ContactWhere, ContactOrder;
    Deal: DealWhere, DealOrder;
    Lead: LeadWhere, LeadOrder;
}

/// With a saved view: what it says and what is said besides, together. Its order is used where none
/// is said.
pub async fn viewed<W: Viewed>(
    ctx: &Context<'_>,
    view: Option<SavedViewId>,
    (which, order): Asked<W>,
) -> Result<Asked<W>> {
    let Some(view) = view else { return Ok((which, order)) };
    let view = ctx.load::<SavedViewById>(view).await?.ok_or(Error::NotFound)?;
    if view.kind != W::KIND {
        let told = format!("The view is of another list: its kind is {}.", view.kind.word());
        return Err(Error::refused(ErrorCode::Invalid, "view", &told));
    }
    let (kept, sorted) = read::<W>(&view).map_err(outdated)?;
    let which = match which {
        Some(which) => kept.joined(which),
        None => kept,
    };
    Ok((Some(which), order.or(Some(sorted).filter(|keys| !keys.is_empty()))))
}

fn read<W: Viewed>(view: &model::SavedView) -> Result<(W, Vec<W::Order>), String> {
    Ok((understood(&view.conditions)?, understood(&view.sorting)?))
}

/// The schema has changed since: it would find others than it did.
fn outdated(why: String) -> Error {
    let told = format!("The view does not fit its list any more: save it anew. {why}");
    Error::refused(ErrorCode::Invalid, "view", &told)
}

/// JSON as the input that it was written as, with nothing passed over.
fn understood<T: InputType>(said: &Json) -> Result<T, String> {
    let value = Value::from_json(said.clone()).map_err(|error| error.to_string())?;
    let read = T::parse(Some(value)).map_err(|error| {
        let told = error.into_server_error(Pos::default()).message;
        // Which types it was within is no news: the path says it.
        told.split(" (occurred while").next().unwrap_or_default().to_owned()
    })?;
    match read.to_value().into_json() {
        Ok(again) if is_understood(said, &again) => Ok(read),
        _ => Err("There is no such field.".into()),
    }
}

fn problems<W: Viewed>(ctx: &Context<'_>, which: &Json, order: &Json) -> Vec<Problem> {
    let check = |which: &Json, order: &Json| -> Result<()> {
        let bad = |told: String| Error::BadInput(told);
        let (which, order) = (
            understood::<W>(which).map_err(bad)?,
            understood::<Vec<W::Order>>(order).map_err(bad)?,
        );
        let order = W::Order::keys(Some(order));
        let viewer = ctx.allow(<W::Order as Ordered>::Item::PERMISSION)?;
        let session = ctx.session();
        let question = Paging::default().question::<<W::Order as Ordered>::Item>(
            session,
            viewer,
            Some(which),
            order,
        );
        question.map(drop)
    };
    let none = (json!({}), json!([]));
    let mut problems = Vec::new();
    if let Err(error) = check(which, &none.1) {
        let path = culprit(which, &|part| check(&part, &none.1).is_err());
        problems.push(problem("where", path, &error));
    }
    if let Err(error) = check(&none.0, order) {
        // A key by itself; its parts are none without each other.
        let keys = order.as_array().map(Vec::as_slice).unwrap_or_default();
        let faulty = |key: &Json| check(&none.0, &Json::Array(vec![key.clone()])).is_err();
        let path = keys.iter().position(faulty).map(|at| at.to_string());
        problems.push(problem("orderBy", path.into_iter().collect(), &error));
    }
    problems
}

fn problem(field: &str, path: Vec<String>, error: &Error) -> Problem {
    let code = match error {
        Error::Forbidden(_) | Error::StepUp(_) => ErrorCode::ForbiddenField,
        _ => ErrorCode::Invalid,
    };
    let path: Vec<&str> = std::iter::once(field).chain(path.iter().map(String::as_str)).collect();
    Problem::new(code, path, error.to_string())
}
