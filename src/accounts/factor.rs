//! The second factor: codes of an authenticator, and recovery codes for the day it is lost.

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use totp_rs::{Builder, Secret, Totp};

use super::UserId;
use crate::{
    clock::Timestamp,
    error::{Error, Result},
    keys::{Place, random},
};

const ISSUER: &str = "Kontor";
const RECOVERY_CODES: usize = 10;
/// Without letters that are taken for digits.
const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz123456789";

/// What an authenticator was given.
pub struct Seed(Totp);

impl Seed {
    pub fn new(account: &str) -> Result<Self> {
        Self::of(random::<20>()?.into(), account)
    }

    /// From what is kept.
    pub fn read(kept: &SecretString, account: &str) -> Result<Self> {
        let secret = Secret::try_from_base32(kept.expose_secret()).map_err(Error::internal)?;
        Self::of(secret, account)
    }

    fn of(secret: Secret, account: &str) -> Result<Self> {
        // The address of a letter has a colon only inside quotes; ours have neither.
        let totp = Builder::new()
            .with_secret(secret)
            .with_issuer(Some(ISSUER))
            .with_account_name(account.replace(':', ""))
            .with_skew(1);
        Ok(Self(totp.build().map_err(Error::internal)?))
    }

    /// As it is kept, and as a person can type it.
    pub fn text(&self) -> String {
        self.0.secret().to_base32()
    }

    /// What an authenticator reads from a picture.
    pub fn uri(&self) -> Result<String> {
        self.0.to_url().map_err(Error::internal)
    }

    /// The step that the code is of: the present one, or a neighbour.
    pub fn step_of(&self, code: &str, now: Timestamp) -> Option<i64> {
        let seconds = u64::try_from(now.unix_seconds()).ok()?;
        self.0.check(code, seconds).and_then(|step| step.try_into().ok())
    }

    /// Where a person's is kept.
    pub fn place(user: UserId) -> Place {
        Place { kind: "user_factors.seed", row: user.0 }
    }
}

/// Something that shows the second factor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    Code(String),
    Recovery(String),
}

impl Shown {
    /// Six digits are a code; anything else may be a recovery code.
    pub fn read(text: &str) -> Self {
        let plain = |c: &char| !c.is_whitespace() && *c != '-';
        let text: String = text.chars().filter(plain).take(64).collect();
        match text.len() == 6 && text.bytes().all(|b| b.is_ascii_digit()) {
            true => Self::Code(text),
            false => Self::Recovery(text.to_lowercase()),
        }
    }
}

/// Ten codes, each for one use: as they are shown once.
pub fn recovery_codes() -> Result<Vec<String>> {
    let code = || {
        let letters = random::<12>()?.map(|byte| LETTERS[usize::from(byte) % LETTERS.len()]);
        let groups = letters.chunks(4).map(String::from_utf8_lossy).collect::<Vec<_>>();
        Ok(groups.join("-"))
    };
    (0..RECOVERY_CODES).map(|_| code()).collect()
}

/// What is kept of a recovery code. Sixty random bits need no slow hash.
pub fn recovery_hash(user: UserId, code: &str) -> Vec<u8> {
    let letters: String = code.chars().filter(|c| *c != '-').collect();
    Sha256::digest([user.0.as_bytes().as_slice(), letters.as_bytes()].concat()).to_vec()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_code_is_good_for_its_half_minute_and_its_neighbours() {
        let seed = Seed::new("ada@acme.example").unwrap();
        let now = crate::clock::Clock::system().now();
        let code = seed.0.generate(u64::try_from(now.unix_seconds()).unwrap()).to_string();
        let step = seed.step_of(&code, now).unwrap();
        assert_eq!(step, now.unix_seconds() / 30);
        let later = |seconds| now.plus(std::time::Duration::from_secs(seconds));
        assert_eq!(seed.step_of(&code, later(30)), Some(step));
        assert_eq!(seed.step_of(&code, later(90)), None);
        let kept = seed.text().into();
        assert_eq!(Seed::read(&kept, "x").unwrap().step_of(&code, now), Some(step));
        assert!(
            seed.uri().unwrap().starts_with("otpauth://totp/Kontor:ada%40acme.example?secret=")
        );
    }

    #[test]
    fn what_is_typed_is_a_code_or_a_recovery_code() {
        assert_eq!(Shown::read(" 123 456 "), Shown::Code("123456".into()));
        assert_eq!(Shown::read("ABCD-efgh-1234"), Shown::Recovery("abcdefgh1234".into()));
        assert_eq!(Shown::read("12345"), Shown::Recovery("12345".into()));
        let codes = recovery_codes().unwrap();
        assert_eq!(codes.len(), 10);
        let user = UserId(Uuid::from_u128(1));
        let Shown::Recovery(typed) = Shown::read(&codes[0].to_uppercase()) else { panic!() };
        assert_eq!(recovery_hash(user, &typed), recovery_hash(user, &codes[0]));
        assert_ne!(recovery_hash(user, &codes[1]), recovery_hash(user, &codes[0]));
        assert!(codes.iter().all(|code| code.len() == 14));
    }
}
