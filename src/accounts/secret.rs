//! The secret of an API client: `kontor_`, eight letters that may be shown, and the rest, which
//! names its tenant.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{error::Result, keys::random, tenants::TenantId};

const BEGINS: &str = "kontor_";
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

pub struct ClientSecret {
    pub tenant: TenantId,
    /// What people may see of it.
    pub prefix: String,
    rest: [u8; 32],
}

impl ClientSecret {
    pub fn new(tenant: TenantId) -> Result<Self> {
        let letters = random::<8>()?.map(|byte| LETTERS[usize::from(byte) % LETTERS.len()]);
        let prefix = format!("{BEGINS}{}", String::from_utf8_lossy(&letters));
        Ok(Self { tenant, prefix, rest: random()? })
    }

    /// Does it look like one? A person's token does not.
    pub fn is_one(text: &str) -> bool {
        text.starts_with(BEGINS)
    }

    pub fn read(text: &str) -> Option<Self> {
        let (prefix, rest) = text.rsplit_once('.')?;
        let bytes = BASE64.decode(rest).ok()?;
        let (tenant, rest) = bytes.split_first_chunk::<16>()?;
        let (tenant, rest) = (TenantId(Uuid::from_bytes(*tenant)), rest.try_into().ok()?);
        (prefix.len() == BEGINS.len() + 8).then(|| Self { tenant, prefix: prefix.into(), rest })
    }

    pub fn text(&self) -> String {
        let rest = [self.tenant.0.as_bytes().as_slice(), &self.rest].concat();
        format!("{}.{}", self.prefix, BASE64.encode(rest))
    }

    /// What is kept of it. Of 256 random bits a fast hash tells nothing.
    pub fn hash(&self) -> Vec<u8> {
        Sha256::digest(self.rest).to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_survives_its_text() {
        let secret = ClientSecret::new(TenantId(Uuid::from_u128(7))).unwrap();
        let text = secret.text();
        let read = ClientSecret::read(&text).unwrap();
        assert_eq!((read.tenant, &read.prefix), (secret.tenant, &secret.prefix));
        assert_eq!(read.hash(), secret.hash());
        assert!(ClientSecret::is_one(&text) && text.starts_with(&secret.prefix));
        for text in ["", "kontor_", "kontor_abcdefgh.", "kontor_abcdefgh", &text[1..], &text[..60]]
        {
            assert!(ClientSecret::read(text).is_none(), "{text}");
        }
    }
}
