//! The person asking.

use std::sync::Arc;

use super::{BuiltInRole, Grants, Permission, Scope};
use crate::{
    accounts::{RoleId, SessionId, UserId},
    db::Reach,
    error::{Error, Result},
    tenants::TenantId,
};

/// A role that somebody has: a built-in one, or a tenant's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldRole {
    pub id: RoleId,
    pub name: String,
    pub built_in: bool,
    pub grants: Grants,
}

impl From<BuiltInRole> for HeldRole {
    fn from(role: BuiltInRole) -> Self {
        Self { id: role.id(), name: role.name().into(), built_in: true, grants: role.grants() }
    }
}

/// Who asks, in which tenant, and what they may do there.
#[derive(Clone, Debug)]
pub struct Viewer {
    pub user: UserId,
    pub tenant: TenantId,
    pub session: Option<SessionId>,
    pub roles: Vec<HeldRole>,
    pub grants: Grants,
    /// Those who report to the person, at any distance.
    pub team: Arc<[UserId]>,
}

impl Viewer {
    pub fn new(user: UserId, tenant: TenantId, roles: Vec<BuiltInRole>) -> Self {
        Self::with_roles(user, tenant, roles.into_iter().map(Into::into).collect())
    }

    pub fn with_roles(user: UserId, tenant: TenantId, roles: Vec<HeldRole>) -> Self {
        let none = Grants::default();
        let grants = roles.iter().fold(none, |grants, role| grants.union(&role.grants));
        Self { user, tenant, session: None, roles, grants, team: Arc::new([]) }
    }

    pub fn is(&self, role: BuiltInRole) -> bool {
        self.roles.iter().any(|held| held.id == role.id())
    }

    /// Whose records a permission of theirs reaches. Decided here, applied by every statement
    /// (`db::Reach`).
    pub fn reach(&self, permission: Permission) -> Reach {
        match self.grants.scope(permission) {
            Some(Scope::All) => Reach::All,
            Some(Scope::Team) => {
                Reach::Owners(self.team.iter().chain([&self.user]).map(|user| user.0).collect())
            }
            Some(Scope::Own) => Reach::Owners([self.user.0].into()),
            None => Reach::Owners([].into()),
        }
    }

    /// The one check. Synchronous, so that it never splits a loader's batch.
    pub fn check(&self, permission: Permission) -> Result<()> {
        if self.grants.holds(permission) { Ok(()) } else { Err(Error::Forbidden(permission)) }
    }
}
