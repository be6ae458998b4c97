//! Typed ids. Each kind of record has its own type, so that a deal's id is never taken for a
//! company's, neither by the compiler nor by a client: outside an id reads
//! `company_01k9zq0c…` (a prefix, an underscore, and a UUIDv7 in Crockford's base 32).

use std::fmt;

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::clock::{Clock, Timestamp};

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// 128 bits in steps of five.
const LENGTH: usize = 26;

/// A new UUIDv7 at the clock's time.
pub fn new_uuid(clock: &Clock) -> Uuid {
    let now = clock.now().0;
    let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
    let at = uuid::Timestamp::from_unix_time(seconds, now.timestamp_subsec_nanos(), 0, 0);
    Uuid::new_v7(at)
}

/// The UUIDv7 of something that is made the same again and again: it follows from the moment and
/// from what it is called.
pub fn derived_uuid(at: Timestamp, called: &str) -> Uuid {
    let digest: [u8; 32] = Sha256::digest(called).into();
    let mut rest = [0; 10];
    rest.iter_mut().zip(digest).for_each(|(byte, of)| *byte = of);
    let millis = u64::try_from(at.0.timestamp_millis()).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(millis, &rest).into_uuid()
}

/// An id as text that names its kind, before its type is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawId<'a> {
    pub prefix: &'a str,
    pub uuid: Uuid,
}

impl<'a> RawId<'a> {
    pub fn parse(text: &'a str) -> Option<Self> {
        let (prefix, digits) = text.rsplit_once('_')?;
        let known = |b: u8| ALPHABET.iter().position(|digit| *digit == b);
        if digits.len() != LENGTH || prefix.is_empty() || digits.as_bytes().first()? > &b'7' {
            return None;
        }
        let mut bits = 0_u128;
        for byte in digits.bytes() {
            bits = (bits << 5) | u128::try_from(known(byte)?).ok()?;
        }
        Some(Self { prefix, uuid: Uuid::from_u128(bits) })
    }
}

/// `prefix_…`.
pub fn text(prefix: &str, uuid: Uuid) -> String {
    let mut text = String::with_capacity(prefix.len() + 1 + LENGTH);
    // Writing into a text does not fail.
    let _ = write(prefix, uuid, &mut text);
    text
}

/// Writes `prefix_…` without allocating.
pub fn write(prefix: &str, uuid: Uuid, out: &mut impl fmt::Write) -> fmt::Result {
    let bits = uuid.as_u128();
    let mut digits = [0_u8; LENGTH];
    for (at, digit) in digits.iter_mut().rev().enumerate() {
        let index = usize::try_from((bits >> (5 * at)) & 31).unwrap_or_default();
        *digit = ALPHABET.get(index).copied().unwrap_or_default();
    }
    out.write_str(prefix)?;
    out.write_char('_')?;
    out.write_str(std::str::from_utf8(&digits).map_err(|_| fmt::Error)?)
}

/// What a client hears who sends the wrong kind of id.
pub fn wrong_id(expected: &str, text: &str) -> String {
    let article = if expected.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" };
    match RawId::parse(text) {
        Some(id) if id.prefix != expected => {
            format!("expected {article} {expected} id, got a {} id", id.prefix)
        }
        _ => format!("expected {article} {expected} id, such as {expected}_01k9…"),
    }
}

/// `id!(QuoteId, "quote")`: a typed UUIDv7, for diesel a `uuid`, for GraphQL an `ID`.
#[macro_export]
macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[derive(::diesel::expression::AsExpression, ::diesel::deserialize::FromSqlRow)]
        #[diesel(sql_type = ::diesel::sql_types::Uuid)]
        pub struct $name(pub ::uuid::Uuid);

        impl $name {
            /// What its text begins with.
            pub const PREFIX: &'static str = $prefix;

            pub fn new(clock: &$crate::clock::Clock) -> Self {
                Self($crate::ids::new_uuid(clock))
            }

            /// Reads the text form; the error is a sentence for the client.
            pub fn parse(text: &str) -> Result<Self, String> {
                match $crate::ids::RawId::parse(text) {
                    Some(id) if id.prefix == $prefix => Ok(Self(id.uuid)),
                    _ => Err($crate::ids::wrong_id($prefix, text)),
                }
            }
        }

        impl From<::uuid::Uuid> for $name {
            fn from(uuid: ::uuid::Uuid) -> Self {
                Self(uuid)
            }
        }

        impl From<$name> for ::uuid::Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                $crate::ids::write($prefix, self.0, f)
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Display::fmt(self, f)
            }
        }

        impl ::diesel::serialize::ToSql<::diesel::sql_types::Uuid, ::diesel::pg::Pg> for $name {
            fn to_sql<'b>(
                &'b self,
                out: &mut ::diesel::serialize::Output<'b, '_, ::diesel::pg::Pg>,
            ) -> ::diesel::serialize::Result {
                ::diesel::serialize::ToSql::<::diesel::sql_types::Uuid, ::diesel::pg::Pg>::to_sql(
                    &self.0,
                    &mut out.reborrow(),
                )
            }
        }

        impl ::diesel::deserialize::FromSql<::diesel::sql_types::Uuid, ::diesel::pg::Pg> for $name {
            fn from_sql(value: ::diesel::pg::PgValue<'_>) -> ::diesel::deserialize::Result<Self> {
                ::diesel::deserialize::FromSql::<::diesel::sql_types::Uuid, ::diesel::pg::Pg>::from_sql(value)
                    .map(Self)
            }
        }

        $crate::graphql_id!($name);
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    id!(ThingId, "thing");

    proptest! {
        #[test]
        fn every_id_survives_its_text(bits: u128) {
            let id = ThingId(Uuid::from_u128(bits));
            prop_assert_eq!(ThingId::parse(&id.to_string()), Ok(id));
        }

        #[test]
        fn any_text_is_an_id_or_an_error(text in ".{0,40}") {
            let _ = ThingId::parse(&text);
        }
    }

    #[test]
    fn the_text_is_the_typeid_of_the_uuid() {
        let id = ThingId(Uuid::from_u128(0x0188_bac7_4afa_78aa_bc3b_bd1e_ef28_d881));
        assert_eq!(id.to_string(), "thing_01h2xcejqtf2nbrexx3vqjhp41");
        assert!(ThingId::parse("thing_81h2xcejqtf2nbrexx3vqjhp41").is_err(), "more than 128 bits");
    }

    #[test]
    fn a_wrong_prefix_is_named() {
        let told = ThingId::parse("deal_01h2xcejqtf2nbrexx3vqjhp41").unwrap_err();
        assert_eq!(told, "expected a thing id, got a deal id");
    }

    #[test]
    fn ids_follow_the_clock() {
        let clock = Clock::frozen(crate::clock::Timestamp(chrono::DateTime::UNIX_EPOCH));
        let (before, ()) = (ThingId::new(&clock), clock.advance(std::time::Duration::from_secs(1)));
        assert!(before < ThingId::new(&clock));
    }

    #[test]
    fn what_is_derived_is_the_same_each_time() {
        let at = Timestamp(chrono::DateTime::from_timestamp_millis(1_795_219_200_123).unwrap());
        let id = derived_uuid(at, "acme");
        assert_eq!((id, id.get_version_num()), (derived_uuid(at, "acme"), 7));
        assert_eq!(Timestamp::of_uuid(id), at);
        assert_ne!(id, derived_uuid(at, "globex"));
    }
}
