//! The keys that the program makes for itself.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretSlice};
use uuid::Uuid;

use super::{Wrapping, authenticate, model, random, seal};
use crate::{
    clock::{Clock, Timestamp},
    db::SystemConn,
    error::{Error, Result},
    ids::new_uuid,
};

/// How long a ring is good without being read again.
const FRESH: Duration = Duration::from_mins(1);
/// How often a stranger's token may make us read it.
const CURIOSITY: Duration = Duration::from_secs(1);

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Signs access tokens.
    Token,
    /// Encrypts secrets that are kept.
    Data,
    /// Seals the audit trail.
    Seal,
}

impl Purpose {
    pub const ALL: [Self; 3] = [Self::Token, Self::Data, Self::Seal];

    pub fn word(self) -> &'static str {
        match self {
            Self::Token => "TOKEN",
            Self::Data => "DATA",
            Self::Seal => "SEAL",
        }
    }
}

pub(super) struct Key {
    pub id: Uuid,
    pub purpose: &'static str,
    pub created_at: Timestamp,
    pub bytes: SecretSlice<u8>,
    /// Wrapped under the secret before this one.
    pub outdated: bool,
}

impl Key {
    pub fn make(clock: &Clock, purpose: Purpose) -> Result<Self> {
        Ok(Self {
            id: new_uuid(clock),
            purpose: purpose.word(),
            created_at: clock.now(),
            bytes: random::<32>()?.to_vec().into(),
            outdated: false,
        })
    }

    /// As it is kept.
    pub fn wrap(&self, wrapping: &Wrapping) -> Result<model::KeyRow> {
        let place = place(self.id, self.purpose);
        let wrapped = seal::seal(wrapping.now.expose_secret(), &place, self.bytes.expose_secret())?;
        let (id, purpose, created_at) = (self.id, self.purpose.to_owned(), self.created_at);
        Ok(model::KeyRow { id, purpose, wrapped, created_at })
    }

    pub fn unwrap(row: &model::KeyRow, wrapping: &Wrapping) -> Result<Self> {
        let model::KeyRow { id, purpose, wrapped, created_at } = row;
        let place = place(*id, purpose);
        let open = |key: &SecretSlice<u8>| seal::open(key.expose_secret(), &place, wrapped);
        let (bytes, outdated) = match open(&wrapping.now) {
            Some(bytes) => (bytes, false),
            None => match wrapping.before.as_ref().and_then(open) {
                Some(bytes) => (bytes, true),
                None => return Err(Error::internal(WRONG_SECRET)),
            },
        };
        let purpose = Purpose::ALL.into_iter().find(|known| known.word() == *purpose);
        let purpose = purpose.ok_or_else(|| Error::internal("a key of an unknown purpose"))?;
        let (id, created_at, bytes) = (*id, *created_at, bytes.into());
        Ok(Self { id, purpose: purpose.word(), created_at, bytes, outdated })
    }
}

const WRONG_SECRET: &str = "KONTOR_SECRET is not the one that this database's keys are wrapped \
    under. Set it back, or name the old one in KONTOR_SECRET_PREVIOUS and run `kontor keys rotate`.";

fn place(id: Uuid, purpose: &str) -> Vec<u8> {
    [b"key ".as_slice(), purpose.as_bytes(), b" ", id.as_bytes()].concat()
}

/// All keys, the newest first.
pub struct Ring {
    pub(super) keys: Vec<Key>,
    read_at: Timestamp,
}

impl Ring {
    /// As they are in the database; what is missing is made.
    pub(super) async fn read(
        conn: &SystemConn,
        wrapping: &Wrapping,
        clock: &Clock,
    ) -> Result<Self> {
        let rows = model::KeyRow::all(conn.pg()).await?;
        let mut keys = Vec::new();
        for row in &rows {
            keys.push(Key::unwrap(row, wrapping)?);
        }
        for purpose in Purpose::ALL {
            if !keys.iter().any(|key| key.purpose == purpose.word()) {
                let key = Key::make(clock, purpose)?;
                key.wrap(wrapping)?.insert(conn.pg()).await?;
                keys.push(key);
            }
        }
        Ok(Self { keys, read_at: clock.now() })
    }

    pub(super) fn is_fresh(&self, now: Timestamp) -> bool {
        now < self.read_at.plus(FRESH)
    }

    pub(super) fn may_be_outdated(&self, now: Timestamp) -> bool {
        now >= self.read_at.plus(CURIOSITY)
    }

    /// What is signed or encrypted now is so with this one.
    pub fn newest(&self, purpose: Purpose) -> Result<(Uuid, &[u8])> {
        let key = self.keys.iter().find(|key| key.purpose == purpose.word());
        let key = key.ok_or_else(|| Error::internal("a ring without a key"))?;
        Ok((key.id, key.bytes.expose_secret()))
    }

    /// What was signed or encrypted with this one, while it is kept.
    pub fn find(&self, purpose: Purpose, id: Uuid) -> Option<&[u8]> {
        let known = |key: &&Key| key.purpose == purpose.word() && key.id == id;
        self.keys.iter().find(known).map(|key| key.bytes.expose_secret())
    }

    /// A proof that only we can make, with the key of this id.
    pub fn prove(&self, purpose: Purpose, id: Uuid, parts: &[&[u8]]) -> Option<[u8; 32]> {
        self.find(purpose, id).map(|key| authenticate(key, parts))
    }

    /// A ring of keys that are in no database.
    #[cfg(test)]
    pub fn of_its_own(clock: &Clock) -> Result<Self> {
        let keys = Purpose::ALL.into_iter().map(|purpose| Key::make(clock, purpose));
        Ok(Self { keys: keys.collect::<Result<_>>()?, read_at: clock.now() })
    }
}
