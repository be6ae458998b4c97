//! The permissions. Read and write are apart everywhere.

use std::fmt;

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $text:literal),* $(,)?) => {
        /// What one may do. The name is `noun:verb`, as `viewer { permissions }` shows it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Permission { $($(#[$doc])* $name),* }

        impl Permission {
            pub const ALL: &[Self] = &[$(Self::$name),*];

            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }
    };
}

permissions! {
    /// Use the API at all: one's own session, and `node`, which asks further by the record's kind.
    ApiUse = "api:use",
    /// Be a person: one's own sessions, password and second factor. A program never has it.
    AccountUse = "account:use",
    /// See who works here.
    UserRead = "user:read",
    /// Say what people are, whom they report to, and when they leave.
    UserManage = "user:manage",
    /// See what one can be here, and who is what.
    RoleRead = "role:read",
    /// Make roles of the tenant's own.
    RoleManage = "role:manage",
    /// Say which identity providers sign people in, and as what.
    SsoManage = "sso:manage",
    /// See who did what.
    AuditRead = "audit:read",
    /// Follow what changes, as far as one sees the records themselves.
    ChangeRead = "change:read",
    /// See how the tenant is set up.
    SettingsRead = "settings:read",
    /// Say how the tenant is set up.
    SettingsManage = "settings:manage",
    /// See which programs use the API.
    ApiClientRead = "apiclient:read",
    /// Let programs use the API, and stop them.
    ApiClientManage = "apiclient:manage",
    /// See amounts of money, wherever they are.
    MoneyRead = "money:read",
    CompanyRead = "company:read",
    CompanyCreate = "company:create",
    CompanyUpdate = "company:update",
    CompanyDelete = "company:delete",
    ContactRead = "contact:read",
    ContactCreate = "contact:create",
    ContactUpdate = "contact:update",
    ContactDelete = "contact:delete",
    LeadRead = "lead:read",
    LeadCreate = "lead:create",
    LeadUpdate = "lead:update",
    LeadDelete = "lead:delete",
    /// Say that two leads are one, and open again what was given up.
    LeadManage = "lead:manage",
    DealRead = "deal:read",
    DealCreate = "deal:create",
    DealUpdate = "deal:update",
    DealDelete = "deal:delete",
    /// Skip stages, and open again what was won or lost.
    DealManage = "deal:manage",
    ActivityRead = "activity:read",
    ActivityCreate = "activity:create",
    ActivityUpdate = "activity:update",
    ActivityDelete = "activity:delete",
    TagRead = "tag:read",
    TagWrite = "tag:write",
    /// See where the tenant sells, and who works there.
    TerritoryRead = "territory:read",
    /// Say where the tenant sells, who works there, and what belongs there.
    TerritoryManage = "territory:manage",
    /// Set up pipelines, stages, exchange rates and scoring.
    SalesManage = "sales:manage",
    /// See one's own saved views, and those that are shared with one.
    ViewRead = "view:read",
    /// Keep views of one's own, and share them with one's team.
    ViewWrite = "view:write",
    /// Share views with everybody.
    ViewPublish = "view:publish",
    /// Change and delete whatever views are shared.
    ViewManage = "view:manage",
    /// Remove deleted records for good.
    RecordPurge = "record:purge",
    /// Hand over what one person looks after to another.
    RecordTransfer = "record:transfer",
}

impl Permission {
    /// Is it about records that belong to somebody? Then it has a reach.
    pub fn is_about_owned_records(self) -> bool {
        matches!(
            self,
            Self::CompanyRead
                | Self::CompanyCreate
                | Self::CompanyUpdate
                | Self::CompanyDelete
                | Self::ContactRead
                | Self::ContactCreate
                | Self::ContactUpdate
                | Self::ContactDelete
                | Self::LeadRead
                | Self::LeadCreate
                | Self::LeadUpdate
                | Self::LeadDelete
                | Self::LeadManage
                | Self::DealRead
                | Self::DealCreate
                | Self::DealUpdate
                | Self::DealDelete
                | Self::DealManage
                | Self::ActivityRead
                | Self::ActivityCreate
                | Self::ActivityUpdate
                | Self::ActivityDelete
        )
    }

    /// Can a program hold it? What opens the door to others, and what is a person's own, cannot be
    /// handed to one.
    pub fn is_for_programs(self) -> bool {
        !matches!(
            self,
            Self::AccountUse
                | Self::UserManage
                | Self::RoleManage
                | Self::SsoManage
                | Self::SettingsManage
                | Self::ApiClientManage
                | Self::ViewWrite
                | Self::ViewPublish
                | Self::ViewManage
        )
    }

    /// Can a tenant ask for a fresh second factor before it? Not before what showing one takes.
    pub fn can_ask_again(self) -> bool {
        !matches!(self, Self::ApiUse | Self::AccountUse)
    }

    /// Does it lead to everything else? Then it is the owner's, and no role of a tenant's own
    /// grants it: an administrator hands those out.
    pub fn is_the_owners(self) -> bool {
        matches!(self, Self::SsoManage)
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|permission| permission.name() == name)
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whose records a permission is about, from few to all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// One's own.
    Own,
    /// One's own, and those of the people who report to one, at any distance.
    Team,
    /// Besides, those in one's territories and in all below them.
    Territory,
    /// The tenant's.
    All,
}

/// What somebody may do, and how far each permission reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grants([Option<Scope>; Permission::ALL.len()]);

impl Default for Grants {
    fn default() -> Self {
        Self([None; Permission::ALL.len()])
    }
}

impl Grants {
    pub fn holds(&self, permission: Permission) -> bool {
        self.scope(permission).is_some()
    }

    /// How far the permission reaches; `None` without it.
    pub fn scope(&self, permission: Permission) -> Option<Scope> {
        self.0.get(place(permission)).copied().flatten()
    }

    /// Adds a permission; what reaches further wins.
    pub fn add(&mut self, permission: Permission, scope: Scope) {
        if let Some(held) = self.0.get_mut(place(permission)) {
            *held = (*held).max(Some(scope));
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(|permission| self.holds(*permission))
    }

    /// Is everything of `other` in it, reaching as far?
    pub fn covers(&self, other: &Self) -> bool {
        Permission::ALL.iter().all(|one| self.scope(*one) >= other.scope(*one))
    }

    /// Both together.
    #[must_use]
    pub fn union(mut self, other: &Self) -> Self {
        for permission in Permission::ALL {
            if let Some(scope) = other.scope(*permission) {
                self.add(*permission, scope);
            }
        }
        self
    }
}

#[expect(clippy::as_conversions, reason = "a fieldless enum's discriminant")]
fn place(permission: Permission) -> usize {
    permission as usize
}

/// With the reach of all.
impl FromIterator<Permission> for Grants {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        let mut grants = Self::default();
        permissions.into_iter().for_each(|permission| grants.add(permission, Scope::All));
        grants
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in_and_nothing_else() {
        for one in Permission::ALL {
            let grants: Grants = [*one].into_iter().collect();
            assert_eq!(grants.iter().collect::<Vec<_>>(), [*one]);
        }
    }

    #[test]
    fn what_reaches_further_wins() {
        let mut grants = Grants::default();
        grants.add(Permission::CompanyRead, Scope::Team);
        grants.add(Permission::CompanyRead, Scope::Own);
        assert_eq!(grants.scope(Permission::CompanyRead), Some(Scope::Team));
        let all: Grants = [Permission::CompanyRead].into_iter().collect();
        assert_eq!(grants.union(&all).scope(Permission::CompanyRead), Some(Scope::All));
    }
}
