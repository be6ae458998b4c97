use std::collections::HashMap;

use async_graphql::{Context, InputObject, Object};

use super::super::model;
use crate::{
    access::{Permission, Permission::*},
    db::TenantConn,
    error::Result,
    graphql::{Doors, Relation, requires},
    payload,
};

/// How the tenant sells; there is one answer.
pub struct SettingsOfTenant;

impl Relation for SettingsOfTenant {
    type Key = ();
    type Value = Option<model::SalesSettings>;
    const PERMISSION: Permission = DealRead;

    async fn load(conn: &TenantConn, _: &[()]) -> Result<HashMap<(), Self::Value>> {
        let settings = model::SalesSettings::find(conn).await?;
        Ok(HashMap::from([((), Some(settings))]))
    }
}

/// How a tenant sells.
pub struct SalesSettings(model::SalesSettings);

/// How a tenant sells.
#[Object]
impl SalesSettings {
    /// May a deal be won without an accepted quote? True, until the tenant says otherwise.
    async fn won_without_quote(&self) -> bool {
        self.0.won_without_quote
    }

    /// Counts its changes: give it as `expectedVersion` to change what you have seen. Zero: there
    /// was no change yet.
    async fn version(&self) -> i32 {
        self.0.version
    }
}

/// How to sell from now on: an absent field keeps its value.
#[derive(InputObject)]
pub struct SalesSettingsInput {
    /// May a deal be won without an accepted quote?
    won_without_quote: Option<bool>,
}

payload! {
    /// The answer to a change of how a tenant sells.
    SalesSettingsPayload {
        /// The settings as they are now; null when nothing was written.
        sales_settings: SalesSettings
    }
}

#[derive(Default)]
pub struct SalesSettingsQuery;

#[Object]
impl SalesSettingsQuery {
    /// How the tenant sells.
    #[graphql(directive = requires::apply(DealRead))]
    async fn sales_settings(&self, ctx: &Context<'_>) -> Result<Option<SalesSettings>> {
        let conn = ctx.read(DealRead).await?;
        Ok(Some(SalesSettings(model::SalesSettings::find(&conn).await?)))
    }
}

#[derive(Default)]
pub struct SalesSettingsMutation;

#[Object]
impl SalesSettingsMutation {
    /// Says how the tenant sells.
    #[graphql(directive = requires::apply(SalesManage))]
    async fn sales_settings_update(
        &self,
        ctx: &Context<'_>,
        expected_version: Option<i32>,
        #[graphql(desc = "How to sell from now on.")] input: SalesSettingsInput,
    ) -> Result<Option<SalesSettingsPayload>> {
        let SalesSettingsInput { won_without_quote } = input;
        let changed = ctx.write(SalesManage, async |tx| {
            let clock = ctx.clock();
            model::SalesSettings::set(tx, clock, expected_version, won_without_quote).await
        });
        SalesSettingsPayload::of(changed.await.map(SalesSettings))
    }
}
