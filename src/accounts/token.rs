//! Tokens. An access token is a JSON Web Token, signed by us for us, that names person, tenant
//! and session; what the person may do is asked of the database. A refresh token names tenant and
//! session too, so that it needs no look-up without a tenant; its rest is random, or follows from
//! the token before it.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{SessionId, UserId};
use crate::{
    clock::{Clock, Timestamp},
    error::{Error, Result},
    ids,
    keys::{Keys, Purpose, Ring},
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
    pub fn issue(ring: &Ring, clock: &Clock, bearer: Bearer) -> Result<Self> {
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
        let (id, key) = ring.newest(Purpose::Token)?;
        let kid = Some(id.simple().to_string());
        let header = Header { kid, ..Header::new(Algorithm::HS256) };
        let text = encode(&header, &claims, &EncodingKey::from_secret(key));
        Ok(Self { text: text.map_err(Error::internal)?, expires_at })
    }
}

/// A token that was found good: that its signature is right does not change any more.
#[derive(Clone, Copy, Debug)]
pub struct Verified {
    pub bearer: Bearer,
    key: Uuid,
    ends_at: i64,
}

impl Verified {
    /// Which key a token says it was signed with; `None`: it is no token of ours.
    pub fn key_of(text: &str) -> Option<Uuid> {
        decode_header(text).ok()?.kid?.parse().ok()
    }

    /// Any doubt is [`Error::Unauthenticated`].
    pub fn read(ring: &Ring, clock: &Clock, text: &str) -> Result<Self> {
        let id = Self::key_of(text).ok_or(Error::Unauthenticated)?;
        let key = ring.find(Purpose::Token, id).ok_or(Error::Unauthenticated)?;
        let key = DecodingKey::from_secret(key);
        let mut rules = Validation::new(Algorithm::HS256);
        rules.set_issuer(&[ISSUER]);
        rules.set_audience(&[ISSUER]);
        rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        rules.validate_exp = false; // by our clock, below
        let claims = decode::<Claims>(text, &key, &rules).map_err(|_| Error::Unauthenticated)?;
        let Claims { sub, ten, sid, exp, .. } = claims.claims;
        let bearer = Bearer { user: UserId(sub), tenant: TenantId(ten), session: SessionId(sid) };
        let verified = Self { bearer, key: id, ends_at: exp };
        match verified.holds(ring, clock) {
            true => Ok(verified),
            false => Err(Error::Unauthenticated),
        }
    }

    /// Is it good now? It ends with its time, and with its key.
    pub fn holds(&self, ring: &Ring, clock: &Clock) -> bool {
        clock.now().unix_seconds() < self.ends_at && ring.find(Purpose::Token, self.key).is_some()
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
        let clock = Clock::frozen(Clock::system().now());
        let ring = Ring::of_its_own(&clock).unwrap();
        let token = Token::issue(&ring, &clock, bearer()).unwrap();
        let verified = Verified::read(&ring, &clock, &token.text).unwrap();
        assert_eq!(verified.bearer, bearer());
        assert!(verified.holds(&ring, &clock));
        let another = Ring::of_its_own(&clock).unwrap();
        assert!(!verified.holds(&another, &clock), "its key is gone");
        clock.advance(LIFE);
        assert!(!verified.holds(&ring, &clock), "its time is over");
        assert!(Verified::read(&ring, &clock, &token.text).is_err());
    }

    /// A token as somebody could make it who has our key, but not our manners.
    fn signed(ring: &Ring, change: impl FnOnce(&mut Header, &mut serde_json::Value)) -> String {
        let clock = Clock::system();
        let (id, key) = ring.newest(Purpose::Token).unwrap();
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(id.simple().to_string());
        let now = clock.now().unix_seconds();
        let Bearer { user, tenant, session } = bearer();
        let mut claims = serde_json::json!({
            "iss": ISSUER, "aud": ISSUER, "sub": user.0, "ten": tenant.0, "sid": session.0,
            "iat": now, "exp": now + 60,
        });
        change(&mut header, &mut claims);
        encode(&header, &claims, &EncodingKey::from_secret(key)).unwrap()
    }

    #[test]
    fn a_token_that_was_touched_speaks_for_nobody() {
        let clock = Clock::system();
        let ring = Ring::of_its_own(&clock).unwrap();
        let token = signed(&ring, |_, _| {});
        assert_eq!(Verified::read(&ring, &clock, &token).unwrap().bearer, bearer());
        assert!(
            Verified::read(&Ring::of_its_own(&clock).unwrap(), &clock, &token).is_err(),
            "another key"
        );
        let (header, rest) = token.split_once('.').unwrap();
        let (claims, mark) = rest.split_once('.').unwrap();
        let none = BASE64.encode(r#"{"alg":"none","typ":"JWT"}"#);
        let kid = Verified::key_of(&token).unwrap().simple();
        let none_of_ours = BASE64.encode(format!(r#"{{"alg":"none","kid":"{kid}"}}"#));
        let mut forged = vec![
            String::new(),
            ".".into(),
            "..".into(),
            token.replace('.', ""),
            format!("{none}.{claims}."),
            format!("{none}.{claims}.{mark}"),
            format!("{none_of_ours}.{claims}."),
            format!("{none_of_ours}.{claims}.{mark}"),
            format!("{header}.{claims}."),
            format!("{header}.{claims}"),
            format!("{header}.{claims}.{mark}.{mark}"),
            format!("{header}.{claims}.{}", &mark[1..]),
            format!("{header}.!.{mark}"),
            format!("!.{claims}.{mark}"),
            signed(&ring, |header, _| header.kid = None),
            signed(&ring, |header, _| header.kid = Some("x".into())),
            signed(&ring, |header, _| header.kid = Some(Uuid::nil().simple().to_string())),
            signed(&ring, |header, _| header.alg = Algorithm::HS512),
        ];
        for (claim, value) in [
            ("iss", serde_json::json!("another")),
            ("aud", serde_json::json!("another")),
            ("aud", serde_json::json!(["another"])),
            ("exp", serde_json::json!(clock.now().unix_seconds() - 1)),
            ("exp", serde_json::json!("tomorrow")),
            ("sub", serde_json::json!("somebody")),
            ("ten", serde_json::json!(null)),
            ("sid", serde_json::json!(7)),
        ] {
            forged.push(signed(&ring, |_, claims| claims[claim] = value));
        }
        for name in ["iss", "aud", "sub", "ten", "sid", "exp"] {
            let without =
                |claims: &mut serde_json::Value| claims.as_object_mut().unwrap().remove(name);
            forged.push(signed(&ring, |_, claims| drop(without(claims))));
        }
        // Each part of the token, changed anywhere.
        for at in 0..token.len() {
            let mut touched = token.clone().into_bytes();
            touched[at] = if touched[at] == b'A' { b'B' } else { b'A' };
            forged.push(String::from_utf8(touched).unwrap());
        }
        // The last letter of a part has bits that stand for nothing.
        let loose = |text: &str| {
            text.split('.')
                .zip(token.split('.'))
                .all(|(a, b)| BASE64.decode(a).is_ok_and(|a| BASE64.decode(b).unwrap() == a))
        };
        for forged in forged.into_iter().filter(|text| text.is_empty() || !loose(text)) {
            assert!(Verified::read(&ring, &clock, &forged).is_err(), "{forged}");
        }
    }

    #[test]
    fn a_refresh_token_survives_its_text_and_has_one_successor() {
        let (keys, clock) = (Keys::new(&"secret".into(), None), Clock::system());
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
