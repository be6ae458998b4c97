use async_graphql::{Context, InputObject, Object};

use super::{
    super::{
        RoleId, Sessions,
        model::{NewRole, OwnRole, RoleChanges, RoleRow, delete_role, replace_grants},
        roles::scope_word,
    },
    types::{Reach, Role},
};
use crate::{
    access::{BuiltInRole, Permission, Permission::*, Scope},
    db::{Deleted, TenantConn},
    error::{Error, ErrorCode, Result},
    graphql::{Check, DeletePayload, Doors, requires},
    payload,
};

/// What a role is to grant.
#[derive(Clone, Debug, InputObject)]
pub struct GrantInput {
    /// Such as "company:read".
    permission: String,
    /// Whose records it is about; ALL when absent.
    reach: Option<Reach>,
}

/// A role of the tenant's own.
#[derive(InputObject)]
pub struct RoleInput {
    /// Its name, 1 to 50 characters; no other role has it.
    name: String,
    /// What it grants: nothing that you do not hold yourself.
    grants: Vec<GrantInput>,
}

payload! {
    /// The answer to a change of a role.
    RolePayload {
        /// The role as it is now; null when nothing was written.
        role: Role
    }
}

#[derive(Default)]
pub struct RoleMutation;

#[Object]
impl RoleMutation {
    /// Makes a role of the tenant's own.
    #[graphql(directive = requires::apply(RoleManage))]
    async fn role_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The role.")] input: RoleInput,
    ) -> Result<Option<RolePayload>> {
        let made = ctx.write(RoleManage, async |tx| {
            let (name, grants) = check(ctx, input)?;
            let id = RoleId::new(ctx.clock());
            RoleRow::insert(tx, NewRole { id, name }).await?;
            grant(ctx, tx, id, &grants).await
        });
        done(ctx, made.await).await
    }

    /// Changes a role of the tenant's own: who has it may do the new things at once.
    #[graphql(directive = requires::apply(RoleManage))]
    async fn role_update(
        &self,
        ctx: &Context<'_>,
        id: RoleId,
        expected_version: Option<i32>,
        #[graphql(desc = "The role from now on.")] input: RoleInput,
    ) -> Result<Option<RolePayload>> {
        let changed = ctx.write(RoleManage, async |tx| {
            let (name, grants) = check(ctx, input)?;
            RoleRow::lock(tx, id, expected_version).await?;
            RoleRow::update(tx, id, RoleChanges { name: Some(name) }).await?;
            grant(ctx, tx, id, &grants).await
        });
        done(ctx, changed.await).await
    }

    /// Deletes a role of the tenant's own that nobody has.
    #[graphql(directive = requires::apply(RoleManage))]
    async fn role_delete(
        &self,
        ctx: &Context<'_>,
        id: RoleId,
        expected_version: Option<i32>,
    ) -> Result<Option<DeletePayload>> {
        let deleted = ctx.write(RoleManage, async |tx| {
            RoleRow::lock(tx, id, expected_version).await?;
            delete_role(tx, id).await?;
            Ok(Deleted(id))
        });
        DeletePayload::of(deleted.await)
    }
}

/// Nobody grants what they do not hold, nor further than they reach.
fn check(ctx: &Context<'_>, input: RoleInput) -> Result<(String, Vec<(Permission, Scope)>)> {
    let (viewer, mut check, mut grants) = (ctx.viewer()?, Check::new(), Vec::new());
    let name = check.text("name", input.name, 50);
    if BuiltInRole::ALL.iter().any(|role| role.name().eq_ignore_ascii_case(&name)) {
        check.problem(ErrorCode::Duplicate, "name", "is that of a built-in role");
    }
    for GrantInput { permission, reach } in input.grants {
        let scope = reach.map_or(Scope::All, Scope::from);
        match Permission::named(&permission) {
            None => check.problem(ErrorCode::Invalid, "grants", "names an unknown permission"),
            Some(known) if scope != Scope::All && !known.is_about_owned_records() => {
                let told = format!("{permission} is about no one's records: its reach is ALL");
                check.problem(ErrorCode::Invalid, "grants", &told);
            }
            Some(known) if known.is_the_owners() => {
                let told = format!("{permission} is the owner's alone");
                check.problem(ErrorCode::ForbiddenField, "grants", &told);
            }
            Some(known) if viewer.grants.scope(known) < Some(scope) => {
                let told = format!("grants {permission} further than you hold it");
                check.problem(ErrorCode::ForbiddenField, "grants", &told);
            }
            Some(known) if grants.iter().any(|(other, _)| *other == known) => {
                check.problem(ErrorCode::Duplicate, "grants", "A permission is granted once.");
            }
            Some(known) => grants.push((known, scope)),
        }
    }
    check.done((name, grants))
}

async fn grant(
    ctx: &Context<'_>,
    tx: &TenantConn,
    id: RoleId,
    grants: &[(Permission, Scope)],
) -> Result<RoleRow> {
    let words: Vec<_> =
        grants.iter().map(|(permission, scope)| (permission.name(), scope_word(*scope))).collect();
    replace_grants(tx, ctx.clock(), id, &words).await?;
    RoleRow::find(tx, id).await
}

async fn whole(ctx: &Context<'_>, row: RoleRow) -> Result<Role> {
    let conn = ctx.read(RoleManage).await?;
    let role = OwnRole::by_ids(&conn, &[row.id]).await?.into_iter().next();
    role.map(|role| Role(role.into())).ok_or(Error::NotFound)
}

/// Whatever changed what somebody may do is known at once.
async fn done(ctx: &Context<'_>, result: Result<RoleRow>) -> Result<Option<RolePayload>> {
    ctx.data_unchecked::<Sessions>().forget();
    match result {
        Ok(row) => RolePayload::of(whole(ctx, row).await),
        Err(error) => RolePayload::of(Err(error)),
    }
}
