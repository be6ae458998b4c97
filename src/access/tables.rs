//! What one needs to see of each table, wherever its rows show up: in the audit trail, in the feed
//! of changes, in an explanation. A test holds this list against the catalogue.

use super::Permission::{self, *};
use crate::db::{Column, Whose};

/// A table whose changes are written down.
#[derive(Clone, Copy, Debug)]
pub struct Guarded {
    pub table: &'static str,
    /// What a change of a row is a change of, as the schema calls it.
    pub kind: &'static str,
    /// What the ids of its rows begin with.
    pub prefix: &'static str,
    pub read: Permission,
    /// Whose a row is, where that matters.
    pub owner: Option<Whose>,
    /// Columns that take a permission of their own.
    pub fields: &'static [(&'static str, Permission)],
}

const fn plain(
    table: &'static str,
    (kind, prefix): (&'static str, &'static str),
    read: Permission,
) -> Guarded {
    Guarded { table, kind, prefix, read, owner: None, fields: &[] }
}

const COMPANY_OWNER: Column = Column { table: "companies", name: "owner_id" };

pub const TABLES: &[Guarded] = &[
    Guarded {
        owner: Some(Whose::Own(COMPANY_OWNER)),
        fields: &[("annual_revenue", MoneyRead), ("annual_revenue_currency", MoneyRead)],
        ..plain("companies", ("Company", "company"), CompanyRead)
    },
    Guarded {
        owner: Some(Whose::Of {
            key: Column { table: "company_tags", name: "company_id" },
            owner: COMPANY_OWNER,
        }),
        ..plain("company_tags", ("CompanyTag", "companytag"), CompanyRead)
    },
    plain("access_requests", ("AccessRequest", "accessrequest"), UserManage),
    plain("api_client_secrets", ("ApiClientSecret", "apisecret"), ApiClientRead),
    plain("api_clients", ("ApiClient", "apiclient"), ApiClientRead),
    plain("document_aliases", ("DocumentAlias", "documentalias"), ApiClientRead),
    plain("documents", ("PersistedDocument", "document"), ApiClientRead),
    plain("invitations", ("Invitation", "invitation"), UserManage),
    plain("membership_roles", ("MembershipRole", "membershiprole"), RoleRead),
    plain("memberships", ("User", "user"), UserRead),
    plain("role_grants", ("RoleGrant", "rolegrant"), RoleRead),
    plain("roles", ("Role", "role"), RoleRead),
    plain("secrets", ("Secret", "secret"), SettingsRead),
    plain("security_policies", ("SecurityPolicy", "securitypolicy"), SettingsRead),
    plain("sso_identities", ("SsoIdentity", "ssoidentity"), SsoManage),
    plain("sso_providers", ("SsoProvider", "ssoprovider"), SsoManage),
    plain("tags", ("Tag", "tag"), TagRead),
    // What people do that is no change of a row.
    plain("users", ("User", "user"), UserRead),
];

impl Guarded {
    pub fn of(table: &str) -> Option<&'static Self> {
        TABLES.iter().find(|guarded| guarded.table == table)
    }

    /// All that a change of this kind can be in.
    pub fn of_kind(kind: &str) -> impl Iterator<Item = &'static Self> {
        TABLES.iter().filter(move |guarded| guarded.kind == kind)
    }

    pub fn by_prefix(prefix: &str) -> Option<&'static Self> {
        TABLES.iter().find(|guarded| guarded.prefix == prefix)
    }

    /// What one needs besides to see a column.
    pub fn field(&self, column: &str) -> Option<Permission> {
        self.fields.iter().find(|(name, _)| *name == column).map(|(_, permission)| *permission)
    }
}
