//! The one table: which built-in role holds which permission.

use uuid::Uuid;

use super::{Grants, Permission, Scope};
use crate::accounts::RoleId;

macro_rules! roles {
    ($($(#[$doc:meta])* $name:ident = $text:literal),* $(,)?) => {
        /// The roles that every tenant has.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum BuiltInRole { $($(#[$doc])* $name),* }

        impl BuiltInRole {
            pub const ALL: &[Self] = &[$(Self::$name),*];

            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }
    };
}

roles! {
    /// Everything, and the only one who can give the tenant away.
    Owner = "OWNER",
    /// People, roles, settings.
    Admin = "ADMIN",
    /// Leads a sales team.
    Manager = "MANAGER",
    /// Sells.
    Rep = "REP",
    /// Invoices and payments.
    Finance = "FINANCE",
    /// Orders and jobs, all but money.
    Operations = "OPERATIONS",
    /// On the road: own jobs.
    FieldStaff = "FIELD_STAFF",
    /// Reads.
    Viewer = "VIEWER",
    /// A tenant's customer: own records only.
    Customer = "CUSTOMER",
    /// A program with scopes of its own.
    Integration = "INTEGRATION",
}

use BuiltInRole::{
    Admin, Customer, FieldStaff, Finance, Integration, Manager, Operations, Owner, Rep, Viewer,
};

const EVERYBODY: &[BuiltInRole] = BuiltInRole::ALL;
const PEOPLE: &[BuiltInRole] =
    &[Owner, Admin, Manager, Rep, Finance, Operations, FieldStaff, Viewer, Customer];
const ADMINISTRATORS: &[BuiltInRole] = &[Owner, Admin];
const STAFF: &[BuiltInRole] =
    &[Owner, Admin, Manager, Rep, Finance, Operations, FieldStaff, Viewer, Integration];
const READERS: &[BuiltInRole] =
    &[Owner, Admin, Manager, Rep, Finance, Operations, Viewer, Integration];
const LEADERS: &[BuiltInRole] = &[Owner, Admin, Manager];
const SELLERS: &[BuiltInRole] = &[Owner, Admin, Manager, Rep, Integration];

/// Who holds a permission. A new permission does not compile until this says so.
fn holders(permission: Permission) -> &'static [BuiltInRole] {
    match permission {
        Permission::ApiUse | Permission::ChangeRead => EVERYBODY,
        Permission::AccountUse => PEOPLE,
        Permission::UserRead | Permission::RoleRead => STAFF,
        Permission::UserManage
        | Permission::RoleManage
        | Permission::AuditRead
        | Permission::SettingsRead
        | Permission::SettingsManage
        | Permission::ApiClientRead
        | Permission::ApiClientManage
        | Permission::ViewManage
        | Permission::RecordPurge => ADMINISTRATORS,
        Permission::MoneyRead => {
            &[Owner, Admin, Manager, Rep, Finance, Viewer, Customer, Integration]
        }
        // Whoever controls the identity provider can become anybody in the tenant: with this an
        // administrator could make themselves an owner.
        Permission::SsoManage => &[Owner],
        Permission::CompanyRead
        | Permission::ContactRead
        | Permission::LeadRead
        | Permission::DealRead
        | Permission::ActivityRead
        | Permission::TagRead
        | Permission::ViewRead
        | Permission::TerritoryRead => READERS,
        // A person's own, whatever else they do not change.
        Permission::ViewWrite => &[Owner, Admin, Manager, Rep, Finance, Operations, Viewer],
        Permission::CompanyCreate
        | Permission::CompanyUpdate
        | Permission::CompanyDelete
        | Permission::ContactCreate
        | Permission::ContactUpdate
        | Permission::ContactDelete
        | Permission::LeadCreate
        | Permission::LeadUpdate
        | Permission::LeadDelete
        | Permission::DealCreate
        | Permission::DealUpdate
        | Permission::DealDelete
        | Permission::ActivityCreate
        | Permission::ActivityUpdate
        | Permission::ActivityDelete
        | Permission::TagWrite => SELLERS,
        Permission::RecordTransfer
        | Permission::LeadManage
        | Permission::DealManage
        | Permission::TerritoryManage
        | Permission::ViewPublish
        | Permission::SalesManage => LEADERS,
    }
}

impl BuiltInRole {
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|role| role.name() == name)
    }

    pub fn by_id(id: RoleId) -> Option<Self> {
        Self::ALL.iter().copied().find(|role| role.id() == id)
    }

    pub fn grants(self) -> Grants {
        Self::union(&[self])
    }

    /// What several roles may do together.
    pub fn union(roles: &[Self]) -> Grants {
        let mut grants = Grants::default();
        for permission in Permission::ALL {
            for role in holders(*permission).iter().filter(|role| roles.contains(role)) {
                grants.add(*permission, role.scope(*permission));
            }
        }
        grants
    }

    /// How far a role reaches with a permission that it holds.
    fn scope(self, permission: Permission) -> Scope {
        match (self, permission.is_about_owned_records()) {
            (Rep, true) => Scope::Team,
            (FieldStaff | Customer, true) => Scope::Own,
            _ => Scope::All,
        }
    }

    /// The same in every tenant, and for good: a client may store it.
    #[expect(clippy::as_conversions, reason = "a fieldless enum's discriminant")]
    pub fn id(self) -> RoleId {
        RoleId(Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0000 + self as u128))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_add_up() {
        let both = BuiltInRole::union(&[Viewer, Rep]);
        assert!(both.holds(Permission::CompanyUpdate) && both.holds(Permission::CompanyRead));
        assert!(!Viewer.grants().holds(Permission::CompanyUpdate));
    }
}
