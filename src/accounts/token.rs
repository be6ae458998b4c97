//! Access tokens: JSON Web Tokens, signed by us for us, good for an hour.

use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::UserId;
use crate::{
    access::{BuiltInRole, Keys, Viewer},
    clock::{Clock, Timestamp},
    error::{Error, Result},
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
    roles: Vec<String>,
    iat: i64,
    exp: i64,
}

/// A token and when it ends.
#[derive(Debug)]
pub struct Token {
    pub text: String,
    pub expires_at: Timestamp,
}

impl Token {
    pub fn issue(keys: &Keys, clock: &Clock, viewer: &Viewer) -> Result<Self> {
        let (now, expires_at) = (clock.now(), clock.now().plus(LIFE));
        let claims = Claims {
            iss: ISSUER.into(),
            aud: ISSUER.into(),
            sub: viewer.user.0,
            ten: viewer.tenant.0,
            roles: viewer.roles.iter().map(|role| role.name().into()).collect(),
            iat: now.unix_seconds(),
            exp: expires_at.unix_seconds(),
        };
        let key = EncodingKey::from_secret(keys.token());
        let text = encode(&Header::new(Algorithm::HS256), &claims, &key);
        Ok(Self { text: text.map_err(Error::internal)?, expires_at })
    }
}

/// Who a token speaks for; any doubt is [`Error::Unauthenticated`].
pub fn read_token(keys: &Keys, clock: &Clock, text: &str) -> Result<Viewer> {
    let mut rules = Validation::new(Algorithm::HS256);
    rules.set_issuer(&[ISSUER]);
    rules.set_audience(&[ISSUER]);
    rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    rules.validate_exp = false; // by our clock, below
    let key = DecodingKey::from_secret(keys.token());
    let claims = decode::<Claims>(text, &key, &rules).map_err(|_| Error::Unauthenticated)?.claims;
    if claims.exp <= clock.now().unix_seconds() {
        return Err(Error::Unauthenticated);
    }
    let roles = claims.roles.iter().filter_map(|role| BuiltInRole::named(role)).collect();
    Ok(Viewer::new(UserId(claims.sub), TenantId(claims.ten), roles))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn viewer() -> Viewer {
        Viewer::new(
            UserId(Uuid::from_u128(1)),
            TenantId(Uuid::from_u128(2)),
            vec![BuiltInRole::Rep],
        )
    }

    #[test]
    fn a_token_speaks_for_its_person_until_it_ends() {
        let (keys, clock) = (Keys::new(&"secret".into()), Clock::frozen(Clock::system().now()));
        let token = Token::issue(&keys, &clock, &viewer()).unwrap();
        assert_eq!(read_token(&keys, &clock, &token.text).unwrap().user, viewer().user);
        clock.advance(LIFE);
        assert!(read_token(&keys, &clock, &token.text).is_err());
    }

    #[test]
    fn a_token_that_was_touched_speaks_for_nobody() {
        let (keys, clock) = (Keys::new(&"secret".into()), Clock::system());
        let token = Token::issue(&keys, &clock, &viewer()).unwrap().text;
        assert!(read_token(&Keys::new(&"another".into()), &clock, &token).is_err());
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
            assert!(read_token(&keys, &clock, &forged).is_err(), "{forged}");
        }
    }
}
