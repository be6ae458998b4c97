//! Keys made from the one secret that the operator sets, each for one purpose.

use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use sha2::Sha256;

/// Signs what leaves the server and must come back unchanged.
#[derive(Clone)]
pub struct Keys {
    token: SecretSlice<u8>,
    cursor: SecretSlice<u8>,
    refresh: SecretSlice<u8>,
}

impl Keys {
    pub fn new(secret: &SecretString) -> Self {
        let derive = |purpose: &str| {
            authenticate(secret.expose_secret().as_bytes(), &[purpose.as_bytes()]).to_vec().into()
        };
        Self {
            token: derive("access token"),
            cursor: derive("cursor"),
            refresh: derive("refresh token"),
        }
    }

    /// For access tokens.
    pub fn token(&self) -> &[u8] {
        self.token.expose_secret()
    }

    /// What a refresh token is made of.
    pub fn refresh(&self, parts: &[&[u8]]) -> [u8; 32] {
        authenticate(self.refresh.expose_secret(), parts)
    }

    /// A short proof that a cursor was made here, for this list.
    pub fn cursor_mark(&self, list: &[u8], position: &[u8]) -> [u8; 12] {
        let full = authenticate(self.cursor.expose_secret(), &[list, b"\0", position]);
        let mut mark = [0; 12];
        mark.iter_mut().zip(full).for_each(|(to, from)| *to = from);
        mark
    }
}

fn authenticate(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC takes keys of any length; there is no error to come.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}
