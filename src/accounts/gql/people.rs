use async_graphql::{Context, Many, Object};
use serde_json::json;

use super::{
    super::{
        RoleId, Sessions, UserId, attempts,
        model::{self, Membership, OwnRole, replace_own_roles, report_to},
        rules::{RoleChange, may_change_roles},
    },
    types::{Role, User},
};
use crate::{
    access::{BuiltInRole, HeldRole, Permission::*, Who},
    audit::{Event, note},
    column, connection,
    db::{TenantConn, Value},
    error::{Error, ErrorCode, Result},
    filter,
    graphql::{Doors, Paging, StringFilter, requires},
    payload,
};

filter! {
    /// Which people.
    UserWhere {
        /// By e-mail address; upper and lower case are alike.
        email: StringFilter => |email, _| email.folded(column!(users::email_key)),
        /// By name.
        name: StringFilter => |name, _| name.exact(column!(users::name)),
    }
}

connection! {
    /// A page of people.
    User as UserConnection, UserEdge, of model::User, which UserWhere, permission UserRead;
    id users::id;
    /// How to sort people.
    order UserOrder by UserOrderField {
        /// By name.
        Name => users::name, |user| Value::Text(user.0.name.clone());
        /// By when they became known here.
        CreatedAt => users::created_at, |user| Value::Moment(user.0.created_at.0);
    }
}

payload! {
    /// The answer to a change of what a person is.
    UserPayload {
        /// The person as they are now; null when nothing was written.
        user: User
    }
}

#[derive(Default)]
pub struct PeopleQuery;

#[Object]
impl PeopleQuery {
    /// The people of the tenant, a page at a time.
    #[graphql(directive = requires::apply(UserRead))]
    async fn users(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        r#where: Option<UserWhere>,
        order_by: Option<Vec<UserOrder>>,
    ) -> Result<Option<UserConnection>> {
        let paging = Paging { first, after, last, before, ..Paging::default() };
        UserConnection::load(ctx, paging, r#where, order_by).await
    }

    /// What one can be in the tenant: the built-in roles, then the tenant's own.
    #[graphql(directive = requires::apply(RoleRead))]
    async fn roles(&self, ctx: &Context<'_>) -> Result<Option<Many<Role>>> {
        let conn = ctx.read(RoleRead).await?;
        let own = OwnRole::all(&conn).await?.into_iter().map(|role| Role(role.into()));
        let built_in = BuiltInRole::ALL.iter().map(|role| Role((*role).into()));
        Ok(Some(built_in.chain(own).collect()))
    }
}

#[derive(Default)]
pub struct PeopleMutation;

#[Object]
impl PeopleMutation {
    /// Makes a person exactly this. Nobody changes their own roles, and only an owner makes or
    /// unmakes an owner.
    #[graphql(directive = requires::apply(UserManage))]
    async fn user_roles_replace(
        &self,
        ctx: &Context<'_>,
        id: UserId,
        #[graphql(desc = "Their roles from now on, at least one.")] role_ids: Vec<RoleId>,
    ) -> Result<Option<UserPayload>> {
        let changed = ctx.write(UserManage, async |tx| {
            let (built_in, own) = known_roles(ctx, tx, &role_ids).await?;
            change_standing(ctx, tx, id, built_in.contains(&BuiltInRole::Owner)).await?;
            let names = built_in.iter().map(|role| role.name()).collect();
            Membership::set_roles(tx, id, names).await?;
            replace_own_roles(tx, ctx.clock(), id, &own).await?;
            found(tx, id).await
        });
        done(ctx, changed.await)
    }

    /// Says whom a person reports to; null: to nobody.
    #[graphql(directive = requires::apply(UserManage))]
    async fn user_manager_set(
        &self,
        ctx: &Context<'_>,
        id: UserId,
        #[graphql(desc = "Their manager from now on.")] manager_id: Option<UserId>,
    ) -> Result<Option<UserPayload>> {
        let changed = ctx.write(UserManage, async |tx| {
            may_decide_about(ctx, tx, id).await?;
            report_to(tx, ctx.clock(), id, manager_id).await?;
            found(tx, id).await
        });
        done(ctx, changed.await)
    }

    /// Ends a person's work in the tenant: their sessions end at once, and they cannot sign in.
    #[graphql(directive = requires::apply(UserManage))]
    async fn user_deactivate(&self, ctx: &Context<'_>, id: UserId) -> Result<Option<UserPayload>> {
        let changed = ctx.write(UserManage, async |tx| {
            change_standing(ctx, tx, id, false).await?;
            let now = ctx.clock().now();
            Membership::set_deactivated(tx, id, Some(now)).await?;
            model::Session::end_others(tx, id, None, "DEACTIVATED", now).await?;
            found(tx, id).await
        });
        done(ctx, changed.await)
    }

