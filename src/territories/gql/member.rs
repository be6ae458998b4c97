use async_graphql::{Context, Object};

use super::super::model;
use crate::{
    accounts::{User, UserById},
    error::Result,
    graphql::Doors,
};

/// Somebody who works in a territory.
pub struct TerritoryMember(pub(super) model::Member);

/// Somebody who works in a territory.
#[Object]
impl TerritoryMember {
    /// Who.
    async fn user(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        Ok(ctx.load::<UserById>(self.0.user_id).await?.map(User))
    }

    /// Do they lead it?
    async fn is_manager(&self) -> bool {
        self.0.is_manager
    }

    /// Are they there, to take on leads?
    async fn present(&self) -> bool {
        self.0.present
    }

    /// How many open leads they have at most; null: any number.
    async fn lead_cap(&self) -> Option<i32> {
        self.0.lead_cap
    }
}
