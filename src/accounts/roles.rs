//! Between the words that the database keeps and what they allow.

use std::sync::Arc;

use ipnet::IpNet;

use super::{
    model::{ApiClient, OwnRole, Policy, RolesOfUser, Standing},
    token::Bearer,
};
use crate::{
    access::{BuiltInRole, Grants, HeldRole, Permission, Scope, Viewer, Who},
    config::Allowance,
    tenants::TenantId,
};

pub fn scope_word(scope: Scope) -> &'static str {
    match scope {
        Scope::Own => "OWN",
        Scope::Team => "TEAM",
        Scope::Territory => "TERRITORY",
        Scope::All => "ALL",
    }
}

fn scope_of(word: &str) -> Scope {
    match word {
        "ALL" => Scope::All,
        "TERRITORY" => Scope::Territory,
        "TEAM" => Scope::Team,
        _ => Scope::Own,
    }
}

impl From<OwnRole> for HeldRole {
    fn from(role: OwnRole) -> Self {
        let mut grants = Grants::default();
        for (permission, reach) in &role.grants {
            // A permission that this program no longer knows grants nothing.
            if let Some(permission) = Permission::named(permission) {
                grants.add(permission, scope_of(reach));
            }
        }
        Self { id: role.id, name: role.name, built_in: false, grants }
    }
}

impl RolesOfUser {
    pub fn held(self) -> Vec<HeldRole> {
        let built_in = self.built_in.iter().filter_map(|role| BuiltInRole::named(role));
        built_in.map(HeldRole::from).chain(self.own.into_iter().map(Into::into)).collect()
    }
}

/// The person behind a token, with what they are.
pub fn viewer(bearer: Bearer, standing: Standing) -> Viewer {
    let Standing { roles, team, territories, policy, second_factor_at } = standing;
    let viewer = Viewer::new(Who::Person(bearer.user), bearer.tenant, roles.held());
    let addresses = match viewer.is_administrator() {
        true => nets(&policy.administrator_addresses),
        false => viewer.addresses.clone(),
    };
    Viewer {
        session: Some(bearer.session),
        team: team.into(),
        territories: territories.into(),
        addresses,
        step_up: permissions(&policy.step_up_permissions),
        recorded: permissions(&policy.recorded_permissions),
        second_factor_at,
        ..viewer
    }
}

/// The program behind a secret: of what a program can hold, what its scopes say. It has no second
/// factor to show: what it may do an administrator has said.
pub fn client(tenant: TenantId, client: ApiClient, policy: &Policy) -> Viewer {
    let scopes = client.scopes.iter().filter_map(|scope| Permission::named(scope));
    let scopes = scopes.filter(|scope| scope.is_for_programs()).chain([Permission::ApiUse]);
    let role = HeldRole { grants: scopes.collect(), ..BuiltInRole::Integration.into() };
    let viewer = Viewer::new(Who::Client(client.id), tenant, vec![role]);
    let recorded = permissions(&policy.recorded_permissions);
    let registered_only = client.mode == "REQUIRE_ID";
    let logs_unknown = client.mode == "LOG_UNKNOWN";
    let addresses = nets(&client.addresses);
    let positive = |points: Option<i32>| points.and_then(|points| u32::try_from(points).ok());
    let allowance = Allowance {
        points: positive(client.most_points),
        restored: positive(client.restored_points),
    };
    Viewer { addresses, recorded, registered_only, logs_unknown, allowance, ..viewer }
}

fn permissions(names: &[String]) -> Arc<[Permission]> {
    names.iter().filter_map(|name| Permission::named(name)).collect()
}

fn nets(texts: &[String]) -> Arc<[IpNet]> {
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}
