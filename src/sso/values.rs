//! What a provider is registered with, and what it says of a person.

use std::net::IpAddr;

use diesel::{
    deserialize::{self, FromSql, FromSqlRow},
    expression::AsExpression,
    pg::{Pg, PgValue},
    serialize::{self, Output, ToSql},
    sql_types::Jsonb,
};
use ipnet::{Ipv4Net, Ipv6Net};
use openidconnect::url::{Host, Url};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{ErrorCode, Problem};

pub use crate::accounts::{Email, RoleId};

/// Whoever has this value in the claim has these roles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    pub claim: String,
    #[serde(with = "ids")]
    pub role_ids: Vec<RoleId>,
}

mod ids {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use uuid::Uuid;

    use super::RoleId;

    pub fn serialize<S: Serializer>(ids: &[RoleId], to: S) -> Result<S::Ok, S::Error> {
        ids.iter().map(|id| id.0).collect::<Vec<Uuid>>().serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<RoleId>, D::Error> {
        Ok(Vec::<Uuid>::deserialize(from)?.into_iter().map(RoleId).collect())
    }
}

/// Which roles the values of a claim give.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, AsExpression, FromSqlRow,
)]
#[diesel(sql_type = Jsonb)]
#[serde(transparent)]
pub struct Mappings(pub Vec<Mapping>);

impl ToSql<Jsonb, Pg> for Mappings {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        let json = serde_json::to_value(self)?;
        <Value as ToSql<Jsonb, Pg>>::to_sql(&json, &mut out.reborrow())
    }
}

impl FromSql<Jsonb, Pg> for Mappings {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let json = <Value as FromSql<Jsonb, Pg>>::from_sql(value)?;
        Ok(serde_json::from_value(json)?)
    }
}

/// What a verified ID token says.
#[derive(Clone, Debug, Default)]
pub struct Claims(pub Map<String, Value>);

impl Claims {
    pub fn text(&self, claim: &str) -> Option<&str> {
        self.0.get(claim).and_then(Value::as_str)
    }

    pub fn is_true(&self, claim: &str) -> bool {
        self.0.get(claim) == Some(&Value::Bool(true))
    }

    /// The values of a claim: one text, or a list of them.
    pub fn all(&self, claim: &str) -> Vec<&str> {
        match self.0.get(claim) {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }
}

/// The address that a provider is known by: all that is asked of it is found below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer(pub String);

impl Issuer {
    pub fn parse(text: &str, allow_local: bool) -> Result<Self, Problem> {
        let text = text.trim();
        let told = "must be an https address, such as https://login.acme.example";
        let wrong = || Problem::new(ErrorCode::Invalid, [], told);
        let url = Url::parse(text).map_err(|_| wrong())?;
        let plain = url.query().is_none() && url.fragment().is_none() && text.len() <= 300;
        let sound = plain && url.username().is_empty() && url.password().is_none();
        (sound && may_be_asked(&url, allow_local)).then(|| Self(text.to_owned())).ok_or_else(wrong)
    }
}

/// As far as the address itself tells; what a name leads to is looked at when it is asked.
pub fn may_be_asked(url: &Url, allow_local: bool) -> bool {
    let address = match url.host() {
        Some(Host::Ipv4(ip)) => Some(IpAddr::V4(ip)),
        Some(Host::Ipv6(ip)) => Some(IpAddr::V6(ip)),
        Some(Host::Domain(_)) => None,
        None => return false,
    };
    let scheme = url.scheme() == "https" || (allow_local && url.scheme() == "http");
    scheme && (allow_local || address.is_none_or(is_public))
}

/// Ranges of version 4 that are nobody's on the internet.
const CLOSED_4: [([u8; 4], u8); 14] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    // Multicast, reserved, broadcast.
    ([224, 0, 0, 0], 3),
];

/// The one range of version 6 that is given out, and what in it is not, or leads elsewhere.
const OPEN_6: ([u16; 8], u8) = ([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);
const CLOSED_6: [([u16; 8], u8); 4] = [
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    ([0x2001, 0x0db8, 0, 0, 0, 0, 0, 0], 32),
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16),
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
];

/// Is it somebody's on the internet? Neither this machine, nor its neighbours, nor the address
/// where a cloud tells its secrets.
pub fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => !CLOSED_4.iter().any(|(net, length)| {
            Ipv4Net::new((*net).into(), *length).is_ok_and(|net| net.contains(&ip))
        }),
        IpAddr::V6(ip) => {
            let within = |(net, length): &([u16; 8], u8)| {
                Ipv6Net::new((*net).into(), *length).is_ok_and(|net| net.contains(&ip))
            };
            within(&OPEN_6) && !CLOSED_6.iter().any(within)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_inside_is_not_public() {
        for inside in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.31.255.255",
            "192.168.0.1",
            "198.19.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::1",
            "2001::1",
            "fe80::1",
            "fc00::1",
            "fd00::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["1.1.1.1", "8.8.8.8", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8"] {
            assert!(is_public(outside.parse().unwrap()), "{outside}");
        }
    }

    #[test]
    fn an_issuer_is_an_address_on_the_internet() {
        let good = ["https://login.acme.example", "https://acme.example:8443/realms/acme/"];
        for text in good {
            assert_eq!(Issuer::parse(text, false).unwrap().0, text);
        }
        // The middle ones are 127.0.0.1 in the spellings that URLs allow.
        for text in [
            "",
            "acme",
            "http://login.acme.example",
            "ftp://login.acme.example",
            "javascript:alert(1)",
            "https://ada@login.acme.example",
            "https://login.acme.example/?a=b",
            "https://login.acme.example/#a",
            "https://127.0.0.1",
            "https://2130706433",
            "https://0x7f.1",
            "https://[::1]",
            "https://[::ffff:127.0.0.1]",
            "https://169.254.169.254",
        ] {
            assert!(Issuer::parse(text, false).is_err(), "{text}");
        }
        assert!(Issuer::parse("http://127.0.0.1:8080", true).is_ok());
        assert!(Issuer::parse("ftp://127.0.0.1:8080", true).is_err());
    }

    #[test]
    fn a_claim_is_a_text_or_a_list_of_texts() {
        let json = serde_json::json!({ "a": "x", "b": ["x", 1, "y"], "c": 7, "d": "true" });
        let claims = Claims(json.as_object().unwrap().clone());
        assert_eq!(claims.all("a"), ["x"]);
        assert_eq!(claims.all("b"), ["x", "y"]);
        assert!(claims.all("c").is_empty() && claims.all("?").is_empty());
        assert!(!claims.is_true("d"), "only true is true");
    }
}
