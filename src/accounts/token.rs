//! Tokens. An access token is a JSON Web Token, signed by us for us, that names person, tenant
//! and session; what the person may do is asked of the database. A refresh token names tenant and
//! session too, so that it needs no look-up without a tenant; its rest is random, or follows from
//! the token before it.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{SessionId, UserId};
use crate::{
    access::Keys,
    clock::{Clock, Timestamp},
    error::{Error, Result},
    ids,
    tenants::TenantId,
};

const LIFE: Duration = Duration::from_hours(1);
const ISSUER: &str = "kontor";

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: Uuid,
    /// The tenant that it is good for.
    ten: Uuid,
    /// The session that it belongs to.
    sid: Uuid,
    iat: i64,
    exp: i64,
}

/// Whom an access token speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bearer {
    pub user: UserId,
    pub tenant: TenantId,
    pub session: SessionId,
}

/// An access token and when it ends.
#[derive(Debug)]
pub struct Token {
    pub text: String,
    pub expires_at: Timestamp,
}

impl Token {
    pub fn issue(keys: &Keys, clock: &Clock, bearer: Bearer) -> Result<Self> {
        let (now, expires_at) = (clock.now(), clock.now().plus(LIFE));
        let claims = Claims {
            iss: ISSUER.into(),
            aud: ISSUER.into(),
            sub: bearer.user.0,
            ten: bearer.tenant.0,
            sid: bearer.session.0,
            iat: now.unix_seconds(),
            exp: expires_at.unix_seconds(),
        };
        let key = EncodingKey::from_secret(keys.token());
        let text = encode(&Header::new(Algorithm::HS256), &claims, &key);
        Ok(Self { text: text.map_err(Error::internal)?, expires_at })
    }
}

impl Bearer {
    /// Any doubt is [`Error::Unauthenticated`].
    pub fn read(keys: &Keys, clock: &Clock, text: &str) -> Result<Self> {
        let mut rules = Validation::new(Algorithm::HS256);
        rules.set_issuer(&[ISSUER]);
        rules.set_audience(&[ISSUER]);
        rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        rules.validate_exp = false; // by our clock, below
        let key = DecodingKey::from_secret(keys.token());
        let claims = decode::<Claims>(text, &key, &rules).map_err(|_| Error::Unauthenticated)?;
        let Claims { sub, ten, sid, exp, .. } = claims.claims;
        if exp <= clock.now().unix_seconds() {
            return Err(Error::Unauthenticated);
        }
        Ok(Self { user: UserId(sub), tenant: TenantId(ten), session: SessionId(sid) })
    }
}

/// A refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refresh {
    pub tenant: TenantId,
    pub session: SessionId,
    rest: [u8; 32],
}

impl Refresh {
    /// The first of a session.
    pub fn first(keys: &Keys, clock: &Clock, tenant: TenantId, session: SessionId) -> Self {
        // The random bits of two UUIDs, under a key that only we have.
        let (a, b) = (ids::new_uuid(clock), ids::new_uuid(clock));
        let rest = keys.refresh(&[a.as_bytes(), b.as_bytes(), session.0.as_bytes()]);
        Self { tenant, session, rest }
    }

    /// The one that takes this one's place: always the same, so that two tabs that refresh at
    /// once get the same.
    #[must_use]
    pub fn successor(&self, keys: &Keys) -> Self {
        let rest = keys.refresh(&[&self.rest, self.session.0.as_bytes()]);
        Self { rest, ..*self }
    }

    pub fn read(text: &str) -> Option<Self> {
        let bytes = BASE64.decode(text).ok()?;
        let (tenant, rest) = bytes.split_first_chunk::<16>()?;
        let (session, rest) = rest.split_first_chunk::<16>()?;
        let rest: [u8; 32] = rest.try_into().ok()?;
        let (tenant, session) = (Uuid::from_bytes(*tenant), Uuid::from_bytes(*session));
        Some(Self { tenant: TenantId(tenant), session: SessionId(session), rest })
    }

    pub fn text(&self) -> String {
        let parts: [&[u8]; 3] = [self.tenant.0.as_bytes(), self.session.0.as_bytes(), &self.rest];
        BASE64.encode(parts.concat())
    }

    /// What is kept of it.
    pub fn hash(&self) -> Vec<u8> {
        Sha256::digest(self.rest).to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer() -> Bearer {
        let uuid = Uuid::from_u128;
        Bearer { user: UserId(uuid(1)), tenant: TenantId(uuid(2)), session: SessionId(uuid(3)) }
    }

    #[test]
    fn a_token_speaks_for_its_person_until_it_ends() {
        let (keys, clock) = (Keys::new(&"secret".into()), Clock::frozen(Clock::system().now()));
        let token = Token::issue(&keys, &clock, bearer()).unwrap();
        assert_eq!(Bearer::read(&keys, &clock, &token.text).unwrap(), bearer());
        clock.advance(LIFE);
        assert!(Bearer::read(&keys, &clock, &token.text).is_err());
    }

    #[test]
    fn a_token_that_was_touched_speaks_for_nobody() {
        let (keys, clock) = (Keys::new(&"secret".into()), Clock::system());
        let token = Token::issue(&keys, &clock, bearer()).unwrap().text;
        assert!(Bearer::read(&Keys::new(&"another".into()), &clock, &token).is_err());
        let parts: Vec<&str> = token.split('.').collect();
        let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
        for forged in [
            format!("{none}.{}.", parts[1]),
            format!("{none}.{}.{}", parts[1], parts[2]),
            format!("{}.{}.", parts[0], parts[1]),
            format!("{}.{}", parts[0], parts[1]),
            token.replace('.', ""),
            String::new(),
        ] {
            assert!(Bearer::read(&keys, &clock, &forged).is_err(), "{forged}");
        }
    }

    #[test]
    fn a_refresh_token_survives_its_text_and_has_one_successor() {
        let (keys, clock) = (Keys::new(&"secret".into()), Clock::system());
        let first = Refresh::first(&keys, &clock, bearer().tenant, bearer().session);
        assert_eq!(Refresh::read(&first.text()), Some(first.clone()));
        assert_eq!(first.successor(&keys), first.successor(&keys));
        assert_ne!(first.successor(&keys), first);
        assert_ne!(Refresh::first(&keys, &clock, bearer().tenant, bearer().session), first);
        for text in ["", "x", "AAAA", &first.text()[1..], &format!("{}A", first.text())] {
            assert_eq!(Refresh::read(text), None, "{text}");
        }
    }
}
