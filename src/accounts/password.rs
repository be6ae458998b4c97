//! Passwords. bcrypt is slow on purpose: it runs on a thread of its own, never on those that
//! serve requests, and never while a connection is held.

use secrecy::{ExposeSecret, SecretString};

use crate::error::{Error, ErrorCode, Result};

const MIN_CHARACTERS: usize = 8;
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

    /// For a person's own choice: what is wrong with it is told.
    pub async fn hash_new(self, field: &str, password: String) -> Result<String> {
        let refuse = |code, told: &str| Err(Error::refused(code, field, told));
        if password.len() > MAX_BYTES {
            return refuse(ErrorCode::TooLong, "A password has at most 72 bytes.");
        }
        let weakness = zxcvbn::zxcvbn(&password, &["kontor"]);
        if password.chars().count() < MIN_CHARACTERS || weakness.score() < zxcvbn::Score::Three {
            let why = weakness.feedback().and_then(|feedback| {
                let suggestion = feedback.suggestions().first().map(ToString::to_string);
                feedback.warning().map(|warning| warning.to_string()).or(suggestion)
            });
            let why = why.unwrap_or_else(|| "Use 8 characters or more, in a few words.".into());
            return refuse(ErrorCode::WeakPassword, &format!("This is too easily guessed. {why}"));
        }
        self.hash(password.into()).await
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
