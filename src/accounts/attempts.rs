//! Guessing passwords is slowed down: by account and address together, by address, and, more
//! gently, by account, so that an attack from many addresses does not lock its owner out.

use std::{net::IpAddr, time::Duration};

use sha2::{Digest, Sha256};

use super::model::attempts;
use crate::{
    clock::Timestamp,
    db::{SystemConn, TenantConn},
    error::{Error, Result},
};

/// A failure is forgotten after a quiet day.
const MEMORY: Duration = Duration::from_hours(24);

/// What is counted: how many failures are free, and how long the longest pause is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Pair,
    Address,
    Account,
}

impl Kind {
    /// The pause after so many failures.
    fn pause(self, failures: i32) -> Duration {
        let (free, longest) = match self {
            Self::Pair => (5, Duration::from_mins(15)),
            Self::Address => (50, Duration::from_mins(15)),
            Self::Account => (20, Duration::from_secs(5)),
        };
        let Ok(steps @ 1..) = u32::try_from(failures - free) else { return Duration::ZERO };
        let pause = Duration::from_secs(1) * 2_u32.saturating_pow(steps.min(16) - 1);
        pause.min(longest)
    }
}

fn hash(parts: &str) -> Vec<u8> {
    Sha256::digest(parts).to_vec()
}

fn account(email: &str) -> Vec<u8> {
    hash(&format!("account {}", email.trim().to_lowercase()))
}

/// An administrator lets a person try again at once, from wherever; what an address has against it
/// on its own stays.
pub async fn unlock(tx: &TenantConn, email: &str) -> Result<()> {
    attempts::unlock(tx, &account(email)).await
}

/// One attempt to sign in.
pub struct Attempt {
    keys: Vec<(Kind, Vec<u8>)>,
}

impl Attempt {
    pub fn new(email: &str, address: Option<IpAddr>) -> Self {
        let email = email.trim().to_lowercase();
        let mut keys = vec![(Kind::Account, account(&email))];
        if let Some(address) = address {
            keys.push((Kind::Address, hash(&format!("address {address}"))));
            keys.push((Kind::Pair, hash(&format!("pair {email} {address}"))));
        }
        Self { keys }
    }

    fn hashes(&self) -> Vec<Vec<u8>> {
        self.keys.iter().map(|(_, key)| key.clone()).collect()
    }

    /// Refused while any of its keys has a pause; whether there is such an account is not asked.
    pub async fn admit(&self, conn: &SystemConn, now: Timestamp) -> Result<()> {
        let blocked = attempts::blocked(conn.pg(), &self.hashes(), now).await?;
        match blocked.iter().map(|(_, until)| *until).max() {
            None => Ok(()),
            Some(until) => {
                let left = (until.0 - now.0).to_std().unwrap_or_default();
                Err(Error::Limited { retry_after: left.max(Duration::from_secs(1)) })
            }
        }
    }

    pub async fn failed(&self, conn: &SystemConn, now: Timestamp) -> Result<()> {
        let account = self.keys.iter().find(|(kind, _)| *kind == Kind::Account);
        let against = |kind| account.filter(|_| kind != Kind::Address).map(|(_, key)| key.clone());
        let accounts: Vec<_> = self.keys.iter().map(|(kind, _)| against(*kind)).collect();
        let since = now.minus(MEMORY);
        let counted = attempts::count(conn.pg(), &self.hashes(), &accounts, now, since).await?;
        for (key, failures) in counted {
            let kind = self.keys.iter().find(|(_, known)| *known == key).map(|(kind, _)| *kind);
            let pause = kind.map_or(Duration::ZERO, |kind| kind.pause(failures));
            if !pause.is_zero() {
                attempts::block(conn.pg(), &key, now.plus(pause)).await?;
            }
        }
        Ok(())
    }

    /// The right password: what was counted for this person here is forgotten.
    pub async fn succeeded(&self, conn: &SystemConn) -> Result<()> {
        let own = self.keys.iter().filter(|(kind, _)| *kind != Kind::Address);
        let own: Vec<_> = own.map(|(_, key)| key.clone()).collect();
        attempts::forget(conn.pg(), &own).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_their_longest() {
        let seconds = |kind: Kind, failures| kind.pause(failures).as_secs();
        assert_eq!(
            [5, 6, 7, 8, 15, 16, 1000].map(|n| seconds(Kind::Pair, n)),
            [0, 1, 2, 4, 512, 900, 900]
        );
        assert_eq!([20, 21, 30, 1000].map(|n| seconds(Kind::Account, n)), [0, 1, 5, 5]);
        assert_eq!([50, 51].map(|n| seconds(Kind::Address, n)), [0, 1]);
    }
}
