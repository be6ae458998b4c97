//! What a document is known by.

use std::fmt;

use diesel::{
    deserialize::{self, FromSql, FromSqlRow},
    expression::AsExpression,
    pg::{Pg, PgValue},
    serialize::{self, Output, ToSql},
    sql_types::Bytea,
};
use sha2::{Digest, Sha256};

const PREFIX: &str = "sha256:";
const LONGEST_NAME: usize = 200;

/// SHA-256 of a document's exact text: its id, `sha256:` and 64 digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = Bytea)]
pub struct DocumentHash(pub [u8; 32]);

impl DocumentHash {
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text).into())
    }

    /// With or without `sha256:` in front.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(PREFIX).unwrap_or(text).as_bytes();
        let (pairs, rest) = digits.as_chunks::<2>();
        if pairs.len() != 32 || !rest.is_empty() {
            return None;
        }
        let mut hash = [0_u8; 32];
        for (byte, [high, low]) in hash.iter_mut().zip(pairs) {
            *byte = (digit(*high)? << 4) | digit(*low)?;
        }
        Some(Self(hash))
    }
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

impl fmt::Display for DocumentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for DocumentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl ToSql<Bytea, Pg> for DocumentHash {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<Bytea, Pg>::to_sql(self.0.as_slice(), &mut out.reborrow())
    }
}

impl FromSql<Bytea, Pg> for DocumentHash {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let bytes = <Vec<u8> as FromSql<Bytea, Pg>>::from_sql(value)?;
        bytes.try_into().map(Self).map_err(|_| "a document's hash has 32 bytes".into())
    }
}

/// What a request says instead of a text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Named {
    pub hash: Option<DocumentHash>,
    /// The id that a client's build tool gave it; absent where only a hash will do.
    pub alias: Option<String>,
}

impl Named {
    /// By its own id, or by the one that its client's build tool gave it; `None`: by neither.
    pub fn by_id(id: &str) -> Option<Self> {
        let (hash, alias) = (DocumentHash::parse(id), is_name(id).then(|| id.to_owned()));
        (hash.is_some() || alias.is_some()).then_some(Self { hash, alias })
    }

    pub fn by_hash(hash: DocumentHash) -> Self {
        Self { hash: Some(hash), alias: None }
    }
}

/// Can it be a document's name, or a build tool's id for one?
pub fn is_name(text: &str) -> bool {
    let plain = !text.contains(char::is_control) && text.trim() == text;
    plain && (1..=LONGEST_NAME).contains(&text.chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_hash_of_the_exact_text() {
        let id = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let hash = DocumentHash::of("abc");
        assert_eq!(hash.to_string(), id);
        assert_eq!(DocumentHash::parse(id), Some(hash));
        assert_eq!(DocumentHash::parse(&id["sha256:".len()..].to_uppercase()), Some(hash));
        assert_ne!(DocumentHash::of("abc "), hash);
        for wrong in ["", "sha256:", "sha256:ba78", &format!("{id}0"), &id.replace('b', "g")] {
            assert_eq!(DocumentHash::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_name_is_short_and_plain() {
        assert!(Named::by_id("b9f1d5cf1bd1a9a0f9a1a0e2f2a6d1ab").unwrap().hash.is_none());
        for wrong in ["", " x", "a\nb", "a\0b", &"x".repeat(201)] {
            assert_eq!(Named::by_id(wrong), None, "{wrong:?}");
        }
    }
}
