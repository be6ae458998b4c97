//! The person asking.

use std::sync::Arc;

use super::{BuiltInRole, Grants, Permission, Scope};
use crate::{
    accounts::UserId,
    db::Reach,
    error::{Error, Result},
    tenants::TenantId,
};

/// Who asks, in which tenant, and what they may do there.
#[derive(Clone, Debug)]
pub struct Viewer {
    pub user: UserId,
    pub tenant: TenantId,
    pub roles: Vec<BuiltInRole>,
    pub grants: Grants,
    /// Those who report to the person, at any distance.
    pub team: Arc<[UserId]>,
}

impl Viewer {
    pub fn new(user: UserId, tenant: TenantId, roles: Vec<BuiltInRole>) -> Self {
        let grants = BuiltInRole::union(&roles);
        Self { user, tenant, roles, grants, team: Arc::new([]) }
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
