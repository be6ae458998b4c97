//! Decisions about people and their sessions.

use std::time::Duration;

use crate::{
    clock::Timestamp,
    error::{Error, ErrorCode, Result},
};

/// How long a session lives without being used.
pub const SESSION_LIFE: Duration = Duration::from_hours(7 * 24);
/// Two tabs may send the same refresh token this far apart.
const SAME_BREATH: Duration = Duration::from_secs(10);

/// What a refresh token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refreshing {
    /// Its first use: a successor takes its place.
    Replace,
    /// Used a moment ago: the same successor again.
    Repeat,
    /// Used long ago: somebody else has it. The session ends.
    Stolen,
}

pub fn refreshing(used_at: Option<Timestamp>, now: Timestamp) -> Refreshing {
    match used_at {
        None => Refreshing::Replace,
        Some(used) if now <= used.plus(SAME_BREATH) => Refreshing::Repeat,
        Some(_) => Refreshing::Stolen,
    }
}

/// A change of somebody's roles, or their end.
#[derive(Clone, Copy, Debug)]
pub struct RoleChange {
    pub by_owner: bool,
    pub of_oneself: bool,
    pub was_owner: bool,
    pub is_owner: bool,
    /// How many owners the tenant has that can sign in.
    pub owners: usize,
}

/// Nobody names their own role; only an owner makes or unmakes one; one owner stays.
pub fn may_change_roles(change: RoleChange) -> Result<()> {
    let refuse = |code, told: &str| Err(Error::refused(code, "id", told));
    if change.of_oneself {
        return refuse(ErrorCode::ForbiddenField, "Nobody changes their own roles.");
    }
    if change.was_owner != change.is_owner && !change.by_owner {
        return refuse(ErrorCode::ForbiddenField, "Only an owner makes or unmakes an owner.");
    }
    if change.was_owner && !change.is_owner && change.owners <= 1 {
        return refuse(ErrorCode::LastOwner, "A tenant keeps at least one owner.");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_token_is_used_once_give_or_take_a_breath() {
        let now = crate::clock::Clock::system().now();
        assert_eq!(refreshing(None, now), Refreshing::Replace);
        assert_eq!(refreshing(Some(now), now.plus(SAME_BREATH)), Refreshing::Repeat);
        let late = now.plus(SAME_BREATH).plus(Duration::from_millis(1));
        assert_eq!(refreshing(Some(now), late), Refreshing::Stolen);
    }

    #[test]
    fn owners_are_made_by_owners_and_one_stays() {
        let change = RoleChange {
            by_owner: true,
            of_oneself: false,
            was_owner: true,
            is_owner: false,
            owners: 2,
        };
        assert!(may_change_roles(change).is_ok());
        assert!(may_change_roles(RoleChange { owners: 1, ..change }).is_err());
        assert!(may_change_roles(RoleChange { by_owner: false, ..change }).is_err());
        assert!(may_change_roles(RoleChange { of_oneself: true, ..change }).is_err());
        let plain = RoleChange { by_owner: false, was_owner: false, ..change };
        assert!(may_change_roles(plain).is_ok());
        assert!(may_change_roles(RoleChange { is_owner: true, ..plain }).is_err());
    }
}
