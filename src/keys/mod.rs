//! Keys: what the server signs and encrypts with.
//!
//! The operator has one secret (`KONTOR_SECRET`). Derived from it: what signs cursors, makes
//! refresh tokens and the secrets of sign-ins elsewhere, and what wraps the [`Ring`]: keys that the program makes for itself, kept in the
//! database, each with an id. Access tokens and kept secrets name the key they were made with, so
//! keys are replaced (`kontor keys rotate`) without anybody noticing.
//!
//! Invariants: a key never leaves the process unwrapped. A secret opens only in the place it was
//! kept for ([`Place`]).

mod model;
mod ring;
mod rotation;
mod seal;
mod vault;

use std::sync::{Arc, PoisonError, RwLock};

use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use sha2::Sha256;

pub use model::KeyList;
pub use ring::{Purpose, Ring};
pub use rotation::{REENCRYPT, Reencryption, Rotated, enqueue_reencryption, rotate};
pub use vault::Place;

use crate::{
    clock::Clock,
    db::Db,
    error::{Error, Result},
};

/// All that a server signs and encrypts with.
pub struct Keys {
    cursor: SecretSlice<u8>,
    refresh: SecretSlice<u8>,
    sign_on: SecretSlice<u8>,
    wrapping: Wrapping,
    ring: RwLock<Option<Arc<Ring>>>,
    reading: tokio::sync::Mutex<()>,
}

/// What wraps the ring's keys: the operator's secret, and the one before it while it is replaced.
pub struct Wrapping {
    now: SecretSlice<u8>,
    before: Option<SecretSlice<u8>>,
}

impl Wrapping {
    pub fn new(secret: &SecretString, before: Option<&SecretString>) -> Self {
        let derive = |secret: &SecretString| derive(secret, "key wrapping");
        Self { now: derive(secret), before: before.map(derive) }
    }
}

impl Keys {
    pub fn new(secret: &SecretString, before: Option<&SecretString>) -> Self {
        Self {
            cursor: derive(secret, "cursor"),
            refresh: derive(secret, "refresh token"),
            sign_on: derive(secret, "sign-on elsewhere"),
            wrapping: Wrapping::new(secret, before),
            ring: RwLock::default(),
            reading: tokio::sync::Mutex::default(),
        }
    }

    /// The keys as they are in the database, or were a moment ago; the first ones are made here.
    pub async fn ring(&self, db: &Db, clock: &Clock) -> Result<Arc<Ring>> {
        match self.known() {
            Some(ring) if ring.is_fresh(clock.now()) => Ok(ring),
            known => self.read(db, clock, known).await,
        }
    }

    /// After somebody used a key that is not known here: another server may have made it.
    pub async fn newer_ring(&self, db: &Db, clock: &Clock, known: Arc<Ring>) -> Result<Arc<Ring>> {
        match known.may_be_outdated(clock.now()) {
            true => self.read(db, clock, Some(known)).await,
            false => Ok(known),
        }
    }

    async fn read(&self, db: &Db, clock: &Clock, known: Option<Arc<Ring>>) -> Result<Arc<Ring>> {
        let _turn = self.reading.lock().await;
        let newest = self.known();
        let changed = match (&newest, &known) {
            (Some(newest), Some(known)) => !Arc::ptr_eq(newest, known),
            (newest, _) => newest.is_some(),
        };
        if let Some(newest) = newest.filter(|_| changed) {
            return Ok(newest);
        }
        let conn = db.system().await?;
        let ring = Ring::read(&conn, &self.wrapping, clock).await;
        conn.release();
        let ring = Arc::new(ring?);
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Some(ring.clone());
        Ok(ring)
    }

    fn known(&self) -> Option<Arc<Ring>> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What a refresh token is made of.
    pub fn refresh(&self, parts: &[&[u8]]) -> [u8; 32] {
        authenticate(self.refresh.expose_secret(), parts)
    }

    /// What belongs to a sign-in elsewhere: made again from its state, and so kept nowhere.
    pub fn sign_on(&self, parts: &[&[u8]]) -> [u8; 32] {
        authenticate(self.sign_on.expose_secret(), parts)
    }

    /// A short proof that a cursor was made here, for this list.
    pub fn cursor_mark(&self, list: &[u8], position: &[u8]) -> [u8; 12] {
        let full = authenticate(self.cursor.expose_secret(), &[list, b"\0", position]);
        let mut mark = [0; 12];
        mark.iter_mut().zip(full).for_each(|(to, from)| *to = from);
        mark
    }
}

fn derive(secret: &SecretString, purpose: &str) -> SecretSlice<u8> {
    authenticate(secret.expose_secret().as_bytes(), &[purpose.as_bytes()]).to_vec().into()
}

fn authenticate(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC takes keys of any length; there is no error to come.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// As many random bytes as the array has.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Error::internal(error.to_string()))?;
    Ok(bytes)
}
