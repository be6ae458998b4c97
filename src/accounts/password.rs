//! Passwords. bcrypt is slow on purpose: it runs on a thread of its own, never on those that
//! serve requests, and never while a connection is held.

use secrecy::{ExposeSecret, SecretString};

use crate::error::{Error, Result};

/// bcrypt reads no more than this.
const MAX_BYTES: usize = 72;

/// How passwords are hashed.
#[derive(Clone, Copy, Debug)]
pub struct Passwords {
    pub cost: u32,
}

impl Passwords {
    /// A password that bcrypt cannot read whole is refused, not cut.
    pub async fn hash(self, password: SecretString) -> Result<String> {
        if password.expose_secret().len() > MAX_BYTES {
            return Err(Error::BadInput(format!("A password has at most {MAX_BYTES} bytes.")));
        }
        let hash = move || bcrypt::hash(password.expose_secret(), self.cost);
        tokio::task::spawn_blocking(hash).await.map_err(Error::internal)?.map_err(Error::internal)
    }

    /// Is it the password? Without a hash to compare with it takes as long and says no, so that
    /// the time does not tell whether the account exists.
    pub async fn verify(self, password: SecretString, hash: Option<String>) -> Result<bool> {
        let verify = move || {
            let password = password.expose_secret();
            match hash {
                Some(hash) if password.len() <= MAX_BYTES => bcrypt::verify(password, &hash),
                _ => bcrypt::hash("nobody's password", self.cost).map(|_| false),
            }
        };
        tokio::task::spawn_blocking(verify).await.map_err(Error::internal)?.map_err(Error::internal)
    }
}
