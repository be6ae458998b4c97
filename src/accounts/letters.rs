//! Tokens that travel by mail, and the mails that carry them. Only their hashes are kept.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{error::Result, keys::random, mail::Mail, tenants::TenantId};

/// Where the front end is, for links in mails.
#[derive(Clone, Debug)]
pub struct Links(pub Arc<str>);

/// A token for one use. It names its tenant, where it has one, so that it is found without a
/// look-up across tenants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneTime {
    pub tenant: TenantId,
    rest: [u8; 32],
}

impl OneTime {
    pub fn new(tenant: TenantId) -> Result<Self> {
        Ok(Self { tenant, rest: random()? })
    }

    pub fn read(text: &str) -> Option<Self> {
        let bytes = BASE64.decode(text.trim()).ok()?;
        let (tenant, rest) = bytes.split_first_chunk::<16>()?;
        Some(Self { tenant: TenantId(Uuid::from_bytes(*tenant)), rest: rest.try_into().ok()? })
    }

    pub fn text(&self) -> String {
        BASE64.encode([self.tenant.0.as_bytes().as_slice(), &self.rest].concat())
    }

    pub fn hash(&self) -> Vec<u8> {
        Sha256::digest(self.rest).to_vec()
    }
}

impl Links {
    pub fn reset(&self, to: &str, token: &OneTime) -> Mail {
        let Self(url) = self;
        let text = format!(
            "Somebody, perhaps you, wants a new password for {to}.\n\n\
             Choose one within half an hour: {url}/password-reset?token={}\n\n\
             If it was not you, do nothing: the old password stays.",
            token.text()
        );
        Mail { to: to.into(), subject: "Your new password".into(), text }
    }

    pub fn invitation(&self, to: &str, tenant: &str, token: &OneTime) -> Mail {
        let Self(url) = self;
        let text = format!(
            "You are invited to work with {tenant}.\n\n\
             Accept within seven days: {url}/invitation?token={}",
            token.text()
        );
        Mail { to: to.into(), subject: format!("Invitation to {tenant}"), text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_its_text() {
        let token = OneTime::new(TenantId(Uuid::from_u128(7))).unwrap();
        assert_eq!(OneTime::read(&token.text()), Some(token.clone()));
        assert_ne!(OneTime::new(token.tenant).unwrap(), token);
        for text in ["", "x", &token.text()[1..]] {
            assert_eq!(OneTime::read(text), None, "{text}");
        }
    }
}
