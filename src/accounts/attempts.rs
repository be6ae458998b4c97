//! Guessing passwords is slowed down: by account and address together, by address, and, more
//! gently, by account, so that an attack from many addresses does not lock its owner out.

use std::{net::IpAddr, time::Duration};

use sha2::{Digest, Sha256};

use super::{
    UserId,
    model::attempts::{self, Counter},
};
use crate::{
    buckets::neighbourhood,
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
    /// Codes of a person whose password, or session, whoever guesses has already: nobody is locked
    /// out who has neither.
    Codes,
}

impl Kind {
    /// So many failures are free, and the longest pause after more has so many seconds. The first
    /// pause is a second, and each is twice the one before.
    fn limits(self) -> (i32, i32) {
        match self {
            Self::Pair => (5, 15 * 60),
            Self::Address => (50, 15 * 60),
            Self::Account => (20, 5),
            Self::Codes => (10, 15 * 60),
        }
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
        if let Some(address) = address.map(neighbourhood) {
            keys.push((Kind::Address, hash(&format!("address {address}"))));
            keys.push((Kind::Pair, hash(&format!("pair {email} {address}"))));
        }
        Self { keys }
    }

    /// Guesses at a person's second factor.
    pub fn of_codes(user: UserId) -> Self {
        Self { keys: vec![(Kind::Codes, hash(&format!("codes {user}")))] }
    }

    fn hashes(&self) -> Vec<Vec<u8>> {
        self.keys.iter().map(|(_, key)| key.clone()).collect()
    }

    /// Refused while any of its keys has a pause; whether there is such an account is not asked. It
    /// counts as failed until it has succeeded, so that many at once are not let in together.
    pub async fn admit(&self, conn: &SystemConn, now: Timestamp) -> Result<()> {
        let hashes = self.hashes();
        let blocked = attempts::blocked(conn.pg(), &hashes, now).await?;
        if let Some(until) = blocked.iter().map(|(_, until)| *until).max() {
            let left = (until.0 - now.0).to_std().unwrap_or_default();
            return Err(Error::Limited { retry_after: left.max(Duration::from_secs(1)) });
        }
        let account = self.keys.iter().find(|(kind, _)| *kind == Kind::Account);
        let account = account.map(|(_, key)| key.as_slice());
        let counters = self.keys.iter().map(|(kind, key)| {
            let (free, longest) = kind.limits();
            let account = account.filter(|_| *kind != Kind::Address);
            Counter { key, account, free, longest }
        });
        let counters: Vec<Counter<'_>> = counters.collect();
        let passed = attempts::count(conn.pg(), &counters, now, now.minus(MEMORY)).await?;
        match passed == counters.len() {
            true => Ok(()),
            // Another one was quicker, and has made a pause.
            false => Err(Error::Limited { retry_after: Duration::from_secs(1) }),
        }
    }

    /// The right password: what was counted for this person here is forgotten.
    pub async fn succeeded(&self, conn: &SystemConn, now: Timestamp) -> Result<()> {
        let of = |own: bool| {
            let which = self.keys.iter().filter(move |(kind, _)| (*kind != Kind::Address) == own);
            which.map(|(_, key)| key.clone()).collect::<Vec<_>>()
        };
        attempts::forget(conn.pg(), &of(true)).await?;
        attempts::take_back(conn.pg(), &of(false), now).await
    }

    /// It was never looked at: there was no room.
    pub async fn take_back(&self, conn: &SystemConn, now: Timestamp) -> Result<()> {
        attempts::take_back(conn.pg(), &self.hashes(), now).await
    }
}
