//! A company's internet domain.

use diesel::{
    deserialize::{self, FromSql, FromSqlRow},
    expression::AsExpression,
    pg::{Pg, PgValue},
    serialize::{self, Output, ToSql},
    sql_types::Text,
};

use crate::error::{ErrorCode, Problem};

/// An internet domain in lower case, such as `acme.example`.
#[derive(Clone, Debug, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub struct Domain(String);

impl Domain {
    /// Takes what people paste: an address of a web page will do.
    pub fn parse(text: String) -> Result<Self, Problem> {
        let lower = text.trim().to_lowercase();
        let bare = lower.split_once("://").map_or(lower.as_str(), |(_, rest)| rest);
        let bare = bare.split(['/', '?', '#', ':']).next().unwrap_or_default();
        let bare = bare.strip_prefix("www.").unwrap_or(bare).trim_end_matches('.');
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_alphanumeric() || c == '-')
        };
        if bare.len() > 253 || !bare.contains('.') || !bare.split('.').all(label) {
            let told = "must be an internet domain, such as acme.example";
            return Err(Problem::new(ErrorCode::Invalid, [], told));
        }
        Ok(Self(bare.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ToSql<Text, Pg> for Domain {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        ToSql::<Text, Pg>::to_sql(&self.0, out)
    }
}

impl FromSql<Text, Pg> for Domain {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        FromSql::<Text, Pg>::from_sql(value).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pasted_address_is_understood() {
        for text in [
            "acme.example",
            " https://www.Acme.example/about?x=1 ",
            "ACME.example.",
            "http://acme.example:8080",
        ] {
            assert_eq!(Domain::parse(text.into()).unwrap().as_str(), "acme.example", "{text}");
        }
        for text in ["", "acme", "acme..example", "-acme.example", "a b.example", "a@b.example"] {
            assert!(Domain::parse(text.into()).is_err(), "{text}");
        }
    }
}
