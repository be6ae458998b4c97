use async_graphql::{Context, Many, MaybeUndefined, Object};

use super::{
    super::{
        Providers, SsoProviderId,
        model::{NewProvider, Provider, ProviderChanges},
        values::{Issuer, Mapping, Mappings},
    },
    types::{
        SsoProvider, SsoProviderCreateInput, SsoProviderPayload, SsoProviderUpdateInput,
        SsoRoleMappingInput,
    },
};
use crate::{
    access::{BuiltInRole, Permission::*},
    accounts::{OwnRole, RoleId},
    db::{Deleted, TenantConn},
    error::{Error, ErrorCode, Problem, Result},
    graphql::{Check, DeletePayload, Doors, requires},
};

const MAX_PROVIDERS: i64 = 20;
const MAX_SCOPES: usize = 20;
const MAX_MAPPINGS: usize = 100;
const MAX_ROLES: usize = 20;
const MAX_SECRET: usize = 1000;

#[derive(Default)]
pub struct SsoQuery;

#[Object]
impl SsoQuery {
    /// The tenant's identity providers, by name.
    #[graphql(directive = requires::apply(SsoManage))]
    async fn sso_providers(&self, ctx: &Context<'_>) -> Result<Option<Many<SsoProvider>>> {
        let conn = ctx.read(SsoManage).await?;
        let all = Provider::all(&conn).await?;
        Ok(Some(all.into_iter().map(SsoProvider).collect()))
    }
}

#[derive(Default)]
pub struct ProviderMutation;

#[Object]
impl ProviderMutation {
    /// Registers an identity provider, through which people sign in from then on.
    #[graphql(directive = requires::apply(SsoManage))]
    async fn sso_provider_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The provider.")] input: SsoProviderCreateInput,
    ) -> Result<Option<SsoProviderPayload>> {
        let ring = ctx.session().ring().await?;
        let made = ctx.write(SsoManage, async |tx| {
            let (new, secret) = create(ctx, tx, input).await?;
            if Provider::count(tx).await? >= MAX_PROVIDERS {
                let told = format!("A tenant has at most {MAX_PROVIDERS} identity providers.");
                return Err(Error::Refused(vec![Problem::new(ErrorCode::LimitReached, [], told)]));
            }
            let made = Provider::insert(tx, new).await?;
            Provider::secret(made.id).keep(tx, ctx.clock(), &ring, &secret.into()).await?;
            Ok(made)
        });
        SsoProviderPayload::of(made.await.map(SsoProvider))
    }

    /// Changes an identity provider. Who came in through it is what its claims say at the next
    /// sign-in.
    #[graphql(directive = requires::apply(SsoManage))]
    async fn sso_provider_update(
        &self,
        ctx: &Context<'_>,
        id: SsoProviderId,
        expected_version: Option<i32>,
        #[graphql(desc = "What to change.")] input: SsoProviderUpdateInput,
    ) -> Result<Option<SsoProviderPayload>> {
        let ring = ctx.session().ring().await?;
        let changed = ctx.write(SsoManage, async |tx| {
            let (changes, secret) = update(tx, input).await?;
            Provider::lock(tx, id, expected_version).await?;
            if let Some(secret) = secret {
                Provider::secret(id).keep(tx, ctx.clock(), &ring, &secret.into()).await?;
            }
            Provider::update(tx, id, changes).await
        });
        SsoProviderPayload::of(changed.await.map(SsoProvider))
    }

    /// Deletes an identity provider. Who came in through it stays, as what they are.
    #[graphql(directive = requires::apply(SsoManage))]
    async fn sso_provider_delete(
        &self,
        ctx: &Context<'_>,
        id: SsoProviderId,
        expected_version: Option<i32>,
    ) -> Result<Option<DeletePayload>> {
        let deleted = ctx.write(SsoManage, async |tx| {
            Provider::lock(tx, id, expected_version).await?;
            Provider::secret(id).forget(tx).await?;
            Provider::delete(tx, id).await?;
            Ok(Deleted(id))
        });
        DeletePayload::of(deleted.await)
    }
}

async fn create(
    ctx: &Context<'_>,
    tx: &TenantConn,
    input: SsoProviderCreateInput,
) -> Result<(NewProvider, String)> {
    let allow_local = ctx.data_unchecked::<Providers>().allow_local();
    let mut check = Check::new();
    let parse = |text: String| Issuer::parse(&text, allow_local);
    let new = NewProvider {
        id: SsoProviderId::new(ctx.clock()),
        name: check.text("name", input.name, 100),
        issuer: check.parse("issuer", Some(input.issuer), parse).map_or(String::new(), |i| i.0),
        client_id: check.text("clientId", input.client_id, 300),
        scopes: scopes(&mut check, input.scopes.unwrap_or_default()),
        roles_claim: check.optional("rolesClaim", input.roles_claim, 200),
        role_mappings: mappings(&mut check, input.role_mappings.unwrap_or_default()),
        default_role_ids: input.default_role_ids.unwrap_or_default(),
        enabled: input.enabled.unwrap_or(true),
    };
    let secret = check.text("clientSecret", input.client_secret, MAX_SECRET);
    check_roles(tx, &mut check, Some(&new.role_mappings), &new.default_role_ids).await?;
    check.done((new, secret))
}

