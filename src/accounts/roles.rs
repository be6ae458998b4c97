//! Between the words that the database keeps and what they allow.

use super::{
    model::{OwnRole, RolesOfUser},
    token::Bearer,
};
use crate::access::{BuiltInRole, Grants, HeldRole, Permission, Scope, Viewer};

pub fn scope_word(scope: Scope) -> &'static str {
    match scope {
        Scope::Own => "OWN",
        Scope::Team => "TEAM",
        Scope::All => "ALL",
    }
}

fn scope_of(word: &str) -> Scope {
    match word {
        "ALL" => Scope::All,
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
pub fn viewer(bearer: Bearer, roles: RolesOfUser, team: Vec<super::UserId>) -> Viewer {
    let viewer = Viewer::with_roles(bearer.user, bearer.tenant, roles.held());
    Viewer { session: Some(bearer.session), team: team.into(), ..viewer }
}
