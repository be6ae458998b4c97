//! Whoever asks: a person, or a program.

use std::{net::IpAddr, sync::Arc, time::Duration};

use ipnet::IpNet;
use uuid::Uuid;

use super::{BuiltInRole, Grants, Guarded, Permission, Scope, TABLES};
use crate::{
    accounts::{ApiClientId, RoleId, SessionId, UserId},
    clock::Timestamp,
    config::Allowance,
    db::{Reach, Seen, Within},
    error::{Error, Result},
    tenants::TenantId,
};

/// How long a second factor that was shown is fresh.
const FRESH: Duration = Duration::from_mins(10);

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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Person(UserId),
    Client(ApiClientId),
}

/// Who asks, in which tenant, and what they may do there.
#[derive(Clone, Debug)]
pub struct Viewer {
    pub who: Who,
    pub tenant: TenantId,
    pub session: Option<SessionId>,
    pub roles: Vec<HeldRole>,
    pub grants: Grants,
    /// Those who report to the person, at any distance.
    pub team: Arc<[UserId]>,
    /// Their territories, and all below them.
    pub territories: Arc<[Uuid]>,
    /// From where they may come; empty: from anywhere.
    pub addresses: Arc<[IpNet]>,
    /// What the tenant wants a fresh second factor for.
    pub step_up: Arc<[Permission]>,
    /// What the tenant wants written down when it is read.
    pub recorded: Arc<[Permission]>,
    /// When the second factor was last shown.
    pub second_factor_at: Option<Timestamp>,
    /// Only registered documents, by their ids.
    pub registered_only: bool,
    /// What it asks that is not registered is logged.
    pub logs_unknown: bool,
    pub allowance: Allowance,
}

impl Viewer {
    pub fn new(who: Who, tenant: TenantId, roles: Vec<HeldRole>) -> Self {
        let none = Grants::default();
        let grants = roles.iter().fold(none, |grants, role| grants.union(&role.grants));
        Self {
            who,
            tenant,
            session: None,
            roles,
            grants,
            team: Arc::new([]),
            territories: Arc::new([]),
            addresses: Arc::new([]),
            step_up: Arc::new([]),
            recorded: Arc::new([]),
            second_factor_at: None,
            registered_only: false,
            logs_unknown: false,
            allowance: Allowance::default(),
        }
    }

    pub fn is(&self, role: BuiltInRole) -> bool {
        self.roles.iter().any(|held| held.id == role.id())
    }

    /// The person; a program is none.
    pub fn person(&self) -> Result<UserId> {
        match self.who {
            Who::Person(user) => Ok(user),
            Who::Client(_) => Err(Error::Forbidden(Permission::AccountUse)),
        }
    }

    /// Whom the trail names.
    pub fn actor(&self) -> Uuid {
        match self.who {
            Who::Person(user) => user.0,
            Who::Client(client) => client.0,
        }
    }

    /// Those who can let others in.
    pub fn is_administrator(&self) -> bool {
        use Permission::*;
        [UserManage, RoleManage, SettingsManage, ApiClientManage]
            .iter()
            .any(|permission| self.grants.holds(*permission))
    }

    pub fn may_come_from(&self, address: Option<IpAddr>) -> bool {
        let known = |net: &IpNet| address.is_some_and(|address| net.contains(&address));
        self.addresses.is_empty() || self.addresses.iter().any(known)
    }

    /// Whose records a permission of theirs reaches. Decided here, applied by every statement
    /// (`db::Reach`).
    pub fn reach(&self, permission: Permission) -> Reach {
        match permission {
            // What speaks of many tables (the trail, the log, a timeline) says nothing of what one may
            // not see there.
            Permission::ApiUse | Permission::AuditRead | Permission::ChangeRead => {
                self.reach_of_mentions()
            }
            _ => self.reach_of_records(permission),
        }
    }

    /// A view is its owner's and theirs that it is shared with, however far a role reaches.
    fn reach_of_views(&self) -> Reach {
        let all_shared = self.grants.holds(Permission::ViewManage);
        Reach::Within(Within { owners: [self.actor()].into(), all_shared, ..Within::default() })
    }

    fn reach_of_mentions(&self) -> Reach {
        let seen = TABLES.iter().filter(|guarded| self.grants.holds(guarded.read));
        let seen = seen.map(|Guarded { table, read, whose, .. }| {
            let within = match (whose, self.reach_of_records(*read)) {
                (Some(whose), Reach::Within(within)) => Some((*whose, within)),
                _ => None,
            };
            Seen { table, within }
        });
        let seen: Vec<Seen> = seen.collect();
        match seen.len() == TABLES.len() && seen.iter().all(|seen| seen.within.is_none()) {
            true => Reach::All,
            false => Reach::Tables(seen.into()),
        }
    }

    fn reach_of_records(&self, permission: Permission) -> Reach {
        match self.grants.scope(permission) {
            Some(_) if matches!(permission, Permission::ViewRead | Permission::ViewWrite) => {
                self.reach_of_views()
            }
            Some(Scope::All) => Reach::All,
            Some(Scope::Territory) => {
                let (owners, territories) = (self.team_and_self(), self.territories.clone());
                Reach::Within(Within { owners, territories, ..Within::default() })
            }
            Some(Scope::Team) => {
                let owners = self.team_and_self();
                Reach::Within(Within { owners, ..Within::default() })
            }
            Some(Scope::Own) => {
                let owners = [self.actor()].into();
                Reach::Within(Within { owners, ..Within::default() })
            }
            None => Reach::Within(Within::default()),
        }
    }

    fn team_and_self(&self) -> Arc<[Uuid]> {
        self.team.iter().map(|user| user.0).chain([self.actor()]).collect()
    }

    /// Was the second factor shown a moment ago?
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        self.second_factor_at.is_some_and(|at| now < at.plus(FRESH))
    }

    /// The one check. Synchronous, so that it never splits a loader's batch.
    pub fn check(&self, permission: Permission, now: Timestamp) -> Result<()> {
        if !self.grants.holds(permission) {
            return Err(Error::Forbidden(permission));
        }
        if self.step_up.contains(&permission) && !self.is_fresh(now) {
            return Err(Error::StepUp(permission));
        }
        Ok(())
    }
}
