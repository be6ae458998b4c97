//! Many records in one mutation: all of them, or those that can be.

use async_graphql::Enum;
use uuid::Uuid;

use super::payload::refusals;
use crate::{
    db::{Outcome, TenantConn},
    error::{Error, Problem, Result},
};

/// The most elements of one mutation.
const MOST: usize = 100;

/// What becomes of the others when some elements are refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub enum ErrorPolicy {
    /// Nothing is written; all problems are told.
    #[default]
    RejectAll,
    /// The others are written; `elementIndex` says which were not.
    RejectFailed,
}

/// What was written, and what was not.
///
/// ```ignore
/// let mut all = Bulk::of(&input, error_policy)?;
/// for one in input {
///     all.begin(tx).await?;
///     let made = create(ctx, tx, one).await;
///     all.end(tx, made).await?;
/// }
/// all.done()
/// ```
#[derive(Debug)]
pub struct Bulk<T> {
    pub done: Vec<T>,
    pub problems: Vec<Problem>,
    policy: ErrorPolicy,
    at: usize,
}

impl<T> Bulk<T> {
    pub fn of<I>(elements: &[I], policy: Option<ErrorPolicy>) -> Result<Self> {
        match elements.len() <= MOST {
            true => Ok(Self::new(policy.unwrap_or_default())),
            false => Err(Error::BadInput(format!("At most {MOST} at once."))),
        }
    }

    fn new(policy: ErrorPolicy) -> Self {
        Self { done: Vec::new(), problems: Vec::new(), policy, at: 0 }
    }

    /// Each element on its own: one that is refused leaves nothing behind.
    pub async fn begin(&self, tx: &TenantConn) -> Result<()> {
        tx.savepoint().await
    }

    pub async fn end(&mut self, tx: &TenantConn, result: Result<T>) -> Result<()> {
        if result.is_err() {
            tx.roll_back_to_savepoint().await?;
        }
        tx.release_savepoint().await?;
        match result {
            Ok(one) => self.done.push(one),
            Err(error) => {
                let element = Some(self.at);
                let of_element = |problem: Problem| Problem { element, ..problem };
                self.problems.extend(refusals(error)?.into_iter().map(of_element));
            }
        }
        self.at += 1;
        Ok(())
    }

    pub fn done(self) -> Result<Self> {
        match self.policy {
            ErrorPolicy::RejectAll if !self.problems.is_empty() => {
                Err(Error::Refused(self.problems))
            }
            _ => Ok(self),
        }
    }
}

impl<T: Outcome> Outcome for Bulk<T> {
    fn ids(&self) -> Vec<Uuid> {
        self.done.iter().flat_map(Outcome::ids).collect()
    }

    fn problems(&self) -> Vec<Problem> {
        self.problems.clone()
    }

    async fn recall(conn: &TenantConn, ids: &[Uuid], problems: Vec<Problem>) -> Result<Self> {
        let mut done = Vec::with_capacity(ids.len());
        for id in ids {
            done.push(T::recall(conn, std::slice::from_ref(id), Vec::new()).await?);
        }
        Ok(Self { done, problems, ..Self::new(ErrorPolicy::default()) })
    }
}
