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
    /// See who works here.
    UserRead = "user:read",
    CompanyRead = "company:read",
    CompanyCreate = "company:create",
    CompanyUpdate = "company:update",
    CompanyDelete = "company:delete",
    TagRead = "tag:read",
    TagWrite = "tag:write",
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of permissions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grants([u64; 4]);

impl Grants {
    pub fn holds(&self, permission: Permission) -> bool {
        let (word, bit) = Self::place(permission);
        self.0.get(word).is_some_and(|bits| bits & bit != 0)
    }

    pub fn iter(&self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(|permission| self.holds(*permission))
    }

    #[expect(clippy::as_conversions, reason = "a fieldless enum's discriminant")]
    fn place(permission: Permission) -> (usize, u64) {
        let at = permission as usize;
        (at / 64, 1 << (at % 64))
    }
}

impl FromIterator<Permission> for Grants {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        let mut grants = Self::default();
        for permission in permissions {
            let (word, bit) = Self::place(permission);
            if let Some(bits) = grants.0.get_mut(word) {
                *bits |= bit;
            }
        }
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
        assert!(Permission::ALL.len() <= 256);
    }
}