    /// Lets a person sign in again at once after too many wrong passwords. An address that has
    /// guessed at many accounts stays slowed down. For somebody who works in other tenants too
    /// time does it: no tenant decides for another.
    #[graphql(directive = requires::apply(UserManage))]
    async fn user_unlock(&self, ctx: &Context<'_>, id: UserId) -> Result<Option<UserPayload>> {
        let unlocked = ctx.write(UserManage, async |tx| {
            let user = found(tx, id).await?;
            may_decide_about(ctx, tx, id).await?;
            works_here_only(tx, id).await?;
            attempts::unlock(tx, &user.email).await?;
            note(tx, Event::Unlocked, id, json!({})).await?;
            Ok(user)
        });
        UserPayload::of(unlocked.await.map(User))
    }

    /// Lets a person work in the tenant again, as what they were.
    #[graphql(directive = requires::apply(UserManage))]
    async fn user_reactivate(&self, ctx: &Context<'_>, id: UserId) -> Result<Option<UserPayload>> {
        let changed = ctx.write(UserManage, async |tx| {
            let was_owner =
                Membership::lock(tx, id).await?.roles.iter().any(|role| role == "OWNER");
            change_standing(ctx, tx, id, was_owner).await?;
            Membership::set_deactivated(tx, id, None).await?;
            found(tx, id).await
        });
        done(ctx, changed.await)
    }
}

/// Is this change of what a person is allowed? Owners are locked before it is decided.
async fn change_standing(
    ctx: &Context<'_>,
    tx: &TenantConn,
    id: UserId,
    is_owner: bool,
) -> Result<()> {
    let owners = Membership::lock_owners(tx, id).await?;
    let membership = Membership::lock(tx, id).await?;
    let viewer = ctx.viewer()?;
    may_decide_about(ctx, tx, id).await?;
    let active = membership.deactivated_at.is_none();
    may_change_roles(RoleChange {
        by_owner: viewer.is(BuiltInRole::Owner),
        of_oneself: viewer.who == Who::Person(id),
        was_owner: active && membership.roles.iter().any(|role| role == "OWNER"),
        is_owner,
        owners: owners.len(),
    })
}

/// The roles of these ids: built-in ones, and the tenant's own.
pub async fn known_roles(
    ctx: &Context<'_>,
    tx: &TenantConn,
    ids: &[RoleId],
) -> Result<(Vec<BuiltInRole>, Vec<RoleId>)> {
    let built_in: Vec<_> = ids.iter().filter_map(|id| BuiltInRole::by_id(*id)).collect();
    let own: Vec<_> = ids.iter().copied().filter(|id| BuiltInRole::by_id(*id).is_none()).collect();
    let known = OwnRole::by_ids(tx, &own).await?;
    if ids.is_empty() || ids.len() > 20 {
        let told = "A person has 1 to 20 roles.";
        return Err(Error::refused(ErrorCode::Required, "roleIds", told));
    }
    if built_in.is_empty() {
        let told = "One of the roles is a built-in one.";
        return Err(Error::refused(ErrorCode::Required, "roleIds", told));
    }
    if known.len() != own.len() {
        return Err(Error::refused(ErrorCode::NotFound, "roleIds", "There is no such role."));
    }
    // Nobody makes somebody who may do more than they may themselves.
    let grants = &ctx.viewer()?.grants;
    let held = built_in.iter().map(|role| HeldRole::from(*role));
    let mut given = held.chain(known.into_iter().map(Into::into));
    if let Some(more) = given.find(|role| !grants.covers(&role.grants)) {
        let told = format!("{} may do more than you may.", more.name);
        return Err(Error::refused(ErrorCode::ForbiddenField, "roleIds", &told));
    }
    Ok((built_in, own))
}

/// Who may do more than oneself is decided about by somebody who may as much.
pub async fn may_decide_about(ctx: &Context<'_>, tx: &TenantConn, id: UserId) -> Result<()> {
    let grants = &ctx.viewer()?.grants;
    let roles = model::roles_of(tx, &[id]).await?.remove(&id).unwrap_or_default().held();
    match roles.iter().all(|role| grants.covers(&role.grants)) {
        true => Ok(()),
        false => {
            let told = "They may do more than you: somebody who may as much decides about them.";
            Err(Error::refused(ErrorCode::ForbiddenField, "id", told))
        }
    }
}

/// What belongs to a person and not to their membership is for the one tenant to decide that they
/// work in, or for themselves.
pub async fn works_here_only(tx: &TenantConn, user: UserId) -> Result<()> {
    match model::tenants_of(tx, user).await?.iter().all(|tenant| *tenant == tx.tenant()) {
        true => Ok(()),
        false => {
            let told = "They work elsewhere too: no tenant decides this for another.";
            Err(Error::refused(ErrorCode::ForbiddenField, "id", told))
        }
    }
}

async fn found(tx: &TenantConn, id: UserId) -> Result<model::User> {
    model::User::find(tx, id).await?.ok_or(Error::NotFound)
}

/// Whatever changed what somebody may do is known at once.
fn done(ctx: &Context<'_>, result: Result<model::User>) -> Result<Option<UserPayload>> {
    ctx.data_unchecked::<Sessions>().forget();
    UserPayload::of(result.map(User))
}
