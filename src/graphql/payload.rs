//! What a mutation answers: the thing, and why nothing was written if nothing was.

use async_graphql::{ID, Json, Many, Object, SimpleObject};

use super::Bulk;
use crate::{
    db::Deleted,
    error::{Error, ErrorCode, Problem, Result},
};

/// Why a mutation wrote nothing.
pub struct UserError(Problem);

/// Why a mutation wrote nothing.
#[Object]
impl UserError {
    /// For programs.
    async fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// For people.
    async fn message(&self) -> &str {
        &self.0.message
    }

    /// The path into the mutation's input, such as ["lines", "0", "quantity"]; null where it is
    /// about no single field.
    async fn field(&self) -> Option<&[String]> {
        (!self.0.field.is_empty()).then_some(&self.0.field)
    }

    /// In a bulk mutation: which element.
    async fn element_index(&self) -> Option<i32> {
        self.0.element.and_then(|at| i32::try_from(at).ok())
    }

    /// More for programs: from, to and allowed of a transition; both values of a conflict.
    async fn details(&self) -> Option<Json<&serde_json::Value>> {
        self.0.details.as_ref().map(Json)
    }
}

impl From<Problem> for UserError {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

/// The refusals of a mutation, or its failure.
pub fn refusals(error: Error) -> Result<Vec<Problem>> {
    match error {
        Error::Refused(problems) => Ok(problems),
        Error::NotFound => Ok(vec![not_found()]),
        other => Err(other),
    }
}

/// The record of a mutation's `id`.
pub(super) fn not_found() -> Problem {
    Problem::new(ErrorCode::NotFound, ["id"], "There is no such record.")
}

/// `payload!(CompanyPayload { company: Company })`: the thing, or the refusals.
#[macro_export]
macro_rules! payload {
    ($(#[$doc:meta])* $name:ident { $(#[$field_doc:meta])* $field:ident: $ty:ty }) => {
        $(#[$doc])*
        #[derive(::async_graphql::SimpleObject)]
        pub struct $name {
            $(#[$field_doc])*
            pub(crate) $field: Option<$ty>,
            /// Why nothing was written; empty when it was.
            pub(crate) user_errors: ::async_graphql::Many<$crate::graphql::UserError>,
        }

        impl $name {
            /// The result of a write as an answer: a refusal is part of it, a failure is not.
            pub fn of(result: $crate::error::Result<$ty>) -> $crate::error::Result<Option<Self>> {
                let (thing, problems) = match result {
                    Ok(thing) => (Some(thing), Vec::new()),
                    Err(error) => (None, $crate::graphql::refusals(error)?),
                };
                let user_errors = problems.into_iter().map(Into::into).collect();
                Ok(Some(Self { $field: thing, user_errors }))
            }
        }
    };
}

/// `bulk_payload!(CompaniesPayload { companies: Company })`: the things, and what was refused.
#[macro_export]
macro_rules! bulk_payload {
    ($(#[$doc:meta])* $name:ident { $(#[$field_doc:meta])* $field:ident: $ty:ident }) => {
        $(#[$doc])*
        #[derive(::async_graphql::SimpleObject)]
        pub struct $name {
            $(#[$field_doc])*
            $field: ::async_graphql::Many<$ty>,
            /// What was refused, with the place of its element.
            user_errors: ::async_graphql::Many<$crate::graphql::UserError>,
        }

        impl $name {
            /// The result of a write as an answer: refusals are part of it, a failure is not.
            pub fn of<Row>(
                result: $crate::error::Result<$crate::graphql::Bulk<Row>>,
                wrap: impl FnMut(Row) -> $ty,
            ) -> $crate::error::Result<Option<Self>> {
                let (done, problems) = match result {
                    Ok($crate::graphql::Bulk { done, problems, .. }) => (done, problems),
                    Err(error) => (Vec::new(), $crate::graphql::refusals(error)?),
                };
                let user_errors = problems.into_iter().map(Into::into).collect();
                Ok(Some(Self { $field: done.into_iter().map(wrap).collect(), user_errors }))
            }
        }
    };
}

/// The answer to a bulk deletion.
#[derive(SimpleObject)]
pub struct DeletesPayload {
    /// What is gone.
    deleted_ids: Many<ID>,
    /// What was refused, with the place of its element.
    user_errors: Many<UserError>,
}

impl DeletesPayload {
    pub fn of<Id: ToString>(result: Result<Bulk<Deleted<Id>>>) -> Result<Option<Self>> {
        let (done, problems) = match result {
            Ok(Bulk { done, problems, .. }) => (done, problems),
            Err(error) => (Vec::new(), refusals(error)?),
        };
        let deleted_ids = done.into_iter().map(|Deleted(id)| ID(id.to_string())).collect();
        let user_errors = problems.into_iter().map(Into::into).collect();
        Ok(Some(Self { deleted_ids, user_errors }))
    }
}

/// The answer to a deletion.
#[derive(SimpleObject)]
pub struct DeletePayload {
    /// What is gone; null when nothing was deleted.
    deleted_id: Option<ID>,
    /// Why nothing was deleted; empty when it was.
    user_errors: Many<UserError>,
}

impl DeletePayload {
    pub fn of<Id: ToString>(result: Result<Deleted<Id>>) -> Result<Option<Self>> {
        let (deleted_id, problems) = match result {
            Ok(Deleted(id)) => (Some(ID(id.to_string())), Vec::new()),
            Err(error) => (None, refusals(error)?),
        };
        let user_errors = problems.into_iter().map(Into::into).collect();
        Ok(Some(Self { deleted_id, user_errors }))
    }
}
