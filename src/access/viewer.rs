//! The person asking.

use super::{BuiltInRole, Grants, Permission};
use crate::{
    accounts::UserId,
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
}

impl Viewer {
    pub fn new(user: UserId, tenant: TenantId, roles: Vec<BuiltInRole>) -> Self {
        let grants = BuiltInRole::union(&roles);
        Self { user, tenant, roles, grants }
    }

    /// The one check. Synchronous, so that it never splits a loader's batch.
    pub fn check(&self, permission: Permission) -> Result<()> {
        if self.grants.holds(permission) { Ok(()) } else { Err(Error::Forbidden(permission)) }
    }
}