async fn update(
    tx: &TenantConn,
    input: SsoProviderUpdateInput,
) -> Result<(ProviderChanges, Option<String>)> {
    let mut check = Check::new();
    if matches!(input.enabled, MaybeUndefined::Null) {
        check.problem(ErrorCode::Required, "enabled", "cannot be cleared");
    }
    let changes = ProviderChanges {
        name: check.keep_or_text("name", input.name, 100),
        scopes: listed(input.scopes).map(|list| scopes(&mut check, list)),
        roles_claim: check.keep_or_optional("rolesClaim", input.roles_claim, 200),
        role_mappings: listed(input.role_mappings).map(|list| mappings(&mut check, list)),
        default_role_ids: listed(input.default_role_ids),
        enabled: input.enabled.take(),
    };
    let secret = check.keep_or_text("clientSecret", input.client_secret, MAX_SECRET);
    let default = changes.default_role_ids.as_deref().unwrap_or_default();
    check_roles(tx, &mut check, changes.role_mappings.as_ref(), default).await?;
    check.done((changes, secret))
}

/// Absent keeps; a cleared list is an empty one.
fn listed<T>(list: MaybeUndefined<Vec<T>>) -> Option<Vec<T>> {
    match list {
        MaybeUndefined::Undefined => None,
        MaybeUndefined::Null => Some(Vec::new()),
        MaybeUndefined::Value(list) => Some(list),
    }
}

fn scopes(check: &mut Check, scopes: Vec<String>) -> Vec<String> {
    let plain = |scope: &String| {
        (1..=100).contains(&scope.len()) && scope.bytes().all(|b| b.is_ascii_graphic())
    };
    if scopes.len() > MAX_SCOPES || !scopes.iter().all(plain) {
        let told = format!("are at most {MAX_SCOPES} words without spaces");
        check.problem(ErrorCode::Invalid, "scopes", &told);
    }
    scopes
}

fn mappings(check: &mut Check, mappings: Vec<SsoRoleMappingInput>) -> Mappings {
    if mappings.len() > MAX_MAPPINGS {
        let told = format!("are at most {MAX_MAPPINGS}");
        check.problem(ErrorCode::LimitReached, "roleMappings", &told);
    }
    let mut taken = Vec::<Mapping>::new();
    for SsoRoleMappingInput { claim, role_ids } in mappings.into_iter().take(MAX_MAPPINGS) {
        let claim = check.text("roleMappings", claim, 200);
        if taken.iter().any(|other| other.claim == claim) {
            check.problem(ErrorCode::Duplicate, "roleMappings", "A value is mapped once.");
        }
        taken.push(Mapping { claim, role_ids });
    }
    Mappings(taken)
}

/// Roles that exist, and can be given by a claim.
async fn check_roles(
    tx: &TenantConn,
    check: &mut Check,
    mappings: Option<&Mappings>,
    default: &[RoleId],
) -> Result<()> {
    let mapped = mappings.into_iter().flat_map(|mappings| &mappings.0);
    let mut sets: Vec<(&str, &[RoleId])> =
        mapped.map(|mapping| ("roleMappings", mapping.role_ids.as_slice())).collect();
    if !default.is_empty() {
        sets.push(("defaultRoleIds", default));
    }
    let all: Vec<RoleId> = sets.iter().flat_map(|(_, ids)| *ids).copied().collect();
    let known: Vec<RoleId> =
        OwnRole::by_ids(tx, &all).await?.into_iter().map(|role| role.id).collect();
    for (field, ids) in sets {
        let built_in: Vec<_> = ids.iter().filter_map(|id| BuiltInRole::by_id(*id)).collect();
        let exists = |id: &RoleId| BuiltInRole::by_id(*id).is_some() || known.contains(id);
        if ids.len() > MAX_ROLES || built_in.is_empty() {
            let told = format!("are 1 to {MAX_ROLES} roles, one of them built in");
            check.problem(ErrorCode::Required, field, &told);
        } else if built_in.contains(&BuiltInRole::Owner) {
            let told = "Nobody becomes an owner by a claim.";
            check.problem(ErrorCode::ForbiddenField, field, told);
        } else if !ids.iter().all(exists) {
            check.problem(ErrorCode::NotFound, field, "There is no such role.");
        }
    }
    Ok(())
}
