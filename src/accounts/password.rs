//! Passwords. bcrypt is slow on purpose: it runs on a thread of its own, never on those that
//! serve requests, and never while a connection is held.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{SyncSender, sync_channel},
    },
    time::Duration,
};

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::oneshot;

use crate::error::{Error, ErrorCode, Result};

const MIN_CHARACTERS: usize = 8;
/// bcrypt reads no more than this.
const MAX_BYTES: usize = 72;

/// Kept in place of a hash for who signs in another way only: no password fits it.
pub const NO_PASSWORD: &str = "!";

/// How many may wait for their turn; one more is told to come back.
const QUEUE: usize = 64;
/// Of nineteen.
const POLITENESS: i32 = 10;

/// How passwords are hashed: one at a time for each two cores, on threads that give way to all
/// others, because hashing takes whole cores and everybody else wants to be served meanwhile.
#[derive(Clone, Debug)]
pub struct Passwords {
    cost: u32,
    queue: SyncSender<Job>,
}

type Job = Box<dyn FnOnce() + Send>;

impl Passwords {
    pub fn new(cost: u32) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let (queue, jobs) = sync_channel::<Job>(QUEUE);
        let jobs = Arc::new(Mutex::new(jobs));
        for _ in 0..(cores / 2).max(1) {
            let jobs = jobs.clone();
            std::thread::spawn(move || {
                // Where the system does not let us, it is as it was.
                let _ = rustix::process::nice(POLITENESS);
                let next = || jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
                // Ends with the last sender.
                while let Ok(job) = next() {
                    job();
                }
            });
        }
        Self { cost, queue }
    }

    /// Runs when it is its turn.
    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce(u32) -> bcrypt::BcryptResult<T> + Send + 'static,
    ) -> Result<T> {
        let ((tell, told), cost) = (oneshot::channel(), self.cost);
        let job = Box::new(move || {
            // Nobody hashes for somebody who went away.
            if !tell.is_closed() {
                let _ = tell.send(work(cost));
            }
        });
        let full = |_| Error::Limited { retry_after: Duration::from_secs(2) };
        self.queue.try_send(job).map_err(full)?;
        told.await.map_err(Error::internal)?.map_err(Error::internal)
    }

    /// A password that bcrypt cannot read whole is refused, not cut.
    pub async fn hash(&self, password: SecretString) -> Result<String> {
        if password.expose_secret().len() > MAX_BYTES {
            return Err(Error::BadInput(format!("A password has at most {MAX_BYTES} bytes.")));
        }
        self.in_turn(move |cost| bcrypt::hash(password.expose_secret(), cost)).await
    }

    /// For a person's own choice: what is wrong with it is told.
    pub async fn hash_new(&self, field: &str, password: String) -> Result<String> {
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
    /// the time does not tell whether the account exists, nor whether it has a password at all
    /// ([`NO_PASSWORD`]).
    pub async fn verify(&self, password: SecretString, hash: Option<String>) -> Result<bool> {
        self.in_turn(move |cost| {
            let password = password.expose_secret();
            match hash {
                Some(hash) if password.len() <= MAX_BYTES && is_bcrypt(&hash) => {
                    bcrypt::verify(password, &hash)
                }
                _ => bcrypt::hash("nobody's password", cost).map(|_| false),
            }
        })
        .await
    }
}

fn is_bcrypt(hash: &str) -> bool {
    hash.parse::<bcrypt::HashParts>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_a_password_every_password_is_wrong() {
        let passwords = Passwords::new(4);
        let hash = passwords.hash("four words at random".into()).await.unwrap();
        let right = passwords.verify("four words at random".into(), Some(hash)).await;
        assert!(right.unwrap());
        for hash in [NO_PASSWORD, "", "$2b$04$tooshort"] {
            for password in [NO_PASSWORD, "", "four words at random"] {
                let right = passwords.verify(password.into(), Some(hash.into())).await;
                assert!(!right.unwrap(), "{hash:?} {password:?}");
            }
        }
    }
}
