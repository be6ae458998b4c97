use async_graphql::{Context, InputObject, Many, MaybeUndefined, Object, SimpleObject};

use super::super::{SsoProviderId, model, values::Mapping};
use crate::{
    accounts::{Links, RoleId},
    by_id,
    clock::Timestamp,
    graphql::UserError,
    payload,
};

by_id!(
    /// Identity providers by id.
    SsoProviderById, sso_providers, model::Provider, SsoProviderId, SsoManage
);

/// Where people come back to from a provider: a page of the front end.
pub fn redirect(ctx: &Context<'_>) -> String {
    let Links(front) = ctx.data_unchecked::<Links>();
    format!("{front}/sso")
}

/// An identity provider through which the tenant's people sign in.
pub struct SsoProvider(pub model::Provider);

/// An identity provider through which the tenant's people sign in. Its client secret is never
/// shown.
#[Object]
impl SsoProvider {
    /// Its id.
    pub async fn id(&self) -> SsoProviderId {
        self.0.id
    }

    /// Its name, which `ssoStart` takes.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Its address, as its ID tokens name it.
    async fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// Who we are there.
    async fn client_id(&self) -> &str {
        &self.0.client_id
    }

    /// What we ask for besides "openid", "email" and "profile".
    async fn scopes(&self) -> &[String] {
        &self.0.scopes
    }

    /// The claim of the ID token that says what a person is, such as "groups".
    async fn roles_claim(&self) -> Option<&str> {
        self.0.roles_claim.as_deref()
    }

    /// Which roles the values of that claim give.
    async fn role_mappings(&self) -> Many<SsoRoleMapping> {
        self.0.role_mappings.0.iter().cloned().map(SsoRoleMapping).collect()
    }

    /// The roles of people whose claim gives none; without any they are refused.
    async fn default_role_ids(&self) -> &[RoleId] {
        &self.0.default_role_ids
    }

    /// Does it sign people in?
    async fn enabled(&self) -> bool {
        self.0.enabled
    }

    /// The address to register at the provider: it sends people back there.
    async fn redirect_url(&self, ctx: &Context<'_>) -> String {
        redirect(ctx)
    }

    /// Counts its changes: give it as `expectedVersion` to change what you have seen.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was registered.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// When it was last changed.
    async fn updated_at(&self) -> Timestamp {
        self.0.updated_at
    }
}

/// Whoever has a value in the claim has these roles.
pub struct SsoRoleMapping(Mapping);

/// Whoever has a value in the claim has these roles.
#[Object]
impl SsoRoleMapping {
    /// The value, such as "sales".
    async fn claim(&self) -> &str {
        &self.0.claim
    }

    /// The roles.
    async fn role_ids(&self) -> &[RoleId] {
        &self.0.role_ids
    }
}

payload! {
    /// The answer to a change of an identity provider.
    SsoProviderPayload {
        /// The provider as it is now; null when nothing was written.
        provider: SsoProvider
    }
}

/// Whoever has a value in the claim has these roles.
#[derive(InputObject)]
pub struct SsoRoleMappingInput {
    /// The value, such as "sales"; upper and lower case differ.
    pub claim: String,
    /// The roles, 1 to 20, one of them built in; OWNER cannot be mapped.
    pub role_ids: Vec<RoleId>,
}

/// An identity provider to be registered.
#[derive(InputObject)]
pub struct SsoProviderCreateInput {
    /// Its name, 1 to 100 characters; no other provider has it.
    pub name: String,
    /// Its address, such as "https://login.acme.example": below it is
    /// /.well-known/openid-configuration. It stays: another issuer's people are others.
    pub issuer: String,
    /// Who we are there. It stays, too.
    pub client_id: String,
    /// With what we prove it.
    #[graphql(secret)]
    pub client_secret: String,
    /// What to ask for besides "openid", "email" and "profile", such as "groups".
    pub scopes: Option<Vec<String>>,
    /// The claim of the ID token that says what a person is, such as "groups".
    pub roles_claim: Option<String>,
    /// Which roles the values of that claim give, at most 100.
    pub role_mappings: Option<Vec<SsoRoleMappingInput>>,
    /// The roles of people whose claim gives none; without any they are refused.
    pub default_role_ids: Option<Vec<RoleId>>,
    /// Does it sign people in? True when absent.
    pub enabled: Option<bool>,
}

/// What to change: an absent field keeps its value, null clears it.
#[derive(InputObject)]
pub struct SsoProviderUpdateInput {
    /// Its name, 1 to 100 characters; no other provider has it.
    pub name: MaybeUndefined<String>,
    /// With what we prove who we are.
    #[graphql(secret)]
    pub client_secret: MaybeUndefined<String>,
    /// What to ask for besides "openid", "email" and "profile", such as "groups".
    pub scopes: MaybeUndefined<Vec<String>>,
    /// The claim of the ID token that says what a person is, such as "groups".
    pub roles_claim: MaybeUndefined<String>,
    /// Which roles the values of that claim give, at most 100.
    pub role_mappings: MaybeUndefined<Vec<SsoRoleMappingInput>>,
    /// The roles of people whose claim gives none; without any they are refused.
    pub default_role_ids: MaybeUndefined<Vec<RoleId>>,
    /// Does it sign people in?
    pub enabled: MaybeUndefined<bool>,
}

/// Where to send the person, or why there is no such place.
#[derive(Default, SimpleObject)]
pub struct SsoStartPayload {
    /// Send the person there. Keep the `state` in it: who comes back brings the same.
    pub url: Option<String>,
    /// Why there is none.
    pub user_errors: Many<UserError>,
}

/// What the provider sent the person back with.
#[derive(InputObject)]
pub struct SsoFinishInput {
    /// The `state`, as it came.
    #[graphql(secret)]
    pub state: String,
    /// The `code`, as it came.
    #[graphql(secret)]
    pub code: String,
    /// The `iss`, if one came: it must be the provider that was meant.
    pub iss: Option<String>,
}
