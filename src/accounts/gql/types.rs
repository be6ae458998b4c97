use std::collections::HashMap;

use async_graphql::{Context, Enum, Many, Object, SimpleObject};

use super::super::{RoleId, SessionId, UserId, model};
use crate::{
    access::{self, BuiltInRole, HeldRole, Permission, Permission::*, Scope},
    clock::Timestamp,
    db::TenantConn,
    error::{Error, Result},
    graphql::{Doors, Relation},
    tenants::{Tenant, TenantRow},
};

/// People of the tenant, by id.
pub struct UserById;

impl Relation for UserById {
    type Key = UserId;
    type Value = Option<model::User>;
    const PERMISSION: Permission = UserRead;

    async fn load(
        conn: &TenantConn,
        keys: &[UserId],
    ) -> Result<HashMap<UserId, Option<model::User>>> {
        let rows = model::User::by_ids(conn, keys).await?;
        Ok(rows.into_iter().map(|row| (row.id, Some(row))).collect())
    }
}

/// What people are.
pub struct RolesOf;

impl Relation for RolesOf {
    type Key = UserId;
    type Value = model::RolesOfUser;
    const PERMISSION: Permission = RoleRead;

    async fn load(conn: &TenantConn, keys: &[UserId]) -> Result<HashMap<UserId, Self::Value>> {
        model::roles_of(conn, keys).await
    }
}

/// Whom people report to.
pub struct ManagerOf;

impl Relation for ManagerOf {
    type Key = UserId;
    type Value = Option<model::User>;
    const PERMISSION: Permission = UserRead;

    async fn load(conn: &TenantConn, keys: &[UserId]) -> Result<HashMap<UserId, Self::Value>> {
        let managers = model::User::managers_of(conn, keys).await?;
        Ok(managers.into_iter().map(|(member, manager)| (member, Some(manager))).collect())
    }
}

/// A person who can sign in.
pub struct User(pub model::User);

/// A person who can sign in.
#[Object]
impl User {
    /// Their id.
    pub async fn id(&self) -> UserId {
        self.0.id
    }

    /// Their e-mail address, with which they sign in.
    async fn email(&self) -> &str {
        &self.0.email
    }

    /// Their name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Whom they report to.
    async fn manager(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        Ok(ctx.load::<ManagerOf>(self.0.id).await?.map(User))
    }

    /// What they are in the tenant.
    async fn roles(&self, ctx: &Context<'_>) -> Result<Option<Many<Role>>> {
        let roles = ctx.load::<RolesOf>(self.0.id).await?;
        Ok(Some(roles.held().into_iter().map(Role).collect()))
    }

    /// False: they cannot sign in any more.
    async fn active(&self) -> bool {
        self.0.active
    }

    /// Since when they are known here.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }
}

/// Oneself.
pub struct Viewer(pub access::Viewer);

/// Oneself: who is signed in, where, and what they may do there.
#[Object]
impl Viewer {
    /// The person; a program is none.
    async fn user(&self, ctx: &Context<'_>) -> Result<User> {
        let conn = ctx.read(ApiUse).await?;
        model::User::find(&conn, self.0.person()?).await?.map(User).ok_or(Error::NotFound)
    }

    /// The tenant.
    async fn tenant(&self, ctx: &Context<'_>) -> Result<Tenant> {
        let conn = ctx.read(ApiUse).await?;
        Ok(Tenant(TenantRow::own(&conn).await?))
    }

    /// What they are there.
    async fn roles(&self) -> Many<Role> {
        self.0.roles.iter().cloned().map(Role).collect()
    }

    /// What they may do: a front end shows these buttons and no others.
    async fn permissions(&self) -> Vec<&str> {
        self.0.grants.iter().map(access::Permission::name).collect()
    }
}

/// What a person is in a tenant.
pub struct Role(pub HeldRole);

/// What a person is in a tenant, and so what they may do.
#[Object]
impl Role {
    /// Its id; a built-in role has the same one in every tenant.
    pub async fn id(&self) -> RoleId {
        self.0.id
    }

    /// Its name, such as "MANAGER".
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// True for the roles that every tenant has.
    async fn built_in(&self) -> bool {
        self.0.built_in
    }

    /// What it allows, such as "company:read".
    async fn permissions(&self) -> Vec<&str> {
        self.0.grants.iter().map(access::Permission::name).collect()
    }

    /// What it allows, and how far each permission reaches.
    async fn grants(&self) -> Many<Grant> {
        let grants = self.0.grants;
        grants
            .iter()
            .filter_map(|permission| {
                let reach = grants.scope(permission)?.into();
                Some(Grant { permission: permission.name(), reach })
            })
            .collect()
    }
}

/// A permission and its reach.
#[derive(SimpleObject)]
pub struct Grant {
    /// Such as "company:read".
    permission: &'static str,
    /// Whose records it is about.
    reach: Reach,
}

/// Whose records a permission is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum Reach {
    /// One's own.
    Own,
    /// One's own, and those of the people who report to one, at any distance.
    Team,
    /// Besides, those in one's territories and in all below them.
    Territory,
    /// The tenant's.
    All,
}

impl From<Scope> for Reach {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Own => Self::Own,
            Scope::Team => Self::Team,
            Scope::Territory => Self::Territory,
            Scope::All => Self::All,
        }
    }
}

impl From<Reach> for Scope {
    fn from(reach: Reach) -> Self {
        match reach {
            Reach::Own => Self::Own,
            Reach::Team => Self::Team,
            Reach::Territory => Self::Territory,
            Reach::All => Self::All,
        }
    }
}

/// A sign-in that lives.
pub struct Session(pub model::Session, pub Option<SessionId>);

/// A sign-in that lives.
#[Object]
impl Session {
    /// Its id.
    pub async fn id(&self) -> SessionId {
        self.0.id
    }

    /// When it began.
    async fn created_at(&self) -> Timestamp {
        self.0.created_at
    }

    /// When its refresh token was last used.
    async fn last_used_at(&self) -> Timestamp {
        self.0.last_used_at
    }

    /// When it ends unless it is used again.
    async fn expires_at(&self) -> Timestamp {
        self.0.expires_at
    }

    /// The address that it began from.
    async fn address(&self) -> Option<&str> {
        self.0.address.as_deref()
    }

    /// The program that it began with.
    async fn user_agent(&self) -> Option<&str> {
        self.0.user_agent.as_deref()
    }

    /// True for the session that asks.
    async fn current(&self) -> bool {
        self.1 == Some(self.0.id)
    }
}

/// The role of an id: a built-in one, or the tenant's own.
pub async fn role_of(conn: &TenantConn, id: RoleId) -> Result<Option<Role>> {
    if let Some(role) = BuiltInRole::ALL.iter().find(|role| role.id() == id) {
        return Ok(Some(Role((*role).into())));
    }
    let own = model::OwnRole::by_ids(conn, &[id]).await?;
    Ok(own.into_iter().next().map(|role| Role(role.into())))
}
